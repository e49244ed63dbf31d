import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countAhead, countTermsOf } from '../../../api/search/count-in-thread.ts';
import { blockFinder, LONG_TEXT_MIN } from '../../../api/search/long-texts.ts';
import { countTerms, dayOf } from '../../../api/search/term-frequencies.ts';
import { dateTerms, tokenize } from '../../../api/search/tokenizer.ts';

const memory = (content: string, title = 'Notes of the board') => ({
  title,
  content,
  tags: ['board'],
  occurred_at: new Date('2026-03-04T05:06:07Z'),
  occurred_offset_minutes: 120,
  created_at: new Date('2026-05-06T07:08:09Z'),
});

const LONG = Array.from({ length: 60_000 }, (_, n) => `word${n % 7_000} naïve 日本語`).join(' ');

/** Counts terms in one pass over all fields, the title twice: frequency and blocks by term, for a memory with any number of them. */
function countNaively(given: ReturnType<typeof memory>): Map<string, [number, string | undefined]> {
  const isLong = given.content.length >= LONG_TEXT_MIN;
  const counts = new Map<string, { frequency: number; blocks: bigint }>();
  const add = (term: string, block: bigint) => {
    const { frequency, blocks } = counts.get(term) ?? { frequency: 0, blocks: 0n };
    counts.set(term, { frequency: frequency + 1, blocks: blocks | block });
  };
  for (const text of [given.title, given.title, given.tags.join('\n'), dateTerms(dayOf(given))])
    for (const { term } of tokenize(text)) add(term, 0n);
  const blockAt = blockFinder(given.content);
  for (const { term, start } of tokenize(given.content)) add(term, blockAt(start));
  const toEntry = ({ frequency, blocks }: { frequency: number; blocks: bigint }): [number, string | undefined] => [
    frequency,
    isLong ? String(blocks) : undefined,
  ];
  return new Map(Array.from(counts, ([term, count]) => [term, toEntry(count)]));
}

function byTerm({ terms, frequencies, blocks }: Awaited<ReturnType<typeof countTerms>>) {
  return new Map(terms.map((term, place) => [term, [frequencies[place], blocks[place]]]));
}

describe('counting of terms', () => {
  it('adds up the terms of title, tags, day and content, with the blocks of a long content', async () => {
    const given = [
      memory('The board met on the day of the storm. Board notes follow.'),
      memory(`${'padding '.repeat(3_000)} board ${'other words '.repeat(3_000)} storm`, 'Storm and board'),
      memory('', 'Board'),
    ];
    for (const one of given) expect(byTerm(await countTerms(one))).toEqual(countNaively(one));
  });

  it('keeps 20,000 terms, and finds those of the title wherever they are in the content', async () => {
    const content = `${Array.from({ length: 30_000 }, (_, n) => `id${n.toString(36)}x`).join(' ')} outage`;
    const given = memory(content, 'Outage');
    const [counted, expected] = [byTerm(await countTerms(given)), countNaively(given)];
    expect([counted.size, expected.size > 20_000]).toEqual([20_000, true]);
    const outage = Array.from(tokenize('outage'), ({ term }) => term)[0] as string;
    expect(counted.get(outage)?.[0]).toBe(3);
    for (const [term, count] of counted) expect(count).toEqual(expected.get(term));
  });

  it('returns for large texts what it returns for each alone, in their order', async () => {
    const memories = [memory(LONG), memory('short'), memory(LONG.slice(0, 40_000), 'Another title')];
    const expected = await Promise.all(memories.map(countTerms));
    expect(await countTermsOf('a', memories)).toEqual(expected);
    expect(await countTermsOf('a', [memory('short')])).toEqual([expected[1]]);
    expect(await countTermsOf('a', [])).toEqual([]);
  });

  it('returns the same in the thread and outside of it, for any text', async () => {
    const padding = ' padding of the text'.repeat(2_000);
    const texts = fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 300 }), async (text) => {
      const given = memory(text + padding);
      expect(await countTermsOf('a', [given])).toEqual([await countTerms(given)]);
    });
    await fc.assert(texts, { numRuns: 20 });
  });

  it('leaves the event loop to others while it counts the terms of a large text', async () => {
    await countTermsOf('a', [memory(LONG)]);
    const busyMs = async (count: () => Promise<unknown>) => {
      const before = performance.eventLoopUtilization();
      await count();
      return performance.eventLoopUtilization(before).active;
    };
    const inside = await busyMs(() => countTerms(memory(LONG)));
    const beside = await busyMs(() => countTermsOf('a', [memory(LONG)]));
    expect(beside).toBeLessThan(inside / 2);
  });

  it('finds contents counted that were counted ahead, while the thread is busy with others', async () => {
    const [short, one, two] = [memory('another'), memory(LONG, 'One'), memory(LONG, 'Two')];
    const expected = await Promise.all([short, one, two].map(countTerms));
    const forget = await countAhead('a', [LONG, 'short', LONG]);
    let isBusy = true;
    const busy = countTermsOf('c', [memory(`${LONG} more`)]).finally(() => {
      isBusy = false;
    });
    expect(await countTermsOf('b', [short, one, two])).toEqual(expected);
    expect(isBusy).toBe(true);
    forget();
    await busy;
  });

  it('counts a text of one tenant between those of another', async () => {
    const done: string[] = [];
    const count = (tenant: string) => countTermsOf(tenant, [memory(LONG)]).then(() => done.push(tenant));
    await Promise.all([count('many'), count('many'), count('many'), count('one')]);
    expect(done.indexOf('one')).toBeLessThan(3);
  });
});
