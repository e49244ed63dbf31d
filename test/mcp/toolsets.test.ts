import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectMcp, postMcp, rpc, textOf } from '../support/mcp.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

let node: TestService;
let user: TestUser;

beforeAll(async () => {
  node = await startTestService();
  user = await node.newUser();
});
afterAll(() => node.stop());

const ALL = [
  'create_memory',
  'search_memories',
  'get_context',
  'get_memory',
  'list_memories',
  'update_memory',
  'delete_memory',
  'restore_memory',
  'consolidate_memories',
];

async function keyWith(scopes: string[]): Promise<{ apiKey: string }> {
  const { status, body } = await user.api.post('/user/keys', { name: 'narrow', scopes });
  expect(status).toBe(201);
  return { apiKey: body.api_key };
}

/** Returns the names of the tools that a key sees. */
async function toolsOf(key: { apiKey: string }, query = ''): Promise<string[]> {
  const client = await connectMcp(node, key, { query });
  const { tools } = await client.listTools();
  await client.close();
  return tools.map(({ name }) => name);
}

describe('MCP toolsets', () => {
  it('hold the tools for which the key has the scope', async () => {
    expect(await toolsOf(user)).toEqual(ALL);
    const reader = await keyWith(['memories:read']);
    expect(await toolsOf(reader)).toEqual(['search_memories', 'get_context', 'get_memory', 'list_memories']);
    const writer = await keyWith(['memories:write']);
    expect(await toolsOf(writer)).toEqual([
      'create_memory',
      'update_memory',
      'delete_memory',
      'restore_memory',
      'consolidate_memories',
    ]);
  });

  it('can be chosen in the URL: `core` lists the four that agents need most', async () => {
    expect(await toolsOf(user, '?tools=core')).toEqual(ALL.slice(0, 4));
    expect(await toolsOf(user, '?tools=all')).toEqual(ALL);
    expect(await toolsOf(await keyWith(['memories:read']), '?tools=core')).toEqual(ALL.slice(1, 4));
  });

  it('only say what is listed: every tool can be called, and the scope decides', async () => {
    const client = await connectMcp(node, user, { query: '?tools=core' });
    expect((await client.tool('list_memories')).isError).toBeFalsy();
    await client.close();
    const reader = await connectMcp(node, await keyWith(['memories:read']));
    const rejected = await reader.tool('create_memory', { title: 'T', content: 'C' });
    expect(rejected.isError).toBe(true);
    expect(textOf(rejected)).toContain('memories:write');
    await reader.close();
  });

  it('that are not known are rejected with the ones that are', async () => {
    const { status, body } = await postMcp({ url: `${node.url}/mcp?tools=some#` }, user, rpc('tools/list'));
    expect(status).toBe(422);
    expect(body.error.message).toContain('tools: must be one of all, core');
  });
});
