import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../../api/time.ts';
import { hasBrowser, startBrowser } from '../../support/browser.ts';
import { Client } from '../../support/client.ts';
import { findAccessibilityViolations, openDashboard } from '../../support/dashboard.ts';
import { startTestService, type TestService } from '../../support/service.ts';

describe.skipIf(!hasBrowser)('dashboard › keys', () => {
  let service: TestService;
  let browser: Browser;

  beforeAll(async () => {
    [service, browser] = await Promise.all([startTestService(), startBrowser()]);
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
  });

  const act = async (page: Page, name: string, action: string) => {
    await page.getByRole('button', { name: `Actions of key ${name}` }).click();
    await page.getByRole('menuitem', { name: action }).click();
  };

  it('makes a key with chosen permissions and limit, and shows it once', async () => {
    const user = await service.newUser();
    const { page, context, problems } = await openDashboard(browser, service, user.userId, { path: '/keys' });
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'New key' }).click();
    await dialog.getByLabel('Name').fill('Laptop');
    await dialog.getByText('Store, change and delete memories').click();
    await dialog.getByLabel('Own limit').fill('30');
    await dialog.getByLabel('Only these projects').fill('shop');
    await dialog.getByLabel('Only these projects').press('Enter');
    await dialog.getByLabel('Only these projects').fill('docs');
    await dialog.getByRole('button', { name: 'Make the key' }).click();
    const secret = await dialog.locator('pre').innerText();
    expect(secret).toMatch(/^wm_test_[0-9A-Za-z]{32}$/);
    await dialog.getByText('it is stored nowhere').waitFor();
    await page.keyboard.press('Escape');
    await dialog.getByRole('button', { name: 'I have copied it' }).click();
    expect(await page.content()).not.toContain(secret);

    const laptop = new Client(service.url, secret);
    expect((await laptop.get('/memories', { 'User-Agent': 'curl/8.5.0' })).status).toBe(200);
    expect((await laptop.post('/memories', { content: 'x' })).status).toBe(403);
    await page.reload();
    const row = page.getByRole('row', { name: /Laptop/ });
    await row.getByRole('img', { name: '2 calls in 30 days' }).waitFor();
    expect(await row.innerText()).toContain('30 a minute');
    expect(await row.innerText()).toContain('only shop, docs');
    expect((await laptop.get('/projects')).body.total).toBe(0);

    expect(problems).toEqual([]);
    await context.close();
  });

  it('renames a key, and rotates it with a grace period', async () => {
    const user = await service.newUser();
    const { body: key } = await user.api.post('/user/keys', { name: 'Laptop' });
    const { page, context, problems } = await openDashboard(browser, service, user.userId, { path: '/keys' });
    const dialog = page.getByRole('dialog');
    await act(page, 'Laptop', 'Rename or edit');
    await dialog.getByLabel('Name').fill('Desktop');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Key Desktop changed').waitFor();

    await act(page, 'Desktop', 'Rotate');
    await dialog.getByRole('button', { name: 'Rotate' }).click();
    await dialog.getByText('The old key works until').waitFor();
    const next = await dialog.locator('pre').innerText();
    await dialog.getByRole('button', { name: 'I have copied it' }).click();
    for (const secret of [key.api_key, next]) {
      expect((await new Client(service.url, secret).get('/memories')).status).toBe(200);
    }
    expect(problems).toEqual([]);
    await context.close();
  });

  it('revokes a key after a confirmation, and shows revoked keys when asked', async () => {
    const user = await service.newUser();
    const { body: key } = await user.api.post('/user/keys', { name: 'Laptop' });
    const { page, context, problems } = await openDashboard(browser, service, user.userId, { path: '/keys' });
    const dialog = page.getByRole('dialog');
    await act(page, 'Laptop', 'Revoke');
    await dialog.getByText('This cannot be undone.').waitFor();
    await dialog.getByRole('button', { name: 'Revoke key' }).click();
    await page.getByText('Key Laptop revoked').waitFor();
    expect((await new Client(service.url, key.api_key).get('/memories')).status).toBe(401);
    await page.getByText('Show revoked and expired keys').click();
    await page.getByText(/^Revoked /).waitFor();
    expect(page.url()).toContain('all=true');
    expect(problems).toEqual([]);
    await context.close();
  });

  it('says at the field why a key was rejected, and opens the key that a link names', async () => {
    const user = await service.newUser();
    const expires_at = new Date(Date.now() + 3 * DAY_MS).toISOString();
    const { body: key } = await user.api.post('/user/keys', { name: '<img src=x onerror=alert(1)>', expires_at });
    const { page, context, problems } = await openDashboard(browser, service, user.userId, {
      path: `/keys?key=${key.id}`,
    });
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('heading', { name: 'Edit <img' }).waitFor();
    await dialog.getByLabel('Name').fill(' ');
    await dialog.getByLabel('Own limit').fill('many');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByText('must not be empty').waitFor();
    expect(await dialog.locator('.react-aria-FieldError').count()).toBe(2);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('in 2 days').waitFor();
    expect(problems.filter((problem) => !problem.includes('400'))).toEqual([]);
    await context.close();
  });

  it.each([
    ['light', 1280],
    ['dark', 360],
  ] as const)('has no accessibility violation and no sideways scrolling (%s, %i px)', async (theme, width) => {
    const user = await service.newUser();
    await user.api.post('/user/keys', { name: `A long name ${'x'.repeat(80)}` });
    const { page, context } = await openDashboard(browser, service, user.userId, { path: '/keys', theme, width });
    await page.getByRole('button', { name: 'Actions of key A long' }).waitFor();
    expect(await findAccessibilityViolations(page)).toEqual([]);
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    await page.getByRole('button', { name: 'New key' }).click();
    await page.getByRole('dialog').getByLabel('Name').waitFor();
    expect(await findAccessibilityViolations(page)).toEqual([]);
    await context.close();
  });
});
