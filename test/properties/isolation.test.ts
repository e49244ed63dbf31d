import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiResponse, Json } from '../support/client.ts';
import { postMcp, rpc } from '../support/mcp.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

/*
 * Random tenants send random requests, also with each other's ids, words and cursors. No response contains data of another tenant
 * that the request did not contain, and no tenant changes the memories of another.
 */

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

interface Tenant extends TestUser {
  /** Part of every text, tag, project and metadata of this tenant. */
  marker: string;
  keyId: string;
  /** Content by id, archived memories included. */
  memories: Map<string, string>;
}

interface Step {
  actor: number;
  victim: number;
  pick: number;
  action: keyof typeof ACTIONS;
}

interface ApiRequest {
  method: string;
  path: string;
  body?: Json;
}

/** Requests of a tenant about a memory `m`, a key or the words of the victim `v`. */
const FOREIGN: Record<string, (v: Tenant, m: string) => ApiRequest> = {
  get: (_v, m) => ({ method: 'GET', path: `/memories/${m}` }),
  versions: (_v, m) => ({ method: 'GET', path: `/memories/${m}/versions` }),
  patch: (_v, m) => ({ method: 'PATCH', path: `/memories/${m}`, body: { content: 'stolen' } }),
  put: (_v, m) => ({ method: 'PUT', path: `/memories/${m}`, body: { title: 'stolen', content: 'stolen' } }),
  archive: (_v, m) => ({ method: 'DELETE', path: `/memories/${m}` }),
  remove: (_v, m) => ({ method: 'DELETE', path: `/memories/${m}?permanent=true` }),
  restore: (_v, m) => ({ method: 'POST', path: `/memories/${m}/restore`, body: {} }),
  restoreVersion: (_v, m) => ({ method: 'POST', path: `/memories/${m}/restore`, body: { version: 1 } }),
  bulkRemove: (_v, m) => ({
    method: 'POST',
    path: '/memories/bulk',
    body: { filter: { ids: [m], status: 'all' }, action: 'delete', dry_run: false },
  }),
  bulkByTag: (v) => ({
    method: 'POST',
    path: '/memories/bulk',
    body: { filter: { tags: [v.marker] }, action: 'add_tags', tags: ['stolen'], dry_run: false },
  }),
  supersede: (_v, m) => ({
    method: 'POST',
    path: '/memories',
    body: { title: 'thief', content: randomUUID(), supersedes: m },
  }),
  batchSupersede: (_v, m) => ({
    method: 'POST',
    path: '/memories/batch',
    body: { memories: [{ title: 'thief', content: randomUUID(), supersedes: m }] },
  }),
  listProject: (v) => ({ method: 'GET', path: `/memories?project=${v.marker}&status=all` }),
  listTag: (v) => ({ method: 'GET', path: `/memories?tags=${v.marker}` }),
  search: (v) => ({ method: 'POST', path: '/search', body: { query: `secret ${v.marker}`, limit: 50 } }),
  searchCommon: () => ({ method: 'POST', path: '/search', body: { query: 'secret', limit: 50 } }),
  context: (v) => ({ method: 'POST', path: '/context', body: { query: `secret ${v.marker}`, max_tokens: 2_000 } }),
  key: (v) => ({ method: 'PATCH', path: `/user/keys/${v.keyId}`, body: { name: 'stolen' } }),
  rotateKey: (v) => ({ method: 'POST', path: `/user/keys/${v.keyId}/rotate`, body: { grace_seconds: 0 } }),
  revokeKey: (v) => ({ method: 'DELETE', path: `/user/keys/${v.keyId}` }),
};

/** The same requests over MCP: tools and resources. */
const TOOLS: Record<string, (v: Tenant, m: string) => [method: string, params: Json]> = {
  toolGet: (_v, m) => ['tools/call', { name: 'get_memory', arguments: { id: m } }],
  toolUpdate: (_v, m) => ['tools/call', { name: 'update_memory', arguments: { id: m, content: 'stolen' } }],
  toolDelete: (_v, m) => ['tools/call', { name: 'delete_memory', arguments: { id: m, permanent: true } }],
  toolRestore: (_v, m) => ['tools/call', { name: 'restore_memory', arguments: { id: m } }],
  toolSearch: (v) => ['tools/call', { name: 'search_memories', arguments: { query: `secret ${v.marker}` } }],
  toolContext: () => ['tools/call', { name: 'get_context', arguments: {} }],
  toolList: () => ['tools/call', { name: 'list_memories', arguments: {} }],
  resource: (_v, m) => ['resources/read', { uri: `memory://memories/${m}` }],
  resourceTags: () => ['resources/read', { uri: 'memory://tags' }],
};

/** Requests of a tenant about its own data. */
const OWN: Record<string, () => ApiRequest> = {
  list: () => ({ method: 'GET', path: '/memories?status=all&limit=200' }),
  tags: () => ({ method: 'GET', path: '/tags' }),
  stats: () => ({ method: 'GET', path: '/stats' }),
  me: () => ({ method: 'GET', path: '/user/me' }),
  usage: () => ({ method: 'GET', path: '/user/usage' }),
  keys: () => ({ method: 'GET', path: '/user/keys' }),
  contextOfAll: () => ({ method: 'POST', path: '/context', body: { tier: 2 } }),
  consolidateDryRun: () => ({ method: 'POST', path: '/consolidate', body: { min_age_days: 0 } }),
  consolidate: () => ({ method: 'POST', path: '/consolidate', body: { min_age_days: 0, dry_run: false } }),
  normalize: () => ({ method: 'POST', path: '/tags/normalize', body: { dry_run: false } }),
};

const ACTIONS = { ...FOREIGN, ...TOOLS, ...OWN, create: true, edit: true, cursor: true };

const step: fc.Arbitrary<Step> = fc.record({
  actor: fc.nat(),
  victim: fc.nat(),
  pick: fc.nat(),
  action: fc.constantFrom(...(Object.keys(ACTIONS) as (keyof typeof ACTIONS)[]), 'create', 'create', 'edit'),
});

describe('tenant isolation', () => {
  it('holds for random requests in random order: no tenant reads or changes data of another', async () => {
    const done = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 4 }),
        fc.array(step, { minLength: 30, maxLength: 60 }),
        async (count, steps) => {
          const tenants = await Promise.all(Array.from({ length: count }, newTenant));
          // Four concurrent requests, so that statements of different calls interleave.
          for (let from = 0; from < steps.length; from += 4) {
            await Promise.all(steps.slice(from, from + 4).map((one) => take(tenants, one)));
          }
          for (const one of steps) done.add(one.action);
          for (const tenant of tenants) await expectUntouched(tenant);
        },
      ),
      { numRuns: 12 },
    );
    expect([...done].sort()).toEqual(Object.keys(ACTIONS).sort());
  });
});

async function newTenant(): Promise<Tenant> {
  const user = await node.newUser({ email: `${randomUUID()}@example.com` });
  const keys = await user.api.get('/user/keys');
  const marker = `m${randomUUID().replaceAll('-', '')}`;
  const tenant = { ...user, marker, keyId: keys.body.results[0].id, memories: new Map() };
  await create(tenant);
  await create(tenant);
  return tenant;
}

async function take(tenants: Tenant[], { actor, victim, pick, action }: Step): Promise<void> {
  const a = tenants[actor % tenants.length] as Tenant;
  const others = tenants.filter((tenant) => tenant !== a);
  const v = others[victim % others.length] as Tenant;
  const m = [...v.memories.keys()][pick % v.memories.size] as string;
  if (action === 'create') return void (await create(a));
  if (action === 'edit') return edit(a, pick);
  if (action === 'cursor') {
    const first = await v.api.get('/memories?limit=1&status=all');
    const path = `/memories?limit=1&status=all&cursor=${first.body.next_cursor}`;
    return expectNothingOf(others, path, await a.api.get(path));
  }
  if (action in TOOLS) {
    const [method, params] = (TOOLS[action] as (typeof TOOLS)[string])(v, m);
    return expectNothingOf(others, JSON.stringify(params), await postMcp(node, a, rpc(method, params)));
  }
  const { method, path, body } = ((FOREIGN[action] ?? OWN[action]) as (typeof FOREIGN)[string])(v, m);
  const answer = await a.api.request(method, path, body);
  expectNothingOf(others, path + JSON.stringify(body ?? ''), answer);
  // Data of another tenant is indistinguishable from missing data.
  if (action in FOREIGN && /\/(memories|keys)\/[0-9a-f-]{36}/.test(path)) {
    expect([action, answer.status]).toEqual([action, 404]);
  }
  if (action === 'bulkRemove' || action === 'bulkByTag') {
    expect(answer.body).toMatchObject({ matched: 0, changed: [] });
  }
}

async function create(tenant: Tenant): Promise<void> {
  const content = `secret ${tenant.marker} ${randomUUID()}`;
  const body = {
    title: `Title ${tenant.marker}`,
    content,
    tags: [tenant.marker, 'shared'],
    project: tenant.marker,
    metadata: { [tenant.marker]: tenant.marker },
  };
  const { status, body: made } = await tenant.api.post('/memories', body);
  expect(status).toBe(201);
  tenant.memories.set(made.id, content);
}

async function edit(tenant: Tenant, pick: number): Promise<void> {
  const id = [...tenant.memories.keys()][pick % tenant.memories.size] as string;
  const content = `secret ${tenant.marker} edited ${randomUUID()}`;
  const { status } = await tenant.api.patch(`/memories/${id}`, { content });
  expect(status).toBe(200);
  tenant.memories.set(id, content);
}

/** Asserts that the response contains nothing of these tenants except what the request contained. */
function expectNothingOf(others: Tenant[], request: string, answer: ApiResponse<Json>): void {
  expect(answer.status).toBeLessThan(500);
  const cursors = [...answer.text.matchAll(/"next_cursor": ?"([^"]+)"/g)].map(([, cursor]) =>
    Buffer.from(cursor as string, 'base64url').toString(),
  );
  const received = [answer.text, ...cursors, JSON.stringify([...answer.headers])].join('\n');
  const sent = `${request}\n${decodedCursor(request)}`;
  for (const { marker, userId, apiKey, keyId, memories } of others) {
    for (const secret of [marker, userId, apiKey, keyId, ...memories.keys()]) {
      if (!sent.includes(secret)) expect(received).not.toContain(secret);
    }
    // A request may contain the marker of another tenant; the texts stored with it stay hidden.
    expect(received).not.toContain(`Title ${marker}`);
    for (const content of memories.values()) expect(received).not.toContain(content);
  }
}

function decodedCursor(request: string): string {
  const cursor = /cursor=([^&]+)/.exec(request)?.[1];
  return cursor ? Buffer.from(cursor, 'base64url').toString() : '';
}

/** Asserts that every memory has the content its owner wrote, and that the key still works. */
async function expectUntouched(tenant: Tenant): Promise<void> {
  const { status, body } = await tenant.api.get('/memories?status=all&limit=200');
  expect(status).toBe(200);
  const kept = new Map(body.results.map((memory: Json) => [memory.id, memory.content]));
  for (const [id, content] of tenant.memories) expect(kept.get(id)).toBe(content);
  const { body: keys } = await tenant.api.get('/user/keys');
  expect(keys.results).toMatchObject([{ name: 'Test key', active: true }]);
}
