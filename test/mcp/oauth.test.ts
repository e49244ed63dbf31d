import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { revokeAny } from '../../api/oauth/apps.ts';
import { documentMetadata } from '../../mcp/oauth/client-metadata.ts';
import { hasBrowser, startBrowser } from '../support/browser.ts';
import { Client } from '../support/client.ts';
import { findAccessibilityViolations, openDashboard } from '../support/dashboard.ts';
import { dropDatabase } from '../support/database.ts';
import { CookieJar, decide, finish, mcpUrlOf, OAuthApp, openRequest } from '../support/oauth-app.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

const ALL = 'memories:read memories:write account:read';
const HOUR_MS = 3_600_000;

let node: TestService;
beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());
afterEach(() => vi.useRealTimers());

/** Moves the clock of the process, of both the service and the app. */
function moveClock(milliseconds: number): void {
  const now = Date.now() + milliseconds;
  vi.useFakeTimers({ toFake: ['Date'], now });
}

async function connected(user: TestUser, app = new OAuthApp(mcpUrlOf(node))): Promise<OAuthApp> {
  await app.connect(await user.signIn());
  return app;
}

async function tokenRequest(fields: Record<string, string>): Promise<{ status: number; body: Record<string, string> }> {
  const response = await fetch(`${node.oauthUrl}/token`, { method: 'POST', body: new URLSearchParams(fields) });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
}

function refreshFields(app: OAuthApp, refreshToken = app.granted?.refresh_token) {
  return {
    grant_type: 'refresh_token',
    client_id: app.registered?.client_id as string,
    refresh_token: refreshToken as string,
  };
}

/** Serves the document of a client by HTTPS, with a certificate of its own, which this process then accepts. */
async function serveDocument(): Promise<{ url: string; close: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'whitemagic-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert];
  execFileSync(
    'openssl',
    ['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', ...subject],
    {
      stdio: 'ignore',
    },
  );
  const server = createHttpsServer({ key: await readFile(key), cert: await readFile(cert) }, (_request, response) => {
    const metadata = new OAuthApp('').clientMetadata;
    // Optional fields that ChatGPT's registration has, and this server leaves out.
    const others = {
      scope: 'openid',
      grant_types: ['urn:other'],
      application_type: 'web',
      logo_uri: 'https://x.example/l',
    };
    response
      .setHeader('Content-Type', 'application/json')
      .end(JSON.stringify({ ...metadata, ...others, client_id: url }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/client.json`;
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  return {
    url,
    async close() {
      vi.unstubAllEnvs();
      await rm(folder, { recursive: true });
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const appsOf = async (user: TestUser) => (await user.api.get('/user/apps')).body.results;
const query = (text: string, values: unknown[] = []) => node.service.database.owner.query(text, values);
const page = (path: string) => fetch(path, { headers: { Accept: 'text/html' }, redirect: 'manual' });

describe('OAuth metadata', () => {
  it('is found at every path that clients try, and the challenge of the MCP server leads to it', async () => {
    const resource = mcpUrlOf(node);
    for (const path of ['', '/mcp']) {
      for (const at of [
        `/.well-known/oauth-protected-resource${path}`,
        `${path}/.well-known/oauth-protected-resource`,
      ]) {
        const body = await (await fetch(node.oauthUrl + at)).json();
        expect(body).toMatchObject({ resource, authorization_servers: [node.oauthUrl] });
      }
      for (const name of ['oauth-authorization-server', 'openid-configuration']) {
        for (const at of [`/.well-known/${name}${path}`, `${path}/.well-known/${name}`]) {
          expect(await (await fetch(node.oauthUrl + at)).json()).toMatchObject({
            issuer: node.oauthUrl,
            registration_endpoint: `${node.oauthUrl}/register`,
            code_challenge_methods_supported: ['S256'],
            client_id_metadata_document_supported: true,
          });
        }
      }
    }
    for (const [method, token] of [['POST'], ['GET'], ['POST', 'x'.repeat(43)]] as const) {
      const headers = token && { Authorization: `Bearer ${token}` };
      const response = await fetch(resource, { method, ...(headers && { headers }) });
      expect(response.status).toBe(401);
      const challenge = response.headers.get('WWW-Authenticate');
      expect(challenge).toContain(`resource_metadata="${node.oauthUrl}/.well-known/oauth-protected-resource/mcp"`);
      expect(challenge).toContain(`scope="${ALL}"`);
      expect(challenge?.includes('error="invalid_token"')).toBe(token !== undefined);
    }
  });

  it('is only at the OAuth origin, whose pages lead to the site', async () => {
    const key = await fetch(`${node.url}/mcp`, { method: 'POST' });
    expect(key.headers.get('WWW-Authenticate')).not.toContain('resource_metadata');
    expect((await page(mcpUrlOf(node))).headers.get('Location')).toBe(`${node.url}/app/connect`);
    expect((await page(`${node.oauthUrl}/docs/errors`)).headers.get('Location')).toBe(`${node.url}/docs/errors`);
    const user = await node.newUser();
    const tools = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
    expect((await new Client(node.url, user.apiKey).post(mcpUrlOf(node), tools)).status).toBe(200);
  });
});

describe('OAuth registration', () => {
  const register = async (metadata: object) => {
    const body = JSON.stringify(metadata);
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch(`${node.oauthUrl}/register`, { method: 'POST', headers, body });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  it('takes what clients send, without scopes and grant types that are not known here', async () => {
    const claude = {
      client_name: 'Claude\n\u202e<b>',
      grant_types: ['authorization_code', 'refresh_token', 'urn:other'],
      response_types: ['code', 'token'],
      scope: 'claudeai openid',
      redirect_uris: ['https://claude.ai/api/mcp/auth_callback'],
    };
    const { status, body } = await register(claude);
    expect(status).toBe(201);
    expect(body).toMatchObject({
      client_name: 'Claude <b>',
      token_endpoint_auth_method: 'none',
      response_types: ['code'],
    });
    expect(body).not.toHaveProperty('client_secret');
  });

  it.each([
    ['http://localhost:33418/callback', 201],
    ['http://[::1]/callback', 201],
    ['cursor://anysphere.cursor-mcp/oauth/callback', 201],
    ['http://example.com/callback', 400],
    ['https://localhost/callback', 400],
    ['javascript:alert(1)', 400],
    ['https://example.com/#fragment', 400],
  ])('of the redirect URI %s is answered with %i', async (uri, status) => {
    expect((await register({ redirect_uris: [uri] })).status).toBe(status);
  });

  it('gives a secret to a client that wants one, and stores only its digest', async () => {
    const user = await node.newUser();
    const app = new OAuthApp(mcpUrlOf(node), { token_endpoint_auth_method: 'client_secret_post' });
    await connected(user, app);
    const { client_id, client_secret } = app.registered as { client_id: string; client_secret: string };
    expect((await app.authorize()) && app.granted?.scope).toBe(ALL);
    expect(await tokenRequest({ ...refreshFields(app), client_secret: 'wrong' })).toMatchObject({ status: 401 });
    const { rows } = await query('select metadata::text from oauth_clients where id = $1', [client_id]);
    expect(rows[0].metadata).not.toContain(client_secret);
  });

  it.each(['https://127.0.0.1/client.json', 'https://localhost/client.json', 'https://169.254.169.254/latest'])(
    'never fetches the document of a client at %s',
    async (client_id) => {
      const parameters = { client_id, redirect_uri: 'https://example.com/', response_type: 'code' };
      const response = await page(`${node.oauthUrl}/authorize?${new URLSearchParams(parameters)}`);
      expect(response.status).toBe(400);
      expect(await response.text()).toContain('This app is not registered here');
    },
  );

  it('keeps the keys of a client that signs its token requests', () => {
    const jwks_uri = 'https://chatgpt.com/keys.json';
    const given = { redirect_uris: ['https://chatgpt.com/'], token_endpoint_auth_method: 'private_key_jwt', jwks_uri };
    expect(documentMetadata(given)).toMatchObject({ token_endpoint_auth_method: 'private_key_jwt', jwks_uri });
  });
});

describe('OAuth access', () => {
  it('acts as a key: its calls have its scopes and name, count, and end with it', async () => {
    const user = await node.newUser({ email: 'owner@example.com' });
    const app = await connected(user);
    expect(app.granted).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: ALL });
    expect(await app.call('create_memory', { content: 'We deploy on Fridays.' })).toContain('Stored as');
    const [listed] = await appsOf(user);
    expect(listed).toMatchObject({ name: 'Claude', host: 'claude.example', scopes: ALL.split(' ') });
    const [call] = (await user.api.get(`/user/requests?key_id=${listed.id}`)).body.results;
    expect(call).toMatchObject({
      key_name: 'Claude',
      client: 'claude-ai/1.0.0',
      transport: 'mcp_http',
      endpoint: 'create_memory',
    });
    expect((await user.api.get('/user/keys')).body.results).toHaveLength(1);
    expect((await user.api.post(`/user/keys/${listed.id}/rotate`, {})).status).toBe(404);
    const { rows } = await query(`select template from outbox where user_id = $1`, [user.userId]);
    expect(rows.map(({ template }) => template)).toContain('app_connected');
    // No secret is stored.
    const stored = await query('select payload::text from oauth_artifacts where user_id = $1', [user.userId]);
    const secrets = [app.granted?.access_token, app.granted?.refresh_token] as string[];
    for (const { payload } of stored.rows) for (const secret of secrets) expect(payload).not.toContain(secret);

    expect((await user.api.delete(`/user/apps/${listed.id}`)).body).toEqual({ revoked: true });
    await expect(app.call('get_context')).rejects.toThrow('Unauthorized');
    expect((await tokenRequest({ ...refreshFields(app), refresh_token: secrets[1] as string })).body.error).toBe(
      'invalid_grant',
    );
    expect(await appsOf(user)).toEqual([]);
    const actions = (await user.api.get('/user/audit-log')).body.results.map(
      (entry: { action: string }) => entry.action,
    );
    expect(actions.slice(0, 2)).toEqual(['apps.revoke', 'apps.connect']);
  });

  it('is ended by the app itself, and by the operator', async () => {
    const user = await node.newUser();
    const [app, other] = [await connected(user), await connected(user)];
    const fields = { token: app.granted?.access_token as string, client_id: app.registered?.client_id as string };
    await fetch(`${node.oauthUrl}/revoke`, { method: 'POST', body: new URLSearchParams(fields) });
    const left = await appsOf(user);
    expect(left).toHaveLength(1);
    const context = { now: () => new Date(), newId: () => crypto.randomUUID() };
    await node.service.database.ownerWrite((sql) => revokeAny({ ...context, sql }, left[0].id, 'admin'));
    await expect(other.call('get_context')).rejects.toThrow();
  });

  it('is for the MCP server at the OAuth origin only', async () => {
    const user = await node.newUser();
    const app = await connected(user);
    const token = app.granted?.access_token as string;
    const key = new Client(node.url, token);
    expect((await key.get('/user/me')).status).toBe(401);
    expect((await key.post(`${node.url}/mcp`, { jsonrpc: '2.0', id: 1, method: 'ping' })).status).toBe(401);
    const url = new URL(app.authorizationUrl as URL);
    url.searchParams.set('resource', 'https://other.example/mcp');
    const { location } = await new CookieJar().open(url);
    expect(location.searchParams.get('error')).toBe('invalid_target');
  });

  it('does not depend on how the address of the server is written', async () => {
    const user = await node.newUser();
    const app = await connected(user, new OAuthApp(`${mcpUrlOf(node)}/`));
    expect(await app.call('get_context')).toContain('memor');
    for (const resource of [mcpUrlOf(node), `${mcpUrlOf(node)}/`, node.oauthUrl]) {
      const { status, body } = await tokenRequest({ ...refreshFields(app), resource });
      expect([resource, status]).toEqual([resource, 200]);
      app.saveTokens({ ...body, token_type: 'Bearer' } as never);
    }
  });

  it('is refreshed without a person until it was not used for 90 days', async () => {
    const user = await node.newUser();
    const app = await connected(user);
    const first = app.granted?.access_token;
    moveClock(2 * HOUR_MS);
    expect(await app.call('get_context')).toContain('memor');
    expect(app.granted?.access_token).not.toBe(first);
    moveClock(91 * 24 * HOUR_MS);
    await expect(app.call('get_context')).rejects.toThrow('Unauthorized');
    // The SDK asks the person again.
    const person = await user.signIn();
    const back = await decide(app.authorizationUrl as URL, person);
    await app.authorize(back.searchParams.get('code') as string);
    expect(await app.call('get_context')).toContain('memor');
  });

  it('survives a repeated refresh within half a minute, and ends when an old token is used later', async () => {
    const user = await node.newUser();
    const app = await connected(user);
    const before = refreshFields(app);
    const [one, two] = await Promise.all([tokenRequest(before), tokenRequest(before)]);
    expect([one.status, two.status]).toEqual([200, 200]);
    moveClock(31_000);
    expect((await tokenRequest(before)).body.error).toBe('invalid_grant');
    for (const { body } of [one, two]) {
      expect((await tokenRequest(refreshFields(app, body.refresh_token))).body.error).toBe('invalid_grant');
    }
    expect(await appsOf(user)).toEqual([]);
  });

  it('of one device does not end that of another', async () => {
    const user = await node.newUser();
    const phone = await connected(user);
    const laptop = new OAuthApp(mcpUrlOf(node));
    laptop.saveClientInformation(phone.registered as never);
    await connected(user, laptop);
    const old = refreshFields(phone);
    await tokenRequest(old);
    moveClock(60_000);
    expect((await tokenRequest(old)).status).toBe(400);
    expect(await appsOf(user)).toHaveLength(1);
    expect(await laptop.call('get_context')).toContain('memor');
  });

  it('works although the clock of the node that gave it was ten minutes ahead', async () => {
    const user = await node.newUser();
    moveClock(10 * 60_000);
    const app = await connected(user);
    vi.useRealTimers();
    expect(await app.call('get_context')).toContain('memor');
    expect(await app.authorize()).toBe('AUTHORIZED');
  });

  it('is asked for again by a client whose registration was forgotten', async () => {
    const user = await node.newUser();
    const app = await connected(user);
    const forgotten = app.registered?.client_id as string;
    await query('delete from oauth_clients where id = $1', [forgotten]);
    expect(await app.authorize()).toBe('REDIRECT');
    expect(app.registered?.client_id).not.toBe(forgotten);
    const back = await decide(app.authorizationUrl as URL, await user.signIn());
    await app.authorize(back.searchParams.get('code') as string);
    expect(await app.call('get_context')).toContain('memor');
  });

  it('continues after a restart between the steps, also for a client that is a document at its URL', async () => {
    const site = await serveDocument();
    const settings = { port: 0, oauth: { port: 0, publicUrl: undefined, isOptional: false }, allowPrivateUrls: true };
    const first = await startTestService(settings);
    const app = new OAuthApp(mcpUrlOf(first));
    const waiting = new OAuthApp(mcpUrlOf(first), {}, site.url);
    const user = await first.newUser();
    const person = await user.signIn();
    await app.connect(person);
    await waiting.authorize();
    expect(waiting.authorizationUrl?.searchParams.get('client_id')).toBe(site.url);
    const browser = new CookieJar();
    const { id } = await openRequest(browser, waiting.authorizationUrl as URL);
    await first.service.stop();

    const ports = [first.url, first.oauthUrl].map((url) => Number(new URL(url).port)) as [number, number];
    const again = { ...settings, port: ports[0], databaseUrl: first.databaseUrl };
    const second = await startTestService({ ...again, oauth: { ...settings.oauth, port: ports[1] } });
    const { body } = await person.post(`/user/app-requests/${id}`, { allowed: true });
    const back = await finish(browser, body.redirect_url);
    await waiting.authorize(back.searchParams.get('code') as string);
    for (const one of [app, waiting]) expect(await one.call('get_context')).toContain('memor');
    expect(await app.authorize()).toBe('AUTHORIZED');
    expect((await person.get('/user/apps')).body.results[0]).toMatchObject({
      client_id: site.url,
      host: 'claude.example',
    });
    await Promise.all([second.stop(), site.close()]);
    await dropDatabase(first.databaseUrl);
  });
});

describe('OAuth consent', () => {
  it('that is denied is reported to the app, which gets nothing', async () => {
    const user = await node.newUser();
    const app = new OAuthApp(mcpUrlOf(node));
    await app.authorize();
    const back = await decide(app.authorizationUrl as URL, await user.signIn(), { allowed: false });
    expect(Object.fromEntries(back.searchParams)).toMatchObject({
      error: 'access_denied',
      state: 'some-state',
      iss: node.oauthUrl,
    });
    expect(await appsOf(user)).toEqual([]);
  });

  it('narrows the scopes, which no refresh widens', async () => {
    const user = await node.newUser();
    const app = new OAuthApp(mcpUrlOf(node));
    await app.connect(await user.signIn(), { scopes: ['memories:read'] });
    expect(app.granted?.scope).toBe('memories:read');
    expect(await app.tools()).not.toContain('create_memory');
    const { body } = await tokenRequest({ ...refreshFields(app), scope: 'memories:read memories:write' });
    expect(body.scope ?? body.error).toBe('memories:read');
    expect((await appsOf(user))[0].scopes).toEqual(['memories:read']);
  });

  it('binds the app to projects, beyond which it sees and writes nothing', async () => {
    const user = await node.newUser();
    await user.api.post('/memories', { content: 'The shop opens at nine.', project: 'shop' });
    await user.api.post('/memories', { content: 'The diary opens at night.', project: 'diary' });
    const app = new OAuthApp(mcpUrlOf(node));
    await app.connect(await user.signIn(), { projects: ['shop'] });
    const found = await app.call('search_memories', { query: 'opens' });
    expect([found.includes('The shop'), found.includes('The diary')]).toEqual([true, false]);
    expect(await app.call('create_memory', { content: 'Dear diary.', project: 'diary' })).not.toContain('Stored');
    expect((await appsOf(user))[0].projects).toEqual(['shop']);
  });

  it('is accepted only from the browser that the app opened, and once', async () => {
    const [victim, attacker] = [new CookieJar(), new CookieJar()];
    const user = await node.newUser();
    const person = await user.signIn();
    const app = new OAuthApp(mcpUrlOf(node));
    await app.authorize();
    // The attacker starts a request, and has the victim allow it.
    const { id } = await openRequest(attacker, app.authorizationUrl as URL);
    const { body } = await person.post(`/user/app-requests/${id}`, { allowed: true });
    const rejected = await victim.open(body.redirect_url);
    expect([rejected.status, await appsOf(user)]).toEqual([404, []]);
    expect(rejected.text).toContain('This request of an app has ended');
    expect((await attacker.open(body.redirect_url.replace(/ticket=.*/, 'ticket=guessed'))).status).toBe(404);

    expect((await finish(attacker, body.redirect_url)).searchParams.get('code')).toBeTruthy();
    expect((await attacker.open(body.redirect_url)).status).toBe(404);
    expect((await person.get(`/user/app-requests/${'x'.repeat(43)}`)).status).toBe(404);
  });

  it('needs a signed-in person, and only what the app asked for can be granted', async () => {
    const user = await node.newUser();
    const app = new OAuthApp(mcpUrlOf(node));
    await app.authorize();
    const url = new URL(app.authorizationUrl as URL);
    url.searchParams.set('scope', 'memories:read');
    const { id, screen } = await openRequest(new CookieJar(), url);
    expect((await page(screen.href)).headers.get('Location')).toBe(`/login?next=%2Fapp%2Fauthorize%2F${id}`);
    expect((await user.api.get(`/user/app-requests/${id}`)).body.code).toBe('session_required');
    const person = await user.signIn();
    const decision = { allowed: true, scopes: ['memories:write'] };
    expect((await person.post(`/user/app-requests/${id}`, decision)).status).toBe(422);
  });
});

describe.skipIf(!hasBrowser)('OAuth in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  it('asks the person, leads back to the app on any loopback port, and shows it among the connected apps', async () => {
    const received: URL[] = [];
    const callback = createServer((request, response) => {
      received.push(new URL(request.url ?? '/', 'http://127.0.0.1'));
      response.end('The app has its answer.');
    });
    await new Promise<void>((resolve) => callback.listen(0, '127.0.0.1', resolve));
    const user = await node.newUser({ email: 'ada@example.com' });
    const app = new OAuthApp(mcpUrlOf(node), { client_name: 'An agent', redirect_uris: ['http://127.0.0.1/callback'] });
    app.redirectUrl = `http://127.0.0.1:${(callback.address() as AddressInfo).port}/callback`;
    await app.authorize();
    const { page: tab, context } = await openDashboard(browser, node, user.userId, { path: '/account' });
    await tab.getByText('None. Apps such as Claude.ai').waitFor();

    await tab.goto(String(app.authorizationUrl));
    await tab.getByRole('heading', { name: 'Allow An agent to use your memory?' }).waitFor();
    await tab.getByText('a program on this computer').waitFor();
    await tab.getByText('ada@example.com').waitFor();
    expect(await findAccessibilityViolations(tab)).toEqual([]);
    await tab.getByText('See usage, keys and the account').click();
    await tab.getByRole('combobox', { name: 'Projects' }).fill('shop');
    await tab.keyboard.press('Enter');
    await tab.getByRole('button', { name: 'Allow' }).click();
    await tab.getByText('The app has its answer.').waitFor();
    await app.authorize(received[0]?.searchParams.get('code') as string);
    expect(app.granted?.scope).toBe('memories:read memories:write');
    expect(await app.call('create_memory', { content: 'Tea at four.' })).toContain('Stored');
    expect((await user.api.get('/memories')).body.results[0].project).toBe('shop');

    await tab.goto(`${node.url}/app/account`);
    await tab.getByText('only shop').waitFor();
    await tab.getByText('on a computer of yours').waitFor();
    await tab.getByRole('button', { name: 'Disconnect An agent' }).click();
    await tab.getByRole('button', { name: 'Disconnect', exact: true }).last().click();
    await tab.getByText('The app was disconnected').waitFor();
    await expect(app.call('get_context')).rejects.toThrow();

    await app.authorize();
    await tab.setViewportSize({ width: 360, height: 800 });
    await tab.goto(String(app.authorizationUrl));
    await tab.getByRole('button', { name: 'Deny' }).waitFor();
    expect(await tab.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    await tab.getByRole('button', { name: 'Deny' }).click();
    await tab.getByText('The app has its answer.').waitFor();
    expect(received.some((url) => url.searchParams.get('error') === 'access_denied')).toBe(true);
    await context.close();
    await new Promise((resolve) => callback.close(resolve));
  });
});
