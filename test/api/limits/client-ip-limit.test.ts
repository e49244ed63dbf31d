import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { generateKey } from '../../../api/keys/key-format.ts';
import { CALLS_PER_ADDRESS } from '../../../api/limits/ip-rate-limiter.ts';
import { Client } from '../../support/client.ts';
import { expectProblem } from '../../support/openapi.ts';
import { startTestService, type TestService } from '../../support/service.ts';

/** One that believes no proxy, and one that believes the one before it. */
let direct: TestService;
let behindProxy: TestService;

beforeAll(async () => {
  direct = await startTestService({ callsPerAddress: CALLS_PER_ADDRESS });
  const { databaseUrl } = direct;
  behindProxy = await startTestService({ databaseUrl, callsPerAddress: CALLS_PER_ADDRESS, trustProxy: 1 });
});
afterEach(() => vi.restoreAllMocks());
afterAll(async () => {
  await behindProxy.stop();
  await direct.stop();
});

let calls = 0;
/** An address that no test has called from. */
const newAddress = () => `198.51.100.${++calls}`;
const from = (forwarded: string) => ({ 'X-Forwarded-For': forwarded });
const unknownKey = () => ({ Authorization: `Bearer ${generateKey('test')}` });
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };

/** What a number of calls at once were answered. Longer than a second they may not take: one more passes each second. */
async function answersTo(n: number, call: (i: number) => Promise<{ status: number }>) {
  const started = performance.now();
  const answers = await Promise.all(Array.from({ length: n }, (_, i) => call(i)));
  const seconds = (performance.now() - started) / 1000;
  const count = (status: number) => answers.filter((answer) => answer.status === status).length;
  return { count, refilled: Math.ceil((seconds * CALLS_PER_ADDRESS) / 60) };
}

describe('without a valid key', () => {
  it('sixty calls a minute of one address pass on REST and MCP together, before any query, whatever it forwards', async () => {
    const bare = new Client(direct.url);
    const known = await direct.newUser();
    await known.api.get('/user/me');
    const lookup = vi.spyOn(direct.service.database, 'lookup');
    const ways = [
      () => bare.get('/user/me', { ...unknownKey(), ...from(newAddress()) }),
      () => bare.post(`${direct.url}/mcp`, ping, { ...unknownKey(), ...from(newAddress()) }),
      () => bare.get('/user/me'),
      () => bare.post(`${direct.url}/mcp`, ping, { Authorization: 'Bearer nonsense' }),
    ];
    const { count, refilled } = await answersTo(200, (i) => (ways[i % 4] as (typeof ways)[0])());
    expect(count(401) + count(429)).toBe(200);
    expect(count(401)).toBeGreaterThanOrEqual(CALLS_PER_ADDRESS);
    expect(count(401)).toBeLessThanOrEqual(CALLS_PER_ADDRESS + refilled);
    expect(lookup.mock.calls.length).toBeLessThanOrEqual(count(401));
    expect(lookup.mock.calls.length).toBeGreaterThan(0);
    expect((await known.api.get('/user/me')).status).toBe(200);
  });

  it('those beyond are told when to come again', async () => {
    const bare = new Client(behindProxy.url);
    const headers = from(newAddress());
    const ways = [() => bare.get('/user/me', headers), () => bare.post(`${behindProxy.url}/mcp`, ping, headers)];
    for (const way of ways) {
      const answers = await Promise.all(Array.from({ length: 2 * CALLS_PER_ADDRESS }, way));
      const refused = answers.filter(({ status }) => status === 429);
      expect(refused.length).toBeGreaterThan(0);
      for (const answer of refused) {
        expectProblem(answer, 429, 'rate_limited');
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
        expect(answer.body['violated-policies']).toEqual(['address']);
      }
    }
  });

  it('behind a proxy it is the address that the proxy saw that counts', async () => {
    const bare = new Client(behindProxy.url);
    const caller = newAddress();
    const { count, refilled } = await answersTo(150, () => bare.get('/user/me', from(`${newAddress()}, ${caller}`)));
    expect(count(401)).toBeGreaterThanOrEqual(CALLS_PER_ADDRESS);
    expect(count(401)).toBeLessThanOrEqual(CALLS_PER_ADDRESS + refilled);
    const others = await answersTo(150, (i) => bare.get('/user/me', from(`${caller}, 203.0.113.${i}`)));
    expect(others.count(401)).toBe(150);
  });
});

describe('with a valid key', () => {
  it('nobody is held up by others of the same address, however many come at once for the first time', async () => {
    const address = from(newAddress());
    const users = await Promise.all(Array.from({ length: 2 * CALLS_PER_ADDRESS }, () => direct.newUser()));
    const keys = users.map(({ apiKey }) => new Client(behindProxy.url, apiKey));
    const first = await answersTo(keys.length, (i) => (keys[i] as Client).get('/user/me', address));
    expect(first.count(200)).toBe(keys.length);
    const bare = new Client(behindProxy.url);
    const bad = await answersTo(2 * CALLS_PER_ADDRESS, () => bare.get('/user/me', { ...unknownKey(), ...address }));
    expect(bad.count(401)).toBeGreaterThanOrEqual(CALLS_PER_ADDRESS);
    expect(bad.count(429)).toBeGreaterThan(0);
    const again = await answersTo(keys.length, (i) => (keys[i] as Client).get('/user/me', address));
    expect(again.count(200)).toBe(keys.length);
  });
});
