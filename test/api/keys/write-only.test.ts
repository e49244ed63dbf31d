import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../../api/contracts/index.ts';
import { type JsonSchema, jsonSchema } from '../../../api/contracts/json-schema.ts';
import { isMemoryOperation, type Operation, pathParameters } from '../../../api/contracts/operation.ts';
import { type ApiResponse, Client, type Json } from '../../support/client.ts';
import { connectMcp, type McpClient } from '../../support/mcp.ts';
import { loadOpenApi } from '../../support/openapi.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

/*
 * A key with `memories:write` and without `memories:read` sees ids, versions and dates only. The table lists every write of memories,
 * over both transports.
 */

/** In every text field of the memories that the key must not read. */
const SECRET = 'secretword';
/** Names of the fields that a write may return. `error` is about the caller's own input. */
const VISIBLE = ['id', 'version', 'created_at', 'updated_at', 'digest_id', 'index', 'dry_run', 'changed', 'remaining'];
/** Fields that the writes of an import may return beside them: they are about the upload itself. */
const OF_IMPORTS = ['status', 'next_chunk', 'uploaded_bytes'];
const visibleOf = (id: string) => [...VISIBLE, ...LISTS, ...(id.startsWith('imports.') ? OF_IMPORTS : [])];
const LISTS = ['results', 'promoted', 'archived', 'digests', 'error', 'code', 'detail', 'errors', 'path', 'message'];

const WRITES: Operation[] = OPERATIONS.filter((one) => one.execution.kind === 'write' && isMemoryOperation(one));

let node: TestService;
let owner: TestUser;
let writer: Client;
let mcp: McpClient;

beforeAll(async () => {
  node = await startTestService();
  owner = await node.newUser();
  const { body } = await owner.api.post('/user/keys', { name: 'write only', scopes: ['memories:write'] });
  writer = new Client(node.url, body.api_key);
  mcp = await connectMcp(node, { apiKey: body.api_key });
});
afterAll(async () => {
  await mcp.close();
  await node.stop();
});

let count = 0;

/** Stores a memory as its owner. The writer can know its title and content, but nothing else. */
async function seed(more: object = {}): Promise<Json> {
  const known = { title: `Note ${++count}`, content: `Number ${count}` };
  const hidden = { tags: [SECRET], metadata: { [SECRET]: SECRET }, session_id: null, project: null };
  const { status, body, text } = await owner.api.post('/memories', { ...known, ...hidden, ...more });
  expect(status, text).toBe(201);
  return body;
}

/** Stores a memory whose every text is secret. */
const seedSecret = () =>
  seed({
    title: `${SECRET} ${++count}`,
    content: SECRET,
    project: SECRET,
    session_id: SECRET,
    occurred_at: '2026-01-02',
  });

async function seedArchived(): Promise<Json> {
  const memory = await seedSecret();
  await owner.api.patch(`/memories/${memory.id}`, { content: `${SECRET} edited ${count}` });
  await owner.api.delete(`/memories/${memory.id}`);
  return memory;
}

const bulk = (action: string, dry_run: boolean) => async () => ({
  filter: { ids: [(await (action === 'restore' ? seedArchived() : seedSecret())).id], status: 'all' },
  action,
  dry_run,
  ...(action === 'move' && { project: 'moved' }),
  ...(action.endsWith('tags') && { tags: [action === 'add_tags' ? 'more' : SECRET] }),
});

/** Every write, with inputs that succeed. */
const CASES: [operation: string, what: string, input: () => Promise<Record<string, unknown>>][] = [
  ['memories.create', 'a new memory', async () => ({ title: 'Mine', content: `Own ${++count}`, tags: ['mine'] })],
  [
    'memories.create',
    'a repeat of a stored memory',
    async () => {
      const { title, content } = await seed();
      return { title, content };
    },
  ],
  [
    'memories.create',
    'a near-duplicate of a stored memory',
    async () => {
      const content = 'one two three four five six seven eight nine ten eleven twelve thirteen fourteen';
      const { title } = await seed({ content: `${content} ${count}` });
      return { title, content: `${content} ${count} more` };
    },
  ],
  ['memories.batch', 'new, repeated and invalid items', async () => batchOf(await seed())],
  ...(['archive', 'restore', 'delete', 'add_tags', 'remove_tags', 'move'] as const).flatMap((action): typeof CASES => [
    ['memories.bulk', `a dry run of ${action}`, bulk(action, true)],
    ['memories.bulk', action, bulk(action, false)],
  ]),
  [
    'memories.bulk',
    'a dry run on everything',
    async () => ({ filter: { status: 'all' }, action: 'delete', dry_run: true }),
  ],
  [
    'memories.replace',
    'other content',
    async () => ({ id: (await seedSecret()).id, title: 'Other', content: `Other ${++count}` }),
  ],
  ['memories.update', 'nothing', async () => ({ id: (await seedSecret()).id })],
  ['memories.update', 'a title', async () => ({ id: (await seedSecret()).id, title: `Title ${++count}` })],
  ['memories.update', 'a tag', async () => ({ id: (await seedSecret()).id, add_tags: ['more'] })],
  ['memories.restore', 'an archived memory', async () => ({ id: (await seedArchived()).id })],
  ['memories.restore', 'a former version', async () => ({ id: (await seedArchived()).id, version: 1 })],
  ['memories.restore', 'an active memory', async () => ({ id: (await seedSecret()).id })],
  ['memories.delete', 'to the archive', async () => ({ id: (await seedSecret()).id })],
  ['memories.delete', 'permanently', async () => ({ id: (await seedSecret()).id, permanent: true })],
  ['memories.consolidate', 'a dry run', async () => consolidation(true)],
  ['memories.consolidate', 'for real', async () => consolidation(false)],
  ...[true, false].flatMap((dry_run): typeof CASES => {
    const how = dry_run ? 'a dry run' : 'for real';
    return [
      ['tags.update', how, async () => ({ tag: await seededTag(), new_tag: `tag ${count}`, dry_run })],
      ['tags.delete', how, async () => ({ tag: await seededTag(), dry_run })],
      ['projects.update', how, async () => ({ name: await seededProject(), new_name: `p ${count}`, dry_run })],
      ['projects.delete', how, async () => ({ name: await seededProject(), dry_run })],
    ];
  }),
  [
    'imports.start',
    'a text that is stored already',
    async () => {
      const { content } = await seedSecret();
      return {
        content: JSON.stringify({ content, title: `${++count}` }),
        format: 'jsonl',
        mapping: { content: 'content' },
      };
    },
  ],
  ['imports.upload', 'a part', async () => ({ id: await newImport(), n: 0, data: 'e30K' })],
  ['imports.run', 'a dry run', async () => ({ id: await newImport(true) })],
  ['imports.delete', 'an upload', async () => ({ id: await newImport() })],
  ['tags.normalize', 'a dry run', async () => normalization(true)],
  ['tags.normalize', 'for real', async () => normalization(false)],
];

/** Starts an import as the writer, and uploads its file on request. */
async function newImport(isUploaded = false): Promise<string> {
  const { id } = (await writer.post('/import', { name: `${SECRET} ${++count}` })).body;
  if (isUploaded) await writer.put(`/import/${id}/chunks/0`, { data: 'e30K' });
  return id;
}

async function seededTag(): Promise<string> {
  return (await seedSecret()).tags[0];
}

async function seededProject(): Promise<string> {
  return (await seedSecret()).project;
}

function batchOf({ title, content }: Json) {
  return { memories: [{ title: 'Mine', content: `Own ${++count}` }, { title, content }, { title: 'No content' }] };
}

async function consolidation(dry_run: boolean) {
  await Promise.all([seedSecret(), seedSecret(), seed({ title: `${SECRET} ${++count}`, tags: ['decision', SECRET] })]);
  await node.service.database.owner.query(
    "update memories set created_at = now() - interval '9 days', updated_at = now() - interval '9 days'",
  );
  return { dry_run, min_age_days: 7, project: '*' };
}

async function normalization(dry_run: boolean) {
  const { id } = await seedSecret();
  await node.service.database.owner.query('update memories set tags = $2 where id = $1', [id, [`Not ${SECRET}`]]);
  return { dry_run };
}

function send(
  api: Client,
  { http }: Operation,
  input: Record<string, unknown>,
  headers = {},
): Promise<ApiResponse<Json>> {
  const named = pathParameters(http.path);
  const rest = Object.fromEntries(Object.entries(input).filter(([name]) => !named.includes(name)));
  const path = http.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(String(input[name])));
  const query = new URLSearchParams(
    Object.entries(rest).map(([name, value]): [string, string] => [name, String(value)]),
  );
  if (http.method === 'DELETE' || http.method === 'GET')
    return api.request(http.method, `${path}?${query}`, undefined, headers);
  return api.request(http.method, path, path === http.path ? input : rest, headers);
}

const find = (id: string) => WRITES.find((one) => one.id === id) as Operation;

function expectReceipt(body: unknown, more: string[] = []): void {
  const names = new Set<string>();
  JSON.stringify(body, (name, value) => {
    if (name !== '' && !/^\d+$/.test(name)) names.add(name);
    return value;
  });
  expect([...names].filter((name) => ![...VISIBLE, ...LISTS, ...more].includes(name))).toEqual([]);
  expect(JSON.stringify(body)).not.toContain(SECRET);
}

describe('scope memories:write without memories:read', () => {
  it('is tested for every write of memories', () => {
    expect([...new Set(CASES.map(([id]) => id))].toSorted()).toEqual(WRITES.map(({ id }) => id).toSorted());
  });

  it.each(WRITES.map((one) => [one.id, one] as const))('has a receipt declared by %s', (id, { receipt }) => {
    expect(receipt).toBeDefined();
    const names = (schema: JsonSchema | undefined): string[] =>
      Object.entries(schema?.properties ?? {}).flatMap(([name, child]) => [
        name,
        ...names(child),
        ...names(child.items as JsonSchema | undefined),
      ]);
    const declared = names(receipt && jsonSchema(receipt, 'output'));
    expect(declared.filter((name) => !visibleOf(id).includes(name))).toEqual([]);
  });

  it.each(CASES)('gets ids, versions and dates over REST from %s: %s', async (id, _what, input) => {
    const openApi = await loadOpenApi(node.url);
    const answer = await send(writer, find(id), await input());
    expect(answer.status, answer.text).toBeLessThan(300);
    openApi.check(find(id), answer);
    expectReceipt(answer.body, id.startsWith('imports.') ? OF_IMPORTS : []);
    expect(JSON.stringify([...answer.headers])).not.toContain(SECRET);
  });

  it.each(CASES.filter(([id]) => find(id).mcp?.tool))(
    'gets ids, versions and dates over MCP from %s: %s',
    async (id, _what, input) => {
      const result = await mcp.tool(find(id).mcp?.tool as string, await input());
      expect(result.isError, JSON.stringify(result)).toBeFalsy();
      expect(JSON.stringify(result)).not.toContain(SECRET);
      expectReceipt(result.structuredContent ?? {});
      expect(result.structuredContent ?? {}).not.toHaveProperty('deduplicated');
    },
  );

  it('gets a receipt from the replay of a call of a key that can read', async () => {
    const headers = { 'Idempotency-Key': 'shared' };
    const { id } = await seedSecret();
    const first = await send(owner.api, find('memories.update'), { id }, headers);
    expect(first.body.content).toBe(SECRET);
    const replay = await send(writer, find('memories.update'), { id }, headers);
    expect([replay.status, replay.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
    expect(Object.keys(replay.body).toSorted()).toEqual(['created_at', 'id', 'updated_at', 'version']);
  });

  it('is rejected by every operation that reads memories', async () => {
    const reads: Operation[] = OPERATIONS.filter((one) => one.access.scope === 'memories:read');
    expect(reads.length).toBeGreaterThan(5);
    const { id } = await seedSecret();
    for (const operation of reads) {
      const answer = await send(writer, operation, { id });
      expect([operation.id, answer.status, answer.body.code]).toEqual([operation.id, 403, 'scope_required']);
    }
  });

  it('gives a key with both scopes the whole memory', async () => {
    const { id, title, content, tags } = await seed();
    const { body } = await send(owner.api, find('memories.update'), { id });
    expect(body).toMatchObject({ title, content, tags, metadata: { [SECRET]: SECRET } });
  });
});
