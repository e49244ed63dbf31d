import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deleteExpiredSessions, SESSION_DAYS } from '../../../api/auth/sessions.ts';
import { beginLogin, LOGIN_MINUTES, resumeLogin } from '../../../api/auth/whop-login.ts';
import { DAY_MS } from '../../../api/time.ts';
import { TERMS_CHANGED_AT, TERMS_VERSION } from '../../../api/version.ts';
import { freePort } from '../../../db/embedded/free-port.ts';
import { updateAccountStatus } from '../../../db/queries/accounts/users.ts';
import { type Person, startWhopSimulator, type WhopSimulator } from '../../../scripts/whop-simulator/server.ts';
import { keysOf } from '../../support/activation-links.ts';
import { BrowserSession } from '../../support/browser-session.ts';
import { hasRedis, startRedis } from '../../support/redis.ts';
import { startTestService, type TestService } from '../../support/service.ts';

const PLANS = { plan_pro: 'pro', plan_starter: 'starter' } as const;

let whop: WhopSimulator;
let node: TestService;

beforeAll(async () => {
  whop = await startWhopSimulator({ plans: PLANS });
  node = await startTestService({ whop: whop.config });
});
afterAll(async () => {
  await node.stop();
  await whop.close();
});
beforeEach(() => {
  whop.faults = {};
});

const query = (text: string, ...values: unknown[]) => node.service.database.owner.query(text, values);
const sessions = async () => (await query('select * from sessions')).rows;
const hashOf = (cookie: string) => createHash('sha256').update(cookie).digest();

/** Buys a plan as a new person. No webhook is delivered. */
function newCustomer(plan: keyof typeof PLANS = 'plan_pro'): { person: Person; paymentId: string } {
  const person = whop.person();
  const membership = whop.buy(plan, { person });
  const payment = [...whop.payments.values()].find((one) => one.membership.id === membership.id);
  return { person, paymentId: payment?.id as string };
}

/** Signs a customer in who returns from the checkout. */
async function signedIn({ person, paymentId } = newCustomer()): Promise<BrowserSession> {
  whop.signedIn = person;
  const browser = new BrowserSession(node.url);
  const { answer } = await browser.follow(`/welcome?payment_id=${paymentId}`);
  expect(answer.status).toBe(200);
  return browser;
}

/** Starts a log-in and returns the callback URL to which Whop redirects the browser. */
async function callbackOf(browser: BrowserSession, person: Person, start = '/auth/whop'): Promise<URL> {
  whop.signedIn = person;
  const begun = await browser.go(start);
  const back = await browser.go(begun.headers.get('location') as string);
  return new URL(back.headers.get('location') as string);
}

describe('return from the checkout', () => {
  it('signs the customer in at Whop and creates the account before any webhook', async () => {
    const { person, paymentId } = newCustomer();
    whop.signedIn = person;
    const browser = new BrowserSession(node.url);
    const { answer, address } = await browser.follow(`/welcome?payment_id=${paymentId}&receipt_id=x&status=success`);
    expect([answer.status, address]).toEqual([200, `${node.url}/app/connect`]);
    const { rows } = await query('select id, plan, email from users where whop_user_id = $1', person.id);
    expect(rows).toEqual([{ id: rows[0].id, plan: 'pro', email: person.email }]);
    expect(await (await browser.go('/api/v1/user/me')).json()).toMatchObject({ id: rows[0].id, plan: 'pro' });
    expect(await keysOf(node, rows[0].id)).toEqual([]);
  });

  it('works without an e-mail address', async () => {
    const person = whop.person({ email: null });
    const membership = whop.buy('plan_starter', { person });
    const payment = [...whop.payments.values()].find((one) => one.membership.id === membership.id);
    await signedIn({ person, paymentId: payment?.id as string });
    expect((await query('select email from users where whop_user_id = $1', person.id)).rows).toEqual([{ email: null }]);
  });

  it('creates one account however often the page is reloaded', async () => {
    const bought = newCustomer();
    const browser = await signedIn(bought);
    for (let times = 0; times < 3; times++) await browser.follow(`/welcome?payment_id=${bought.paymentId}`);
    expect((await query('select from users where whop_user_id = $1', bought.person.id)).rowCount).toBe(1);
  });

  it("rejects another customer's payment, signed in or not, and creates no account", async () => {
    const theirs = newCustomer();
    const stranger = whop.person();
    whop.signedIn = stranger;
    const rejected = await new BrowserSession(node.url).follow(`/welcome?payment_id=${theirs.paymentId}`);
    expect(rejected.answer.status).toBe(403);
    expect(await rejected.answer.text()).toContain('This purchase belongs to another Whop account');
    for (const { id } of [stranger, theirs.person]) {
      expect((await query('select from users where whop_user_id = $1', id)).rowCount).toBe(0);
    }
    const browser = await signedIn();
    expect((await browser.go(`/welcome?payment_id=${theirs.paymentId}`)).status).toBe(403);
    expect((await query('select from users where whop_user_id = $1', theirs.person.id)).rowCount).toBe(0);
  });

  it.each([
    ['unknown', 'pay_unknown'],
    ['a path', '../users/me'],
    ['very long', 'x'.repeat(5_000)],
    ['a NUL', '%00'],
    ['a quote', "'"],
  ])('returns 404 for a payment that does not exist (%s)', async (_what, paymentId) => {
    whop.signedIn = whop.person();
    const { answer } = await new BrowserSession(node.url).follow(`/welcome?payment_id=${paymentId}`);
    expect(answer.status).toBe(404);
  });

  it('returns 503 while Whop has a problem, and succeeds afterwards', async () => {
    const bought = newCustomer();
    whop.signedIn = bought.person;
    whop.faults = { status: 500 };
    const browser = new BrowserSession(node.url);
    const rejected = await browser.follow(`/welcome?payment_id=${bought.paymentId}`);
    expect(rejected.answer.status).toBe(503);
    const page = await rejected.answer.text();
    expect(page).toContain('Whop');
    expect(page).not.toContain('database');
    whop.faults = {};
    expect((await browser.follow(`/welcome?payment_id=${bought.paymentId}`)).answer.status).toBe(200);
  });
});

describe('log-in with Whop', () => {
  it('without a payment redirects a customer to the wanted page of the dashboard, and others to the plans', async () => {
    const bought = newCustomer();
    await signedIn(bought);
    whop.signedIn = bought.person;
    for (const [start, end] of [
      ['/auth/whop', '/app'],
      ['/auth/whop?next=/app/keys%3Fa=b', '/app/keys?a=b'],
      ['/auth/whop?next=//evil.example', '/app'],
    ] as const) {
      const browser = new BrowserSession(node.url);
      const back = await browser.go((await callbackOf(browser, bought.person, start)).href);
      expect(back.headers.get('location')).toBe(end);
      expect((await browser.go('/api/v1/user/me')).status).toBe(200);
    }
    whop.signedIn = whop.person();
    const stranger = new BrowserSession(node.url);
    const rejected = await stranger.follow('/auth/whop');
    expect(rejected.answer.status).toBe(404);
    expect(await rejected.answer.text()).toContain('Choose a plan first.');
    expect([...stranger.cookies]).toEqual([]);
  });

  it('requests the e-mail address with a new PKCE challenge, state and nonce each time, and a fixed redirect URI', async () => {
    const requested = await Promise.all(
      [1, 2].map(
        async () => new URL((await new BrowserSession(node.url).go('/auth/whop')).headers.get('location') as string),
      ),
    );
    for (const url of requested) {
      const { state, nonce, code_challenge, ...rest } = Object.fromEntries(url.searchParams);
      for (const value of [state, nonce, code_challenge]) expect(value).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(new Set([state, nonce, code_challenge]).size).toBe(3);
      expect(rest).toEqual({
        response_type: 'code',
        client_id: whop.config.oauth.clientId,
        redirect_uri: `${node.url}/auth/whop/callback`,
        scope: 'openid profile email',
        code_challenge_method: 'S256',
      });
    }
    for (const name of ['state', 'nonce', 'code_challenge']) {
      expect(requested[0]?.searchParams.get(name)).not.toBe(requested[1]?.searchParams.get(name));
    }
  });

  it("revokes Whop's tokens and stores none", async () => {
    await signedIn();
    expect(whop.oauth.live()).toEqual([]);
    const { rows } = await query(`select coalesce(string_agg(t::text, ' '), '') as text from
      (select s::text from sessions s union all select u::text from users u union all select a::text from audit_log a) t`);
    for (const token of whop.oauth.revoked) expect(rows[0].text).not.toContain(token);
    expect(whop.oauth.revoked.length).toBeGreaterThan(0);
  });

  it('is rejected without a session when the state is wrong, missing or from another browser', async () => {
    const { person } = await signedUpCustomer();
    const before = (await sessions()).length;
    const [mine, theirs] = [new BrowserSession(node.url), new BrowserSession(node.url)];
    const [back, foreign] = [await callbackOf(mine, person), await callbackOf(theirs, person)];
    const tampered = new URL(back);
    tampered.searchParams.set('state', 'A'.repeat(43));
    const stateless = new URL(back);
    stateless.searchParams.delete('state');
    for (const url of [tampered, stateless, foreign]) {
      // Each attempt deletes the log-in's cookie.
      const browser = new BrowserSession(node.url);
      for (const [name, value] of mine.cookies) browser.cookies.set(name, value);
      expect((await browser.go(url.href)).status).toBe(400);
      expect([...browser.cookies]).toEqual([]);
    }
    const other = new BrowserSession(node.url);
    expect((await other.go(back.href)).status).toBe(400);
    expect((await sessions()).length).toBe(before);
    expect((await mine.go(back.href)).status).toBe(302);
  });

  it('is rejected when the time, payment or secret in the cookie was changed', async () => {
    const { person } = await signedUpCustomer();
    for (const change of [
      (cookie: string) => cookie.replace(/\.(\d{13})\./, (_whole, at) => `.${Number(at) + 1}.`),
      (cookie: string) => `${cookie}pay_x`,
      (cookie: string) => (cookie.startsWith('A') ? `B${cookie.slice(1)}` : `A${cookie.slice(1)}`),
      () => 'nonsense',
    ]) {
      const browser = new BrowserSession(node.url);
      const back = await callbackOf(browser, person);
      const [name, value] = [...browser.cookies][0] as [string, string];
      browser.cookies.set(name, change(value));
      expect((await browser.go(back.href)).status).toBe(400);
    }
  });

  it('is rejected when the code belongs to the verifier of another log-in', async () => {
    const { person } = await signedUpCustomer();
    const [mine, theirs] = [new BrowserSession(node.url), new BrowserSession(node.url)];
    const [back, other] = [await callbackOf(mine, person), await callbackOf(theirs, whop.person())];
    back.searchParams.set('code', other.searchParams.get('code') as string);
    const rejected = await mine.go(back.href);
    expect(rejected.status).toBe(400);
    expect(await rejected.text()).toContain('Whop did not accept this log-in.');
  });

  it.each(['nonce', 'sub', 'aud', 'none'] as const)(
    'is rejected when the ID token does not match (%s)',
    async (what) => {
      const { person } = await signedUpCustomer();
      const browser = new BrowserSession(node.url);
      const back = await callbackOf(browser, person);
      const before = (await sessions()).length;
      const original = whop.oauth.token;
      whop.oauth.token = (body) => {
        const response = original(body);
        const given = response.body as Record<string, string>;
        const claims = JSON.parse(
          Buffer.from((given.id_token as string).split('.')[1] as string, 'base64url').toString(),
        );
        const forged = Buffer.from(JSON.stringify({ ...claims, [what]: 'other' })).toString('base64url');
        return { ...response, body: { ...given, id_token: what === 'none' ? undefined : `e30.${forged}.x` } };
      };
      const rejected = await browser.go(back.href);
      whop.oauth.token = original;
      expect(rejected.status).toBe(400);
      expect((await sessions()).length).toBe(before);
    },
  );

  it('is rejected when the same callback is requested a second time', async () => {
    const { person } = await signedUpCustomer();
    const browser = new BrowserSession(node.url);
    const back = await callbackOf(browser, person);
    const cookies = [...browser.cookies];
    expect((await browser.go(back.href)).status).toBe(302);
    expect((await browser.go(back.href)).status).toBe(400);
    for (const [name, value] of cookies) browser.cookies.set(name, value);
    expect((await browser.go(back.href)).status).toBe(400);
  });

  it(`must be completed within ${LOGIN_MINUTES} minutes`, async () => {
    const begun = new Date();
    const flow = beginLogin(begun, 'pay_1');
    const resumedAfter = (ms: number) => resumeLogin(new Date(begun.getTime() + ms), flow.cookie, flow.state);
    expect(resumedAfter(LOGIN_MINUTES * 60_000)).toEqual(flow);
    for (const ms of [LOGIN_MINUTES * 60_000 + 1, -1])
      expect(() => resumedAfter(ms)).toThrow('The log-in took too long.');
  });

  it('that the customer cancels at Whop returns HTML to a browser and JSON to a program', async () => {
    const browser = new BrowserSession(node.url);
    const begun = await browser.go('/auth/whop');
    const state = new URL(begun.headers.get('location') as string).searchParams.get('state');
    const callback = `/auth/whop/callback?error=access_denied&state=${state}`;
    const page = await browser.go(callback);
    expect([page.status, page.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8']);
    const problem = await browser.go(callback, { headers: { Accept: '*/*' } });
    expect(await problem.json()).toMatchObject({ status: 400, code: 'login_failed' });
  });

  it('to an account that is being deleted leads to the dashboard, where it can be restored', async () => {
    const { person, userId } = await signedUpCustomer();
    await node.service.database.ownerWrite((sql) => updateAccountStatus(sql, userId, 'closing', new Date()));
    const browser = new BrowserSession(node.url);
    const back = await browser.go((await callbackOf(browser, person)).href);
    expect([back.status, back.headers.get('location')]).toEqual([302, '/app']);
    expect(await (await browser.go('/api/v1/user/me')).json()).toMatchObject({ id: userId, status: 'closing' });
  });

  it('returns 404 when no OAuth app of Whop is configured, and the checkout leads to the other ways of signing in', async () => {
    const plain = await startTestService();
    const answers = await Promise.all(
      ['/auth/whop', '/auth/whop/callback', '/welcome?payment_id=pay_1'].map((path) =>
        new BrowserSession(plain.url).follow(path),
      ),
    );
    await plain.stop();
    expect(answers.map(({ answer }) => answer.status)).toEqual([404, 404, 200]);
    expect(answers[2]?.address).toBe(`${plain.url}/login?next=%2Fapp%2Fconnect`);
  });

  it.skipIf(!hasRedis)('returns 503 while Redis is unavailable', async () => {
    const redis = await startRedis();
    const shared = await startTestService({ redisUrl: redis.url, whop: whop.config });
    const open = await new BrowserSession(shared.url).go('/auth/whop');
    await redis.kill();
    const closed = await new BrowserSession(shared.url).go('/auth/whop');
    await shared.stop();
    expect([open.status, closed.status]).toEqual([302, 503]);
  });
});

describe('browser session', () => {
  it('has a cookie of 256 random bits, of which only the SHA-256 is stored', async () => {
    const browser = await signedIn();
    const cookie = browser.cookies.get('wm_session') as string;
    expect(Buffer.from(cookie, 'base64url')).toHaveLength(32);
    const { rows } = await query('select from session_lookup where token_hash = $1', hashOf(cookie));
    expect(rows).toHaveLength(1);
    expect(JSON.stringify((await query('select s::text from sessions s')).rows)).not.toContain(cookie);
  });

  it('has a cookie with HttpOnly and SameSite=Lax', async () => {
    const { person } = await signedUpCustomer();
    const flags = (line: string) =>
      line
        .toLowerCase()
        .split('; ')
        .slice(1)
        .filter((flag) => !flag.startsWith('expires='));
    const plain = new BrowserSession(node.url);
    const back = await callbackOf(plain, person);
    expect(plain.setCookies).toHaveLength(1);
    expect(plain.setCookies[0]).toMatch(/^wm_login=/);
    expect(flags(plain.setCookies[0] as string)).toEqual(['path=/', 'samesite=lax', 'httponly']);
    await plain.go(back.href);
    const session = plain.setCookies.find((line) => line.startsWith('wm_session=')) as string;
    expect(flags(session)).toEqual(['path=/', 'samesite=lax', 'httponly']);
    const ends = new Date(/expires=([^;]+)/i.exec(session)?.[1] as string).getTime();
    expect(Math.round((ends - Date.now()) / DAY_MS)).toBe(SESSION_DAYS);
  });

  it('has a `__Host-` cookie with Secure when the public URL is HTTPS, wherever TLS ends', async () => {
    const port = await freePort();
    const secure = await startTestService({ whop: whop.config, publicUrl: 'https://memory.example.com', port });
    const answer = await fetch(`http://127.0.0.1:${port}/auth/whop`, { redirect: 'manual' });
    await secure.stop();
    const [line = ''] = answer.headers.getSetCookie();
    expect(line).toMatch(/^__Host-wm_login=[^;]+; path=\/; expires=[^;]+; samesite=lax; secure; httponly$/i);
    expect(line).not.toMatch(/domain=/i);
    const { searchParams } = new URL(answer.headers.get('location') as string);
    expect(searchParams.get('redirect_uri')).toBe('https://memory.example.com/auth/whop/callback');
  });

  it('is new after each log-in, and the former one ends', async () => {
    const { person } = await signedUpCustomer();
    const browser = new BrowserSession(node.url);
    // Session fixation: a cookie that an attacker planted.
    browser.cookies.set('wm_session', 'P'.repeat(43));
    await browser.go((await callbackOf(browser, person)).href);
    const first = browser.cookies.get('wm_session') as string;
    expect(first).not.toBe('P'.repeat(43));
    await browser.go((await callbackOf(browser, person)).href);
    const second = browser.cookies.get('wm_session') as string;
    expect(second).not.toBe(first);
    const { rows } = await query('select token_hash from session_lookup');
    const known = rows.map(({ token_hash }) => token_hash.toString('hex'));
    expect(known).toContain(hashOf(second).toString('hex'));
    expect(known).not.toContain(hashOf(first).toString('hex'));
    expect(known).not.toContain(hashOf('P'.repeat(43)).toString('hex'));
  });

  it(`expires ${SESSION_DAYS} days after the last request, which is recorded at most once a minute`, async () => {
    const browser = await signedIn();
    const hash = hashOf(browser.cookies.get('wm_session') as string);
    const mine = 'from session_lookup l where l.token_hash = $1 and s.user_id = l.user_id and s.id = l.session_id';
    const read = async () =>
      (
        await query(
          `select last_seen_at, expires_at - last_seen_at as lasts from sessions s join session_lookup l
        on l.user_id = s.user_id and l.session_id = s.id where l.token_hash = $1`,
          hash,
        )
      ).rows[0];
    const before = await read();
    expect(before.lasts.days).toBe(SESSION_DAYS);
    await browser.go('/welcome');
    expect((await read()).last_seen_at).toEqual(before.last_seen_at);
    expect(browser.setCookies).toEqual([]);

    await query(
      `update sessions s set last_seen_at = now() - interval '61 seconds', expires_at = now() + interval '1 hour' ${mine}`,
      hash,
    );
    await browser.go('/welcome');
    const after = await read();
    expect(after.last_seen_at.getTime()).toBeGreaterThanOrEqual(before.last_seen_at.getTime());
    expect(after.lasts.days).toBe(SESSION_DAYS);
    expect(browser.setCookies.map((line) => line.split('=')[0])).toEqual(['wm_session']);

    const accepted = await query(
      `select u.terms_version from users u join session_lookup l on l.user_id = u.id where l.token_hash = $1`,
      hash,
    );
    expect(accepted.rows).toEqual([{ terms_version: TERMS_VERSION }]);
    // After a change of the legal texts people sign in again, and so accept it.
    const since = (at: number) => query(`update sessions s set created_at = to_timestamp($2) ${mine}`, hash, at / 1000);
    await since(TERMS_CHANGED_AT.getTime() - 1);
    expect((await browser.go('/welcome')).headers.get('location')).toBe('/auth/whop');
    await since(TERMS_CHANGED_AT.getTime());
    expect((await browser.go('/welcome')).headers.get('location')).not.toBe('/auth/whop');

    await query(`update sessions s set expires_at = now() ${mine}`, hash);
    expect((await browser.go('/welcome')).headers.get('location')).toBe('/auth/whop');
    await node.service.database.ownerWrite((sql) => deleteExpiredSessions(sql, new Date()));
    expect((await query('select from session_lookup where token_hash = $1', hash)).rowCount).toBe(0);
  });
});

describe('sign-out', () => {
  it('ends the session, deletes the cookie and redirects to the home page', async () => {
    const browser = await signedIn();
    const cookie = browser.cookies.get('wm_session') as string;
    const answer = await browser.go('/auth/logout', { method: 'POST', headers: { Origin: node.url } });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/']);
    expect(browser.cookies.has('wm_session')).toBe(false);
    expect((await query('select from session_lookup where token_hash = $1', hashOf(cookie))).rowCount).toBe(0);
    browser.cookies.set('wm_session', cookie);
    expect((await browser.go('/welcome')).headers.get('location')).toBe('/auth/whop');
  });

  it('rejects a link and a form of another site or origin', async () => {
    const browser = await signedIn();
    expect((await browser.go('/auth/logout')).status).toBe(405);
    for (const headers of [
      { Origin: 'https://evil.example' },
      { Origin: 'null' },
      { 'Sec-Fetch-Site': 'cross-site' },
      { Origin: 'http://localhost:9', 'Sec-Fetch-Site': 'same-site' },
    ] as Record<string, string>[]) {
      expect((await browser.go('/auth/logout', { method: 'POST', headers })).status).toBe(403);
    }
    expect((await browser.go('/welcome')).headers.get('location')).toBe('/app/connect');
  });

  it('without a session succeeds', async () => {
    expect((await new BrowserSession(node.url).go('/auth/logout', { method: 'POST' })).status).toBe(303);
  });
});

/** Returns a customer who has signed in once, so that the account exists. */
async function signedUpCustomer(): Promise<{ person: Person; userId: string }> {
  const bought = newCustomer();
  await signedIn(bought);
  const { rows } = await query('select id from users where whop_user_id = $1', bought.person.id);
  return { person: bought.person, userId: rows[0].id };
}
