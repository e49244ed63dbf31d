import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERSION } from '../../../api/version.ts';
import { clientSetups } from '../../../mcp/client-setup/texts.ts';
import { hasBrowser, startBrowser } from '../../support/browser.ts';
import { openDashboard } from '../../support/dashboard.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

describe.skipIf(!hasBrowser)('dashboard › connect', () => {
  let service: TestService;
  let browser: Browser;
  let user: TestUser;

  beforeAll(async () => {
    [service, browser] = await Promise.all([startTestService(), startBrowser()]);
    user = await service.newUser();
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
  });

  it('makes a key in place, and reports the first call of a real client', async () => {
    const { page, context, problems } = await openDashboard(browser, service, user.userId, { path: '/connect' });
    await page.getByText('Codex', { exact: true }).click();
    await page.getByLabel('Name of the new key').fill('My laptop');
    await page.getByRole('button', { name: 'Make a key' }).click();
    await page.getByText('is shown only now').waitFor();
    const config = await copied(page, 'Copy the text for Codex');
    const key = await copied(page, 'Copy API key');
    expect(config).toBe(
      clientSetups({ url: service.url, apiKey: key, version: VERSION }).find(({ id }) => id === 'codex')?.text,
    );
    await page.getByText('Waiting for the first call of My laptop').waitFor();

    const client = new Client({ name: 'codex-mcp-client', version: '0.171.0' });
    const headers = { Authorization: `Bearer ${key}` };
    await client.connect(
      new StreamableHTTPClientTransport(new URL(`${service.url}/mcp`), { requestInit: { headers } }),
    );
    await client.callTool({ name: 'create_memory', arguments: { content: 'We deploy on Fridays.' } });
    await client.close();

    const light = page.getByRole('status').filter({ hasText: 'Connected.' });
    await light.waitFor();
    expect(await light.innerText()).toMatch(/codex-mcp-client\/0\.171\.0 called create_memory (just now|\d+ sec)/);
    expect(problems).toEqual([]);
    await context.close();
  });

  it('shows the reason when a key cannot be made, and makes it after a correction', async () => {
    const { page, context } = await openDashboard(browser, service, user.userId, { path: '/connect' });
    await page.getByLabel('Name of the new key').fill('x'.repeat(300));
    await page.getByRole('button', { name: 'Make a key' }).click();
    await page.getByText('at most').waitFor();
    await page.getByLabel('Name of the new key').fill('Short');
    await page.getByRole('button', { name: 'Make a key' }).click();
    await page.getByText('is shown only now').waitFor();
    await context.close();
  });

  it('remembers the chosen client, and has an entry for every one', async () => {
    const { page, context } = await openDashboard(browser, service, user.userId, { path: '/connect' });
    for (const { client, text } of clientSetups({
      url: service.url,
      apiKey: 'YOUR_API_KEY',
      version: VERSION,
    }).filter(({ id }) => id !== 'curl')) {
      await page.getByText(client, { exact: true }).first().click();
      await page.getByRole('heading', { name: `Add the server to ${client}` }).waitFor();
      expect(await page.getByText(text.split('\n')[0] as string).count()).toBeGreaterThan(0);
    }
    await page.getByText('Zed', { exact: true }).click();
    await page.reload();
    await page.getByRole('heading', { name: 'Add the server to Zed' }).waitFor();
    await page.getByText('Claude.ai', { exact: true }).click();
    await page.getByText(`${service.oauthUrl}/mcp`).waitFor();
    await page.getByText('needs a public one').waitFor();
    await page.getByText('ChatGPT', { exact: true }).click();
    await page.getByRole('heading', { name: 'Add WhiteMagic to ChatGPT' }).waitFor();
    await context.close();
  });
});

/** Presses a copy button and returns what it copied. */
async function copied(page: Page, button: string): Promise<string> {
  await page.getByRole('button', { name: button }).click();
  return page.evaluate<string>('navigator.clipboard.readText()');
}
