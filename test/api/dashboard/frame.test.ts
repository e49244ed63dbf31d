import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, startBrowser } from '../../support/browser.ts';
import { findAccessibilityViolations, openDashboard } from '../../support/dashboard.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

const BUILD = join(import.meta.dirname, '../../../dist/dashboard');

let service: TestService;

beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

describe('dashboard › files', () => {
  it('sends the page for every path below /app, with a policy that allows this service only', async () => {
    const { headers } = await (await service.newUser()).signIn();
    for (const path of ['/app', '/app/connect', '/app/memories/some/where']) {
      const response = await fetch(`${service.url}${path}`, { headers: { ...headers, Accept: 'text/html' } });
      expect(response.status).toBe(200);
      expect(await response.text()).toContain('<div id="root">');
      const policy = response.headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("connect-src 'self'");
      expect(policy).not.toContain('unsafe');
    }
  });

  it('redirects a browser that is not signed in to the sign-in, which leads back', async () => {
    for (const headers of [{}, { Cookie: `wm_session=${'A'.repeat(43)}` }] as Record<string, string>[]) {
      const response = await fetch(`${service.url}/app/memories?q=a`, { headers, redirect: 'manual' });
      const location = response.headers.get('location');
      expect([response.status, location]).toEqual([302, '/login?next=%2Fapp%2Fmemories%3Fq%3Da']);
    }
  });

  it('lets browsers keep hashed files for ever, and asks about the others', async () => {
    const [name] = readdirSync(join(BUILD, 'assets'));
    const hashed = await fetch(`${service.url}/app/assets/${name}`);
    expect(hashed.headers.get('cache-control')).toContain('immutable');
    const theme = await fetch(`${service.url}/app/theme.js`);
    expect(theme.headers.get('content-type')).toContain('javascript');
    expect(theme.headers.get('cache-control')).toContain('must-revalidate');
  });

  it('sends nothing from outside its folder', async () => {
    for (const name of ['..%2findex.html', '..%2f..%2f..%2fpackage.json', 'none.js']) {
      expect((await fetch(`${service.url}/app/assets/${name}`)).status).toBe(404);
    }
  });

  it('loads at most 200 kB gzip before the first screen', () => {
    const page = readFileSync(join(BUILD, 'index.html'), 'utf8');
    const first = [...page.matchAll(/"\/app\/([^"]+\.(?:js|css))"/g)].map((match) => match[1] as string);
    expect(first.length).toBeGreaterThanOrEqual(3);
    const bytes = first.map((file) => gzipSync(readFileSync(join(BUILD, file))).length);
    expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(200_000);
  });
});

describe.skipIf(!hasBrowser)('dashboard › frame', () => {
  let browser: Browser;
  let user: TestUser;

  beforeAll(async () => {
    browser = await startBrowser();
    user = await service.newUser();
  });
  afterAll(() => browser.close());

  it('goes to a screen by the command palette, without a mouse', async () => {
    const { page, context, problems } = await openDashboard(browser, service, user.userId, { path: '/nowhere' });
    await page.getByText('There is no such screen').waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('searchbox').waitFor();
    await page.keyboard.type('claude');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Connect an agent' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/app/connect');
    expect(problems).toEqual([]);
    await context.close();
  });

  it('keeps the chosen theme over a reload', async () => {
    const { page, context } = await openDashboard(browser, service, user.userId, { path: '/connect', theme: 'light' });
    const background = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    await page.getByRole('button', { name: 'Theme: system' }).click();
    const light = await background();
    await page.getByRole('button', { name: 'Theme: light' }).click();
    const dark = await background();
    expect(dark).not.toBe(light);
    await page.reload();
    await page.getByRole('heading', { name: 'Connect an agent' }).waitFor();
    expect(await background()).toBe(dark);
    await context.close();
  });

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 360],
    ['dark', 360],
  ] as const)('is accessible and fits, %s at %i px', async (theme, width) => {
    const { page, context, problems } = await openDashboard(browser, service, user.userId, {
      path: '/connect',
      theme,
      width,
    });
    await page.getByRole('heading', { name: 'Connect an agent' }).waitFor();
    await page.getByText('Waiting for the first call').waitFor();
    expect(await findAccessibilityViolations(page)).toEqual([]);
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    expect(problems).toEqual([]);
    await context.close();
  });
});
