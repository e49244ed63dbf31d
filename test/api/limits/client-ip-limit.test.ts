import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { generateKey } from '../../../api/keys/key-format.ts';
import { REQUESTS_PER_IP } from '../../../api/limits/ip-rate-limiter.ts';
import { Client } from '../../support/client.ts';
import { expectProblem } from '../../support/openapi.ts';
import { startTestService, type TestService } from '../../support/service.ts';

/** A node that trusts no proxy, and one that trusts one proxy. */
let direct: TestService;
let behindProxy: TestService;

beforeAll(async () => {
  direct = await startTestService({ requestsPerIp: REQUESTS_PER_IP });
  const { databaseUrl } = direct;
  behindProxy = await startTestService({ databaseUrl, requestsPerIp: REQUESTS_PER_IP, trustProxy: 1 });
});
afterEach(() => vi.restoreAllMocks());
afterAll(async () => {
  await behindProxy.stop();
  await direct.stop();
});

let calls = 0;
/** Returns an IP that no test has used. */
const newIp = () => `198.51.100.${++calls}`;
const from = (forwarded: string) => ({ 'X-Forwarded-For': forwarded });
const unknownKey = () => ({ Authorization: `Bearer ${generateKey('test')}` });
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };

/** Runs concurrent requests. Returns a counter of their statuses, and how many tokens were refilled meanwhile: one a second. */
async function burst(n: number, call: (i: number) => Promise<{ status: number }>) {
  const started = performance.now();
  const answers = await Promise.all(Array.from({ length: n }, (_, i) => call(i)));
  const seconds = (performance.now() - started) / 1000;
  const count = (status: number) => answers.filter((answer) => answer.status === status).length;
  return { count, refilled: Math.ceil((seconds * REQUESTS_PER_IP) / 60) };
}

describe('requests without a valid key', () => {
  it('are limited to 60 a minute per client IP over REST and MCP together, before any query, whatever X-Forwarded-For says', async () => {
    const bare = new Client(direct.url);
    const known = await direct.newUser();
    await known.api.get('/user/me');
    const lookup = vi.spyOn(direct.service.database, 'lookup');
    const ways = [
      () => bare.get('/user/me', { ...unknownKey(), ...from(newIp()) }),
      () => bare.post(`${direct.url}/mcp`, ping, { ...unknownKey(), ...from(newIp()) }),
      () => bare.get('/user/me'),
      () => bare.post(`${direct.url}/mcp`, ping, { Authorization: 'Bearer nonsense' }),
    ];
    const { count, refilled } = await burst(200, (i) => (ways[i % 4] as (typeof ways)[0])());
    expect(count(401) + count(429)).toBe(200);
    expect(count(401)).toBeGreaterThanOrEqual(REQUESTS_PER_IP);
    expect(count(401)).toBeLessThanOrEqual(REQUESTS_PER_IP + refilled);
    expect(lookup.mock.calls.length).toBeLessThanOrEqual(count(401));
    expect(lookup.mock.calls.length).toBeGreaterThan(0);
    expect((await known.api.get('/user/me')).status).toBe(200);
  });

  it('that exceed the limit are rejected with Retry-After', async () => {
    const bare = new Client(behindProxy.url);
    const headers = from(newIp());
    const ways = [() => bare.get('/user/me', headers), () => bare.post(`${behindProxy.url}/mcp`, ping, headers)];
    for (const way of ways) {
      const answers = await Promise.all(Array.from({ length: 2 * REQUESTS_PER_IP }, way));
      const rejected = answers.filter(({ status }) => status === 429);
      expect(rejected.length).toBeGreaterThan(0);
      for (const answer of rejected) {
        expectProblem(answer, 429, 'rate_limited');
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
        const problem = answer.body.error?.data ?? answer.body;
        expect(problem['violated-policies']).toEqual(['client-ip']);
      }
    }
  });

  it('are counted by the IP that the trusted proxy saw', async () => {
    const bare = new Client(behindProxy.url);
    const caller = newIp();
    const { count, refilled } = await burst(150, () => bare.get('/user/me', from(`${newIp()}, ${caller}`)));
    expect(count(401)).toBeGreaterThanOrEqual(REQUESTS_PER_IP);
    expect(count(401)).toBeLessThanOrEqual(REQUESTS_PER_IP + refilled);
    const others = await burst(150, (i) => bare.get('/user/me', from(`${caller}, 203.0.113.${i}`)));
    expect(others.count(401)).toBe(150);
  });
});

describe('requests with a valid key', () => {
  it('are not limited by other requests of the same IP, also when 120 keys are used at once for the first time', async () => {
    const headers = from(newIp());
    const users = await Promise.all(Array.from({ length: 2 * REQUESTS_PER_IP }, () => direct.newUser()));
    const keys = users.map(({ apiKey }) => new Client(behindProxy.url, apiKey));
    const first = await burst(keys.length, (i) => (keys[i] as Client).get('/user/me', headers));
    expect(first.count(200)).toBe(keys.length);
    const bare = new Client(behindProxy.url);
    const bad = await burst(2 * REQUESTS_PER_IP, () => bare.get('/user/me', { ...unknownKey(), ...headers }));
    expect(bad.count(401)).toBeGreaterThanOrEqual(REQUESTS_PER_IP);
    expect(bad.count(429)).toBeGreaterThan(0);
    const again = await burst(keys.length, (i) => (keys[i] as Client).get('/user/me', headers));
    expect(again.count(200)).toBe(keys.length);
  });

  it('are accepted for the first time while another caller of the same IP has used up its limit, and pages work', async () => {
    const headers = from(newIp());
    const bare = new Client(behindProxy.url);
    const bad = await burst(2 * REQUESTS_PER_IP, () => bare.get('/user/me', { ...unknownKey(), ...headers }));
    expect(bad.count(429)).toBeGreaterThan(0);
    const users = await Promise.all(Array.from({ length: 5 }, () => direct.newUser()));
    for (const { apiKey } of users) {
      const fresh = new Client(behindProxy.url, apiKey);
      expect((await fresh.get('/user/me', headers)).status).toBe(200);
    }
    expect((await bare.get('/user/me', { ...unknownKey(), ...headers })).status).toBeGreaterThan(400);
    const form = { ...headers, 'Content-Type': 'application/x-www-form-urlencoded', Origin: behindProxy.url };
    const sent = await bare.request('POST', `${behindProxy.url}/claim/new`, 'email=ada%40example.com', form);
    expect(sent.status).toBe(200);
    expect((await bare.get('/plans', headers)).status).toBe(200);
  });

  it('that are revoked or expired are rejected like unknown ones then', async () => {
    const headers = from(newIp());
    const bare = new Client(behindProxy.url);
    await burst(3 * REQUESTS_PER_IP, () => bare.get('/user/me', { ...unknownKey(), ...headers }));
    const user = await direct.newUser();
    const { id, api_key } = (await user.api.post('/user/keys', { name: 'other' })).body;
    await user.api.delete(`/user/keys/${id}`);
    const revoked = new Client(behindProxy.url, api_key);
    expect([401, 429]).toContain((await revoked.get('/user/me', headers)).status);
  });
});
