import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { hasBrowser, startBrowser } from '../../support/browser.ts';
import { startTestService, type TestService } from '../../support/service.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 360, height: 780 } };

/** One page of each kind. */
const KINDS = [
  '/docs',
  '/docs/quickstart',
  '/docs/configuration',
  '/docs/errors',
  '/docs/mcp-tools',
  '/docs/api',
  '/docs/api/search',
];

let node: TestService;
let browser: Browser;

/** Opens a page and collects violations of its policy, errors, and requests to other origins. */
async function open(options: BrowserContextOptions = {}): Promise<{ page: Page; problems: string[] }> {
  const context = await browser.newContext({ viewport: SIZES.desktop, ...options });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== node.url) problems.push(`requested ${request.url()}`);
  });
  return { page, problems };
}

const shoot = async (page: Page, name: string) => {
  const folder = process.env.SCREENSHOTS;
  if (folder) await page.screenshot({ path: `${folder}/docs-${name}.png`, fullPage: process.env.FULL !== undefined });
};

interface Violation {
  id: string;
  nodes: { html: string; failureSummary: string }[];
}

describe.skipIf(!hasBrowser)('the documentation in a browser', () => {
  beforeAll(async () => {
    [node, browser] = await Promise.all([startTestService(), startBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await node?.stop();
  });

  it.each(KINDS)('%s is accessible and fits a phone and a desktop, light and dark', async (path) => {
    // Axe is injected, which the policy of the pages does not allow.
    const { page } = await open({ bypassCSP: true });
    await page.goto(node.url + path);
    await page.addScriptTag({ content: AXE });
    for (const [size, viewport] of Object.entries(SIZES)) {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.setViewportSize(viewport);
        await page.emulateMedia({ colorScheme });
        await shoot(page, `${path.replaceAll('/', '-').slice(1)}-${size}-${colorScheme}`);
        const violations = await page.evaluate<Violation[]>('axe.run().then(({ violations }) => violations)');
        const found = violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
        expect(found, `${size}, ${colorScheme}`).toEqual([]);
        const widths = await page.evaluate<[number, number]>('[document.documentElement.scrollWidth, innerWidth]');
        expect(widths[0], `${size}, ${colorScheme}`).toBe(widths[1]);
      }
    }
    await page.context().close();
  });

  it.each(KINDS)('%s loads nothing from elsewhere, and logs nothing to the console', async (path) => {
    const { page, problems } = await open();
    await page.goto(node.url + path, { waitUntil: 'networkidle' });
    expect(problems).toEqual([]);
    await page.context().close();
  });

  it('copies a snippet', async () => {
    const { page } = await open();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: node.url });
    await page.goto(`${node.url}/docs/quickstart`);
    const snippet = page.locator('.copyable').filter({ visible: true }).first();
    await snippet.getByRole('button', { name: /^Copy/ }).click();
    await vi.waitFor(async () =>
      expect(await page.evaluate<string>('navigator.clipboard.readText()')).toBe(
        await snippet.locator('code').textContent(),
      ),
    );
    await page.context().close();
  });
});
