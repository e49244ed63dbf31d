import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPERATIONS, PUBLIC_OPERATIONS } from '../../../api/contracts/index.ts';
import { PROBLEMS } from '../../../api/errors.ts';
import { hasBrowser, startBrowser } from '../../support/browser.ts';
import { startTestService, type TestService } from '../../support/service.ts';

let node: TestService;
let browser: Browser;

describe.skipIf(!hasBrowser)('the reference in a browser', () => {
  beforeAll(async () => {
    [node, browser] = await Promise.all([startTestService(), startBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await node?.stop();
  });

  it('shows every operation, loads nothing from elsewhere, and logs nothing to the console', async () => {
    const page = await browser.newPage({ viewport: { width: 1200, height: 1600 } });
    const origins: string[] = [];
    const messages: string[] = [];
    page.on('request', (request) => origins.push(new URL(request.url()).origin));
    page.on('console', (message) => messages.push(message.text()));
    page.on('pageerror', (error) => messages.push(error.message));
    await page.goto(`${node.url}/docs/api`);
    await page.locator('.opblock').first().waitFor();
    expect(await page.locator('.opblock').count()).toBe(OPERATIONS.length + PUBLIC_OPERATIONS.length);
    expect(origins.filter((origin) => ![node.url, 'null'].includes(origin))).toEqual([]);
    expect(messages).toEqual([]);
    if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/docs.png` });
  });

  it('authorizes, sends a request and shows its response', async () => {
    const user = await node.newUser();
    const page = await browser.newPage({ viewport: { width: 1200, height: 1600 } });
    await page.goto(`${node.url}/docs/api#/memories/stats.get`);
    await page.locator('.btn.authorize').first().click();
    await page.locator('.auth-container input').first().fill(user.apiKey);
    await page.locator('.auth-btn-wrapper .authorize').first().click();
    await page.locator('.btn-done').first().click();
    const operation = page.locator('.opblock', { hasText: '/api/v1/stats' });
    if ((await operation.locator('.execute').count()) === 0)
      await operation.locator('.opblock-summary-control').click();
    await operation.locator('.execute').click();
    await expect
      .poll(() => operation.locator('.live-responses-table').innerText(), { timeout: 10_000 })
      .toContain('last_consolidation_at');
    if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/try.png` });
  });

  it('explains every error code at the URL that problems have as their type', async () => {
    const page = await browser.newPage();
    await page.goto(`${node.url}/docs/errors#storage_full`);
    const codes = await page.locator('tr[id] td:first-child').allInnerTexts();
    expect(codes).toEqual(Object.keys(PROBLEMS));
    if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/errors.png` });
  });
});
