import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bridgeFile, checkout, cleanEnv, isAlive } from '../support/bridge-process.ts';
import { dropDatabase, freshDatabase } from '../support/database.ts';
import { connectMcp, McpClient, textOf } from '../support/mcp.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

let databaseUrl: string;
let node: TestService;
let user: TestUser;
let port: number;
const clients: Client[] = [];

beforeAll(async () => {
  databaseUrl = await freshDatabase();
  node = await startTestService({ databaseUrl });
  port = Number(new URL(node.url).port);
  user = await node.newUser();
});
afterAll(async () => {
  for (const client of clients) await client.close();
  await node.stop();
  await dropDatabase(databaseUrl);
});

/** Opens a session like an IDE: starts the bridge as a process and talks to it over stdin and stdout. */
async function openSession(env: Record<string, string> = {}) {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: ['--import', 'tsx', bridgeFile, 'mcp'],
    cwd: checkout,
    env: cleanEnv({
      WHITEMAGIC_URL: node.url,
      WHITEMAGIC_API_KEY: user.apiKey,
      WHITEMAGIC_CONNECT_TIMEOUT_MS: '1500',
      WHITEMAGIC_PROJECT: 'none',
      ...env,
    }),
  });
  const client = new McpClient({ name: 'ide', version: '1.0.0' });
  await client.connect(transport);
  await client.listTools();
  clients.push(client);
  return { client, pid: transport.pid as number };
}

describe('agent over stdio', () => {
  it('stores a memory in one session and finds it in the next', async () => {
    const first = await openSession();
    await first.client.use('create_memory', { title: 'Deploys', content: 'Remember that we deploy on Fridays.' });
    await first.client.close();
    await expect.poll(() => isAlive(first.pid)).toBe(false);

    const { client } = await openSession();
    const found = await client.read('search_memories', { query: 'when do we deploy?' });
    expect(found.results[0]).toMatchObject({ title: 'Deploys', text: expect.stringContaining('Fridays') });
    const { stored } = await client.read('get_context', { query: 'when do we deploy?' });
    expect(stored).toContain('Remember that we deploy on Fridays.');

    const { results } = (await user.api.get('/user/usage')).body;
    const rows = results.map(({ transport, endpoint, calls }: Record<string, unknown>) => [transport, endpoint, calls]);
    expect(rows.toSorted()).toEqual([
      ['mcp_stdio', 'create_memory', 1],
      ['mcp_stdio', 'get_context', 1],
      ['mcp_stdio', 'search_memories', 1],
    ]);
  });

  it('gets the same tools, instructions, resources and prompts as over HTTP', async () => {
    const { client: overStdio } = await openSession();
    const overHttp = await connectMcp(node, user);
    clients.push(overHttp);
    expect(await overStdio.listTools()).toEqual(await overHttp.listTools());
    expect(await overStdio.listResources()).toEqual(await overHttp.listResources());
    expect(await overStdio.listPrompts()).toEqual(await overHttp.listPrompts());
    expect(overStdio.getInstructions()).toBe(overHttp.getInstructions());
    expect(overStdio.getServerVersion()).toEqual(overHttp.getServerVersion());
  });

  it('uses the project of its environment', async () => {
    const { client } = await openSession({ WHITEMAGIC_PROJECT: 'Büro/日本' });
    const { id } = await client.use('create_memory', { title: 'Here', content: 'Only here.' });
    expect((await client.read('get_memory', { id })).stored).toContain('; project Büro/日本;');
    expect((await client.read('list_memories', { project: 'Büro/日本' })).total).toBe(1);
    expect(client.getInstructions()).toContain('Default project: "Büro/日本"');
  });

  it('gets a tool error for a revoked key, and the bridge keeps running', async () => {
    const { client, pid } = await openSession();
    const made = await user.api.post('/user/keys', { name: 'short-lived' });
    const other = await openSession({ WHITEMAGIC_API_KEY: made.body.api_key });
    await user.api.delete(`/user/keys/${made.body.id}`);
    const rejected = await other.client.tool('list_memories');
    expect(rejected.isError).toBe(true);
    expect(textOf(rejected)).toMatch(/key/i);
    expect(isAlive(other.pid)).toBe(true);
    expect((await client.tool('list_memories')).isError).toBeFalsy();
    expect(isAlive(pid)).toBe(true);
  });

  it('gets a tool error while the service is unavailable, and works again with the same bridge', async () => {
    const { client, pid } = await openSession();
    await client.use('create_memory', { title: 'Lighthouse', content: 'Stored before the outage.' });
    await node.stop();

    const rejected = await client.tool('search_memories', { query: 'lighthouse' });
    expect(rejected.isError).toBe(true);
    expect(textOf(rejected)).toMatch(/WhiteMagic/);
    expect(textOf(rejected)).toContain(String(port));

    node = await startTestService({ databaseUrl, port });
    const found = await client.read('search_memories', { query: 'lighthouse' });
    expect(found.results[0]?.title).toBe('Lighthouse');
    await client.use('create_memory', { title: 'After', content: 'Stored after the start.' });
    expect(isAlive(pid)).toBe(true);
  });
});
