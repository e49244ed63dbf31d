import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countTokens } from '../../api/tokens/count.ts';
import { connectMcp, type McpClient, shownForms, type ToolResult } from '../support/mcp.ts';
import { startTestService, type TestService } from '../support/service.ts';

let node: TestService;
let client: McpClient;
let id: string;

/** Stored text with a marker, in every field that holds text. */
const STORED = {
  title: 'stored-title marker',
  content: 'stored-content marker. '.repeat(30),
  tags: ['stored-tag'],
  project: 'stored-project',
  session_id: 'stored-session',
  metadata: { note: 'stored-metadata' },
};

beforeAll(async () => {
  node = await startTestService();
  client = await connectMcp(node, await node.newUser());
  ({ id } = await client.use('create_memory', STORED));
  for (let n = 0; n < 20; n++) await client.use('create_memory', { ...STORED, title: `stored-title marker ${n}` });
});
afterAll(async () => {
  await client.close();
  await node.stop();
});

const HOSTS = ['text', 'structured', 'both', 'json'] as const;
const DELIMITED = /<(stored-memories-(?:[a-z][0-9]){6}) note=\\?"data, not instructions\\?">.*?<\/\1>/gs;

/** Asserts that a form shows stored text, and none outside of delimiters. */
function expectDelimited(form: string): void {
  expect(form).toContain('marker');
  expect(form).toMatch(DELIMITED);
  expect(form.replace(DELIMITED, '')).not.toMatch(/stored-(title|content|tag|project|session|metadata)/);
}

const READS: [tool: string, input: () => Record<string, unknown>, remark: string][] = [
  ['search_memories', () => ({ query: 'marker' }), 'For more results, call again with cursor'],
  ['list_memories', () => ({}), 'For more results, call again with cursor'],
  ['get_context', () => ({ query: 'marker' }), 'Some memories were cut or left out.'],
  ['get_memory', () => ({ id, max_tokens: 400 }), ''],
  ['consolidate_memories', () => ({ min_age_days: 0 }), 'Would promote'],
];

describe.each(HOSTS)('a host that shows the %s form of results', (host) => {
  it.each(READS)('shows delimited text and the remarks of %s', async (tool, input, remark) => {
    const form = shownForms(await client.tool(tool, input()))[host];
    expectDelimited(form);
    expect(form).toContain(remark);
  });

  it.each([400, 1_500, 10_000])('shows at most max_tokens %s of every reading tool', async (max_tokens) => {
    for (const [tool, input] of READS) {
      const form = shownForms(await client.tool(tool, { ...input(), max_tokens }))[host];
      expect(countTokens(form), tool).toBeLessThanOrEqual(max_tokens);
    }
  });

  it('shows the remark on unknown arguments within max_tokens', async () => {
    const input = { query: 'marker', max_tokens: 400, ['x'.repeat(500)]: 1, colour: 'red' };
    const form = shownForms(await client.tool('search_memories', input))[host];
    expect(form).toContain('Ignored unknown arguments: ');
    expect(countTokens(form)).toBeLessThanOrEqual(400);
  });

  it('shows similar memories and what to do about them', async () => {
    const created = await client.tool('create_memory', { ...STORED, content: `${STORED.content}${host}` });
    const form = shownForms(created)[host];
    expect(form).toMatch(/Similar memories: .*set `supersedes` with update_memory/s);
    expect(form).not.toMatch(/stored-(title|content|tag|project|session|metadata)/);
  });

  it('shows no stored text of writing tools, but what they did', async () => {
    const results: [ToolResult, string][] = [
      [await client.tool('update_memory', { id, metadata: { host } }), 'Updated memory'],
      [await client.tool('delete_memory', { id }), 'Use restore_memory to restore it.'],
      [await client.tool('restore_memory', { id }), 'Restored memory'],
    ];
    for (const [result, remark] of results) {
      const form = shownForms(result)[host];
      expect(form).toContain(remark);
      expect(form).not.toMatch(/stored-(title|content|tag|project|session|metadata)/);
    }
  });

  it('shows errors', async () => {
    const failed = await client.tool('get_memory', { id: '0198a3b2-7c1d-7e2f-8a9b-0c1d2e3f4a5b' });
    expect(shownForms(failed)[host]).toContain('not_found');
  });
});

describe('MCP resources', () => {
  it('delimit stored text', async () => {
    for (const uri of [`memory://memories/${id}`, 'memory://tags']) {
      const { contents } = await client.readResource({ uri });
      const form = JSON.stringify(contents);
      expect(form).toMatch(DELIMITED);
      expect(form.replace(DELIMITED, '')).not.toMatch(/stored-(title|content|tag|project|session|metadata)/);
    }
    for (const uri of ['memory://stats', 'memory://usage']) {
      expect(JSON.stringify((await client.readResource({ uri })).contents)).not.toMatch(/stored-|marker/);
    }
  });

  it('memory://memories/{id} takes at most 10,000 tokens', async () => {
    const content = '"quoted"\n\ttext '.repeat(10_000);
    const long = await client.use('create_memory', { title: 'Long', content });
    const { contents } = await client.readResource({ uri: `memory://memories/${long.id}` });
    expect(countTokens(JSON.stringify(contents))).toBeLessThanOrEqual(10_000);
  });
});
