import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LOG_FIELDS } from '../../api/observability/log-fields.ts';
import { VERSION } from '../../api/version.ts';
import { type MainProcess, startMain } from '../support/main-process.ts';
import { copyPreparedDataDir } from '../support/prepared-data-dir.ts';

const SECRET = 'xylophone-quarrel-9417';
let dataDir: string;
let service: MainProcess;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-log-'));
  await copyPreparedDataDir(dataDir);
  service = await startMain(dataDir, { LOG_LEVEL: 'trace', EMBEDDER: 'none' });
});
afterAll(async () => {
  await service.stop();
  await rm(dataDir, { recursive: true, force: true });
});

it('log at level trace › contains no API key, no activation link, and no text of a memory, query or filter', async () => {
  const { api } = service;
  const rpc = (name: string, input: object) => ({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name, arguments: input },
  });
  const created = await api.post('/memories', {
    title: SECRET,
    content: SECRET,
    tags: [SECRET],
    metadata: { [SECRET]: SECRET },
  });
  expect(created.status).toBe(201);
  await api.post('/search', { query: SECRET });
  await api.get(`/memories?tags=${SECRET}&project=${SECRET}`);
  await api.post('/memories', { title: SECRET, [SECRET]: 1 });
  await api.post('/memories', `{"title": "${SECRET}`);
  await api.post(`${service.url}/mcp`, rpc('create_memory', { title: SECRET, content: `${SECRET} 2` }));
  await api.post(`${service.url}/mcp`, rpc('search_memories', { query: SECRET, nonsense: SECRET }));
  const key = await api.post('/user/keys', { name: SECRET });
  await api.get(`${service.url}/claim/${SECRET}`);
  await api.post(`${service.url}/claim/${SECRET}`);
  await api.get(`${service.url}/CLAIM/${SECRET}`);
  await api.get(`${service.url}/%63laim//${SECRET}`);
  await api.get(`${service.url}/auth/whop/callback?code=${SECRET}&state=${SECRET}`);
  const last = await api.get('/stats', { 'X-Request-Id': 'the-last-request' });
  expect(last.status).toBe(200);
  await expect.poll(() => service.output()).toContain('the-last-request');
  const log = service.output();
  expect(log).toContain('"operation":"memories.create"');
  expect(log).toContain('/claim/…');
  const lines = log.split('\n').filter((line) => line.includes('"msg":"request"'));
  const listed = new Set([...Object.keys(LOG_FIELDS), 'level', 'time', 'service', 'version', 'node', 'msg']);
  expect(lines.flatMap((line) => Object.keys(JSON.parse(line)).filter((field) => !listed.has(field)))).toEqual([]);
  for (const secret of [SECRET, api.apiKey as string, key.body.api_key]) expect(log).not.toContain(secret);
});

it('log › has lines of JSON with the level by name, the service, its version and the machine', async () => {
  const { api } = service;
  const created = await api.post(
    '/memories',
    { content: 'A line about a memory.', tags: ['a', 'b'] },
    { 'X-Request-Id': 'log-of-a-create', 'User-Agent': 'log-test/1.2' },
  );
  const ofRequest = () =>
    service
      .output()
      .split('\n')
      .filter((line) => line.includes('log-of-a-create'));
  await expect.poll(ofRequest).toHaveLength(2);
  const lines = ofRequest().map((line) => JSON.parse(line));
  const common = { level: 'info', service: 'whitemagic-api', version: VERSION, node: hostname() };
  expect(lines).toEqual([
    {
      ...common,
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      msg: 'memory_created',
      event: 'memory_created',
      memory_id: created.body.id,
      type: 'short_term',
      tag_count: 2,
      user_id: expect.any(String),
      transport: 'rest',
      request_id: 'log-of-a-create',
      duration_ms: expect.any(Number),
    },
    expect.objectContaining({
      ...common,
      msg: 'request',
      operation: 'memories.create',
      status: 201,
      transport: 'rest',
    }),
  ]);
});

it('log › names what a call did, and nothing for a dry run or a replay', async () => {
  const { api } = service;
  const events = () => [...service.output().matchAll(/"event":"(\w+)"/g)].map((match) => match[1]);
  const before = events().length;
  const first = await api.post('/memories', { content: 'Something to change.' }, { 'Idempotency-Key': 'log-1' });
  await api.post('/memories', { content: 'Something to change.' }, { 'Idempotency-Key': 'log-1' });
  await api.patch(`/memories/${first.body.id}`, { title: 'Changed' });
  await api.post('/memories/bulk', { filter: { tags: ['nothing'] }, action: 'archive' });
  await api.post('/search', { query: 'change' });
  await api.post('/context', { max_tokens: 500 });
  await api.delete(`/memories/${first.body.id}`);
  await api.post(`/memories/${first.body.id}/restore`, {});
  await api.delete(`/memories/${first.body.id}?permanent=true`);
  await api.get('/stats', { 'X-Request-Id': 'log-of-the-events' });
  await expect.poll(() => service.output()).toContain('log-of-the-events');
  expect(events().slice(before)).toEqual([
    'memory_created',
    'memory_updated',
    'memories_searched',
    'context_built',
    'memory_archived',
    'memory_restored',
    'memory_deleted',
  ]);
});
