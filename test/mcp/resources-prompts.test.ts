import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectMcp, type McpClient, parseToolText, usageEvents } from '../support/mcp.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

let node: TestService;
const clients: McpClient[] = [];
const MISSING = '0198a3b2-7c1d-7e2f-8a9b-0c1d2e3f4a5b';

beforeAll(async () => {
  node = await startTestService();
});
afterAll(async () => {
  for (const client of clients) await client.close();
  await node.stop();
});

async function newcomer(options?: Parameters<TestService['newUser']>[0]) {
  const user = await node.newUser(options);
  const client = await connectMcp(node, user);
  clients.push(client);
  return { user, client };
}

/** Reads a resource with one delimited text. */
async function readText(client: McpClient, uri: string) {
  const { contents } = await client.readResource({ uri });
  expect(contents).toEqual([{ uri, mimeType: 'text/plain', text: expect.any(String) }]);
  return parseToolText((contents[0] as { text: string }).text);
}

/** Reads and parses a resource with one JSON text. */
async function readJson(client: McpClient, uri: string) {
  const { contents } = await client.readResource({ uri });
  expect(contents).toEqual([{ uri, mimeType: 'application/json', text: expect.any(String) }]);
  return JSON.parse((contents[0] as { text: string }).text);
}

/** Returns the usage events of a user without those of the creates that prepared the test. */
async function readsOf(user: TestUser) {
  return (await usageEvents(node, user)).filter(({ operation }) => operation !== 'memories.create');
}

describe('MCP resources', () => {
  let user: TestUser;
  let client: McpClient;
  let id: string;

  beforeAll(async () => {
    ({ user, client } = await newcomer());
    const memory = { title: 'Deploys', content: 'We deploy on Fridays.', tags: ['ops', 'release'] };
    ({ id } = await client.use('create_memory', memory));
    await client.use('create_memory', { title: 'Other', content: 'Something else.', tags: ['ops'] });
  });

  it('are listed, with templates for memories, tags and projects', async () => {
    const { resources } = await client.listResources();
    expect(resources.map(({ uri, name, mimeType }) => [uri, name, mimeType])).toEqual([
      ['memory://stats', 'stats', 'application/json'],
      ['memory://tags', 'tags', 'text/plain'],
      ['memory://usage', 'usage', 'application/json'],
      ['memory://context', 'context', 'text/plain'],
    ]);
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate, name }) => [uriTemplate, name])).toEqual([
      ['memory://memories/{id}', 'memory'],
      ['memory://tags/{tag}', 'tag'],
      ['memory://projects/{project}', 'project'],
    ]);
    for (const one of [...resources, ...resourceTemplates]) {
      expect(one.title).toBeTruthy();
      expect(one.description).toBeTruthy();
    }
  });

  it('memory://stats equals the response of REST', async () => {
    const stats = await readJson(client, 'memory://stats');
    expect(stats).toEqual((await user.api.get('/stats')).body);
    expect(JSON.stringify(stats)).toContain('2');
  });

  it('memory://context, tags and projects return the memories of the project, a tag or a project', async () => {
    const { user: other, client: of } = await newcomer();
    const memory = (name: string, tag: string, project: string) => ({
      title: name,
      content: name,
      tags: [tag],
      project,
    });
    await of.use('create_memory', memory('One', 'c++', 'my shop'));
    await of.use('create_memory', memory('Two', 'ops', 'my shop'));
    await of.use('create_memory', memory('Three', 'ops', 'blog'));
    const titles = async (uri: string) =>
      ['One', 'Two', 'Three'].filter((name) => JSON.stringify(stored.get(uri)).includes(name));
    const stored = new Map<string, unknown>();
    for (const uri of ['tags/ops', 'tags/c%2B%2B', 'projects/my%20shop', 'projects/none', 'context'].map(
      (path) => `memory://${path}`,
    )) {
      stored.set(uri, (await of.readResource({ uri })).contents);
    }
    expect(await titles('memory://tags/ops')).toEqual(['Two', 'Three']);
    expect(await titles('memory://tags/c%2B%2B')).toEqual(['One']);
    expect(await titles('memory://projects/my%20shop')).toEqual(['One', 'Two']);
    expect(await titles('memory://projects/none')).toEqual([]);
    expect(await titles('memory://context')).toEqual(['One', 'Two', 'Three']);
    expect((await readsOf(other)).map(({ operation }) => operation)).toEqual([
      'memories.list',
      'memories.list',
      'memories.list',
      'memories.list',
      'search.context',
    ]);
    await expect(of.readResource({ uri: 'memory://tags/%E0' })).rejects.toMatchObject({ code: -32_002 });
  });

  it('complete ids, tags and projects of the account, without a metered call', async () => {
    const { user: other, client: of } = await newcomer();
    const created = await of.use('create_memory', {
      title: 'T',
      content: 'C',
      tags: ['deploy', 'redeploy'],
      project: 'Shop',
    });
    const completed = async (uri: string, name: string, value: string) =>
      (await of.complete({ ref: { type: 'ref/resource', uri }, argument: { name, value } })).completion.values;
    expect(await completed('memory://tags/{tag}', 'tag', 'DEP')).toEqual(['deploy', 'redeploy']);
    expect(await completed('memory://tags/{tag}', 'tag', 'x')).toEqual([]);
    expect(await completed('memory://projects/{project}', 'project', '')).toEqual([created.project ?? 'Shop']);
    expect(await completed('memory://memories/{id}', 'id', created.id.slice(0, 8))).toEqual([created.id]);
    expect(await completed('memory://nothing/{id}', 'id', '')).toEqual([]);
    const prompt = {
      ref: { type: 'ref/prompt' as const, name: 'recall_for_task' },
      argument: { name: 'task', value: 'a' },
    };
    expect((await of.complete(prompt)).completion.values).toEqual([]);
    expect(await readsOf(other)).toEqual([]);
    const { body } = await user.api.post('/user/keys', { name: 'writer', scopes: ['memories:write'] });
    const writer = await connectMcp(node, { apiKey: body.api_key });
    const tag = {
      ref: { type: 'ref/resource' as const, uri: 'memory://tags/{tag}' },
      argument: { name: 'tag', value: '' },
    };
    await expect(writer.complete(tag)).rejects.toMatchObject({ code: -32_602, data: { code: 'scope_required' } });
    await writer.close();
  });

  it('memory://tags lists the tags in use, most used first', async () => {
    const { remarks, stored } = await readText(client, 'memory://tags');
    expect(remarks).toBe('2 tags, most used first.\n');
    expect(stored).toBe('ops (2)\nrelease (1)');
  });

  it('memory://memories/{id} returns the memory', async () => {
    const { results, remarks } = await readText(client, `memory://memories/${id}`);
    expect(results).toMatchObject([{ id, title: 'Deploys', text: '(version 1)\nWe deploy on Fridays.' }]);
    expect(remarks).toBe('');
  });

  it('memory://memories/{id} cuts a long memory and returns the next offset', async () => {
    const content = 'We deploy on Fridays. '.repeat(5_000);
    const { id: long } = await client.use('create_memory', { title: 'Long', content });
    const { results, nextOffset } = await readText(client, `memory://memories/${long}`);
    expect(results[0]?.text).toBe(`(version 1)\n${content.slice(0, nextOffset ?? 0)}`);
    expect(nextOffset).toBeGreaterThan(1_000);
  });

  it.each([
    ['memory://nothing'],
    ['memory://memories/'],
    [`memory://memories/${MISSING}`],
    ['memory://stats/'],
    [`memory://memories/${MISSING}/versions`],
    ['https://example.com/'],
    ['file:///etc/passwd'],
    [''],
  ])('%s is not found: -32002', async (uri) => {
    await expect(client.readResource({ uri })).rejects.toMatchObject({ code: -32002 });
  });

  it('reject an invalid id and name the field', async () => {
    await expect(client.readResource({ uri: 'memory://memories/first' })).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining('id: '),
    });
  });

  it("do not expose another tenant's memory", async () => {
    const { client: stranger } = await newcomer();
    await expect(stranger.readResource({ uri: `memory://memories/${id}` })).rejects.toMatchObject({ code: -32002 });
  });

  it('are metered once per read, found or not; lists are not metered', async () => {
    const { user: reader, client: reading } = await newcomer();
    await reading.listResources();
    await reading.listResourceTemplates();
    await reading.readResource({ uri: 'memory://stats' });
    await reading.readResource({ uri: 'memory://tags' });
    for (const uri of [`memory://memories/${MISSING}`, 'memory://nothing']) {
      await expect(reading.readResource({ uri })).rejects.toThrow();
    }
    const event = { transport: 'mcp_http', method: 'resources/read', billable: true };
    expect(await usageEvents(node, reader)).toEqual([
      { ...event, operation: 'stats.get', status: 200 },
      { ...event, operation: 'tags.list', status: 200 },
      { ...event, operation: 'memories.get', status: 404 },
      { ...event, operation: 'unknown_resource', status: 404 },
    ]);
  });

  it('return the seconds to wait when a rate limit is exceeded', async () => {
    const { client: hasty } = await newcomer({ requestsPerMinute: 1 });
    await hasty.readResource({ uri: 'memory://stats' });
    await expect(hasty.readResource({ uri: 'memory://stats' })).rejects.toMatchObject({
      message: expect.stringMatching(/try again in \d+ s/),
      data: { code: 'rate_limited', status: 429, retry_after_seconds: expect.any(Number) },
    });
  });
});

describe('MCP prompts', () => {
  it('are listed, and need no argument', async () => {
    const { client } = await newcomer();
    const { prompts } = await client.listPrompts();
    expect(prompts.map(({ name, arguments: taken }) => [name, taken?.map((one) => [one.name, one.required])])).toEqual([
      ['recall_for_task', [['task', false]]],
      ['remember_this_session', [['focus', false]]],
      ['hand_over', []],
      ['review_memories', []],
      ['tidy_memories', []],
    ]);
    for (const prompt of prompts) {
      expect(prompt.title).toBeTruthy();
      expect(prompt.description).toBeTruthy();
    }
  });

  const textOf = (prompt: Awaited<ReturnType<McpClient['getPrompt']>>) => {
    expect(prompt.messages).toEqual([{ role: 'user', content: { type: 'text', text: expect.any(String) } }]);
    const [{ content }] = prompt.messages as unknown as [{ content: { text: string } }];
    return content.text;
  };

  it('name the tools to call, none of which is missing, and read no memories', async () => {
    const { user, client } = await newcomer();
    const tools = new Set((await client.listTools()).tools.map(({ name }) => name));
    for (const { name } of (await client.listPrompts()).prompts) {
      const named = textOf(await client.getPrompt({ name })).match(/\b[a-z]+_(memory|memories|context)\b/g) ?? [];
      expect(named.length, name).toBeGreaterThan(0);
      expect(
        named.filter((tool) => !tools.has(tool)),
        name,
      ).toEqual([]);
    }
    expect(await usageEvents(node, user)).toEqual([]);
  });

  it('say the same whatever the client sends of their argument', async () => {
    const { client } = await newcomer();
    const recall = async (task?: string) =>
      textOf(await client.getPrompt({ name: 'recall_for_task', ...(task !== undefined && { arguments: { task } }) }));
    const plain = await recall();
    expect(plain).toContain('Call get_context');
    expect(await recall('')).toBe(plain);
    expect(await recall('  ')).toBe(plain);
    // Claude Code sends the first word, opencode a placeholder that it replaces in the text.
    for (const task of ['prepare', '$1', 'prepare a database migration']) {
      expect(await recall(task)).toBe(`${plain}\n\nMy task, possibly cut off: ${task}`);
    }
  });

  it('unknown names are rejected with -32602', async () => {
    const { client } = await newcomer();
    await expect(client.getPrompt({ name: 'forget_everything' })).rejects.toMatchObject({ code: -32602 });
  });
});
