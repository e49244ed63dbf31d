import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  connectMcp,
  type McpClient,
  parseToolText,
  shownForms,
  type ToolResult,
  type ToolText,
  textOf,
} from '../support/mcp.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

let node: TestService;
const clients: McpClient[] = [];

beforeAll(async () => {
  node = await startTestService();
});
afterAll(async () => {
  for (const client of clients) await client.close();
  await node.stop();
});

type Input = Record<string, unknown>;

/** Creates a user with these memories, which all contain the word "deploy", and a client. */
async function storing(memories: Input[]): Promise<{ user: TestUser; client: McpClient; ids: string[] }> {
  const user = await node.newUser();
  const ids: string[] = [];
  for (let from = 0; from < memories.length; from += 20) {
    const { body, status } = await user.api.post('/memories/batch', { memories: memories.slice(from, from + 20) });
    expect(status).toBe(200);
    ids.push(...body.results.map(({ id }: { id: string }) => id));
  }
  expect(new Set(ids).size).toBe(memories.length);
  expect(ids).not.toContain(null);
  const client = await connectMcp(node, user);
  clients.push(client);
  return { user, client, ids };
}

const tokens = (text: string) => countTokens(text, { disallowedSpecial: new Set() });

/** Asserts the budget of each form in which a host may show a result, and returns what its text says. */
function expectWithin(result: ToolResult, max: number): ToolText {
  expect(result.isError, JSON.stringify(result.content)).toBeFalsy();
  for (const [host, form] of Object.entries(shownForms(result))) {
    expect(tokens(form), host).toBeLessThanOrEqual(max);
  }
  return parseToolText(textOf(result));
}

const sizeOf = (result: ToolResult) => Math.max(...Object.values(shownForms(result)).map(tokens));

/** Returns the content of a memory that get_memory returned, without the lines before it. */
const contentOf = ({ stored }: ToolText) => stored.split('\n').slice(2).join('\n');

const many = (length: number, make: (n: number) => Input): Input[] => Array.from({ length }, (_, n) => make(n));
const prose =
  'We deploy on Fridays after the smoke tests; the release manager signs off, and `deploy_all.sh` does the rest.\n';
const full = (letter: string, length: number) => letter.repeat(length);

/** Sets of memories that are hard to fit to a budget: each fills a kind of field, or its tokens, to the limit. */
const STORES: Record<string, Input[]> = {
  'two hundred long memories': many(200, (n) => ({
    title: `Note ${n}`,
    content: `${n}: ${prose.repeat(40)}`,
    tags: ['ops'],
  })),
  'one memory of 100 kB': [{ title: 'The handbook', content: `deploy ${prose.repeat(900)}` }],
  'Chinese, Japanese and Korean': many(10, (n) => ({
    title: `部署手順 ${n}`,
    content: `deploy ${'我们每个星期五部署。毎週金曜日にデプロイします。우리는 매주 금요일에 배포합니다。'.repeat(60)}`,
    tags: ['部署', 'デプロイ'],
    project: '項目',
  })),
  emoji: many(10, (n) => ({ title: `🚀 ${n}`, content: `deploy ${'👩‍👩‍👧‍👦🦄🏳️‍🌈👍🏽'.repeat(150)}`, tags: ['🚀'] })),
  'characters that JSON escapes': many(10, (n) => ({
    title: `"\\" ${n}`,
    content: `deploy ${'\u0001"\\\n\t\u001f{"a":"\\u0000"}'.repeat(300)}`,
  })),
  'very long words': many(3, (n) => ({
    title: `T${n}`,
    content: `deploy ${full('x', 9_000)} ${full('=', 9_000)} ${n}`,
  })),
  'every field at its limit': many(5, (n) => ({
    title: `deploy ${n} ${full('🦄', 480)}`,
    content: `deploy ${full('語', 3_000)}`,
    tags: Array.from({ length: 100 }, (_, tag) => `${tag}${full('語', 90)}`),
    project: `${n}${full('🦄', 190)}`,
    session_id: full('語', 200),
    metadata: { deploy: full('"', 30_000) },
    occurred_at: '2026-11-02T09:45:30Z',
    expires_at: '2036-11-02T09:45:30Z',
  })),
};

describe.each(Object.entries(STORES))('token budget of tools with %s', (_, memories) => {
  let client: McpClient;
  let ids: string[];

  beforeAll(async () => {
    ({ client, ids } = await storing(memories));
  });

  it.each([undefined, 400, 10_000])('bounds every read by max_tokens %s', async (max_tokens) => {
    const budget = max_tokens === undefined ? {} : { max_tokens };
    const max = max_tokens ?? 1_500;
    const search = { query: 'when do we deploy?', limit: 200, ...budget };
    const found = expectWithin(await client.tool('search_memories', search), max);
    expect(found.results.length).toBeGreaterThan(0);
    const listed = expectWithin(await client.tool('list_memories', { limit: 200, ...budget }), max);
    expect(listed.results.length).toBeGreaterThan(0);
    expect(listed.total).toBe(memories.length);
    expectWithin(await client.tool('get_context', budget), max);
    expectWithin(await client.tool('get_context', { query: 'deploy', ...budget }), max);
    for (const id of ids.slice(0, 3)) {
      const read = expectWithin(await client.tool('get_memory', { id, ...budget }), max);
      expect(contentOf(read).length).toBeGreaterThan(0);
    }
    expectWithin(await client.tool('consolidate_memories', { min_age_days: 0, ...budget }), max);
  });

  it.each([1, 50, 75, 100, 200, 300])('get_context holds a budget of %s tokens', async (max_tokens) => {
    const result = await client.tool('get_context', { max_tokens });
    expect(tokens(textOf(result))).toBeLessThanOrEqual(Math.max(50, max_tokens));
    // Of the smallest budgets the JSON around the text would leave nothing.
    const packed = expectWithin(result, Math.max(65, max_tokens));
    expect(packed.remarks).toMatch(/Some memories were cut or left out\.|No memory fits the token budget\./);
  });

  it('marks cut results as truncated', async () => {
    const listed = await client.read('list_memories', { max_tokens: 400 });
    expect(listed.stored.includes('[…]') || listed.remarks.startsWith(`${listed.results.length} of `)).toBe(true);
    const packed = await client.read('get_context', { max_tokens: 400 });
    expect(packed.remarks).toMatch(/Some memories were cut or left out\.|No memory fits the token budget\./);
    const read = await client.read('get_memory', { id: ids[0] as string, max_tokens: 400 });
    expect(read.remarks).toContain('The content is cut here.');
    expect(read.nextOffset).toBeGreaterThan(0);
  });
});

describe('token budget of tools', () => {
  it('fills a page until the next memory does not fit', async () => {
    const { client } = await storing(many(60, (n) => ({ title: `Note ${n}`, content: `deploy number ${n}` })));
    const listed = await client.tool('list_memories', { limit: 60 });
    const each = (result: ToolResult) => tokens(textOf(result)) / parseToolText(textOf(result)).results.length;
    expect(sizeOf(listed)).toBeGreaterThan(1_500 - 2 * each(listed));
    const found = await client.tool('search_memories', { query: 'deploy', limit: 60 });
    const cursorAndOne = 0.2 * 1_500 + 2 * each(found);
    expect(sizeOf(found)).toBeGreaterThan(1_500 - cursorAndOne);
  });

  it('returns a memory that fits without cutting it', async () => {
    const { client, ids } = await storing([{ title: 'Short', content: prose, tags: ['ops'], metadata: { a: 1 } }]);
    const input = { query: 'deploy' };
    const listed = await client.read('list_memories');
    expect(listed).toMatchObject({ remarks: '1 memory.\n', results: [{ text: prose }] });
    expect((await client.read('search_memories', input)).remarks).toBe('1 match.\n');
    expect((await client.read('get_context', input)).remarks).toBe('');
    const read = await client.read('get_memory', { id: ids[0] });
    expect(read).toMatchObject({ remarks: '', nextOffset: null });
    expect(read.results[0]?.text).toBe(`(version 1; metadata {"a":1})\n${prose}`);
  });

  it('fills a context package up to the budget', async () => {
    const { client } = await storing(many(50, (n) => ({ title: `Note ${n}`, content: `${n}: ${prose.repeat(5)}` })));
    const packed = await client.tool('get_context', { max_tokens: 5_000 });
    expectWithin(packed, 5_000);
    expect(sizeOf(packed)).toBeGreaterThan(4_700);
  });
});

describe('paging within a token budget', () => {
  async function walk(client: McpClient, tool: string, input: Input, max: number) {
    const seen: string[] = [];
    let pages = 0;
    for (let cursor: string | undefined; ; ) {
      const result = await client.tool(tool, { ...input, ...(cursor && { cursor }) });
      const page = expectWithin(result, max);
      seen.push(...page.results.map(({ title }) => title));
      expect(page.results.length).toBeGreaterThan(0);
      expect(++pages).toBeLessThan(500);
      if (page.nextCursor === null) return { seen, pages };
      cursor = page.nextCursor;
    }
  }

  it.each([400, 1_500, 10_000])('returns every memory once with max_tokens %s', async (max_tokens) => {
    const { client } = await storing(
      many(60, (n) => ({ title: `Note ${n}`, content: `deploy ${n} ${prose.repeat(10)}` })),
    );
    const all = Array.from({ length: 60 }, (_, n) => `Note ${n}`).sort();
    const listed = await walk(client, 'list_memories', { max_tokens }, max_tokens);
    expect(listed.seen.toSorted()).toEqual(all);
    const found = await walk(client, 'search_memories', { query: 'deploy', max_tokens, limit: 7 }, max_tokens);
    expect(found.seen.toSorted()).toEqual(all);
    expect(found.pages).toBeGreaterThan(8);
  });

  it('cuts a memory that is too large for any page and continues after it', async () => {
    const huge = (n: number) => ({ title: `${n} ${full('語', 490)}`, content: 'deploy', tags: [full('🦄', 100)] });
    const { client } = await storing(many(8, huge));
    const listed = await walk(client, 'list_memories', { max_tokens: 400 }, 400);
    expect(listed.seen.map((title) => title[0]).toSorted()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
    expect(listed.seen.every((title) => title.endsWith('…'))).toBe(true);
    const found = await walk(client, 'search_memories', { query: 'deploy', max_tokens: 400 }, 400);
    expect(found.seen.map((title) => title[0]).toSorted()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  });

  it.each([400, 1_500, 10_000])(
    'returns a long memory in parts of at most %s tokens, to the last character',
    async (max) => {
      const kinds = [prose, '毎週金曜日にデプロイします。\r\n', '👩‍👩‍👧‍👦🦄', '"\\\t', full('x', 700), '   \n\n\n'];
      const content = `deploy ${kinds.join('').repeat(max === 400 ? 12 : 90)}the end `;
      const { client, ids } = await storing([{ title: 'Long', content, tags: ['a'], metadata: { b: 'c' } }]);
      let read = '';
      let parts = 0;
      for (let offset: number | null = 0; offset !== null; parts++) {
        const result = await client.tool('get_memory', { id: ids[0] as string, offset, max_tokens: max });
        const part = expectWithin(result, max);
        expect(contentOf(part).length).toBeGreaterThan(0);
        read += contentOf(part);
        offset = part.nextOffset;
      }
      expect(read).toBe(content);
      // A well-filled budget takes few parts.
      expect(parts).toBeLessThanOrEqual(Math.ceil((2 * tokens(JSON.stringify(content))) / (max - 250)));
    },
  );

  it('starts at a whole character for an offset inside it, and returns no content for an offset past the end', async () => {
    const { client, ids } = await storing([{ title: 'Emoji', content: 'a🦄b deploy' }]);
    const id = ids[0] as string;
    expect(contentOf(await client.read('get_memory', { id, offset: 2 }))).toBe('🦄b deploy');
    const end = await client.read('get_memory', { id, offset: 99 });
    expect([contentOf(end), end.nextOffset, end.remarks]).toEqual(['', null, '']);
  });

  it('lists the fields that get_memory truncated', async () => {
    const { client, ids } = await storing([STORES['every field at its limit']?.[0] as Input]);
    const read = await client.read('get_memory', { id: ids[0], max_tokens: 400 });
    const [, shortened = ''] = /^Truncated fields: (.*)\.$/m.exec(read.remarks) ?? [];
    expect(shortened.split(', ').toSorted()).toEqual(['metadata', 'project', 'session_id', 'tags', 'title']);
    expect(read.stored).not.toContain('metadata');
    expect(read.results[0]?.title).toMatch(/^deploy 0 .*…$/u);
  });

  it('bounds the results of writing tools by the default budget', async () => {
    const { client, ids } = await storing([STORES['every field at its limit']?.[0] as Input]);
    const tags = Array.from({ length: 100 }, (_, n) => `${n}${full('🦄', 90)}`);
    const created = await client.tool('create_memory', { title: 'Tagged', content: 'deploy', tags });
    expectWithin(created, 1_500);
    expect((await client.read('list_memories', { tags: [tags[99]] })).total).toBe(1);
    const id = ids[0] as string;
    expectWithin(await client.tool('update_memory', { id, title: 'x' }), 1_500);
    expectWithin(await client.tool('delete_memory', { id }), 1_500);
    expectWithin(await client.tool('restore_memory', { id }), 1_500);
  });

  it('counts all memories of a consolidation, listed or not', async () => {
    const plan = many(120, (n) => ({
      title: `${n} ${full('語', 100)}`,
      content: 'deploy',
      tags: n % 2 ? ['proven'] : [],
    }));
    const { client } = await storing(plan);
    const report = await client.read('consolidate_memories', { min_age_days: 0 });
    const summary = /^Would promote 60 and archive 60 into (\d+) digests?\.\n\nThe list is incomplete\.$/;
    expect(report.remarks).toMatch(summary);
    const digests = Number(summary.exec(report.remarks)?.[1]);
    expect(report.stored.split('\n').length).toBeLessThan(120);
    const done = await client.tool('consolidate_memories', { min_age_days: 0, dry_run: false, max_tokens: 400 });
    expectWithin(done, 400);
    expect(textOf(done)).toMatch(new RegExp(`^Promoted 60 and archived 60 into ${digests} digests?\\.`));
    expect((await client.read('list_memories', { type: 'long_term' })).total).toBe(60 + digests);
  });
});
