import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../../api/time.ts';
import { hasBrowser, startBrowser } from '../../support/browser.ts';
import { findAccessibilityViolations, openDashboard } from '../../support/dashboard.ts';
import { connectMcp } from '../../support/mcp.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

const XSS = '<img src=x onerror=alert(1)>';

describe.skipIf(!hasBrowser)('dashboard › home, usage and request log', () => {
  let service: TestService;
  let browser: Browser;
  let user: TestUser;

  beforeAll(async () => {
    [service, browser] = await Promise.all([startTestService(), startBrowser()]);
    user = await service.newUser({ requestsPerDay: 10 });
    await user.api.post('/memories', { title: XSS, content: 'We deploy on Fridays.', project: 'shop' });
    await user.api.get('/stats', { 'User-Agent': 'curl/8.5.0' });
    await user.api.post('/memories', { title: '' }, { 'User-Agent': 'acme-bot/1.0' });
    const client = await connectMcp(service, user, { headers: { 'User-Agent': 'claude-code/2.1.328 (cli)' } });
    for (let call = 0; call < 6; call++) await client.read('search_memories', { query: 'deploy' });
    await client.close();
    const expires_at = new Date(Date.now() + 5 * DAY_MS).toISOString();
    await user.api.post('/user/keys', { name: 'Soon', expires_at });
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
  });

  const open = (path: string, options = {}) => openDashboard(browser, service, user.userId, { path, ...options });
  const choose = async (page: Page, label: string, option: string) => {
    await page.getByRole('button', { name: new RegExp(`${label}$`) }).click();
    await page.getByRole('option', { name: option }).click();
  };

  it('shows today against the plan, what needs attention, the newest memories and the last calls', async () => {
    const { page, context, problems } = await open('/');
    await page.waitForURL('**/app/home');
    await page.getByRole('meter', { name: 'Calls' }).waitFor();
    const text = await page.locator('main').innerText();
    expect(text).toContain('All 10 calls of today are used.');
    expect(text).toContain('The key "Soon" expires on');
    expect(text).toContain(XSS);
    expect(text).toContain('Claude Code 2.1.328');
    expect(text).toContain('400 invalid_request');
    await page.getByRole('link', { name: 'Extend or rotate' }).click();
    await page.getByRole('heading', { name: 'Edit Soon' }).waitFor();
    expect(problems).toEqual([]);
    await context.close();
  });

  it('opens Connect first in an account that was never called', async () => {
    const { userId } = await service.newUser();
    const { page, context } = await openDashboard(browser, service, userId);
    await page.waitForURL('**/app/connect');
    await page.getByRole('link', { name: 'Home' }).click();
    await page.getByText('No memories yet').waitFor();
    await context.close();
  });

  it('shows usage by day as charts and tables, in groups, and keeps filters in the URL', async () => {
    const { page, context, problems } = await open('/usage');
    await page.locator('.chart canvas').first().waitFor();
    expect(await page.getByText('10 calls, 1 with an error').count()).toBe(1);
    await page.getByText('Show as a table').first().click();
    const today = new Date().toISOString().slice(0, 10);
    await page
      .getByRole('table', { name: 'Calls by day' })
      .getByRole('row', { name: `${today} 10 1` })
      .waitFor();
    await page.getByRole('row', { name: /^search\.query 6 0/ }).waitFor();
    await choose(page, 'Group by', 'Client');
    await page.getByRole('row', { name: /^Claude Code 6 0/ }).waitFor();
    await choose(page, 'Client', 'Curl');
    await page.getByText('1 calls, 0 with an error').waitFor();
    expect(new URL(page.url()).searchParams.get('client')).toBe('curl');
    await page.reload();
    await page.getByText('1 calls, 0 with an error').waitFor();
    await page.getByRole('row', { name: /^shop 1/ }).waitFor();
    await page.getByText('rejected with status 429 until 00:00 UTC').waitFor();
    const href = (await page.getByRole('link', { name: 'CSV' }).getAttribute('href')) as string;
    const csv = await context.request.get(`${service.url}${href}`);
    // With the filters of the screen: the one call of curl.
    expect((await csv.text()).trimEnd().split('\r\n')).toEqual([
      expect.stringContaining('day,transport'),
      expect.stringMatching(new RegExp(`^${today},rest,.*,1,`)),
    ]);
    expect(problems).toEqual([]);
    await context.close();
  });

  it('lists single calls, and filters them by status, client and operation', async () => {
    const { page, context, problems } = await open('/requests');
    const rows = page.getByRole('table').getByRole('row');
    await page.getByRole('cell', { name: '400 invalid_request' }).waitFor();
    expect(await rows.count()).toBe(11);
    await choose(page, 'Status', 'With an error');
    await page.getByRole('cell', { name: 'Acme Bot 1.0' }).waitFor();
    await expect.poll(() => rows.count()).toBe(2);
    await choose(page, 'Status', 'Any status');
    await page.getByRole('button', { name: 'search_memories' }).first().click();
    await expect.poll(() => rows.count()).toBe(7);
    expect(new URL(page.url()).searchParams.get('operation')).toBe('search.query');
    await choose(page, 'Client', 'Curl');
    await page.getByText('No such calls in the last 7 days').waitFor();
    expect(problems).toEqual([]);
    await context.close();
  });

  it('shows each call as a card on a phone, which is still a row of the table to screen readers', async () => {
    const { page, context } = await open('/requests', { theme: 'light', width: 360 });
    const table = page.getByRole('table', { name: 'Calls' });
    const call = table.getByRole('row', { name: /400 invalid_request/ });
    await call.waitFor();
    const [box, frame] = await Promise.all([call.boundingBox(), table.boundingBox()]);
    expect(box?.width).toBe(frame?.width);
    expect(box?.height).toBeGreaterThan(100);
    expect(await table.getByRole('columnheader').allTextContents()).toEqual([
      'Time',
      'Operation',
      'Status',
      'Client',
      'Duration',
      'Tokens',
    ]);
    expect(await call.getByRole('rowheader').count()).toBe(1);
    // The label of the card is not read in addition to the header of the column.
    expect(await call.getByRole('cell', { name: /^Acme Bot 1.0/ }).count()).toBe(1);
    await context.close();
  });

  it.each([
    ['/home', 'light', 1280],
    ['/home', 'dark', 360],
    ['/usage', 'dark', 1280],
    ['/usage', 'light', 360],
    ['/requests', 'light', 1280],
    ['/requests', 'dark', 360],
  ] as const)('%s has no accessibility violation and no sideways scrolling (%s, %i px)', async (path, theme, width) => {
    const { page, context, problems } = await open(path, { theme, width });
    await page
      .getByText(path === '/usage' ? 'Show as a table' : 'invalid_request')
      .first()
      .waitFor();
    expect(await findAccessibilityViolations(page)).toEqual([]);
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    expect(problems).toEqual([]);
    await context.close();
  });
});
