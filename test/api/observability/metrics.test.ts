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

it('are told in the format of Prometheus: calls by operation, transport and status, with their durations', async () => {
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
    value(`whitemagic_calls_total{operation="${operation}",transport="rest",status="${code}"}`);
  expect([calls('memories.create', 201), calls('memories.create', 400), calls('stats.get', 200)]).toEqual([1, 1, 1]);
  expect(value('whitemagic_call_duration_seconds_count{operation="memories.create",transport="rest"}')).toBe(2);
  expect(value('whitemagic_limiter_degraded')).toBe(0);
  expect(text).not.toContain('walrus');
});

it('are for who has the token only, and nowhere without one set', async () => {
  expect((await scrape('another-token-of-length')).status).toBe(401);
  expect((await new Client(node.url).get(`${node.url}/metrics`)).status).toBe(401);
  const without = await startTestService();
  try {
    expect((await scrape(TOKEN, without.url)).status).toBe(404);
  } finally {
    await without.stop();
  }
});
