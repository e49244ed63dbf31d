import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BillingFixture, openBillingFixture } from '../support/billing-fixture.ts';
import { startBrowser } from '../support/browser.ts';
import { createClock } from '../support/clock.ts';
import { findAccessibilityViolations, openDashboard } from '../support/dashboard.ts';
import { appRequestOf } from '../support/samples.ts';
import { galleryPage } from './gallery.ts';
import { deviceCode, makeSampleData, type SampleData } from './sample-data.ts';

/** Folder of the images, with a page that shows them side by side. */
const OUT = process.env.SCREENS_DIR ?? 'screens';
/** Names of the screens to open, separated by commas. Default: all. */
const ONLY = process.env.SCREENS_ONLY?.split(',');
const LOOKS = [
  { look: 'light', theme: 'light', width: 1_280 },
  { look: 'dark', theme: 'dark', width: 1_280 },
  { look: 'phone', theme: 'light', width: 360 },
  { look: 'phone-dark', theme: 'dark', width: 360 },
] as const;

/** Names of the tables that scroll sideways. */
const WIDE_TABLES =
  '[...document.querySelectorAll(".table-frame")].filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.ariaLabel)';

interface Screen {
  name: string;
  /** Path below `/app`, or what makes it. */
  path: string | (() => Promise<string>);
  /** A new account, which has nothing yet. */
  isFresh?: boolean;
  /** Brings the screen into the state that is shown. */
  act?: (page: Page) => Promise<void>;
}

const press = (name: string) => (page: Page) => page.getByRole('button', { name }).first().click();

const SCREENS = ({ memoryId, customerId, importId, webhookId, busy }: SampleData): Screen[] => [
  { name: 'home', path: '/home' },
  { name: 'home-new', path: '/home', isFresh: true },
  { name: 'connect', path: '/connect', isFresh: true },
  { name: 'connect-key', path: '/connect', act: press('Make a key') },
  { name: 'memories', path: '/memories' },
  { name: 'memories-new', path: '/memories', isFresh: true },
  { name: 'memories-search', path: '/memories?q=when%20do%20we%20deploy' },
  { name: 'memories-nothing', path: '/memories?project=%22no-such-project%22' },
  { name: 'memories-timeline', path: '/memories?view=timeline' },
  { name: 'memory', path: `/memories/${memoryId}` },
  { name: 'memory-edit', path: `/memories/${memoryId}?edit=true` },
  { name: 'memory-missing', path: '/memories/00000000-0000-7000-8000-000000000000' },
  { name: 'tags', path: '/memories/tags' },
  { name: 'projects', path: '/memories/projects' },
  { name: 'duplicates', path: '/memories/duplicates' },
  { name: 'consolidate', path: '/memories/consolidate' },
  { name: 'context', path: '/memories/context' },
  { name: 'import', path: '/memories/import' },
  { name: 'import-done', path: `/memories/import?id=${importId}` },
  { name: 'keys', path: '/keys' },
  { name: 'keys-new', path: '/keys', isFresh: true },
  { name: 'key-create', path: '/keys', act: press('New key') },
  { name: 'usage', path: '/usage' },
  { name: 'usage-new', path: '/usage', isFresh: true },
  { name: 'requests', path: '/requests' },
  { name: 'webhooks', path: '/webhooks' },
  { name: 'webhooks-new', path: '/webhooks', isFresh: true },
  { name: 'webhook-create', path: '/webhooks', act: press('New webhook') },
  { name: 'webhook', path: `/webhooks/${webhookId}` },
  { name: 'device', path: async () => `/device?code=${await deviceCode(bench.node.url)}` },
  { name: 'authorize', path: async () => `/authorize/${await appRequestOf(busy)}` },
  { name: 'account', path: '/account' },
  { name: 'admin', path: '/admin' },
  { name: 'admin-account', path: `/admin/users/${customerId}` },
  { name: 'admin-webhooks', path: '/admin/webhooks?state=all' },
  { name: 'admin-jobs', path: '/admin/jobs' },
  { name: 'admin-mails', path: '/admin/mails?state=all' },
  { name: 'admin-whop', path: '/admin/whop' },
];

let bench: BillingFixture;
let browser: Browser;
let data: SampleData;
let screens: Screen[];

beforeAll(async () => {
  await rm(OUT, { recursive: true, force: true });
  await mkdir(OUT, { recursive: true });
  const clock = createClock();
  bench = await openBillingFixture({ now: clock.now, allowPrivateUrls: true });
  bench.whop.autoDeliver = true;
  browser = await startBrowser();
  data = await makeSampleData(bench, clock);
  screens = SCREENS(data).filter(({ name }) => ONLY?.includes(name) ?? true);
});
afterAll(async () => {
  const names = (screens ?? []).map(({ name }) => name);
  await writeFile(
    join(OUT, 'index.html'),
    galleryPage(
      names,
      LOOKS.map(({ look }) => look),
    ),
  );
  console.log(`${names.length} screens in ${LOOKS.length} looks: ${join(OUT, 'index.html')}`);
  await browser?.close();
  await bench?.close();
});

describe.each(LOOKS)('every screen, $look', ({ look, theme, width }) => {
  it('has no error, no serious accessibility violation and nothing wider than the window', async () => {
    const faults: string[] = [];
    for (const { name, path, isFresh, act } of screens) {
      const { userId } = isFresh ? data.fresh : data.busy;
      const { page, context, problems } = await openDashboard(browser, bench.node, userId, {
        path: typeof path === 'string' ? path : await path(),
        theme,
        width,
      });
      await settle(page);
      await act?.(page);
      await settle(page);
      await page.screenshot({ path: join(OUT, `${name}-${look}.png`), fullPage: true });
      const excess = await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth');
      if (excess > 0) problems.push(`${excess} pixels wider than the window`);
      for (const table of await page.evaluate<string[]>(WIDE_TABLES)) problems.push(`wide table: ${table}`);
      problems.push(...(await findAccessibilityViolations(page)));
      faults.push(...problems.filter((one) => !isExpected(name, one)).map((one) => `${name}: ${one}`));
      await context.close();
    }
    expect(faults).toEqual([]);
  }, 600_000);
});

/** Waits until the screen has read everything that it shows. */
async function settle(page: Page): Promise<void> {
  await page.waitForLoadState('networkidle');
  await page
    .getByRole('status', { name: /^Loading/ })
    .first()
    .waitFor({ state: 'detached' });
}

/** The browser reports a response of 404, which the screen of a missing memory shows. */
function isExpected(screen: string, problem: string): boolean {
  return screen === 'memory-missing' && problem.includes('404');
}
