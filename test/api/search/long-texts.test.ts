import { randomBytes } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectMcp, textOf } from '../../support/mcp.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let node: TestService;
let owner: TestUser;
const ids: string[] = [];

const WORDS = 'the meeting went on about a budget and we forgot which invoice had been paid or sent back to them'.split(
  ' ',
);
const chatter = (length: number, seed: number) => {
  let text = '';
  for (let n = seed; text.length < length; n++)
    text += `${WORDS[(n * n + 7 * n) % WORDS.length]}${n % 11 === 0 ? '. 🦭\n' : ' '}`;
  return text.slice(0, length).replace(/[\ud800-\udbff]$/, '');
};
const NEEDLE = 'Finally Ottoline said: rotate the Quillfeather certificate before Thursday, then restart the relay.';
/** A transcript of 0.85 MB that says something once. */
const transcript = (seed: number, at: number) => `${chatter(at, seed)}\n${NEEDLE}\n${chatter(850_000 - at, seed + 1)}`;

/** Runs work and returns the CPU time in ms that this process, the service, took for it. */
async function cpuTime(work: () => Promise<unknown>): Promise<number> {
  const started = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1_000;
}

/** Runs work and returns the longest time in ms that the event loop was blocked meanwhile. */
async function longestBlock(work: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  await work();
  delay.disable();
  return delay.max / 1e6;
}

beforeAll(async () => {
  node = await startTestService();
  owner = await node.newUser();
  for (const [seed, at] of [400_000, 849_000, 50].entries()) {
    const { status, body, text } = await owner.api.post('/memories', {
      title: `Transcript ${seed}`,
      content: transcript(seed, at),
    });
    expect(status, text).toBe(201);
    ids.push(body.id);
  }
});
afterAll(() => node.stop());

describe('a search over long texts', () => {
  it('returns the passage that matched, wherever it is, without reading the whole texts', async () => {
    const query = { query: 'quillfeather certificate' };
    const took = await cpuTime(async () => {
      const { body } = await owner.api.post('/search', query);
      expect(body.results).toHaveLength(3);
      for (const hit of body.results) {
        expect(hit.snippet).toContain('rotate the Quillfeather certificate before Thursday');
        expect(hit.snippet.length).toBeLessThan(1_500);
        const marked = hit.highlights.map(({ start, end }: { start: number; end: number }) =>
          hit.snippet.slice(start, end),
        );
        expect(marked).toEqual(['Quillfeather', 'certificate']);
        expect(hit.matched).toEqual(['certificate', 'quillfeather']);
      }
    });
    // Cutting snippets out of whole texts took a second for each of them.
    expect(took).toBeLessThan(1_500);
  });

  it('returns a passage for a long query', async () => {
    const query = `${chatter(900, 5)} quillfeather`;
    const took = await cpuTime(async () => {
      const { body, status } = await owner.api.post('/search', { query });
      expect(status).toBe(200);
      for (const hit of body.results) expect(hit.matched).toContain('quillfeather');
    });
    expect(took).toBeLessThan(1_500);
  });

  it('puts the passage that matched into a context package', async () => {
    const took = await cpuTime(async () => {
      const { body } = await owner.api.post('/context', { query: 'quillfeather certificate', max_tokens: 10_000 });
      expect(body.context).toContain('Ottoline said: rotate the Quillfeather certificate');
      expect(body.tokens).toBeGreaterThan(9_000);
      expect(body.tokens).toBeLessThanOrEqual(10_000);
      expect(body.truncated).toBe(true);
    });
    expect(took).toBeLessThan(1_500);
  });

  it('returns the beginning of texts whose terms have no blocks yet', async () => {
    const other = await node.newUser();
    const { body: stored } = await other.api.post('/memories', { content: transcript(9, 30) });
    await node.service.database.owner.query({
      text: "update memories set term_blocks = '{}' where id = $1",
      values: [stored.id],
    });
    const { body } = await other.api.post('/search', { query: 'quillfeather' });
    expect(body.results[0].snippet).toContain('Quillfeather');
  });
});

describe('a read over MCP', () => {
  it('of a text that is one piece for the tokenizer counts no more of it than the budget needs', async () => {
    const { body: stored } = await owner.api.post('/memories', {
      title: 'Slashes',
      content: `x ${'/\n'.repeat(30_000)}`,
    });
    const client = await connectMcp(node, owner);
    const took = await cpuTime(async () => {
      const result = await client.callTool({ name: 'get_memory', arguments: { id: stored.id } });
      expect(textOf(result as Parameters<typeof textOf>[0])).toContain('call again with offset');
    });
    await client.close();
    expect(took).toBeLessThan(1_500);
  });
});

describe('a create of a megabyte', () => {
  const sized = (unit: string) => unit.repeat(Math.floor(950_000 / Buffer.byteLength(unit)));
  const han = () => {
    let text = '';
    for (let n = 0; text.length < 310_000; n++) text += String.fromCharCode(0x4e00 + ((n * 7_919) % 20_000));
    return text;
  };
  const hex = () =>
    randomBytes(330_000)
      .toString('hex')
      .replace(/(.{8})/g, '$1 ');
  it.each<[string, () => string]>([
    ['base64 on one line', () => randomBytes(700_000).toString('base64')],
    [
      'base64 in lines',
      () =>
        randomBytes(690_000)
          .toString('base64')
          .replace(/(.{76})/g, '$1\n'),
    ],
    ['Chinese', han],
    ['words that occur once', hex],
    ['slashes and line breaks', () => sized('/\n').slice(0, 600_000)],
    ['emoji', () => sized('👍🏽')],
    ['one long word', () => sized('aB')],
  ])('stores %s, with bounded terms and without blocking the event loop', async (_name, content) => {
    const text = content();
    const own = await node.newUser();
    const started = Date.now();
    const blocked = await longestBlock(async () => {
      const { status, text: answer } = await own.api.post('/memories', { title: 'Large', content: text });
      expect(status, answer.slice(0, 300)).toBe(201);
    });
    if (process.env.TEST_LOG) console.log(_name, Date.now() - started, 'ms', Math.round(blocked), 'ms blocked');
    expect(blocked).toBeLessThan(1_500);
    const { rows } = await node.service.database.owner.query<{ terms: string }>({
      text: 'select count(*) as terms from lexicon where user_id = $1',
      values: [own.userId],
    });
    expect(Number(rows[0]?.terms)).toBeLessThanOrEqual(20_200);
    if (_name.startsWith('base64')) expect(Number(rows[0]?.terms)).toBeLessThan(500);
  });
});
