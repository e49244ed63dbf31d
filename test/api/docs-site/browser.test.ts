import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { hasBrowser, startBrowser } from '../../support/browser.ts';
import { startTestService, type TestService } from '../../support/service.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 360, height: 780 } };

/** One page of each kind. */
const KINDS = ['/docs', '/docs/quickstart', '/docs/errors', '/docs/api/search'];

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

  it.each(KINDS)(
    '%s is accessible and fits a phone and a desktop, light and dark',
    async (path) => {
      // Axe is injected, which the policy of the pages does not allow.
      const { page } = await open({ bypassCSP: true });
      await page.goto(node.url + path);
      await page.addScriptTag({ content: AXE });
      for (const [size, viewport] of Object.entries(SIZES)) {
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.setViewportSize(viewport);
          await page.emulateMedia({ colorScheme });
          await shoot(page, `${path.replaceAll('/', '-').slice(1)}-${size}-${colorScheme}`);
          // A theme changes colors only.
          const options = colorScheme === 'dark' ? '{ runOnly: ["color-contrast"] }' : '{}';
          const violations = await page.evaluate<Violation[]>(
            `axe.run(${options}).then(({ violations }) => violations)`,
          );
          const found = violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
          expect(found, `${size}, ${colorScheme}`).toEqual([]);
          const widths = await page.evaluate<[number, number]>('[document.documentElement.scrollWidth, innerWidth]');
          expect(widths[0], `${size}, ${colorScheme}`).toBe(widths[1]);
        }
      }
      await page.context().close();
    },
    60_000,
  );

  it.each(KINDS)('%s loads nothing from elsewhere, and logs nothing to the console', async (path) => {
    const { page, problems } = await open();
    await page.goto(node.url + path, { waitUntil: 'networkidle' });
    expect(problems).toEqual([]);
    await page.context().close();
  });

  it('finds a section by keyboard alone: "/" opens the search, arrows move, Enter follows', async () => {
    const { page, problems } = await open();
    await page.goto(`${node.url}/docs`, { waitUntil: 'networkidle' });
    await page.keyboard.press('/');
    const field = page.getByRole('searchbox', { name: 'Search the documentation' });
    await expect.poll(() => field.evaluate((one) => one.matches(':focus'))).toBe(true);
    await page.keyboard.type('idempotncy');
    const results = page.locator('.finder li a');
    await results.first().waitFor();
    expect(await results.first().innerText()).toContain('Idempotency');
    expect(await page.locator('.finder [role=status]').innerText()).toMatch(/^\d+ results?$/);
    await shoot(page, 'search');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    expect(await field.evaluate((one) => one.matches(':focus'))).toBe(true);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/docs/idempotency*');

    await page.keyboard.press('Control+k');
    await page.keyboard.type('zzzzqqqq');
    await expect.poll(() => page.locator('.finder [role=status]').innerText()).toContain('Nothing found');
    await page.keyboard.press('Escape');
    await expect.poll(() => page.locator('.finder[open]').count()).toBe(0);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  it('loads nothing for the search before it is opened, and is accessible while it is open', async () => {
    const { page } = await open({ bypassCSP: true });
    const requested: string[] = [];
    page.on('request', (request) => requested.push(new URL(request.url()).pathname));
    await page.goto(`${node.url}/docs`, { waitUntil: 'networkidle' });
    expect(requested.filter((path) => /search\.json|minisearch/.test(path))).toEqual([]);
    await page.getByRole('button', { name: /^Search/ }).click();
    await page.keyboard.type('storage_full');
    await page.locator('.finder li a').first().waitFor();
    await page.addScriptTag({ content: AXE });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const violations = await page.evaluate<Violation[]>('axe.run().then(({ violations }) => violations)');
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
    }
    await page.context().close();
  });

  it('applies the chosen language of samples to all samples and pages, and selects it by keyboard', async () => {
    const { page, problems } = await open();
    await page.goto(`${node.url}/docs/quickstart`);
    const shown = () =>
      page
        .locator('.sample')
        .filter({ visible: true })
        .evaluateAll((all) => all.map((one) => one.id));
    expect((await shown()).every((id) => id.endsWith('-sh'))).toBe(true);
    await page.getByRole('tab', { name: 'curl' }).first().focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    expect((await shown()).every((id) => id.endsWith('-python'))).toBe(true);
    const focused = page.locator('[role=tab]:focus');
    expect([await focused.innerText(), await focused.getAttribute('aria-selected')]).toEqual(['Python', 'true']);

    await page.goto(`${node.url}/docs/api/search`);
    expect((await shown()).length).toBeGreaterThan(1);
    expect((await shown()).every((id) => id.endsWith('-python'))).toBe(true);
    expect(await page.getByRole('tab', { selected: true }).first().innerText()).toBe('Python');
    expect(problems).toEqual([]);
    await page.context().close();
  });

  it('shows all languages one below the other without scripts, and neither tabs, copy buttons nor search', async () => {
    const { page } = await open({ javaScriptEnabled: false });
    await page.goto(`${node.url}/docs/quickstart`);
    for (const name of ['curl', 'TypeScript', 'Python']) {
      expect(await page.locator('.language', { hasText: name }).first().isVisible()).toBe(true);
    }
    expect(await page.locator('.sample').filter({ visible: true }).count()).toBe(await page.locator('.sample').count());
    for (const control of ['[role=tablist]', '[data-copies]', '[data-find]']) {
      expect(await page.locator(control).first().isVisible(), control).toBe(false);
    }
    await page.context().close();
  });

  it('has the key in samples that the dashboard created in this tab, and nothing else that is stored there', async () => {
    const { page } = await open();
    await page.goto(`${node.url}/docs/quickstart`);
    const key = `wm_test_${'a1B2'.repeat(8)}`;
    await page.evaluate(`sessionStorage.setItem('wm-new-key', '${key}')`);
    await page.reload();
    const sample = page.locator('.copyable').filter({ visible: true }).first();
    expect(await sample.locator('code').innerText()).toContain(`Bearer ${key}`);
    expect(await page.locator('pre', { hasText: 'YOUR_API_KEY' }).count()).toBe(0);

    await page.evaluate(`sessionStorage.setItem('wm-new-key', '<img src=x onerror=alert(1)>')`);
    await page.reload();
    expect(await sample.locator('code').innerText()).toContain('Bearer YOUR_API_KEY');
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
