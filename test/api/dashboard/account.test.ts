import { gunzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, startBrowser } from '../../support/browser.ts';
import { findAccessibilityViolations, openDashboard } from '../../support/dashboard.ts';
import { startTestService, type TestService } from '../../support/service.ts';

describe.skipIf(!hasBrowser)('dashboard › account', () => {
  let service: TestService;
  let browser: Browser;

  beforeAll(async () => {
    [service, browser] = await Promise.all([startTestService({ jobs: true }), startBrowser()]);
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
  });

  it('writes an export, shows its progress, and downloads the file', async () => {
    const user = await service.newUser({ email: 'export@example.com' });
    await user.api.post('/memories', { content: 'We deploy on Fridays.' });
    const { page, context, problems } = await openDashboard(browser, service, user.userId, { path: '/account' });
    await page.getByRole('button', { name: 'Export everything' }).click();
    const link = page.getByRole('link', { name: /^Download/ });
    await link.waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
    expect(gunzipSync(Buffer.concat(chunks)).toString()).toContain('We deploy on Fridays.');
    expect(problems).toEqual([]);
    await context.close();
  });

  it('lists the signed-in browsers, and ends them', async () => {
    const user = await service.newUser();
    const other = await openDashboard(browser, service, user.userId, { path: '/account' });
    const { page, context } = await openDashboard(browser, service, user.userId, { path: '/account' });
    await page.getByText('This browser').waitFor();
    await page.getByRole('button', { name: 'Sign out Test browser' }).click();
    await page.getByText('The browser was signed out').waitFor();
    await other.page.reload();
    await other.page.waitForURL(/\/login\?next=/);
    await page.getByRole('button', { name: 'Sign out everywhere' }).first().click();
    await page
      .getByRole('alertdialog')
      .or(page.getByRole('dialog'))
      .getByRole('button', { name: 'Sign out everywhere' })
      .click();
    await page.waitForURL(/\/login\?next=/);
    await Promise.all([context.close(), other.context.close()]);
  });

  it('deletes the account after a typed confirmation, and undoes it', async () => {
    const user = await service.newUser({ email: 'gone@example.com' });
    const { page, context } = await openDashboard(browser, service, user.userId, { path: '/account' });
    await page.getByRole('button', { name: 'Delete the account …' }).click();
    const confirm = page.getByRole('dialog').getByRole('button', { name: 'Delete the account' });
    expect(await confirm.isDisabled()).toBe(true);
    await page.getByLabel('Type "gone@example.com" to confirm').fill('gone@example.com');
    await confirm.click();
    await page.getByText('This account is being deleted.').waitFor();
    expect((await user.api.get('/memories')).body.code).toBe('account_closing');
    await page.getByRole('button', { name: 'Undo the deletion' }).click();
    await page.getByText('The account was restored').waitFor();
    expect((await user.api.get('/memories')).status).toBe(200);
    await page.getByText('Deletion of the account undone').waitFor();
    await context.close();
  });

  it.each([
    ['light', 1280],
    ['dark', 360],
  ] as const)('is accessible and fits, %s at %i px', async (theme, width) => {
    const user = await service.newUser({ email: `${'long-'.repeat(10)}address@example.com` });
    const { page, context } = await openDashboard(browser, service, user.userId, { path: '/account', theme, width });
    await page.getByText('This browser').waitFor();
    await page.getByText('Browser signed in').first().waitFor();
    expect(await findAccessibilityViolations(page)).toEqual([]);
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    await context.close();
  });
});
