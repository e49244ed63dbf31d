import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readConfig } from '../../../api/config.ts';
import { PLANS } from '../../../api/limits/plans.ts';
import { clientSetups } from '../../../mcp/client-setup/texts.ts';
import { activationTokenFor, keysOf } from '../../support/activation-links.ts';
import { hasBrowser, startBrowser } from '../../support/browser.ts';
import { Client } from '../../support/client.ts';
import { startTestService, type TestService } from '../../support/service.ts';

const PHONE = { viewport: { width: 360, height: 780 } };
const DESKTOP = { viewport: { width: 1280, height: 800 } };

/** A script for the browser, as text. */
const MEASURE = `({
  page: document.documentElement.scrollWidth,
  window: innerWidth,
  title: document.title,
  headings: document.querySelectorAll('h1').length,
  main: document.querySelectorAll('main').length,
  language: document.documentElement.lang,
  background: getComputedStyle(document.body).backgroundColor,
})`;

interface Measured {
  page: number;
  window: number;
  title: string;
  headings: number;
  main: number;
  language: string;
  background: string;
}

let node: TestService;
let browser: Browser;

describe.skipIf(!hasBrowser)('in a browser', () => {
  beforeAll(async () => {
    const { whop } = readConfig({
      WHOP_PLANS: 'plan_f=free,plan_s=starter,plan_p=pro,plan_yearly=pro,prod_e=enterprise',
      WHOP_OAUTH_CLIENT_ID: 'app_x',
      WHOP_OAUTH_CLIENT_SECRET: 'secret',
    });
    [node, browser] = await Promise.all([
      startTestService({ jobs: true, whop, supportEmail: 'help@example.com' }),
      startBrowser(),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    await node?.stop();
  });

  /** Opens a page and collects violations of its policy and errors, except the expected statuses of error pages. */
  async function open(options: BrowserContextOptions = DESKTOP): Promise<{ page: Page; problems: string[] }> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const problems: string[] = [];
    page.on('console', (message) => {
      if (!/responded with a status of (404|410|422)/.test(message.text())) problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== node.url) problems.push(`requested ${request.url()}`);
    });
    return { page, problems };
  }

  const shoot = async (page: Page, name: string) => {
    if (process.env.SCREENSHOTS)
      await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png`, fullPage: true });
  };

  describe('an activation link', () => {
    it('without scripts: opening it changes nothing, and its button shows a working key once', async () => {
      const owner = await node.newUser();
      const token = await activationTokenFor(node, owner.userId);
      const { page, problems } = await open({ ...PHONE, javaScriptEnabled: false });
      for (let looks = 0; looks < 3; looks++) await page.goto(`${node.url}/claim/${token}`);
      expect(await keysOf(node, owner.userId)).toHaveLength(1);
      await shoot(page, 'claim-phone');
      await page.getByRole('button', { name: 'Show my API key' }).click();
      const key = await page.locator('#key').innerText();
      await shoot(page, 'key-phone');
      expect((await new Client(node.url, key).get('/user/me')).body.id).toBe(owner.userId);
      expect(await page.getByRole('button', { name: /Copy/ }).count()).toBe(0);
      const clients = await page
        .locator('details.client')
        .evaluateAll((all) =>
          all.map((one) => [
            one.querySelector('summary')?.firstChild?.textContent,
            one.querySelector('code')?.textContent,
          ]),
        );
      expect(clients.map(([client]) => client)).toEqual(
        clientSetups({ url: '', apiKey: '', version: '' }).map(({ client }) => client),
      );
      expect(clients.length).toBeGreaterThan(12);
      for (const [client, text] of clients) expect([client, text]).toEqual([client, expect.stringContaining(key)]);

      await page.goto(`${node.url}/claim/${token}`);
      await page.getByRole('heading', { name: 'This link has been used' }).waitFor();
      await page.getByRole('link', { name: 'Get a new link' }).click();
      await page.getByRole('heading', { name: 'Get a new activation link' }).waitFor();
      expect(problems).toEqual([]);
    });

    it('with scripts: each copy button copies its text and reports it', async () => {
      const owner = await node.newUser();
      const { page, problems } = await open();
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: node.url });
      await page.goto(`${node.url}/claim/${await activationTokenFor(node, owner.userId)}`);
      await page.getByRole('button', { name: 'Show my API key' }).click();
      const key = await page.locator('#key').innerText();
      const clipboard = () => page.evaluate<string>('navigator.clipboard.readText()');
      await page.getByRole('button', { name: 'Copy API key' }).click();
      await vi.waitFor(async () => expect(await clipboard()).toBe(key));
      expect(await page.getByRole('status').innerText()).toBe('Copied.');
      await page.locator('summary', { hasText: 'Codex' }).click();
      await page.getByRole('button', { name: 'Copy the text for Codex' }).click();
      await vi.waitFor(async () =>
        expect(await clipboard()).toBe(
          `[mcp_servers.whitemagic]\nurl = "${node.url}/mcp"\nhttp_headers = { Authorization = "Bearer ${key}" }`,
        ),
      );
      await shoot(page, 'key-desk');
      expect(problems).toEqual([]);
    });

    it('selects the text where the clipboard is not available', async () => {
      const owner = await node.newUser();
      const { page } = await open();
      await page.addInitScript("Object.defineProperty(navigator, 'clipboard', { value: undefined })");
      await page.goto(`${node.url}/claim/${await activationTokenFor(node, owner.userId)}`);
      await page.getByRole('button', { name: 'Show my API key' }).click();
      await page.getByRole('button', { name: 'Copy API key' }).click();
      await vi.waitFor(async () =>
        expect(await page.evaluate<string>('String(getSelection())')).toBe(await page.locator('#key').innerText()),
      );
      expect(await page.getByRole('button', { name: 'Copy API key' }).innerText()).toBe('Selected');
    });

    it('shows no key when the page is reloaded', async () => {
      const owner = await node.newUser();
      const { page } = await open();
      await page.goto(`${node.url}/claim/${await activationTokenFor(node, owner.userId)}`);
      await page.getByRole('button', { name: 'Show my API key' }).click();
      await page.locator('#key').waitFor();
      await page.reload();
      await page.getByRole('heading', { name: 'This link has been used' }).waitFor();
      expect(await page.locator('#key').count()).toBe(0);
      expect(await keysOf(node, owner.userId)).toHaveLength(2);
    });

    it('can be used with the keyboard alone', async () => {
      const owner = await node.newUser();
      const { page } = await open();
      await page.goto(`${node.url}/claim/${await activationTokenFor(node, owner.userId)}`);
      const focused = () => page.evaluate<string>('document.activeElement.textContent.trim()');
      const seen: (string | undefined)[] = [];
      while (seen.at(-1) !== 'Show my API key' && seen.length < 12) {
        await page.keyboard.press('Tab');
        seen.push(await focused());
      }
      expect(seen[0]).toBe('Skip to the content');
      expect(seen.at(-1)).toBe('Show my API key');
      await page.keyboard.press('Enter');
      await page.locator('#key').waitFor();
    });

    it('that has expired leads to a new link by e-mail, which shows a key', async () => {
      const owner = await node.newUser({ email: 'late@example.com' });
      const token = await activationTokenFor(node, owner.userId);
      await node.service.database.owner.query('update claims set expires_at = now() where user_id = $1', [
        owner.userId,
      ]);
      const { page, problems } = await open({ ...PHONE, javaScriptEnabled: false });
      await page.goto(`${node.url}/claim/${token}`);
      await page.getByRole('heading', { name: 'This link has expired' }).waitFor();
      await page.getByRole('link', { name: 'Get a new link' }).click();
      await page.getByLabel('E-mail address').fill('late@example.com');
      await page.getByRole('button', { name: 'Send the link' }).click();
      await page.getByRole('heading', { name: 'Check your e-mail' }).waitFor();
      await page.goto(await linkIn('late@example.com'));
      await page.getByRole('button', { name: 'Show my API key' }).click();
      await page.locator('#key').waitFor();
      expect(problems).toEqual([]);
    });
  });

  describe('the home page', () => {
    it('has every plan with its price and limits, and a checkout link where there is one', async () => {
      const { page, problems } = await open();
      await page.goto(node.url);
      await shoot(page, 'home-desk');
      const cards = await page.locator('.plan').evaluateAll((all) =>
        all.map((card) => ({
          name: card.querySelector('h3')?.textContent,
          price: card.querySelector('.price')?.textContent?.trim(),
          link: card.querySelector('a')?.getAttribute('href'),
          text: card.textContent ?? '',
        })),
      );
      expect(cards.map(({ name, price, link }) => [name, price, link])).toEqual([
        ['Free', '$0', 'https://whop.com/checkout/plan_f'],
        ['Starter', '$10 a month', 'https://whop.com/checkout/plan_s'],
        ['Pro', '$30 a month', 'https://whop.com/checkout/plan_p'],
        ['Enterprise', 'Custom', 'mailto:help@example.com?subject=%5Benterprise%5D%20WhiteMagic'],
      ]);
      for (const [index, { limits, support }] of Object.values(PLANS).entries()) {
        expect(cards[index]?.text).toContain(support);
        expect(cards[index]?.text).toContain(`${limits.requests_per_day.toLocaleString('en-US')} calls a day`);
        expect(cards[index]?.text).toContain(`${limits.requests_per_minute.toLocaleString('en-US')} calls a minute`);
        expect(cards[index]?.text.includes('REST')).toBe(limits.rest);
      }
      expect(await page.getByRole('link', { name: 'Sign in with Whop' }).getAttribute('href')).toBe('/auth/whop');
      expect(problems).toEqual([]);
    });

    it('has no broken link', async () => {
      const { page } = await open();
      await page.goto(node.url);
      const links = await page
        .locator('a[href]')
        .evaluateAll((all) => all.map((one) => one.getAttribute('href') ?? ''));
      const ours = [...new Set(links.filter((link) => link.startsWith('/') && !link.startsWith('/auth/')))];
      expect(ours.length).toBeGreaterThan(5);
      for (const link of ours) expect([link, (await fetch(node.url + link)).status]).toEqual([link, 200]);
    });
  });

  it.each(['/', '/claim/new', '/legal/terms', '/legal/privacy', '/docs/errors', '/nowhere', '/claim/unknown'])(
    '%s fits a phone and a desktop, light and dark, within its content security policy',
    async (path) => {
      for (const size of [PHONE, DESKTOP]) {
        for (const colorScheme of ['light', 'dark'] as const) {
          const { page, problems } = await open({ ...size, colorScheme });
          await page.goto(node.url + path);
          const measured = await page.evaluate<Measured>(MEASURE);
          expect(measured.page, `${path} at ${size.viewport.width}`).toBe(measured.window);
          expect(measured).toMatchObject({ headings: 1, main: 1, language: 'en' });
          expect(measured.title).toMatch(/WhiteMagic$/);
          const [light = 0] = /\d+/.exec(measured.background) ?? [];
          expect(Number(light) > 128).toBe(colorScheme === 'light');
          expect(problems).toEqual([]);
          await page.context().close();
        }
      }
    },
    60_000,
  );

  it('an error page links to the home page and contains the request id', async () => {
    const { page } = await open();
    const answer = await page.goto(`${node.url}/nowhere`);
    expect(answer?.status()).toBe(404);
    expect(await page.locator('main code').innerText()).toBe(answer?.headers()['x-request-id']);
    await page.getByRole('link', { name: 'Go to the home page' }).click();
    await page.getByRole('heading', { name: 'A memory for your AI agents' }).waitFor();
  });
});

/** Returns the activation link in the first e-mail to an address. */
function linkIn(address: string): Promise<string> {
  const folder = join(node.dataDir, 'outbox');
  return vi.waitFor(
    async () => {
      for (const file of await readdir(folder)) {
        const source = (await readFile(join(folder, file), 'utf8')).replace(/=\r?\n/g, '');
        const link = new RegExp(`${node.url}/claim/[A-Za-z0-9_-]{43}`).exec(source)?.[0];
        if (source.includes(`To: ${address}`) && link) return link;
      }
      throw new Error(`no e-mail to ${address} yet`);
    },
    { timeout: 15_000 },
  );
}
