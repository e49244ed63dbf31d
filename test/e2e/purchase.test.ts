import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type BillingFixture, openBillingFixture } from '../support/billing-fixture.ts';
import { hasBrowser, startBrowser } from '../support/browser.ts';
import { mailParts } from '../support/mail-parts.ts';
import { type MailSink, startMailSink } from '../support/mail-sink.ts';
import { connectMcp } from '../support/mcp.ts';

const NOTE = { title: 'Deploys', content: 'We deploy on Fridays at noon.' };

let bench: BillingFixture;
let sink: MailSink;
let browser: Browser;

describe.skipIf(!hasBrowser)('purchase to first call', () => {
  beforeAll(async () => {
    sink = await startMailSink();
    bench = await openBillingFixture({ smtpUrl: sink.url });
    bench.whop.autoDeliver = true;
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await bench?.close();
    await sink?.close();
  });

  it('works end to end: webhook, e-mail, key activation in a browser, a memory stored and found over MCP', async () => {
    const started = performance.now();
    const seconds: Record<string, number> = {};
    const reached = (step: string) => {
      seconds[step] = Math.round(performance.now() - started) / 1000;
    };
    const { whop, node } = bench;
    const ann = whop.person({ email: 'ann@example.com' });
    whop.buy('plan_pro', { person: ann });
    await whop.idle();
    reached('webhook acknowledged');

    const mail = await vi.waitUntil(() => sink.received.find(({ to }) => to.includes('ann@example.com')), 20_000);
    reached('e-mail received');
    const { text } = mailParts(mail.source);
    const link = /https?:\S+\/claim\/\S+/.exec(text)?.[0] as string;
    expect(text).not.toContain('wm_test_');

    const page = await browser.newPage();
    await page.goto(link);
    await page.getByRole('button', { name: 'Show my API key' }).click();
    await page.getByRole('button', { name: 'Copy API key' }).waitFor();
    const apiKey = /wm_test_[A-Za-z0-9]{32}/.exec(await page.content())?.[0] as string;
    reached('key shown');

    const client = await connectMcp(node, { apiKey });
    const { id } = await client.use('create_memory', NOTE);
    const found = await client.read('search_memories', { query: 'when do we deploy?' });
    expect(found.results[0]?.id).toBe(id);
    await client.close();
    reached('memory stored and found');

    expect(await bench.account(ann.id)).toMatchObject({ plan: 'pro', status: 'active', keys: 1 });
    // The activation link, and the notice of the key that was made with it.
    await vi.waitUntil(() => sink.received.length === 2, 20_000);
    expect(sink.received.every(({ to }) => to.includes('ann@example.com'))).toBe(true);
    console.log(`seconds since the purchase: ${JSON.stringify(seconds)}`);
  });

  it('works from the checkout in the dashboard: key, first call, memory found, edited and undone, call and quota shown', async () => {
    const { whop, node } = bench;
    const ben = whop.person({ email: 'ben@example.com' });
    const bought = whop.buy('plan_pro', { person: ben });
    whop.signedIn = ben;
    const payment = [...whop.payments.values()].find(({ membership }) => membership.id === bought.id);
    const context = await browser.newContext();
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    const errors: string[] = [];
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    page.on('pageerror', (error) => errors.push(String(error)));

    await page.goto(`${node.url}/welcome?payment_id=${payment?.id}`);
    await page.getByRole('heading', { name: 'Connect an agent' }).waitFor();
    await page.getByText('Claude Code', { exact: true }).first().click();
    await page.getByRole('button', { name: 'Make a key' }).click();
    await page.getByRole('button', { name: 'Copy API key' }).click();
    const apiKey = await page.evaluate<string>('navigator.clipboard.readText()');

    const client = await connectMcp(node, { apiKey });
    await client.use('create_memory', NOTE);
    await client.close();
    await page.getByRole('status').filter({ hasText: 'called create_memory' }).waitFor();

    await page.getByRole('link', { name: 'Memories' }).click();
    await page.getByRole('searchbox').first().fill('when do we deploy?');
    await page.getByRole('link', { name: NOTE.title }).first().click();
    await page
      .getByRole('button', { name: 'Edit' })
      .or(page.getByRole('link', { name: 'Edit' }))
      .first()
      .click();
    await page.getByRole('textbox', { name: 'Content' }).fill('We deploy on Tuesdays.');
    await page.getByRole('button', { name: 'Save' }).first().click();
    await page.getByText('We deploy on Tuesdays.').first().waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText(NOTE.content).first().waitFor();

    await page.getByRole('link', { name: 'Request log' }).click();
    await page.getByRole('rowheader', { name: /create_memory/ }).waitFor();
    await page.getByRole('link', { name: 'Home' }).click();
    await page
      .getByText(/^1 of [\d,]+/)
      .first()
      .waitFor();
    expect(errors).toEqual([]);
    await context.close();
  });
});
