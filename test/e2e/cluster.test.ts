import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from '../support/client.ts';
import { hasRedis } from '../support/redis.ts';
import { startRedisCluster } from '../support/redis-cluster.ts';
import { startTestService, type TestService } from '../support/service.ts';

describe.skipIf(!hasRedis)('two API nodes and a worker with a Redis Cluster of three', () => {
  let redis: Awaited<ReturnType<typeof startRedisCluster>>;
  let one: TestService;
  let other: TestService;
  let worker: TestService;

  beforeAll(async () => {
    redis = await startRedisCluster();
    const shared = { redisUrl: redis.url, expectedNodes: 2 };
    one = await startTestService(shared);
    const { databaseUrl } = one;
    other = await startTestService({ ...shared, databaseUrl });
    worker = await startTestService({ ...shared, databaseUrl, jobs: true });
  });
  afterAll(async () => {
    await Promise.all([other?.stop(), worker?.stop()]);
    await one?.stop();
    await redis?.stop();
  });

  /** Returns clients of one key, one for each node. */
  const atBoth = (apiKey: string) => [new Client(one.url, apiKey), new Client(other.url, apiKey)] as const;

  it('count the calls of a key together', async () => {
    const { apiKey } = await one.newUser({ requestsPerMinute: 20 });
    const clients = atBoth(apiKey);
    const started = performance.now();
    const calls = Array.from({ length: 40 }, (_, i) => (clients[i % 2] as Client).get('/user/me'));
    const statuses = (await Promise.all(calls)).map(({ status }) => status);
    // A call comes back every three seconds.
    const regained = Math.ceil((performance.now() - started) / 3_000);
    const passed = statuses.filter((status) => status === 200).length;
    expect(passed).toBeGreaterThanOrEqual(20);
    expect(passed).toBeLessThanOrEqual(20 + regained);
    expect(statuses.filter((status) => status === 429)).toHaveLength(40 - passed);
  });

  it('execute a repeated write once, whichever node gets it', async () => {
    const { apiKey, api } = await one.newUser();
    const headers = { 'Idempotency-Key': randomUUID() };
    const body = { title: 'Once', content: 'Stored by one of two nodes.' };
    const sent = [...atBoth(apiKey), ...atBoth(apiKey)].map((client) => client.post('/memories', body, headers));
    const stored = (await Promise.all(sent)).filter(({ status }) => status === 201);
    expect(stored.length).toBeGreaterThan(0);
    expect(new Set(stored.map((response) => response.body.id)).size).toBe(1);
    expect((await api.get('/memories')).body.total).toBe(1);
  });

  it('reject a key that the other node has revoked', async () => {
    const { api } = await one.newUser();
    const made = await api.post('/user/keys', { name: 'revoked' });
    const [atOne, atOther] = atBoth(made.body.api_key);
    expect([(await atOne.get('/stats')).status, (await atOther.get('/stats')).status]).toEqual([200, 200]);
    await api.delete(`/user/keys/${made.body.id}`);
    await expect.poll(async () => (await atOther.get('/stats')).status).toBe(401);
    expect((await atOne.get('/stats')).status).toBe(401);
  });

  it('know the sessions of each other, and their end', async () => {
    const { signIn } = await one.newUser();
    const browser = await signIn();
    const atOther = new Client(other.url, undefined, { ...browser.headers, Origin: other.url });
    expect((await atOther.get('/user/me')).status).toBe(200);
    expect((await atOther.delete('/user/sessions')).status).toBeLessThan(300);
    expect((await browser.get('/user/me')).status).toBe(401);
  });

  it('leave jobs to the worker, and see what it has done', async () => {
    const { apiKey } = await one.newUser();
    const [atOne, atOther] = atBoth(apiKey);
    await atOne.post('/memories', { title: 'Kept', content: 'Part of the export.' });
    expect((await atOne.post('/account/export')).status).toBe(202);
    await expect
      .poll(async () => (await atOther.get('/account/exports')).body.results[0]?.status, { timeout: 10_000 })
      .toBe('ready');
    const file = await fetch(`${other.url}/api/v1/account/export/file`, {
      headers: { Authorization: `Bearer ${apiKey}` },
    });
    expect([file.status, file.headers.get('content-type')]).toEqual([200, 'application/gzip']);
    expect((await file.arrayBuffer()).byteLength).toBeGreaterThan(100);
  });
});
