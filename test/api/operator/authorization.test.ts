import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPERATIONS, OPERATOR_OPERATIONS } from '../../../api/contracts/index.ts';
import { type Operation, SCOPES, takesBody } from '../../../api/contracts/operation.ts';
import { authorize } from '../../../api/pipeline/authorize.ts';
import { updateAccountStatus, updateOperator } from '../../../db/queries/accounts/users.ts';
import { type ApiResponse, Client, type Json } from '../../support/client.ts';
import { connectMcp } from '../../support/mcp.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';
import { eventsOf } from '../../support/usage.ts';

const ALL = OPERATOR_OPERATIONS as unknown as readonly Operation[];
const EMAIL = 'the-affected-person@example.com';

let node: TestService;
let affected: TestUser;
let callers: Record<string, Client>;
let operator: Client;
let operatorId: string;

/** Makes a user an operator, or no longer. */
const setOperator = (userId: string, isOperator: boolean) =>
  node.service.database.ownerWrite((sql) => updateOperator(sql, userId, isOperator, new Date()));

/** Calls an operation about the affected account, with the fields of its example. */
function send(client: Client, { http, example }: Operation): Promise<ApiResponse<Json>> {
  const fields = example.input as Record<string, unknown>;
  const own: Record<string, unknown> = {
    ...fields,
    ...(http.path.startsWith('/admin/users/') && { id: affected.userId }),
  };
  const path = http.path.replace(/\{(\w+)\}/g, (_, name: string) => String(own[name]));
  const body = Object.fromEntries(Object.entries(own).filter(([name]) => !http.path.includes(`{${name}}`)));
  const query = new URLSearchParams(
    Object.entries(body).map(([name, value]): [string, string] => [name, String(value)]),
  );
  if (takesBody({ http })) return client.request(http.method, path, body);
  return client.request(http.method, query.size > 0 ? `${path}?${query}` : path);
}

beforeAll(async () => {
  node = await startTestService();
  affected = await node.newUser({ email: EMAIL });
  const [admin, plain, closed, former] = await Promise.all([1, 2, 3, 4].map(() => node.newUser()));
  const users = { admin, plain, closed, former } as Record<'admin' | 'plain' | 'closed' | 'former', TestUser>;
  for (const { userId } of [users.admin, users.closed, users.former]) await setOperator(userId, true);
  operatorId = users.admin.userId;
  operator = await users.admin.signIn();
  const allScopes = await users.admin.api.post('/user/keys', { name: 'all', scopes: [...SCOPES] });
  callers = {
    'no session': new Client(node.url, undefined, { Origin: node.url }),
    'a key of an operator with all scopes': new Client(node.url, allScopes.body.api_key),
    'the session of a plain user': await users.plain.signIn(),
    'the session of a closed operator': await users.closed.signIn(),
    'the session of a former operator': await users.former.signIn(),
  };
  expect((await (callers['the session of a former operator'] as Client).get('/admin/overview')).status).toBe(200);
  await setOperator(users.former.userId, false);
  await node.service.database.ownerWrite((sql) => updateAccountStatus(sql, users.closed.userId, 'closing', new Date()));
});
afterAll(() => node.stop());

const EXPECTED: Record<string, [number, string]> = {
  'no session': [401, 'unauthenticated'],
  'a key of an operator with all scopes': [404, 'not_found'],
  'the session of a plain user': [404, 'not_found'],
  'the session of a closed operator': [403, 'account_closing'],
  'the session of a former operator': [404, 'not_found'],
};

describe('operator operations', () => {
  it.each(ALL.flatMap((operation) => Object.keys(EXPECTED).map((caller) => ({ id: operation.id, caller, operation }))))(
    '$id is rejected for $caller, without a word about the account',
    async ({ caller, operation }) => {
      const before = await stateOf(affected);
      const response = await send(callers[caller] as Client, operation);
      expect([response.status, response.body.code], response.text).toEqual(EXPECTED[caller]);
      for (const secret of [EMAIL, affected.userId, 'enterprise']) expect(response.text).not.toContain(secret);
      expect(await stateOf(affected)).toEqual(before);
    },
  );

  it.each(ALL.filter(({ execution }) => execution.kind === 'read'))('$id is allowed for an operator', async (read) => {
    const response = await send(operator, read);
    // There are neither webhooks nor the account of the example.
    expect([200, 404], response.text).toContain(response.status);
    if (read.id !== 'admin.webhooks.get') expect(response.status).toBe(200);
  });

  it.each(ALL.filter(({ execution }) => execution.kind === 'write'))(
    '$id is rejected for a request of another page',
    async (write) => {
      const { Cookie = '' } = operator.headers as Record<string, string>;
      const foreign = new Client(node.url, undefined, { Cookie, Origin: 'https://evil.example' });
      expect((await send(foreign, write)).body.code).toBe('origin_not_allowed');
    },
  );

  it('are recorded as calls of the operator that cost nothing', async () => {
    const before = (await eventsOf(node, operatorId)).length;
    await operator.get('/admin/overview');
    await operator.get('/admin/users?query=%00');
    const events = (await eventsOf(node, operatorId)).slice(before);
    expect(events).toMatchObject([
      { operation: 'admin.overview', transport: 'dashboard', billable: false, units: 0, status: 200 },
      { operation: 'admin.users.list', transport: 'dashboard', billable: false, units: 0, status: 422 },
    ]);
  });

  it('are in neither the OpenAPI document nor the list of MCP tools', async () => {
    const document = await (await fetch(`${node.url}/openapi.json`)).text();
    expect(document).not.toContain('/admin/');
    const client = await connectMcp(node, affected);
    const { tools } = await client.listTools();
    await client.close();
    expect(JSON.stringify(tools)).not.toContain('operator');
  });

  it('are the only operations that run as the database owner across accounts', () => {
    const isAcross = ({ access, execution }: Operation) => [access.operator ?? false, execution.role === 'operator'];
    for (const one of OPERATIONS as unknown as readonly Operation[]) {
      expect([one.id, ...isAcross(one)]).toEqual([one.id, false, false]);
    }
    for (const one of ALL) expect([one.id, ...isAcross(one)]).toEqual([one.id, true, true]);
  });

  it('need an operator by their execution too, whatever their access says', () => {
    const declared = OPERATIONS.find(({ id }) => id === 'user.me') as Operation;
    const across: Operation = { ...declared, execution: { kind: 'read', role: 'operator' } };
    const caller = { ...CALLER, isOperator: false };
    expect(() => authorize(across, caller)).toThrow('There is nothing at this path.');
    expect(() => authorize(across, { ...caller, isOperator: true })).not.toThrow();
    expect(() => authorize(across, { ...caller, isOperator: true, keyId: 'key' })).toThrow();
  });
});

const CALLER: Parameters<typeof authorize>[1] = {
  userId: 'user',
  keyId: null,
  sessionId: 'session',
  scopes: SCOPES,
  plan: 'free',
  status: 'active',
  limits: { requests_per_minute: 1, requests_per_day: 1, storage_bytes: 1, rest: false, webhooks: false },
  keyRequestsPerMinute: null,
  projects: null,
  transport: 'dashboard',
  isOperator: true,
};

/** Returns what an operator could change of an account. */
async function stateOf({ api, userId }: TestUser): Promise<Json> {
  const me = (await api.get('/user/me')).body;
  const { rows } = await node.service.database.owner.query(
    `select
        (select count(*)::int from audit_log where user_id = $1) as audited,
        (select count(*)::int from api_keys where user_id = $1 and revoked_at is null) as keys`,
    [userId],
  );
  return { plan: me.plan, status: me.status, limits: me.limits, ...rows[0] };
}
