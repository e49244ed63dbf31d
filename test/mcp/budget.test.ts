import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../support/client.ts';
import { connectMcp, type McpClient, type ToolResult, textOf } from '../support/mcp.ts';
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

/** Asserts the budget of both forms of a result: the text, and the structured content that some hosts show instead. */
function expectWithin(result: ToolResult, max: number): void {
  expect(result.isError, JSON.stringify(result.content)).toBeFalsy();
  expect(tokens(textOf(result)), 'text').toBeLessThanOrEqual(max);
  expect(tokens(JSON.stringify(result.structuredContent)), 'structured content').toBeLessThanOrEqual(max);
}

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
    const found = await client.tool('search_memories', { query: 'when do we deploy?', limit: 200, ...budget });
    expectWithin(found, max);
    expect(found.structuredContent.results.length).toBeGreaterThan(0);
    const listed = await client.tool('list_memories', { limit: 200, ...budget });
    expectWithin(listed, max);
    expect(listed.structuredContent.results.length).toBeGreaterThan(0);
    expect(listed.structuredContent.total).toBe(memories.length);
    expectWithin(await client.tool('get_context', budget), max);
    expectWithin(await client.tool('get_context', { query: 'deploy', ...budget }), max);
    for (const id of ids.slice(0, 3)) {
      const read = await client.tool('get_memory', { id, ...budget });
      expectWithin(read, max);
      expect(read.structuredContent.content.length).toBeGreaterThan(0);
    }
    expectWithin(await client.tool('consolidate_memories', { min_age_days: 0, ...budget }), max);
  });

  it('marks cut results as truncated', async () => {
    const { structuredContent: listed } = await client.tool('list_memories', { max_tokens: 400 });
    expect(listed.truncated).toBe(true);
    const { structuredContent: packed } = await client.tool('get_context', { max_tokens: 400 });
    expect(packed.truncated).toBe(true);
    const read = await client.tool('get_memory', { id: ids[0] as string, max_tokens: 400 });
    expect(read.structuredContent.truncated).toBe(true);
    expect(textOf(read)).toContain(`call again with offset ${read.structuredContent.next_offset}`);
  });
});

describe('token budget of tools', () => {
  it('fills a page until the next memory does not fit', async () => {
    const { client } = await storing(many(60, (n) => ({ title: `Note ${n}`, content: `deploy number ${n}` })));
    const listed = await client.tool('list_memories', { limit: 60 });
    const { results } = listed.structuredContent;
    const each = tokens(JSON.stringify(results[0]));
    expect(tokens(JSON.stringify(listed.structuredContent))).toBeGreaterThan(1_500 - 2 * each);
    const found = await client.tool('search_memories', { query: 'deploy', limit: 60 });
    const eachFound = tokens(JSON.stringify(found.structuredContent.results[0]));
    const cursorAndOne = 0.2 * 1_500 + 2 * eachFound;
    expect(tokens(JSON.stringify(found.structuredContent))).toBeGreaterThan(1_500 - cursorAndOne);
  });

  it('returns a memory that fits without cutting it', async () => {
    const { client, ids } = await storing([{ title: 'Short', content: prose, tags: ['ops'], metadata: { a: 1 } }]);
    const input = { query: 'deploy' };
    expect((await client.use('list_memories')).results[0]).toMatchObject({ content: prose });
    expect((await client.use('list_memories')).truncated).toBe(false);
    expect((await client.use('search_memories', input)).truncated).toBe(false);
    expect((await client.use('get_context', input)).truncated).toBe(false);
    const read = await client.use('get_memory', { id: ids[0] });
    expect(read).toMatchObject({ content: prose, metadata: { a: 1 }, truncated: false, next_offset: null });
    expect(read).not.toHaveProperty('truncated_fields');
  });

  it('fills a context package up to the budget', async () => {
    const { client } = await storing(many(50, (n) => ({ title: `Note ${n}`, content: `${n}: ${prose.repeat(5)}` })));
    const packed = await client.tool('get_context', { max_tokens: 5_000 });
    expectWithin(packed, 5_000);
    const size = Math.max(tokens(textOf(packed)), tokens(JSON.stringify(packed.structuredContent)));
    expect(size).toBeGreaterThan(4_700);
    expect(packed.structuredContent.tokens).toBe(tokens(packed.structuredContent.context));
  });
});

describe('paging within a token budget', () => {
  const titles = (page: Json): string[] => page.results.map(({ title }: { title: string }) => title);

  async function walk(client: McpClient, tool: string, input: Input, max: number) {
    const seen: string[] = [];
    let pages = 0;
    for (let cursor: string | undefined; ; ) {
      const result = await client.tool(tool, { ...input, ...(cursor && { cursor }) });
      expectWithin(result, max);
      seen.push(...titles(result.structuredContent));
      expect(result.structuredContent.results.length).toBeGreaterThan(0);
      expect(++pages).toBeLessThan(500);
      const next: string | null = result.structuredContent.next_cursor;
      if (next === null) return { seen, pages };
      expect(textOf(result)).toContain(next);
      cursor = next;
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
        expectWithin(result, max);
        const part: Json = result.structuredContent;
        expect(part.content.length).toBeGreaterThan(0);
        expect(textOf(result)).toContain(part.content);
        read += part.content;
        expect(part.truncated).toBe(part.next_offset !== null);
        offset = part.next_offset;
      }
      expect(read).toBe(content);
      // A well-filled budget takes few parts.
      expect(parts).toBeLessThanOrEqual(Math.ceil((2 * tokens(JSON.stringify(content))) / (max - 250)));
    },
  );

  it('starts at a whole character for an offset inside it, and returns no content for an offset past the end', async () => {
    const { client, ids } = await storing([{ title: 'Emoji', content: 'a🦄b deploy' }]);
    const id = ids[0] as string;
    expect((await client.use('get_memory', { id, offset: 2 })).content).toBe('🦄b deploy');
    expect(await client.use('get_memory', { id, offset: 99 })).toMatchObject({
      content: '',
      truncated: false,
      next_offset: null,
    });
  });

  it('lists the fields that get_memory truncated', async () => {
    const { client, ids } = await storing([STORES['every field at its limit']?.[0] as Input]);
    const read = await client.use('get_memory', { id: ids[0], max_tokens: 400 });
    expect(read.truncated_fields.toSorted()).toEqual(['metadata', 'project', 'session_id', 'tags', 'title']);
    expect(read.metadata).toEqual({});
    expect(read.title).toMatch(/^deploy 0 .*…$/u);
  });

  it('bounds the results of writing tools by the default budget', async () => {
    const { client, ids } = await storing([STORES['every field at its limit']?.[0] as Input]);
    const tags = Array.from({ length: 100 }, (_, n) => `${n}${full('🦄', 90)}`);
    const created = await client.tool('create_memory', { title: 'Tagged', content: 'deploy', tags });
    expectWithin(created, 1_500);
    expect((await client.use('list_memories', { tags: [tags[99]] })).total).toBe(1);
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
    const { results, ...report } = await client.use('consolidate_memories', { min_age_days: 0 });
    expect(report).toMatchObject({ counts: { promoted: 60, archived: 60, digests: 1 }, truncated: true, remaining: 0 });
    expect(report.promoted.length + report.archived.length).toBeLessThan(120);
    const done = await client.tool('consolidate_memories', { min_age_days: 0, dry_run: false, max_tokens: 400 });
    expectWithin(done, 400);
    expect(textOf(done)).toMatch(/^Promoted 60 and archived 60 into 1 digest\./);
    expect((await client.use('list_memories', { type: 'long_term' })).total).toBe(61);
  });
});
