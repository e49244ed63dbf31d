import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deleteExpiredSessions, SESSION_DAYS } from '../../../api/auth/sessions.ts';
import { beginLogin, LOGIN_MINUTES, resumeLogin } from '../../../api/auth/whop-login.ts';
import { DAY_MS } from '../../../api/time.ts';
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

/** Somebody who has bought, and whose payment can be named; no webhook has come. */
function buyer(plan: keyof typeof PLANS = 'plan_pro'): { person: Person; paymentId: string } {
  const person = whop.person();
  const membership = whop.buy(plan, { person });
  const payment = [...whop.payments.values()].find((one) => one.membership.id === membership.id);
  return { person, paymentId: payment?.id as string };
}

/** Signs somebody in who comes from the checkout. */
async function signedIn({ person, paymentId } = buyer()): Promise<BrowserSession> {
  whop.signedIn = person;
  const visitor = new BrowserSession(node.url);
  const { answer } = await visitor.follow(`/welcome?payment_id=${paymentId}`);
  expect(answer.status).toBe(200);
  return visitor;
}

/** A log-in up to the moment at which Whop sends the browser back: where to. */
async function callbackOf(visitor: BrowserSession, person: Person, start = '/auth/whop'): Promise<URL> {
  whop.signedIn = person;
  const begun = await visitor.go(start);
  const back = await visitor.go(begun.headers.get('location') as string);
  return new URL(back.headers.get('location') as string);
}

describe('a buyer who comes straight from the checkout', () => {
  it('signs in at Whop and reaches the page with the button, account and all, before any webhook', async () => {
    const { person, paymentId } = buyer();
    whop.signedIn = person;
    const visitor = new BrowserSession(node.url);
    const { answer, address } = await visitor.follow(`/welcome?payment_id=${paymentId}&receipt_id=x&status=success`);
    expect(answer.status).toBe(200);
    expect(address).toMatch(new RegExp(`^${node.url}/claim/[A-Za-z0-9_-]{43}$`));
    const pressed = await (await visitor.go(address, { method: 'POST' })).text();
    expect(pressed).toMatch(/wm_test_[0-9A-Za-z]{32}/);
    const { rows } = await query('select id, plan, email from users where whop_user_id = $1', person.id);
    expect(rows).toEqual([{ id: rows[0].id, plan: 'pro', email: person.email }]);
    expect(await keysOf(node, rows[0].id)).toEqual([{ name: 'Default API Key', state: 'live' }]);
  });

  it('needs no e-mail address', async () => {
    const person = whop.person({ email: null });
    const membership = whop.buy('plan_starter', { person });
    const payment = [...whop.payments.values()].find((one) => one.membership.id === membership.id);
    await signedIn({ person, paymentId: payment?.id as string });
    expect((await query('select email from users where whop_user_id = $1', person.id)).rows).toEqual([{ email: null }]);
  });

  it('reloads the page as often as they like: one account', async () => {
    const bought = buyer();
    const visitor = await signedIn(bought);
    for (let times = 0; times < 3; times++) await visitor.follow(`/welcome?payment_id=${bought.paymentId}`);
    expect((await query('select from users where whop_user_id = $1', bought.person.id)).rowCount).toBe(1);
  });

  it('gets nothing by the payment of somebody else, signed in or not, and no account comes of it', async () => {
    const theirs = buyer();
    const stranger = whop.person();
    whop.signedIn = stranger;
    const refused = await new BrowserSession(node.url).follow(`/welcome?payment_id=${theirs.paymentId}`);
    expect(refused.answer.status).toBe(403);
    expect(await refused.answer.text()).toContain('Somebody else made this purchase');
    for (const { id } of [stranger, theirs.person]) {
      expect((await query('select from users where whop_user_id = $1', id)).rowCount).toBe(0);
    }
    const visitor = await signedIn();
    const before = (await query('select from claims')).rowCount;
    expect((await visitor.go(`/welcome?payment_id=${theirs.paymentId}`)).status).toBe(403);
    expect((await query('select from claims')).rowCount).toBe(before);
  });

  it.each([
    ['unknown', 'pay_unknown'],
    ['a path', '../users/me'],
    ['very long', 'x'.repeat(5_000)],
    ['a NUL', '%00'],
    ['a quote', "'"],
  ])('is told so when there is no such payment (%s)', async (_what, paymentId) => {
    whop.signedIn = whop.person();
    const { answer } = await new BrowserSession(node.url).follow(`/welcome?payment_id=${paymentId}`);
    expect(answer.status).toBe(404);
  });

  it('is told to wait while Whop has a problem, and gets in afterwards', async () => {
    const bought = buyer();
    whop.signedIn = bought.person;
    whop.faults = { status: 500 };
    const visitor = new BrowserSession(node.url);
    const refused = await visitor.follow(`/welcome?payment_id=${bought.paymentId}`);
    expect(refused.answer.status).toBe(503);
    whop.faults = {};
    expect((await visitor.follow(`/welcome?payment_id=${bought.paymentId}`)).answer.status).toBe(200);
  });
});

describe('signing in', () => {
  it('later, without a payment, leads a buyer to a fresh claim, and tells others to choose a plan', async () => {
    const bought = buyer();
    await signedIn(bought);
    whop.signedIn = bought.person;
    const again = await new BrowserSession(node.url).follow('/auth/whop');
    expect(again.answer.status).toBe(200);
    expect(again.address).toContain('/claim/');
    whop.signedIn = whop.person();
    const stranger = new BrowserSession(node.url);
    const refused = await stranger.follow('/auth/whop');
    expect(refused.answer.status).toBe(404);
    expect(await refused.answer.text()).toContain('Choose a plan first.');
    expect([...stranger.cookies]).toEqual([]);
  });

  it('asks with PKCE, state and nonce, new ones each time, for the address, and back to this service only', async () => {
    const asked = await Promise.all(
      [1, 2].map(
        async () => new URL((await new BrowserSession(node.url).go('/auth/whop')).headers.get('location') as string),
      ),
    );
    for (const url of asked) {
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
      expect(asked[0]?.searchParams.get(name)).not.toBe(asked[1]?.searchParams.get(name));
    }
  });

  it('keeps no token of Whop: what it gave is revoked, and no table has it', async () => {
    await signedIn();
    expect(whop.oauth.live()).toEqual([]);
    const { rows } = await query(`select coalesce(string_agg(t::text, ' '), '') as text from
      (select s::text from sessions s union all select u::text from users u union all select a::text from audit_log a) t`);
    for (const token of whop.oauth.revoked) expect(rows[0].text).not.toContain(token);
    expect(whop.oauth.revoked.length).toBeGreaterThan(0);
  });

  it('is refused, with nothing opened, when the state is another, missing, or of another browser', async () => {
    const { person } = await seenBuyer();
    const before = (await sessions()).length;
    const [mine, theirs] = [new BrowserSession(node.url), new BrowserSession(node.url)];
    const [back, foreign] = [await callbackOf(mine, person), await callbackOf(theirs, person)];
    const tampered = new URL(back);
    tampered.searchParams.set('state', 'A'.repeat(43));
    const stateless = new URL(back);
    stateless.searchParams.delete('state');
    for (const url of [tampered, stateless, foreign]) {
      // Each try takes the log-in's cookie away.
      const visitor = new BrowserSession(node.url);
      for (const [name, value] of mine.cookies) visitor.cookies.set(name, value);
      expect((await visitor.go(url.href)).status).toBe(400);
      expect([...visitor.cookies]).toEqual([]);
    }
    const nobody = new BrowserSession(node.url);
    expect((await nobody.go(back.href)).status).toBe(400);
    expect((await sessions()).length).toBe(before);
    expect((await mine.go(back.href)).status).toBe(302);
  });

  it('is refused when the cookie was changed: moment and payment hang on the same secret', async () => {
    const { person } = await seenBuyer();
    for (const change of [
      (cookie: string) => cookie.replace(/\.(\d{13})\./, (_whole, at) => `.${Number(at) + 1}.`),
      (cookie: string) => `${cookie}pay_x`,
      (cookie: string) => (cookie.startsWith('A') ? `B${cookie.slice(1)}` : `A${cookie.slice(1)}`),
      () => 'nonsense',
    ]) {
      const visitor = new BrowserSession(node.url);
      const back = await callbackOf(visitor, person);
      const [name, value] = [...visitor.cookies][0] as [string, string];
      visitor.cookies.set(name, change(value));
      expect((await visitor.go(back.href)).status).toBe(400);
    }
  });

  it('is refused when the code belongs to the verifier of another log-in', async () => {
    const { person } = await seenBuyer();
    const [mine, theirs] = [new BrowserSession(node.url), new BrowserSession(node.url)];
    const [back, other] = [await callbackOf(mine, person), await callbackOf(theirs, whop.person())];
    back.searchParams.set('code', other.searchParams.get('code') as string);
    const refused = await mine.go(back.href);
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain('Whop did not accept this log-in.');
  });

  it.each(['nonce', 'sub', 'aud', 'none'] as const)('is refused when the ID token does not fit (%s)', async (what) => {
    const { person } = await seenBuyer();
    const visitor = new BrowserSession(node.url);
    const back = await callbackOf(visitor, person);
    const before = (await sessions()).length;
    const honest = whop.oauth.token;
    whop.oauth.token = (body) => {
      const answer = honest(body);
      const given = answer.body as Record<string, string>;
      const claims = JSON.parse(
        Buffer.from((given.id_token as string).split('.')[1] as string, 'base64url').toString(),
      );
      const forged = Buffer.from(JSON.stringify({ ...claims, [what]: 'other' })).toString('base64url');
      return { ...answer, body: { ...given, id_token: what === 'none' ? undefined : `e30.${forged}.x` } };
    };
    const refused = await visitor.go(back.href);
    whop.oauth.token = honest;
    expect(refused.status).toBe(400);
    expect((await sessions()).length).toBe(before);
  });

  it('works once: the same way back a second time is refused', async () => {
    const { person } = await seenBuyer();
    const visitor = new BrowserSession(node.url);
    const back = await callbackOf(visitor, person);
    const cookies = [...visitor.cookies];
    expect((await visitor.go(back.href)).status).toBe(302);
    expect((await visitor.go(back.href)).status).toBe(400);
    for (const [name, value] of cookies) visitor.cookies.set(name, value);
    expect((await visitor.go(back.href)).status).toBe(400);
  });

  it(`may take ${LOGIN_MINUTES} minutes`, async () => {
    const begun = new Date();
    const flow = beginLogin(begun, 'pay_1');
    const resumedAfter = (ms: number) => resumeLogin(new Date(begun.getTime() + ms), flow.cookie, flow.state);
    expect(resumedAfter(LOGIN_MINUTES * 60_000)).toEqual(flow);
    for (const ms of [LOGIN_MINUTES * 60_000 + 1, -1])
      expect(() => resumedAfter(ms)).toThrow('The log-in took too long.');
  });

  it('refused at Whop says so in HTML to a browser and in JSON to a program', async () => {
    const visitor = new BrowserSession(node.url);
    const begun = await visitor.go('/auth/whop');
    const state = new URL(begun.headers.get('location') as string).searchParams.get('state');
    const way = `/auth/whop/callback?error=access_denied&state=${state}`;
    const page = await visitor.go(way);
    expect([page.status, page.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8']);
    const problem = await visitor.go(way, { headers: { Accept: '*/*' } });
    expect(await problem.json()).toMatchObject({ status: 400, code: 'login_failed' });
  });

  it('to an account that is being deleted is refused, and not sent round in circles', async () => {
    const { person, userId } = await seenBuyer();
    await node.service.database.ownerWrite((sql) => updateAccountStatus(sql, userId, 'closing', new Date()));
    whop.signedIn = person;
    const { answer } = await new BrowserSession(node.url).follow('/auth/whop');
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain('This account is being deleted');
  });

  it('does not exist where no app of Whop is configured', async () => {
    const plain = await startTestService();
    const answers = await Promise.all(
      ['/auth/whop', '/auth/whop/callback', '/welcome'].map((path) => new BrowserSession(plain.url).follow(path)),
    );
    await plain.stop();
    expect(answers.map(({ answer }) => answer.status)).toEqual([404, 404, 404]);
  });

  it.skipIf(!hasRedis)('is closed while nodes that count together cannot', async () => {
    const redis = await startRedis();
    const shared = await startTestService({ redisUrl: redis.url, whop: whop.config });
    const open = await new BrowserSession(shared.url).go('/auth/whop');
    await redis.kill();
    const closed = await new BrowserSession(shared.url).go('/auth/whop');
    await shared.stop();
    expect([open.status, closed.status]).toEqual([302, 503]);
  });
});

describe('a session', () => {
  it('is 256 random bits in a cookie of its own, of which the database has the SHA-256 only', async () => {
    const visitor = await signedIn();
    const cookie = visitor.cookies.get('wm_session') as string;
    expect(Buffer.from(cookie, 'base64url')).toHaveLength(32);
    const { rows } = await query('select from session_lookup where token_hash = $1', hashOf(cookie));
    expect(rows).toHaveLength(1);
    expect(JSON.stringify((await query('select s::text from sessions s')).rows)).not.toContain(cookie);
  });

  it('comes in a cookie that scripts, other sites and plain HTTP do not get', async () => {
    const { person } = await seenBuyer();
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

  it('has a cookie bound to host and HTTPS where the service is reached so, wherever TLS ends', async () => {
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

  it('is a new one at each log-in, whatever the browser came with; the former one is over', async () => {
    const { person } = await seenBuyer();
    const visitor = new BrowserSession(node.url);
    // Planted by somebody who hopes to share it.
    visitor.cookies.set('wm_session', 'P'.repeat(43));
    await visitor.go((await callbackOf(visitor, person)).href);
    const first = visitor.cookies.get('wm_session') as string;
    expect(first).not.toBe('P'.repeat(43));
    await visitor.go((await callbackOf(visitor, person)).href);
    const second = visitor.cookies.get('wm_session') as string;
    expect(second).not.toBe(first);
    const { rows } = await query('select token_hash from session_lookup');
    const known = rows.map(({ token_hash }) => token_hash.toString('hex'));
    expect(known).toContain(hashOf(second).toString('hex'));
    expect(known).not.toContain(hashOf(first).toString('hex'));
    expect(known).not.toContain(hashOf('P'.repeat(43)).toString('hex'));
  });

  it(`lasts ${SESSION_DAYS} days from the last visit, which is written at most once a minute`, async () => {
    const visitor = await signedIn();
    const hash = hashOf(visitor.cookies.get('wm_session') as string);
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
    await visitor.go('/welcome');
    expect((await read()).last_seen_at).toEqual(before.last_seen_at);
    expect(visitor.setCookies).toEqual([]);

    await query(
      `update sessions s set last_seen_at = now() - interval '61 seconds', expires_at = now() + interval '1 hour' ${mine}`,
      hash,
    );
    await visitor.go('/welcome');
    const after = await read();
    expect(after.last_seen_at.getTime()).toBeGreaterThanOrEqual(before.last_seen_at.getTime());
    expect(after.lasts.days).toBe(SESSION_DAYS);
    expect(visitor.setCookies.map((line) => line.split('=')[0])).toEqual(['wm_session']);

    await query(`update sessions s set expires_at = now() ${mine}`, hash);
    expect((await visitor.go('/welcome')).headers.get('location')).toBe('/auth/whop');
    await node.service.database.ownerWrite((sql) => deleteExpiredSessions(sql, new Date()));
    expect((await query('select from session_lookup where token_hash = $1', hash)).rowCount).toBe(0);
  });

  it('is over with the account', async () => {
    const bought = buyer();
    const visitor = await signedIn(bought);
    const { rows } = await query('select id from users where whop_user_id = $1', bought.person.id);
    await node.service.database.ownerWrite((sql) => updateAccountStatus(sql, rows[0].id, 'closing', new Date()));
    expect((await visitor.go('/welcome')).headers.get('location')).toBe('/auth/whop');
  });
});

describe('signing out', () => {
  it('ends the session, takes the cookie, and leads to the start', async () => {
    const visitor = await signedIn();
    const cookie = visitor.cookies.get('wm_session') as string;
    const answer = await visitor.go('/auth/logout', { method: 'POST', headers: { Origin: node.url } });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/']);
    expect(visitor.cookies.has('wm_session')).toBe(false);
    expect((await query('select from session_lookup where token_hash = $1', hashOf(cookie))).rowCount).toBe(0);
    visitor.cookies.set('wm_session', cookie);
    expect((await visitor.go('/welcome')).headers.get('location')).toBe('/auth/whop');
  });

  it('is not done by a link, nor by a form of another site or of a neighbour', async () => {
    const visitor = await signedIn();
    expect((await visitor.go('/auth/logout')).status).toBe(405);
    for (const headers of [
      { Origin: 'https://evil.example' },
      { Origin: 'null' },
      { 'Sec-Fetch-Site': 'cross-site' },
      { Origin: 'http://localhost:9', 'Sec-Fetch-Site': 'same-site' },
    ] as Record<string, string>[]) {
      expect((await visitor.go('/auth/logout', { method: 'POST', headers })).status).toBe(403);
    }
    expect((await visitor.go('/welcome')).headers.get('location')).toContain('/claim/');
  });

  it('of nobody is no fault', async () => {
    expect((await new BrowserSession(node.url).go('/auth/logout', { method: 'POST' })).status).toBe(303);
  });
});

/** A buyer with an account. */
async function seenBuyer(): Promise<{ person: Person; userId: string }> {
  const bought = buyer();
  await signedIn(bought);
  const { rows } = await query('select id from users where whop_user_id = $1', bought.person.id);
  return { person: bought.person, userId: rows[0].id };
}
