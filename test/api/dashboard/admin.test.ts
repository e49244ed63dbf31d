import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { updateOperator } from '../../../db/queries/accounts/users.ts';
import type { WhopEvent } from '../../../scripts/whop-simulator/server.ts';
import { type BillingFixture, openBillingFixture } from '../../support/billing-fixture.ts';
import { hasBrowser, startBrowser } from '../../support/browser.ts';
import { findAccessibilityViolations, openDashboard } from '../../support/dashboard.ts';
import type { TestUser } from '../../support/service.ts';

const ATTACK = '"><img src=x onerror=document.title=1>';
const EMAIL = `${ATTACK}@example.com`;

let bench: BillingFixture;
let browser: Browser;
let operator: TestUser;
/** An account whose texts are attacks, with a purchase at Whop. */
let customerId: string;
/** A webhook of the customer that failed for good. */
let dead: WhopEvent;

describe.skipIf(!hasBrowser)('dashboard › administration', () => {
  beforeAll(async () => {
    bench = await openBillingFixture();
    browser = await startBrowser();
    const { whop, node, sql } = bench;
    operator = await node.newUser({ email: 'operator@example.org' });
    await node.service.database.ownerWrite((own) => updateOperator(own, operator.userId, true, new Date()));
    const membership = whop.buy('plan_pro');
    await whop.deliver(whop.events.at(-1) as WhopEvent);
    await bench.settled();
    customerId = (await bench.account(membership.person?.id))?.id as string;
    await sql.query('update users set email = $2 where id = $1', [customerId, EMAIL]);
    await sql.query(
      `insert into api_keys (user_id, id, name, prefix, last4, scopes, created_at)
        values ($1, $1, $2, 'wm_test_', 'abcd', '{memories:read}', now())`,
      [customerId, ATTACK],
    );
    whop.end(membership);
    dead = whop.events.at(-1) as WhopEvent;
    whop.faults = { status: 404 };
    await whop.deliver(dead);
    await bench.settled({ hurry: true });
    whop.faults = {};
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await bench?.close();
  });

  const open = (path: string, options: { theme?: 'light' | 'dark'; width?: number } = {}) =>
    openDashboard(browser, bench.node, operator.userId, { path, ...options });

  it('is in the navigation of operators only, and a plain user who opens it reads nothing', async () => {
    const own = await open('/connect');
    await own.page.getByRole('link', { name: 'Administration' }).click();
    await own.page.getByRole('heading', { name: 'Accounts', level: 1 }).waitFor();
    await own.context.close();

    const plain = await bench.node.newUser();
    const other = await openDashboard(browser, bench.node, plain.userId, { path: '/admin' });
    await other.page.getByText('There is nothing at this path.').first().waitFor();
    expect(await other.page.getByRole('link', { name: 'Administration', exact: true }).count()).toBe(0);
    expect(await other.page.content()).not.toContain('operator@example.org');
    await other.context.close();
  });

  it('finds an account, changes its plan, and processes its failed webhook again', async () => {
    const { page, context, problems } = await open('/admin');
    await page.getByRole('searchbox', { name: 'Find accounts' }).fill('"><img');
    await page.getByRole('link', { name: EMAIL }).click();
    await page.getByRole('heading', { name: EMAIL, level: 1 }).waitFor();
    await page.getByText(ATTACK, { exact: true }).first().waitFor();

    await page.getByRole('button', { name: 'Set plan' }).click();
    await choose(page, 'pro Plan', 'starter');
    await page.getByText('The next comparison with Whop sets that plan again.').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Set plan' }).click();
    await page.getByText('The plan is starter').waitFor();
    await page.getByText('to: starter, from: pro').waitFor();
    await page.getByText(`by operator:${operator.userId}`).first().waitFor();

    await page.getByRole('link', { name: /Webhooks.*1 failed/ }).click();
    await page.getByRole('button', { name: `Show webhook ${dead.id}` }).click();
    await page.getByText('"license_key": "[removed]"').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: `Process again: webhook ${dead.id}` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Process again' }).click();
    await page.getByText('No webhook has failed').waitFor();
    await bench.settled();
    const { rows } = await bench.sql.query('select status, plan from users where id = $1', [customerId]);
    expect(rows).toEqual([{ status: 'read_only', plan: 'starter' }]);
    expect(await page.title()).not.toBe('1');
    expect(await page.locator('img[src="x"]').count()).toBe(0);
    expect(problems).toEqual([]);
    await context.close();
  }, 60_000);

  it('sets limits, names a wrong one at its field, and closes an account after a typed confirmation', async () => {
    const user = await bench.node.newUser({ email: 'closed@example.com' });
    const { page, context } = await open(`/admin/users/${user.userId}`);
    await page.getByRole('button', { name: 'Set limits' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Calls a day').fill('0');
    await dialog.getByRole('button', { name: 'Set limits' }).click();
    await dialog.getByText('must be at least 1').waitFor();
    await dialog.getByLabel('Calls a day').fill('4,321');
    await dialog.getByRole('button', { name: 'Set limits' }).click();
    await page.getByText('0 of 4,321').waitFor();
    await page.getByRole('button', { name: 'Close account' }).click();
    const confirm = dialog.getByRole('button', { name: 'Close account' });
    expect(await confirm.isDisabled()).toBe(true);
    await dialog.getByRole('textbox').fill('closed@example.com');
    await confirm.click();
    await page.getByText('being deleted', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Restore account' }).click();
    await dialog.getByRole('button', { name: 'Restore account' }).click();
    await page.getByText('active', { exact: true }).first().waitFor();
    await context.close();
  }, 60_000);

  it.each([
    ['light', 1280],
    ['dark', 360],
  ] as const)(
    'is accessible and fits on each screen, %s at %i px',
    async (theme, width) => {
      const screens = [
        ['/admin', 'Accounts'],
        [`/admin/users/${customerId}`, EMAIL],
        ['/admin/webhooks?state=all', 'Webhooks of Whop'],
        ['/admin/jobs', 'Failed jobs'],
        ['/admin/mails?state=all', 'E-mails'],
        ['/admin/whop', 'Comparison with Whop'],
      ] as const;
      // The webhook that was processed again brought the address of Whop.
      await bench.sql.query('update users set email = $2 where id = $1', [customerId, EMAIL]);
      const { page, context, problems } = await open('/admin', { theme, width });
      for (const [path, title] of screens) {
        await page.goto(`${bench.node.url}/app${path}`);
        await page.getByRole('heading', { name: title, level: 1 }).waitFor();
        await page.waitForLoadState('networkidle');
        expect([path, await findAccessibilityViolations(page)]).toEqual([path, []]);
        expect([path, (await page.evaluate<number>('document.documentElement.scrollWidth')) <= width]).toEqual([
          path,
          true,
        ]);
      }
      expect(problems).toEqual([]);
      await context.close();
    },
    60_000,
  );
});

/** Chooses a value in a list that its button opens. */
async function choose(page: Page, button: string, value: string): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name: button }).click();
  await page.getByRole('option', { name: value }).click();
}
