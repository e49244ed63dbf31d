import { afterAll, beforeAll, expect, it } from 'vitest';
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
