import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createStateReader } from '../../../api/jobs/service-state.ts';
import { createMetrics } from '../../../api/observability/metrics.ts';
import { startMetricsServer } from '../../../api/observability/metrics-server.ts';
import { insertBackup } from '../../../db/queries/jobs/backups.ts';
import { Client } from '../../support/client.ts';
import { startTestService, type TestService } from '../../support/service.ts';

const TOKEN = 'a-token-of-enough-length';

let node: TestService;

beforeAll(async () => {
  node = await startTestService({ metricsToken: TOKEN });
});
afterAll(() => node.stop());

const scrape = (token = TOKEN, url = node.url) =>
  new Client(url).get(`${url}/metrics`, { Authorization: `Bearer ${token}` });

it('metrics are in Prometheus format: requests by operation, transport and status, with their durations', async () => {
  const { api } = await node.newUser();
  await api.post('/memories', { title: 'walrus', content: 'a walrus' });
  await api.post('/memories', { title: 7 });
  await api.get('/stats');
  const { status, text, headers } = await scrape();
  expect([status, headers.get('content-type')]).toEqual([200, expect.stringContaining('text/plain')]);
  const value = (line: string) =>
    Number(
      text
        .split('\n')
        .find((one) => one.startsWith(`${line} `))
        ?.split(' ')
        .at(-1),
    );
  const calls = (operation: string, code: number) =>
    value(`whitemagic_requests_total{operation="${operation}",transport="rest",status="${code}"}`);
  expect([calls('memories.create', 201), calls('memories.create', 400), calls('stats.get', 200)]).toEqual([1, 1, 1]);
  expect(value('whitemagic_request_duration_seconds_count{operation="memories.create",transport="rest"}')).toBe(2);
  expect(value('whitemagic_rate_limiter_degraded')).toBe(0);
  // Of the whole service, read from its database.
  expect(value('whitemagic_memories_total{type="short_term"}')).toBe(1);
  expect(value('whitemagic_memories_total{type="long_term"}')).toBe(0);
  expect(value('whitemagic_active_users')).toBe(1);
  expect(value('whitemagic_http_requests_total{area="api",status="400"}')).toBe(1);
  expect(text).toContain('whitemagic_backup_age_seconds +Inf');
  for (const name of ['job_queue_age_seconds', 'emails_waiting', 'webhooks_waiting', 'encoder_restarts_total'])
    expect([name, value(`whitemagic_${name}`)]).toEqual([name, 0]);
  for (const state of ['used', 'idle', 'waiting'])
    expect(value(`whitemagic_database_connections{pool="app",state="${state}"}`)).toBeGreaterThanOrEqual(0);
  expect(text).not.toContain('walrus');
});

it('metrics count rejected requests by the limit that they exceeded', async () => {
  const limited = await startTestService({ metricsToken: TOKEN, requestsPerIp: 1 });
  try {
    const perMinute = await limited.newUser({ requestsPerMinute: 1 });
    const perDay = await limited.newUser({ requestsPerDay: 1 });
    for (const { api } of [perMinute, perDay]) {
      expect((await api.get('/stats')).status).toBe(200);
      expect((await api.get('/stats')).status).toBe(429);
    }
    const unknown = new Client(limited.url, 'wm_live_unknown');
    expect([(await unknown.get('/stats')).status, (await unknown.get('/stats')).status]).toEqual([401, 429]);
    const { text } = await scrape(TOKEN, limited.url);
    for (const limit of ['minute', 'day', 'ip'])
      expect(text).toContain(`whitemagic_rate_limit_hits_total{limit="${limit}"} 1`);
  } finally {
    await limited.stop();
  }
});

it('metrics name jobs by task, and ages of backups, on a port of their own', async () => {
  const { database } = node.service;
  const at = new Date('2026-11-29T12:00:00Z');
  const made = { archive: 'a', started_at: at, finished_at: at, bytes: 1, row_count: 1 };
  await insertBackup(database.owner, { ...made, id: uuidv7(), kind: 'backup' });
  await insertBackup(database.owner, { ...made, id: uuidv7(), kind: 'restore_test' });
  await database.owner.query("select graphile_worker.add_job('ensure_partitions', run_at := now() - interval '90 s')");
  await database.owner.query("select graphile_worker.add_job('reconcile_quotas', max_attempts := 1)");
  await database.owner.query('update graphile_worker._private_jobs set attempts = 1 where max_attempts = 1');
  const readState = createStateReader(database, () => new Date('2026-11-29T13:00:00Z'));
  const server = await startMetricsServer(
    createMetrics({ service: { readState, readPools: database.poolStates } }),
    0,
    '127.0.0.1',
  );
  try {
    const get = async (path: string) => (await fetch(`http://127.0.0.1:${server.port}${path}`)).text();
    expect(await get('/health')).toBe('{"status":"ok"}');
    const text = await get('/metrics');
    expect(text).toContain('whitemagic_jobs_due{task="ensure_partitions"} 1');
    expect(text).toContain('whitemagic_jobs_dead{task="reconcile_quotas"} 1');
    expect(text).toContain('whitemagic_backup_age_seconds 3600');
    expect(text).toContain('whitemagic_restore_test_age_seconds 3600');
    expect(text).toMatch(/^whitemagic_job_queue_age_seconds 9\d\./m);
  } finally {
    await server.close();
  }
});

it('metrics require the token, and are not served where none is set', async () => {
  expect((await scrape('another-token-of-length')).status).toBe(401);
  expect((await new Client(node.url).get(`${node.url}/metrics`)).status).toBe(401);
  const without = await startTestService();
  try {
    expect((await scrape(TOKEN, without.url)).status).toBe(404);
  } finally {
    await without.stop();
  }
});
