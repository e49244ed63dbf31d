import { execSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEVICE_LOGIN_SECONDS } from '../../../api/contracts/device-logins.ts';
import { VERSION } from '../../../api/version.ts';
import { runProgram } from '../../../mcp/cli/program.ts';
import { packagePath } from '../../../mcp/client-setup/texts.ts';
import { hasBrowser, startBrowser } from '../../support/browser.ts';
import { testCli } from '../../support/cli.ts';
import { Client } from '../../support/client.ts';
import { findAccessibilityViolations, openDashboard } from '../../support/dashboard.ts';
import { startTestService, type TestService } from '../../support/service.ts';

let node: TestService;
let home: string;
beforeAll(async () => {
  node = await startTestService();
  home = await mkdtemp(join(tmpdir(), 'wm-device-'));
});
afterAll(async () => {
  await node.stop();
  await rm(home, { recursive: true, force: true });
});

const start = async () => (await new Client(node.url).post('/device/code', { name: 'whitemagic on a laptop' })).body;
const poll = async (device_code: string) => (await new Client(node.url).post('/device/token', { device_code })).body;

describe('device login', () => {
  it('delivers a key of the person who approved, once, also to concurrent polls', async () => {
    const user = await node.newUser();
    const person = await user.signIn();
    const { device_code, user_code } = await start();
    expect(await poll(device_code)).toEqual({ status: 'pending', api_key: null });
    const typed = user_code.toLowerCase().replace('-', ' ');
    expect((await person.get(`/user/device-logins/${encodeURIComponent(typed)}`)).body).toMatchObject({
      user_code,
      name: 'whitemagic on a laptop',
      status: 'pending',
    });
    const approved = await person.post(`/user/device-logins/${user_code}`, { approve: true });
    expect(approved.body.status).toBe('approved');
    const polls = await Promise.all([1, 2, 3, 4].map(() => poll(device_code)));
    expect(polls.map(({ status }) => status).sort()).toEqual(['approved', 'expired', 'expired', 'expired']);
    const { api_key } = polls.find(({ status }) => status === 'approved');
    const { body } = await new Client(node.url, api_key).get('/user/keys');
    expect(body.results[0]).toMatchObject({
      name: 'whitemagic on a laptop',
      scopes: ['memories:read', 'memories:write', 'account:read'],
    });
    const { body: log } = await person.get('/user/audit-log');
    expect(log.results.map(({ action }: { action: string }) => action)).toEqual(
      expect.arrayContaining(['device.approved', 'keys.create']),
    );
  });

  it('is decided once, by a signed-in person, before it expires', async () => {
    const [one, other] = [await node.newUser(), await node.newUser()];
    const [person, stranger] = [await one.signIn(), await other.signIn()];
    const { device_code, user_code } = await start();
    const path = `/user/device-logins/${user_code}`;
    expect((await one.api.post(path, { approve: true })).body.code).toBe('session_required');
    expect((await person.post(path, { approve: false })).body.status).toBe('denied');
    expect((await stranger.post(path, { approve: true })).status).toBe(404);
    expect((await stranger.get(path)).status).toBe(404);
    expect(await poll(device_code)).toEqual({ status: 'denied', api_key: null });
    expect((await person.get('/user/device-logins/AAAA-AAAA')).status).toBe(404);
    expect((await person.get('/user/device-logins/123')).body.errors[0].path).toBe('user_code');

    const late = await start();
    await node.service.database.ownerWrite((sql) =>
      sql.query({
        text: `update device_logins set expires_at = expires_at - interval '${DEVICE_LOGIN_SECONDS} seconds'`,
      }),
    );
    expect((await person.post(`/user/device-logins/${late.user_code}`, { approve: true })).status).toBe(404);
    expect(await poll(late.device_code)).toEqual({ status: 'expired', api_key: null });
  });

  it('runs from `whitemagic setup` to a working key in one command', async () => {
    const user = await node.newUser();
    const person = await user.signIn();
    await writeFile(join(home, 'whitemagic.js'), '');
    const cli = testCli({
      env: { HOME: home, PATH: '' },
      script: join(home, 'whitemagic.js'),
      openBrowser: (url) => {
        const code = new URL(url).searchParams.get('code');
        void person.post(`/user/device-logins/${code}`, { approve: true });
        return true;
      },
      delay: async () => void (await new Promise((resolve) => setTimeout(resolve, 100))),
    });
    const code = await runProgram(['setup', '--url', `${node.url}/mcp`, '--client', 'cursor', '--yes'], cli);
    expect(cli.noted()).toMatch(/if it shows the code [A-Z]{4}-[A-Z]{4}/);
    expect(code, cli.noted()).toBe(0);
    const { url, keys } = JSON.parse(await readFile(join(home, '.config/whitemagic/credentials.json'), 'utf8'));
    expect(url).toBe(node.url);
    expect((await new Client(node.url, keys[url]).get('/user/me')).status).toBe(200);
    expect(await runProgram(['logout'], cli)).toBe(0);
    expect(await runProgram(['logout'], cli)).toBe(1);
  });

  it.skipIf(!hasBrowser)('is approved on a page of the dashboard, or denied there', async () => {
    const browser = await startBrowser();
    try {
      const user = await node.newUser();
      const { device_code, user_code } = await start();
      const { page, context, problems } = await openDashboard(browser, node, user.userId, { path: '/device' });
      await page.getByLabel('Code').fill('short');
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByText('The code has 8 letters').waitFor();
      await page.getByLabel('Code').fill(user_code.toLowerCase());
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByText(user_code, { exact: true }).waitFor();
      expect(await findAccessibilityViolations(page)).toEqual([]);
      await page.getByRole('button', { name: 'Approve' }).click();
      await page.getByText('Approved.').waitFor();
      expect((await poll(device_code)).status).toBe('approved');
      const denied = await start();
      await page.goto(denied.verification_uri_complete);
      await page.getByRole('button', { name: 'Deny' }).click();
      await page.getByText('Denied.').waitFor();
      expect(problems).toEqual([]);
      await page.goto(`${node.url}/app/device?code=BBBB-BBBB`);
      await page.getByText('run the command again').waitFor();
      await context.close();
    } finally {
      await browser.close();
    }
  });
});

describe('command line served by the service', () => {
  it('installs into an empty folder, and runs', async () => {
    const response = await fetch(node.url + packagePath(VERSION));
    expect(response.headers.get('content-type')).toBe('application/gzip');
    const file = join(home, 'cli.tgz');
    await writeFile(file, Buffer.from(await response.arrayBuffer()));
    const run = (command: string) => execSync(command, { cwd: home, encoding: 'utf8' }).trim();
    run(`npm install --offline --no-audit --no-fund --loglevel=error ${file}`);
    expect(run('node_modules/.bin/whitemagic --version')).toBe(VERSION);
  });
});
