import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SCOPES } from '../../../api/contracts/operation.ts';
import {
  ACTIVATION_LINK_DAYS,
  deleteExpiredActivationLinks,
  EXPIRED_LINK_DAYS_KEPT,
  LINKS_EMAILED_PER_DAY_MAX,
} from '../../../api/keys/activation-links.ts';
import { DAY_MS } from '../../../api/time.ts';
import { updateAccountStatus } from '../../../db/queries/accounts/users.ts';
import { activationTokenFor, keysOf } from '../../support/activation-links.ts';
import { Client } from '../../support/client.ts';
import { hasRedis, startRedis } from '../../support/redis.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let node: TestService;
let user: TestUser;

beforeAll(async () => {
  node = await startTestService({ jobs: true });
  user = await node.newUser({ email: 'Ann@Example.com' });
});
afterAll(() => node.stop());

const query = (text: string, ...values: unknown[]) => node.service.database.owner.query(text, values);
const get = (path: string) => fetch(`${node.url}${path}`, { redirect: 'manual' });
const press = (token: string) => fetch(`${node.url}/claim/${token}`, { method: 'POST' });
const ask = (email: string) => fetch(`${node.url}/claim/new`, { method: 'POST', body: new URLSearchParams({ email }) });

/** The key that a page shows, if it does. */
async function keyIn(answer: Response): Promise<string | undefined> {
  return /wm_test_[0-9A-Za-z]{32}/.exec(await answer.text())?.[0];
}

describe('a claim', () => {
  it('is 256 random bits, of which the database has the SHA-256 only', async () => {
    const token = await activationTokenFor(node, user.userId);
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    const { rows } = await query('select token_hash from claim_lookup where user_id = $1', user.userId);
    expect(rows.map(({ token_hash }) => token_hash)).toContainEqual(createHash('sha256').update(token).digest());
    const { rows: claims } = await query('select c::text from claims c union all select l::text from claim_lookup l');
    expect(JSON.stringify(claims)).not.toContain(token);
  });

  it('changes nothing however often its page is read, by GET or HEAD', async () => {
    const owner = await node.newUser();
    const token = await activationTokenFor(node, owner.userId);
    const before = await keysOf(node, owner.userId);
    const answers = await Promise.all(Array.from({ length: 20 }, () => get(`/claim/${token}`)));
    await fetch(`${node.url}/claim/${token}`, { method: 'HEAD' });
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    for (const answer of answers) expect(await keyIn(answer)).toBeUndefined();
    expect(await keysOf(node, owner.userId)).toEqual(before);
    const { rows } = await query('select used_at from claims where user_id = $1', owner.userId);
    expect(rows).toEqual([{ used_at: null }]);
  });

  it('makes one key of all scopes that works at once, is in no cache, and is audited', async () => {
    const owner = await node.newUser();
    const answer = await press(await activationTokenFor(node, owner.userId));
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    const key = (await keyIn(answer)) as string;
    const me = await new Client(node.url, key).get('/user/me');
    expect(me.body.id).toBe(owner.userId);
    const { results } = (await owner.api.get('/user/keys')).body;
    const made = results.find(({ name }: { name: string }) => name === 'Default API Key');
    expect(made).toMatchObject({ scopes: [...SCOPES], active: true, last4: key.slice(-4) });
    const { rows } = await query(
      `select actor, action, target from audit_log where user_id = $1 and action = 'keys.create'`,
      owner.userId,
    );
    expect(rows).toEqual([{ actor: 'claim', action: 'keys.create', target: made.id }]);
  });

  it('pressed fifty times at once makes one key; the others hear that it was used', async () => {
    const owner = await node.newUser();
    const token = await activationTokenFor(node, owner.userId);
    const answers = await Promise.all(Array.from({ length: 50 }, () => press(token)));
    const keys = await Promise.all(answers.map(keyIn));
    expect(keys.filter(Boolean)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 410)).toHaveLength(49);
    expect(await keysOf(node, owner.userId)).toEqual([
      { name: 'Test key', state: 'live' },
      { name: 'Default API Key', state: 'live' },
    ]);
  });

  it('used a second time says so, and has a way on', async () => {
    const token = await activationTokenFor(node, user.userId);
    await press(token);
    for (const answer of [await press(token), await get(`/claim/${token}`)]) {
      const text = await answer.text();
      expect(answer.status).toBe(410);
      expect(text).toContain('This link has been used');
      expect(text).toContain('href="/claim/new"');
    }
  });

  it(`works for ${ACTIVATION_LINK_DAYS} days; then it says that it expired, and has a way on`, async () => {
    const owner = await node.newUser();
    const token = await activationTokenFor(node, owner.userId);
    const { rows } = await query(
      'select expires_at - created_at as lasts from claims where user_id = $1',
      owner.userId,
    );
    expect(rows[0].lasts.days).toBe(ACTIVATION_LINK_DAYS);
    await query(`update claims set expires_at = now() where user_id = $1`, owner.userId);
    for (const answer of [await press(token), await get(`/claim/${token}`)]) {
      const text = await answer.text();
      expect(answer.status).toBe(410);
      expect(text).toContain('This link has expired');
      expect(text).toContain('href="/claim/new"');
    }
    expect(await keysOf(node, owner.userId)).toHaveLength(1);
  });

  it.each([
    ['short', 'x'],
    ['unknown', 'A'.repeat(43)],
    ['with a slash', `${'A'.repeat(42)}%2F`],
    ['very long', 'A'.repeat(4_000)],
    ['a NUL', '%00'],
  ])('that never was (%s) is not found, with a way on', async (_what, token) => {
    for (const answer of [await press(token), await get(`/claim/${token}`)]) {
      expect(answer.status).toBe(404);
      expect(await answer.text()).toContain('This link does not work');
    }
  });

  it('of an account that is being deleted makes no key', async () => {
    for (const status of ['closing', 'deleted'] as const) {
      const owner = await node.newUser();
      const token = await activationTokenFor(node, owner.userId);
      await node.service.database.ownerWrite((sql) => updateAccountStatus(sql, owner.userId, status, new Date()));
      expect((await press(token)).status).toBe(404);
      expect(await keysOf(node, owner.userId)).toHaveLength(1);
    }
  });

  it('of a read-only account makes a key: what is stored can be read', async () => {
    const owner = await node.newUser();
    await node.service.database.ownerWrite((sql) => updateAccountStatus(sql, owner.userId, 'read_only', new Date()));
    expect(await keyIn(await press(await activationTokenFor(node, owner.userId)))).toBeDefined();
  });

  it('replaces the key of an earlier one that was never used, at once, and leaves one that was used alone', async () => {
    const owner = await node.newUser();
    const first = (await keyIn(await press(await activationTokenFor(node, owner.userId)))) as string;
    const answer = await press(await activationTokenFor(node, owner.userId));
    const second = (await keyIn(answer.clone() as Response)) as string;
    expect(await answer.text()).toContain('The earlier one, which was never used, no longer works.');
    expect((await new Client(node.url, first).get('/user/me')).status).toBe(401);
    expect((await new Client(node.url, second).get('/user/me')).status).toBe(200);
    await vi.waitFor(async () => {
      const { rows } = await query(
        `select from api_keys where user_id = $1 and name = 'Default API Key' and last_used_at is not null`,
        owner.userId,
      );
      expect(rows).toHaveLength(1);
    });
    const third = (await keyIn(await press(await activationTokenFor(node, owner.userId)))) as string;
    for (const key of [second, third]) expect((await new Client(node.url, key).get('/user/me')).status).toBe(200);
    // The key that the account had without a claim is nobody's default.
    expect(await keysOf(node, owner.userId)).toEqual([
      { name: 'Test key', state: 'live' },
      { name: 'Default API Key', state: 'revoked' },
      { name: 'Default API Key', state: 'live' },
      { name: 'Default API Key', state: 'live' },
    ]);
  });

  it('uses up every other open one of the same account, also when all are pressed at once', async () => {
    const owner = await node.newUser();
    const other = await node.newUser();
    const [foreign, ...tokens] = await Promise.all([
      activationTokenFor(node, other.userId),
      ...Array.from({ length: 8 }, () => activationTokenFor(node, owner.userId)),
    ]);
    const answers = await Promise.all(tokens.map(press));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(7).fill(410)]);
    expect(await keysOf(node, owner.userId)).toEqual([
      { name: 'Test key', state: 'live' },
      { name: 'Default API Key', state: 'live' },
    ]);
    expect((await press(foreign as string)).status).toBe(200);
  });

  it('is forgotten long after its end if it made no key; one that did stays with the account', async () => {
    const owner = await node.newUser();
    const used = await activationTokenFor(node, owner.userId);
    await press(used);
    const unused = await activationTokenFor(node, owner.userId);
    const { rows } = await query(
      `update claims set expires_at = now() where user_id = $1 returning expires_at`,
      owner.userId,
    );
    const expired = (rows[0].expires_at as Date).getTime();
    const forget = (days: number) =>
      node.service.database.ownerWrite((sql) => deleteExpiredActivationLinks(sql, new Date(expired + days * DAY_MS)));
    await forget(EXPIRED_LINK_DAYS_KEPT);
    expect((await get(`/claim/${unused}`)).status).toBe(410);
    await forget(EXPIRED_LINK_DAYS_KEPT + 1);
    expect((await get(`/claim/${unused}`)).status).toBe(404);
    expect((await get(`/claim/${used}`)).status).toBe(410);
  });
});

describe('a new claim', () => {
  it('is mailed to the address, works, and the answer is the same for an address that nobody has', async () => {
    const known = await ask('ann@example.COM');
    const unknown = await ask('nobody@example.com');
    expect([known.status, unknown.status]).toEqual([200, 200]);
    expect(await known.text()).toBe(await unknown.text());
    const mail = await mailTo('ann@example.com');
    const token = new RegExp(`${node.url}/claim/([A-Za-z0-9_-]{43})`).exec(mail)?.[1] as string;
    expect(await keyIn(await press(token))).toBeDefined();
    await settled();
    expect((await query("select from outbox where recipient ilike 'nobody@%'")).rowCount).toBe(0);
  });

  it('is in the outbox only until it is sent', async () => {
    await ask('ann@example.com');
    await settled();
    const { rows } = await query(`select data from outbox where template = 'claim' and sent_at is not null`);
    expect(rows.length).toBeGreaterThan(0);
    for (const { data } of rows) expect(data).toEqual({});
  });

  it(`is mailed to every account with the address that is not being deleted, at most ${LINKS_EMAILED_PER_DAY_MAX} a day each`, async () => {
    const email = 'shared@example.com';
    const owners = await Promise.all([node.newUser({ email }), node.newUser({ email }), node.newUser({ email })]);
    const gone = owners[2] as TestUser;
    await node.service.database.ownerWrite((sql) => updateAccountStatus(sql, gone.userId, 'closing', new Date()));
    for (let asked = 0; asked < LINKS_EMAILED_PER_DAY_MAX + 2; asked++) {
      await ask(email);
      await settled();
    }
    const { rows } = await query('select user_id, count(*)::int from outbox where recipient = $1 group by 1', email);
    const counts = Object.fromEntries(rows.map(({ user_id, count }) => [user_id, count]));
    expect(counts).toEqual({
      [(owners[0] as TestUser).userId]: LINKS_EMAILED_PER_DAY_MAX,
      [(owners[1] as TestUser).userId]: LINKS_EMAILED_PER_DAY_MAX,
    });
  });

  it.each([
    ['nothing', ''],
    ['a word', 'nonsense'],
    ['half', 'a@b'],
    ['too long', `${'a'.repeat(250)}@example.com`],
    ['markup', '"><script>@x.y'],
  ])('for what is no address (%s) is refused on the form, escaped', async (_what, email) => {
    const answer = await ask(email);
    const text = await answer.text();
    expect(answer.status).toBe(422);
    expect(text).toContain('This is no e-mail address.');
    expect(text).not.toContain('"><script>');
  });

  it('is asked for by a form: another body, or one too large, is refused', async () => {
    const json = await fetch(`${node.url}/claim/new`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"email":"a@b.cd"}',
    });
    expect(json.status).toBe(415);
    expect((await ask('a'.repeat(5_000))).status).toBe(413);
  });

  it('leaves no address in the queue', async () => {
    await settled();
    const { rows } = await query(`select from graphile_worker._private_jobs where payload::text like '%@%'`);
    expect(rows).toEqual([]);
  });
});

describe('guessing links', () => {
  it('is limited by address: pages, presses and forms', async () => {
    const limited = await startTestService({ requestsPerIp: 3 });
    try {
      const statuses: number[] = [];
      for (const call of [
        () => fetch(`${limited.url}/claim/${'A'.repeat(43)}`),
        () => fetch(`${limited.url}/claim/${'B'.repeat(43)}`, { method: 'POST' }),
        () => fetch(`${limited.url}/claim/new`, { method: 'POST', body: new URLSearchParams({ email: 'a@b.cd' }) }),
        () => fetch(`${limited.url}/claim/${'C'.repeat(43)}`),
        () => fetch(`${limited.url}/claim/${'D'.repeat(43)}`, { method: 'POST' }),
        () => fetch(`${limited.url}/claim/new`, { method: 'POST', body: new URLSearchParams({ email: 'a@b.cd' }) }),
      ])
        statuses.push((await call()).status);
      expect(statuses).toEqual([404, 404, 200, 429, 429, 429]);
    } finally {
      await limited.stop();
    }
  });

  it.skipIf(!hasRedis)('is closed while nodes that count together cannot, and open again when they can', async () => {
    const redis = await startRedis();
    const shared = await startTestService({ redisUrl: redis.url });
    try {
      const owner = await shared.newUser();
      const token = await activationTokenFor(shared, owner.userId);
      await redis.kill();
      const pressed = await fetch(`${shared.url}/claim/${token}`, { method: 'POST' });
      expect([pressed.status, pressed.headers.get('retry-after')]).toEqual([503, '2']);
      expect(await keysOf(shared, owner.userId)).toHaveLength(1);
      // Looking changes nothing, and goes on.
      expect((await fetch(`${shared.url}/claim/${token}`)).status).toBe(200);
      await redis.restart();
      await vi.waitFor(
        async () => expect((await fetch(`${shared.url}/claim/${token}`, { method: 'POST' })).status).toBe(200),
        { timeout: 15_000, interval: 200 },
      );
      expect(await keysOf(shared, owner.userId)).toHaveLength(2);
    } finally {
      await shared.stop();
      await redis.stop();
    }
  });
});

/** Resolves when no job waits or runs. */
function settled(): Promise<void> {
  return vi.waitFor(
    async () => {
      const { rows } = await query(`select from graphile_worker._private_jobs where attempts < max_attempts`);
      expect(rows).toHaveLength(0);
    },
    { timeout: 15_000, interval: 50 },
  );
}

/** The first mail to somebody, as text. */
async function mailTo(address: string): Promise<string> {
  const folder = join(node.dataDir, 'outbox');
  return vi.waitFor(
    async () => {
      for (const file of await readdir(folder)) {
        const source = await readFile(join(folder, file), 'utf8');
        if (source.toLowerCase().includes(`to: ${address}`))
          return source.replace(/=\r?\n/g, '').replaceAll('=3D', '=');
      }
      throw new Error(`no mail to ${address} yet`);
    },
    { timeout: 15_000 },
  );
}
