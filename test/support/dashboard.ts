import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { v7 as uuidv7 } from 'uuid';
import { openSession } from '../../api/auth/sessions.ts';
import type { TestService } from './service.ts';

const ROOT = join(import.meta.dirname, '..', '..');

interface DashboardOptions {
  /** Path below `/app`. */
  path?: string;
  theme?: 'light' | 'dark';
  width?: number;
}

/** The dashboard in a browser, signed in. */
export interface OpenDashboard {
  page: Page;
  context: BrowserContext;
  /** Errors of the console, errors of scripts, and requests to other hosts. A test expects none. */
  problems: string[];
}

/**
 * Opens the dashboard as a user, in a browser context of its own. Close the context when done.
 * @throws Error when the dashboard is not built (`npm run build`)
 */
export async function openDashboard(
  browser: Browser,
  { url, service }: TestService,
  userId: string,
  { path = '/', theme = 'light', width = 1280 }: DashboardOptions = {},
): Promise<OpenDashboard> {
  if (!existsSync(join(ROOT, 'dist', 'dashboard', 'index.html'))) {
    throw new Error('The dashboard is not built: run `npm run build`.');
  }
  const cookie = await service.database.ownerWrite((sql) =>
    openSession(
      { sql, now: () => new Date(), newId: () => uuidv7() },
      userId,
      { formerSession: undefined, label: 'Test browser' },
      'local',
    ),
  );
  const context = await browser.newContext({ colorScheme: theme, viewport: { width, height: 800 } });
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await context.addCookies([{ name: 'wm_session', value: cookie.value, url }]);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== url) problems.push(`request to ${request.url()}`);
  });
  await page.goto(`${url}/app${path}`);
  return { page, context, problems };
}

/** Returns the violations of a page that axe counts as serious or critical, each with its rule and its first element. */
export async function findAccessibilityViolations(page: Page): Promise<string[]> {
  const axe = await readFile(join(ROOT, 'node_modules', 'axe-core', 'axe.min.js'), 'utf8');
  // `evaluate` is not subject to the content security policy of the page.
  await page.evaluate(axe);
  // React Aria reads the end of a pending button to screen readers by the name of an element that is gone by then.
  const { violations } = await page.evaluate<{ violations: Violation[] }>(
    "axe.run({ exclude: ['[data-live-announcer]'] }, { resultTypes: ['violations'] })",
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

interface Violation {
  id: string;
  impact: string;
  nodes: { html: string }[];
}
