import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EmbedderUnavailable } from '../../../api/embeddings/embedder.ts';
import { LocalEmbedder } from '../../../api/embeddings/local/local.ts';
import { TOKENS_MAX } from '../../../api/embeddings/local/passage-tokens.ts';
import { TOKEN_CODE_BYTES } from '../../../api/embeddings/token-codes.ts';
import { maxSimilarity, prepareTokens } from '../../../api/search/late-interaction.ts';
import { cosine, memoryOf, ready, textOf } from './texts.ts';

const QUERY = 'When did Caroline go to the LGBTQ support group?';

describe('local encoder', () => {
  // The deadline is tested by itself: these tests share their machine.
  const embedder = new LocalEmbedder({ queryMs: 25_000 });
  beforeAll(() => ready(embedder));
  afterAll(() => embedder.close());

  const one = async (text: string) => {
    const [chunks] = await embedder.embedDocuments([text]);
    return chunks ?? [];
  };

  it('returns vectors of length 1', async () => {
    const { vector } = await embedder.embedQuery(QUERY);
    expect(vector).toHaveLength(embedder.dimensions);
    expect(cosine(vector, vector)).toBeCloseTo(1, 5);
  });

  it('returns the same vector for a text alone, as a query and beside others', async () => {
    const { vector: alone } = await embedder.embedQuery(QUERY);
    const [first, ...others] = await embedder.embedDocuments([QUERY, textOf(12), textOf(30), textOf(190)]);
    expect(cosine(alone, first?.[0]?.vector as Float32Array)).toBeCloseTo(1, 5);
    for (const [index, [chunk]] of others.entries()) {
      const [same] = await one([textOf(12), textOf(30), textOf(190)][index] as string);
      expect(cosine(chunk?.vector as Float32Array, same?.vector as Float32Array)).toBeCloseTo(1, 5);
    }
  });

  it('gives codes of the tokens of content words, which a query compares one by one', async () => {
    const tokensOf = (text: string) => one(text).then(([chunk]) => chunk?.tokens ?? new Uint8Array());
    // Stop words, punctuation and what the model does not know have no codes; a word of two tokens has two.
    expect(await tokensOf('The harbor is in the north, and it is what it is; 𓀀!')).toHaveLength(2 * TOKEN_CODE_BYTES);
    expect(await tokensOf('to be, or not to be')).toHaveLength(0);
    expect(await tokensOf(textOf(300))).toHaveLength(TOKENS_MAX * TOKEN_CODE_BYTES);
    const { words } = await embedder.embedQuery('Where is the harbor of Kirkwall?');
    expect(words.map(({ text, tokens }) => [text, tokens.length])).toEqual([
      ['harbor', 1],
      ['Kirkwall', 2],
    ]);
    const query = prepareTokens({ model: embedder.model, words }, new Map([['harbor', 2]]));
    const [same, near, far] = await Promise.all(
      ['Where is the harbor of Kirkwall?', 'Ships moor at the port.', 'Bread needs flour.'].map(tokensOf),
    );
    expect(maxSimilarity(query, same as Uint8Array)).toBeGreaterThan(0.85);
    expect(maxSimilarity(query, near as Uint8Array)).toBeGreaterThan(maxSimilarity(query, far as Uint8Array) + 0.1);
  });

  it('reads a text behind its lead, and keeps the tokens of the text', async () => {
    const behind = async (text: string, lead: string) => {
      const [chunks] = await embedder.embedDocuments([{ text, lead }]);
      return chunks ?? [];
    };
    const [answer] = await one('Yes, I bought it yesterday.');
    const [led] = await behind('Yes, I bought it yesterday.', 'Did you buy the violin?');
    expect([led?.start, led?.end, led?.tokens.length]).toEqual([answer?.start, answer?.end, answer?.tokens.length]);
    const { vector: question } = await embedder.embedQuery('Who has a violin?');
    const similarity = (chunk: typeof answer) => cosine(question, chunk?.vector as Float32Array);
    expect(similarity(led)).toBeGreaterThan(similarity(answer) + 0.05);
    // Only the end of a long lead is read, and none by a passage that is full.
    const [cut] = await behind('Yes, I bought it yesterday.', `${textOf(400)} Did you buy the violin?`);
    expect(similarity(cut)).toBeGreaterThan(similarity(answer) + 0.05);
    const [full] = await one(textOf(300));
    const [same] = await behind(textOf(300), 'Did you buy the violin?');
    expect(cosine(full?.vector as Float32Array, same?.vector as Float32Array)).toBeGreaterThan(0.98);
  });

  it('returns a higher similarity for the related text', async () => {
    const { vector: query } = await embedder.embedQuery('How do we deploy to production?');
    const [near] = await one('Releases go live through the pipeline on every merge to main.');
    const [far] = await one('My aunt makes excellent plum dumplings.');
    const similarity = (chunk?: { vector: Float32Array }) => cosine(query, chunk?.vector as Float32Array);
    expect(similarity(near)).toBeGreaterThan(similarity(far) + 0.2);
  });

  it('splits 100 kB into passages up to the last sentence, which is found', async () => {
    const text = `${textOf(18_000).slice(0, 99_900)}\nThe safe is behind the painting of the red horse. `;
    const chunks = await one(text);
    expect(chunks.length).toBeGreaterThan(50);
    expect([chunks[0]?.start, chunks.at(-1)?.end]).toEqual([0, text.length]);
    for (const [index, { start, end }] of chunks.slice(1).entries()) {
      const former = chunks[index] as { start: number; end: number };
      expect(start > former.start && start < former.end && end > former.end).toBe(true);
      expect(text.charAt(start - 1)).toMatch(/\s/);
    }
    const { vector: query } = await embedder.embedQuery('Where is the safe?');
    const best = chunks.toSorted((a, b) => cosine(query, b.vector) - cosine(query, a.vector))[0];
    expect(text.slice(best?.start, best?.end)).toContain('red horse');
  }, 120_000);

  it.each([
    ['CJK', '数据库连接池的最大值是二十。'.repeat(60), 2],
    ['emoji', '👩‍👩‍👧🏳️‍🌈 done ✅', 1],
    ['one word of 5,000 letters', 'q'.repeat(5_000), 1],
    ['minified code', 'a.b(c,{d:e});'.repeat(100), 5],
    ['control characters and lone surrogates', 'left\u0001\ud800right', 1],
    ['nothing', '', 0],
    ['white space and zero-width marks', ' \n\t\u200b\ufeff ', 0],
  ])('accepts %s', async (_, text, atLeast) => {
    const chunks = await one(text);
    expect(chunks.length).toBeGreaterThanOrEqual(atLeast);
    if (atLeast === 0) expect(chunks).toEqual([]);
    for (const { vector } of chunks) expect(cosine(vector, vector)).toBeCloseTo(1, 4);
    expect(chunks.at(-1)?.end ?? text.length).toBe(text.length);
  });

  it('rejects a query without words, and truncates an endless one', async () => {
    await expect(embedder.embedQuery(' \u200b ')).rejects.toThrow(EmbedderUnavailable);
    const { vector: long } = await embedder.embedQuery(textOf(20_000));
    expect(cosine(long, long)).toBeCloseTo(1, 4);
  });

  it('lets queries overtake 200 waiting documents', async () => {
    const order: string[] = [];
    const documents = Array.from({ length: 20 }, (_, call) =>
      embedder
        .embedDocuments(Array.from({ length: 10 }, (_, i) => textOf(25, call * 10 + i)))
        .then(() => order.push('documents')),
    );
    await delay(50);
    const queries = Array.from({ length: 5 }, () => embedder.embedQuery(QUERY).then(() => order.push('query')));
    await Promise.all([...queries, ...documents]);
    expect(order.lastIndexOf('query')).toBeLessThan(12);
    expect(order).toHaveLength(25);
  });

  it('lets urgent documents overtake 60 waiting documents', async () => {
    let done = 0;
    const waiting = Array.from({ length: 60 }, () => embedder.embedDocuments([textOf(190)]).then(() => done++));
    const [chunks] = await embedder.embedDocuments(['The nightly job runs at two.'], { urgent: true });
    expect(chunks).toHaveLength(1);
    expect(done).toBeLessThan(20);
    await Promise.all(waiting);
  }, 60_000);

  it('aborts a query at its deadline and on its signal, and continues', async () => {
    const hasty = new LocalEmbedder({ queryMs: 1 });
    await ready(hasty);
    await expect(hasty.embedQuery(textOf(150))).rejects.toThrow(/took more than 1 ms/);
    await hasty.close();
    const reason = new Error('the caller has gone');
    await expect(embedder.embedQuery(QUERY, AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const answer = embedder.embedQuery(QUERY, controller.signal);
    controller.abort(reason);
    await expect(answer).rejects.toBe(reason);
    await expect(embedder.embedQuery(QUERY)).resolves.toBeDefined();
  });

  it('never blocks the event loop while it embeds 50 documents', async () => {
    let longestMs = 0;
    let last = performance.now();
    let spent = process.cpuUsage();
    const beat = setInterval(() => {
      // Not the gap alone: that also has what other processes take of this machine.
      const { user, system } = process.cpuUsage(spent);
      longestMs = Math.max(longestMs, Math.min(performance.now() - last, (user + system) / 1_000));
      last = performance.now();
      spent = process.cpuUsage();
    }, 5);
    await embedder.embedDocuments(Array.from({ length: 50 }, (_, i) => textOf(60, i)));
    clearInterval(beat);
    console.log(`longest work between two turns of the event loop: ${longestMs.toFixed(1)} ms`);
    expect(longestMs).toBeLessThan(50);
  });

  it.runIf(process.platform === 'linux')('has stayed below 300 MB over 100 kB of text and 250 documents', () => {
    const { now, peak } = memoryOf(embedder.pid as number);
    console.log(`encoder process: ${now >> 10} MB now, ${peak >> 10} MB at most`);
    expect(peak).toBeLessThan(300 * 1024);
  });
});
