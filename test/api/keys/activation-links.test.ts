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
import { TERMS_VERSION } from '../../../api/version.ts';
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
const redeem = (token: string) => fetch(`${node.url}/claim/${token}`, { method: 'POST' });
const requestLink = (email: string) =>
  fetch(`${node.url}/claim/new`, { method: 'POST', body: new URLSearchParams({ email }) });

/** Returns the key in a page; undefined when it contains none. */
async function keyIn(answer: Response): Promise<string | undefined> {
  return /wm_test_[0-9A-Za-z]{32}/.exec(await answer.text())?.[0];
}

describe('activation link', () => {
  it('has a token of 256 random bits, of which only the SHA-256 is stored', async () => {
    const token = await activationTokenFor(node, user.userId);
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    const { rows } = await query('select token_hash from claim_lookup where user_id = $1', user.userId);
    expect(rows.map(({ token_hash }) => token_hash)).toContainEqual(createHash('sha256').update(token).digest());
    const { rows: claims } = await query('select c::text from claims c union all select l::text from claim_lookup l');
    expect(JSON.stringify(claims)).not.toContain(token);
  });

  it('is not used by GET or HEAD requests for its page', async () => {
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

  it('creates one key with all scopes that works immediately, is not cacheable and is audited', async () => {
    const owner = await node.newUser();
    const token = await activationTokenFor(node, owner.userId);
    expect(await (await fetch(`${node.url}/claim/${token}`)).text()).toContain(`(version of ${TERMS_VERSION})`);
    const answer = await redeem(token);
    const accepted = await query('select terms_version from users where id = $1', owner.userId);
    expect(accepted.rows).toEqual([{ terms_version: TERMS_VERSION }]);
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

  it('creates one key for fifty concurrent requests, and returns 410 to the others', async () => {
    const owner = await node.newUser();
    const token = await activationTokenFor(node, owner.userId);
    const answers = await Promise.all(Array.from({ length: 50 }, () => redeem(token)));
    const keys = await Promise.all(answers.map(keyIn));
    expect(keys.filter(Boolean)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 410)).toHaveLength(49);
    expect(await keysOf(node, owner.userId)).toEqual([
      { name: 'Test key', state: 'live' },
      { name: 'Default API Key', state: 'live' },
    ]);
  });

  it('returns 410 with a link to request a new one when it was used before', async () => {
    const token = await activationTokenFor(node, user.userId);
    await redeem(token);
    for (const answer of [await redeem(token), await get(`/claim/${token}`)]) {
      const text = await answer.text();
      expect(answer.status).toBe(410);
      expect(text).toContain('This link has been used');
      expect(text).toContain('href="/claim/new"');
    }
  });

  it(`expires after ${ACTIVATION_LINK_DAYS} days, and then returns 410 with a link to request a new one`, async () => {
    const owner = await node.newUser();
    const token = await activationTokenFor(node, owner.userId);
    const { rows } = await query(
      'select expires_at - created_at as lasts from claims where user_id = $1',
      owner.userId,
    );
    expect(rows[0].lasts.days).toBe(ACTIVATION_LINK_DAYS);
    await query(`update claims set expires_at = now() where user_id = $1`, owner.userId);
    for (const answer of [await redeem(token), await get(`/claim/${token}`)]) {
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
  ])('with an invalid token (%s) returns 404', async (_what, token) => {
    for (const answer of [await redeem(token), await get(`/claim/${token}`)]) {
      expect(answer.status).toBe(404);
      expect(await answer.text()).toContain('This link does not work');
    }
  });

  it('of an account that is being closed creates no key', async () => {
    for (const status of ['closing', 'deleted'] as const) {
      const owner = await node.newUser();
      const token = await activationTokenFor(node, owner.userId);
      await node.service.database.ownerWrite((sql) => updateAccountStatus(sql, owner.userId, status, new Date()));
      expect((await redeem(token)).status).toBe(404);
      expect(await keysOf(node, owner.userId)).toHaveLength(1);
    }
  });

  it('of a read-only account creates a key, so that memories can be read', async () => {
    const owner = await node.newUser();
    await node.service.database.ownerWrite((sql) => updateAccountStatus(sql, owner.userId, 'read_only', new Date()));
    expect(await keyIn(await redeem(await activationTokenFor(node, owner.userId)))).toBeDefined();
  });

  it("revokes an earlier link's key that was never used, and keeps one that was used", async () => {
    const owner = await node.newUser();
    const first = (await keyIn(await redeem(await activationTokenFor(node, owner.userId)))) as string;
    const answer = await redeem(await activationTokenFor(node, owner.userId));
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
    const third = (await keyIn(await redeem(await activationTokenFor(node, owner.userId)))) as string;
    for (const key of [second, third]) expect((await new Client(node.url, key).get('/user/me')).status).toBe(200);
    // The account's first key was not created by a link.
    expect(await keysOf(node, owner.userId)).toEqual([
      { name: 'Test key', state: 'live' },
      { name: 'Default API Key', state: 'revoked' },
      { name: 'Default API Key', state: 'live' },
      { name: 'Default API Key', state: 'live' },
    ]);
  });

  it('invalidates all other open links of the account, also for concurrent requests', async () => {
    const owner = await node.newUser();
    const other = await node.newUser();
    const [foreign, ...tokens] = await Promise.all([
      activationTokenFor(node, other.userId),
      ...Array.from({ length: 8 }, () => activationTokenFor(node, owner.userId)),
    ]);
    const answers = await Promise.all(tokens.map(redeem));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(7).fill(410)]);
    expect(await keysOf(node, owner.userId)).toEqual([
      { name: 'Test key', state: 'live' },
      { name: 'Default API Key', state: 'live' },
    ]);
    expect((await redeem(foreign as string)).status).toBe(200);
  });

  it(`is deleted ${EXPIRED_LINK_DAYS_KEPT} days after it expired unused, but kept if it created a key`, async () => {
    const owner = await node.newUser();
    const used = await activationTokenFor(node, owner.userId);
    await redeem(used);
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

describe('POST /claim/new', () => {
  it('e-mails a working link, and returns the same response for an unknown address', async () => {
    const known = await requestLink('ann@example.COM');
    const unknown = await requestLink('unknown@example.com');
    expect([known.status, unknown.status]).toEqual([200, 200]);
    expect(await known.text()).toBe(await unknown.text());
    const mail = await mailTo('ann@example.com');
    const token = new RegExp(`${node.url}/claim/([A-Za-z0-9_-]{43})`).exec(mail)?.[1] as string;
    expect(await keyIn(await redeem(token))).toBeDefined();
    await settled();
    expect((await query("select from outbox where recipient ilike 'unknown@%'")).rowCount).toBe(0);
  });

  it('keeps the link in the outbox only until the e-mail is sent', async () => {
    await requestLink('ann@example.com');
    await settled();
    const { rows } = await query(`select data from outbox where template = 'claim' and sent_at is not null`);
    expect(rows.length).toBeGreaterThan(0);
    for (const { data } of rows) expect(data).toEqual({});
  });

  it(`e-mails each account with the address that is not being closed, at most ${LINKS_EMAILED_PER_DAY_MAX} times a day`, async () => {
    const email = 'shared@example.com';
    const owners = await Promise.all([node.newUser({ email }), node.newUser({ email }), node.newUser({ email })]);
    const gone = owners[2] as TestUser;
    await node.service.database.ownerWrite((sql) => updateAccountStatus(sql, gone.userId, 'closing', new Date()));
    for (let request = 0; request < LINKS_EMAILED_PER_DAY_MAX + 2; request++) {
      await requestLink(email);
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
  ])('rejects an invalid address (%s) on the form, escaped', async (_what, email) => {
    const answer = await requestLink(email);
    const text = await answer.text();
    expect(answer.status).toBe(422);
    expect(text).toContain('Enter a valid e-mail address.');
    expect(text).not.toContain('"><script>');
  });

  it('rejects a body that is no form, and one that is too large', async () => {
    const json = await fetch(`${node.url}/claim/new`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"email":"a@b.cd"}',
    });
    expect(json.status).toBe(415);
    expect((await requestLink('a'.repeat(5_000))).status).toBe(413);
  });

  it('leaves no e-mail address in the job queue', async () => {
    await settled();
    const { rows } = await query(`select from graphile_worker._private_jobs where payload::text like '%@%'`);
    expect(rows).toEqual([]);
  });
});

describe('guessing activation links', () => {
  it('is limited per client IP, for pages, buttons and forms together', async () => {
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

  it.skipIf(!hasRedis)('is rejected with 503 while Redis is unavailable', async () => {
    const redis = await startRedis();
    const shared = await startTestService({ redisUrl: redis.url });
    try {
      const owner = await shared.newUser();
      const token = await activationTokenFor(shared, owner.userId);
      await redis.kill();
      const pressed = await fetch(`${shared.url}/claim/${token}`, { method: 'POST' });
      expect([pressed.status, pressed.headers.get('retry-after')]).toEqual([503, '2']);
      expect(await keysOf(shared, owner.userId)).toHaveLength(1);
      // Reading the page changes nothing and still works.
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

/** Resolves when no job is waiting or running. */
function settled(): Promise<void> {
  return vi.waitFor(
    async () => {
      const { rows } = await query(`select from graphile_worker._private_jobs where attempts < max_attempts`);
      expect(rows).toHaveLength(0);
    },
    { timeout: 15_000, interval: 50 },
  );
}

/** Returns the source of the first e-mail to an address. */
async function mailTo(address: string): Promise<string> {
  const folder = join(node.dataDir, 'outbox');
  return vi.waitFor(
    async () => {
      for (const file of await readdir(folder)) {
        const source = await readFile(join(folder, file), 'utf8');
        // Not the notice of a key that an earlier link made.
        if (source.toLowerCase().includes(`to: ${address}`) && source.includes('/claim/'))
          return source.replace(/=\r?\n/g, '').replaceAll('=3D', '=');
      }
      throw new Error(`no e-mail to ${address} yet`);
    },
    { timeout: 15_000 },
  );
}
