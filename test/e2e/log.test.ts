import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
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
  for (const secret of [SECRET, api.apiKey as string, key.body.api_key]) expect(log).not.toContain(secret);
});
