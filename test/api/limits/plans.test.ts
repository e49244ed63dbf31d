import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PUBLIC_OPERATIONS } from '../../../api/contracts/index.ts';
import { PLAN_NAMES } from '../../../api/limits/plans.ts';
import { Client, type Json } from '../../support/client.ts';
import { expectProblem, loadOpenApi } from '../../support/openapi.ts';
import { startTestService, type TestService } from '../../support/service.ts';

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

const [plans] = PUBLIC_OPERATIONS;

describe('GET /plans', () => {
  it('returns price and limits of each plan without a key', async () => {
    const answer = await new Client(node.url).get('/plans');
    (await loadOpenApi(node.url)).check(plans, answer);
    expect(answer.status).toBe(200);
    const rows = answer.body.results.map(({ purpose, support, ...row }: Json) => {
      expect(purpose).toMatch(/\w.+\.$/);
      expect([row.name, support]).toEqual([
        row.name,
        expect.stringMatching(row.name === 'free' ? /\.$/ : /response within \w+ working/),
      ]);
      return row;
    });
    const limits = (requests_per_minute: number, requests_per_day: number, storage_bytes: number) => ({
      requests_per_minute,
      requests_per_day,
      storage_bytes,
    });
    const mcp = ['dashboard', 'mcp_http', 'mcp_stdio'];
    const transports = [...mcp, 'rest'];
    expect(rows).toEqual([
      { name: 'free', price: '$0', ...limits(10, 100, 10_000_000), transports: mcp, webhooks: false },
      { name: 'starter', price: '$10 a month', ...limits(60, 5_000, 100_000_000), transports, webhooks: false },
      { name: 'pro', price: '$30 a month', ...limits(300, 50_000, 1_000_000_000), transports, webhooks: true },
      { name: 'enterprise', price: 'custom', ...limits(1_000, 1_000_000, 10_000_000_000), transports, webhooks: true },
    ]);
  });

  it('returns the limits that the limiter enforces', async () => {
    const { results } = (await new Client(node.url).get('/plans')).body;
    for (const plan of PLAN_NAMES) {
      const user = await node.newUser({ plan, requestsPerMinute: null });
      const { limits } = (await user.api.get('/user/me')).body;
      const {
        name: _name,
        price: _price,
        purpose: _purpose,
        support: _support,
        transports,
        ...listed
      } = results.find(({ name }: Json) => name === plan);
      expect({ ...listed, rest: transports.includes('rest') }).toEqual(limits);
    }
  });

  it('rejects unknown fields with a 400 that names each', async () => {
    const answer = await new Client(node.url).get('/plans?colour=red');
    (await loadOpenApi(node.url)).check(plans, answer);
    expectProblem(answer, 400, 'invalid_request');
    expect(answer.body.errors).toEqual([{ path: 'colour', message: 'is not a known field' }]);
  });

  it('returns the same with a key and is not metered', async () => {
    const user = await node.newUser();
    const [bare, keyed] = await Promise.all([new Client(node.url).get('/plans'), user.api.get('/plans')]);
    expect(keyed.body).toEqual(bare.body);
    const { owner } = node.service.database;
    expect((await owner.query('select from usage_events where user_id = $1', [user.userId])).rowCount).toBe(0);
  });
});
