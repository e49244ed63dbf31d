import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { issueLocalSignInLink } from '../../../api/auth/local-sign-in.ts';
import {
  deleteExpiredSignInLinks,
  SIGN_IN_LINK_HOURS_KEPT,
  SIGN_IN_LINK_MINUTES,
  SIGN_IN_LINKS_PER_HOUR_MAX,
} from '../../../api/auth/sign-in-links.ts';
import { HOUR_MS, MINUTE_MS } from '../../../api/time.ts';
import { updateAccountStatus } from '../../../db/queries/accounts/users.ts';
import { BrowserSession } from '../../support/browser-session.ts';
import { createClock } from '../../support/clock.ts';
import { mailParts } from '../../support/mail-parts.ts';
import { type MailSink, startMailSink } from '../../support/mail-sink.ts';
import { hasRedis, startRedis } from '../../support/redis.ts';
import { startTestService, type TestService } from '../../support/service.ts';

const clock = createClock();
let sink: MailSink;
let node: TestService;
let count = 0;

beforeAll(async () => {
  sink = await startMailSink();
  node = await startTestService({ jobs: true, smtpUrl: sink.url, now: clock.now });
});
afterEach(() => clock.reset());
afterAll(async () => {
  await node.stop();
  await sink.close();
});

const query = (text: string, ...values: unknown[]) => node.service.database.owner.query(text, values);
const newAddress = () => `person-${++count}@example.com`;
const mailsTo = (email: string) => sink.received.filter(({ to }) => to.includes(email));

/** Submits the form of the sign-in page. */
function submit(browser: BrowserSession, path: string, fields: Record<string, string>, at = node.url) {
  const headers = { Origin: at, 'Content-Type': 'application/x-www-form-urlencoded' };
  return browser.go(path, { method: 'POST', headers, body: new URLSearchParams(fields).toString() });
}

const requestLink = (email: string, next = '/app', at = node) =>
  submit(new BrowserSession(at.url), '/login', { email, next }, at.url);

/** Returns the link in the newest of an expected number of e-mails to an address. */
async function linkTo(email: string, mails = 1): Promise<string> {
  await vi.waitFor(() => expect(mailsTo(email)).toHaveLength(mails), { timeout: 10_000 });
  const { text } = mailParts(mailsTo(email).at(-1)?.source as string);
  return /http:\S+\/login\/\S+/.exec(text)?.[0] as string;
}

async function newLink(email = newAddress(), next?: string): Promise<{ link: string; userId: string; email: string }> {
  const { userId } = await node.newUser({ email });
  expect((await requestLink(email, next)).status).toBe(200);
  return { link: await linkTo(email), userId, email };
}

const accountOf = async (browser: BrowserSession) =>
  ((await (await browser.go('/api/v1/user/me')).json()) as { id: string }).id;

describe('sign-in link by e-mail', () => {
  it('signs a browser in when its button is pressed, and leads to the wanted page of the dashboard', async () => {
    const { link, userId, email } = await newLink(newAddress(), '/app/memories?tag=x');
    const browser = new BrowserSession(node.url);
    const opened = await browser.go(link);
    expect(await opened.text()).toContain(`You sign in as <strong>${email}</strong>`);
    expect(opened.headers.get('cache-control')).toBe('no-store');
    const next = new URL(link).searchParams.get('next') as string;
    const pressed = await submit(browser, new URL(link).pathname, { next });
    expect([pressed.status, pressed.headers.get('location')]).toEqual([303, '/app/memories?tag=x']);
    expect(await accountOf(browser)).toBe(userId);
    const { rows } = await query(
      "select details from audit_log where user_id = $1 and action = 'sessions.create'",
      userId,
    );
    expect(rows).toEqual([{ details: { method: 'email', label: '' } }]);
  });

  it('does nothing when it is opened, as mail scanners do', async () => {
    const { link, userId } = await newLink();
    const scanner = new BrowserSession(node.url);
    for (let times = 0; times < 5; times++) expect((await scanner.go(link)).status).toBe(200);
    await scanner.go(link, { method: 'HEAD' });
    expect([...scanner.cookies]).toEqual([]);
    expect((await query('select from sessions where user_id = $1', userId)).rowCount).toBe(0);
    expect((await submit(new BrowserSession(node.url), link, {})).status).toBe(303);
  });

  it('works once, of many attempts at the same time too', async () => {
    const { link, userId } = await newLink();
    const attempts = await Promise.all(
      Array.from({ length: 10 }, () => submit(new BrowserSession(node.url), link, {})),
    );
    expect(attempts.map(({ status }) => status).toSorted()).toEqual([303, ...Array(9).fill(410)]);
    expect((await query('select from sessions where user_id = $1', userId)).rowCount).toBe(1);
    const later = await new BrowserSession(node.url).go(link);
    expect([later.status, await later.text()]).toEqual([410, expect.stringContaining('This link has been used')]);
  });

  it('closes the other open links of the account when it is used', async () => {
    const { link, email } = await newLink();
    await requestLink(email);
    const second = await linkTo(email, 2);
    expect((await submit(new BrowserSession(node.url), second, {})).status).toBe(303);
    expect((await submit(new BrowserSession(node.url), link, {})).status).toBe(410);
  });

  it(`expires after ${SIGN_IN_LINK_MINUTES} minutes, and is forgotten later`, async () => {
    const { link } = await newLink();
    clock.advance(SIGN_IN_LINK_MINUTES * MINUTE_MS + 1_000);
    const browser = new BrowserSession(node.url);
    const opened = await browser.go(link);
    expect([opened.status, await opened.text()]).toEqual([410, expect.stringContaining('This link has expired')]);
    expect((await submit(browser, link, {})).status).toBe(410);
    expect([...browser.cookies]).toEqual([]);
    const later = new Date(clock.now().getTime() + SIGN_IN_LINK_HOURS_KEPT * HOUR_MS);
    await node.service.database.ownerWrite((sql) => deleteExpiredSignInLinks(sql, later));
    expect((await browser.go(link)).status).toBe(404);
  });

  it.each(['A'.repeat(43), 'x', '%00', "'", 'A'.repeat(5_000)])('that does not exist is 404: %s', async (token) => {
    const browser = new BrowserSession(node.url);
    expect((await browser.go(`/login/${token}`)).status).toBe(404);
    expect((await submit(browser, `/login/${token}`, {})).status).toBe(404);
    expect([...browser.cookies]).toEqual([]);
  });

  it('is used by a page of this service only, so that no other page signs a browser in to its own account', async () => {
    const { link } = await newLink();
    const path = new URL(link).pathname;
    const foreign: Record<string, string>[] = [
      { Origin: 'https://evil.example' },
      { Origin: 'null' },
      { 'Sec-Fetch-Site': 'cross-site' },
      {},
    ];
    for (const headers of foreign) {
      expect((await new BrowserSession(node.url).go(path, { method: 'POST', headers })).status).toBe(403);
    }
    expect((await submit(new BrowserSession(node.url), path, {})).status).toBe(303);
  });

  it('replaces the session of the browser, so that a planted cookie is worthless', async () => {
    const { link } = await newLink();
    const browser = new BrowserSession(node.url);
    const other = await (await node.newUser()).signIn();
    const planted = (other.headers.Cookie as string).split('=')[1] as string;
    browser.cookies.set('wm_session', planted);
    await submit(browser, link, {});
    expect(browser.cookies.get('wm_session')).not.toBe(planted);
    expect((await other.get('/user/me')).status).toBe(401);
  });

  it('is stored as SHA-256 only, and not logged', async () => {
    const { link } = await newLink();
    const token = new URL(link).pathname.split('/')[2] as string;
    const { rows } = await query('select l::text from sign_in_links l');
    expect(JSON.stringify(rows)).not.toContain(token);
  });
});

describe('request of a sign-in link', () => {
  it('looks the same whether or not an account has the address, and sends nothing to one without', async () => {
    const known = newAddress();
    await node.newUser({ email: known });
    const unknown = newAddress();
    const pages = await Promise.all(
      [known, unknown].map(async (email) => {
        const answer = await requestLink(email.toUpperCase());
        const headers = [...answer.headers.keys()].filter((name) => name !== 'date');
        return [answer.status, headers, await answer.text()];
      }),
    );
    expect(pages[0]).toEqual(pages[1]);
    await linkTo(known);
    // Jobs run in order: the other one has run when a later one has.
    const later = await newLink();
    expect(later.link).toBeTruthy();
    expect(mailsTo(unknown)).toEqual([]);
    expect((await query('select from sign_in_links where email is not null')).rowCount).toBe(0);
  });

  it.each(['', 'nobody', 'a@b', `${'a'.repeat(300)}@example.com`])('rejects what is no address: %s', async (email) => {
    const answer = await requestLink(email, '/app/keys');
    expect(answer.status).toBe(422);
    const page = await answer.text();
    expect(page).toContain('Enter a valid e-mail address.');
    expect(page).toContain('name="next" value="/app/keys"');
  });

  it('leads nowhere else, whatever `next` says', async () => {
    const email = newAddress();
    const { link } = await newLink(email, 'https://evil.example/app');
    expect(new URL(link).search).toBe('');
    const pressed = await submit(new BrowserSession(node.url), `${link}?next=//evil.example`, {
      next: '//evil.example',
    });
    expect(pressed.headers.get('location')).toBe('/app');
    const page = await (await new BrowserSession(node.url).go('/login?next=//evil.example"><script>')).text();
    expect(page).not.toContain('evil');
  });

  it('is limited by address, known or not', async () => {
    clock.stop();
    const known = newAddress();
    await node.newUser({ email: known });
    for (const email of [known, newAddress()]) {
      const statuses = [];
      for (let times = 0; times < 4; times++) statuses.push((await requestLink(email)).status);
      expect(statuses).toEqual([200, 200, 200, 429]);
      expect((await requestLink(email.toUpperCase())).status).toBe(429);
    }
  });

  it(`is limited to ${SIGN_IN_LINKS_PER_HOUR_MAX} e-mails an hour`, async () => {
    const email = newAddress();
    await node.newUser({ email });
    for (let mails = 1; mails <= SIGN_IN_LINKS_PER_HOUR_MAX; mails++) {
      clock.advance(MINUTE_MS);
      expect((await requestLink(email)).status).toBe(200);
      await linkTo(email, mails);
    }
    clock.advance(MINUTE_MS);
    expect((await requestLink(email)).status).toBe(200);
    await newLink();
    expect(mailsTo(email)).toHaveLength(SIGN_IN_LINKS_PER_HOUR_MAX);
  });

  it('is limited by client IP', async () => {
    const narrow = await startTestService({ requestsPerIp: 2 });
    const statuses = [];
    for (let times = 0; times < 3; times++) statuses.push((await requestLink(newAddress(), '/app', narrow)).status);
    await narrow.stop();
    expect(statuses).toEqual([200, 200, 429]);
  });

  it.skipIf(!hasRedis)('returns 503 while Redis is unavailable, and so does every link', async () => {
    const redis = await startRedis();
    const shared = await startTestService({ redisUrl: redis.url });
    const open = await requestLink(newAddress(), '/app', shared);
    await redis.kill();
    const browser = new BrowserSession(shared.url);
    const path = `/login/${'A'.repeat(43)}`;
    const closed = [
      await requestLink(newAddress(), '/app', shared),
      await browser.go(path),
      await submit(browser, path, {}, shared.url),
    ];
    await shared.stop();
    expect([open.status, ...closed.map(({ status }) => status)]).toEqual([200, 503, 503, 503]);
  });

  it('sends a link to an account that is being deleted, but none to one that is deleted', async () => {
    const [closing, deleted] = [newAddress(), newAddress()];
    const { userId } = await node.newUser({ email: closing });
    const gone = await node.newUser({ email: deleted });
    await node.service.database.ownerWrite((sql) => updateAccountStatus(sql, userId, 'closing', new Date()));
    await node.service.database.ownerWrite((sql) => updateAccountStatus(sql, gone.userId, 'deleted', new Date()));
    await requestLink(deleted);
    await requestLink(closing);
    const browser = new BrowserSession(node.url);
    expect((await submit(browser, await linkTo(closing), {})).status).toBe(303);
    expect(await accountOf(browser)).toBe(userId);
    expect(mailsTo(deleted)).toEqual([]);
  });
});

describe('sign-up with a link', () => {
  it('creates a free account without a key when SIGNUP is open, once for an address', async () => {
    const open = await startTestService({ jobs: true, smtpUrl: sink.url, isSignupOpen: true });
    const email = newAddress();
    expect(await (await requestLink(email, '/app', open)).text()).toContain('We have sent you a link.');
    const first = await linkTo(email);
    await requestLink(email, '/app', open);
    const second = await linkTo(email, 2);
    const users = () =>
      open.service.database.owner.query('select id, plan, status from users where email = $1', [email]);
    expect((await users()).rowCount).toBe(0);
    expect(mailParts(mailsTo(email)[0]?.source as string).text).toContain('create a free account');
    const browsers = [first, second].map((link) => ({ link, browser: new BrowserSession(open.url) }));
    const pressed = await Promise.all(
      browsers.map(({ link, browser }) => submit(browser, new URL(link).pathname, {}, open.url)),
    );
    const { rows } = await users();
    const keys = await open.service.database.owner.query('select from api_keys where user_id = $1', [rows[0].id]);
    await open.stop();
    expect(pressed.map(({ status }) => status).toSorted()).toEqual([303, 410]);
    expect(rows).toEqual([{ id: rows[0].id, plan: 'free', status: 'active' }]);
    expect(keys.rowCount).toBe(0);
  });
});

describe('sign-in page', () => {
  it('offers what is configured, and sends a signed-in browser on', async () => {
    const page = await (await new BrowserSession(node.url).go('/login')).text();
    expect(page).not.toContain('Sign in with Whop');
    expect(page).toContain('npm run dashboard');
    const browser = new BrowserSession(node.url);
    const { headers } = await (await node.newUser()).signIn();
    browser.cookies.set('wm_session', (headers.Cookie as string).split('=')[1] as string);
    expect((await browser.go('/login?next=/app/keys')).headers.get('location')).toBe('/app/keys');
  });

  it('is linked on every page for a browser without a session, and the dashboard for one with', async () => {
    for (const path of ['/', '/legal/privacy', '/claim/new', '/login', '/nowhere']) {
      const out = await new BrowserSession(node.url).go(path);
      expect(await out.text()).toContain('<a href="/login">Sign in</a>');
      const browser = new BrowserSession(node.url);
      browser.cookies.set('wm_session', 'A'.repeat(43));
      const signedIn = await (await browser.go(path)).text();
      expect(signedIn).toContain('<a href="/app">Dashboard</a>');
      expect(signedIn).toContain('action="/auth/logout"');
    }
    const cached = await fetch(`${node.url}/`);
    expect(cached.headers.get('vary')).toMatch(/Cookie/);
  });
});

describe('sign-in on a local installation', () => {
  it('is a link of the local account that works once', async () => {
    const { userId } = await node.newUser({ email: 'owner@localhost' });
    const path = await node.service.database.ownerWrite((sql) =>
      issueLocalSignInLink({ sql, now: clock.now, newId: () => '' }),
    );
    const browser = new BrowserSession(node.url);
    expect((await browser.go(path as string)).status).toBe(200);
    expect((await submit(browser, path as string, {})).headers.get('location')).toBe('/app');
    expect(await accountOf(browser)).toBe(userId);
    expect((await submit(browser, path as string, {})).status).toBe(410);
  });
});
