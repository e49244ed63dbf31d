import type { Browser } from 'playwright-core';
import { Webhook } from 'standardwebhooks';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '../../../api/observability/log.ts';
import { type Deliverer, startDeliverer } from '../../../api/webhooks/deliverer.ts';
import { hasBrowser, startBrowser } from '../../support/browser.ts';
import { findAccessibilityViolations, openDashboard } from '../../support/dashboard.ts';
import { startTestService, type TestService } from '../../support/service.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../../support/webhook-receiver.ts';

describe.skipIf(!hasBrowser)('dashboard › webhooks', () => {
  let service: TestService;
  let browser: Browser;
  let receiver: WebhookReceiver;
  let deliverer: Deliverer;

  beforeAll(async () => {
    [service, browser, receiver] = await Promise.all([
      startTestService({ allowPrivateUrls: true }),
      startBrowser(),
      startWebhookReceiver(),
    ]);
    const clock = { now: () => new Date(), newId: () => uuidv7() };
    const log = createLog({ level: 'silent', pretty: false });
    const { database } = service.service;
    deliverer = startDeliverer({ database, clock, policy: { allowPrivate: true }, log, isManual: true });
  });
  afterAll(async () => {
    receiver.close();
    await deliverer.stop();
    await browser.close();
    await service.stop();
  });

  it('creates a webhook, shows its secret once, tests it, replays a delivery, replaces the secret and deletes it', async () => {
    const user = await service.newUser();
    const { page, context, problems } = await openDashboard(browser, service, user.userId, { path: '/webhooks' });
    const dialog = page.getByRole('dialog');
    await page.getByText('No webhooks yet').waitFor();
    await page.getByRole('button', { name: 'New webhook' }).click();
    await dialog.getByLabel('URL').fill('example.com/hooks');
    await dialog.getByRole('button', { name: 'Create webhook' }).click();
    await dialog.getByText('must be an absolute URL').waitFor();
    await dialog.getByLabel('URL').fill(`${receiver.url}/dashboard`);
    await dialog.getByLabel('Description').fill('Shop');
    await dialog.getByText('Memories are consolidated').click();
    await dialog.getByRole('button', { name: 'Create webhook' }).click();
    const secret = await dialog.locator('pre').innerText();
    expect(secret).toMatch(/^whsec_/);
    await dialog.getByRole('button', { name: 'I have copied it' }).click();
    expect(await page.content()).not.toContain(secret);
    expect(await page.getByRole('row', { name: /Shop/ }).innerText()).toMatch(/Enabled\s+11\s+0\s+Never/);

    await page.getByRole('link', { name: `${receiver.url}/dashboard` }).click();
    await page.getByText('No events yet').waitFor();
    await page.getByRole('button', { name: 'Send a test' }).click();
    await page.getByText('Not attempted yet').waitFor();
    await deliverer.drain();
    // The list reads itself again until nothing waits.
    await page.getByText('Status 204').waitFor();
    const [event] = receiver.at('/dashboard');
    expect(new Webhook(secret).verify(event?.text ?? '', event?.headers as Record<string, string>)).toMatchObject({
      type: 'webhook.test',
    });
    await page.getByText('webhook.test', { exact: true }).click();
    await page.getByText('This is a test of your webhook.').waitFor();
    await page.getByRole('button', { name: 'Deliver again: webhook.test' }).click();
    await page.getByText('The event is delivered again').waitFor();
    await deliverer.drain();
    expect(receiver.at('/dashboard').map(({ id }) => id)).toEqual([event?.id, event?.id]);

    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Replace the secret' }).click();
    await dialog.getByRole('button', { name: 'Replace secret' }).click();
    await dialog.getByText('events are signed with the old secret too').waitFor();
    expect(await dialog.locator('pre').innerText()).not.toBe(secret);
    await dialog.getByRole('button', { name: 'I have copied it' }).click();

    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await dialog.getByText('This cannot be undone.').waitFor();
    await dialog.getByRole('button', { name: 'Delete webhook' }).click();
    await page.getByText('No webhooks yet').waitFor();
    expect(problems.filter((problem) => !problem.includes('422'))).toEqual([]);
    await context.close();
  });

  it('says why a webhook is disabled, on Home too, and enables it again', async () => {
    const user = await service.newUser();
    const { body } = await user.api.post('/webhooks', { url: `${receiver.url}/gone` });
    receiver.respond('/gone', (_event, response) => response.writeHead(410).end());
    await user.api.post(`/webhooks/${body.id}/test`);
    await deliverer.drain();
    const { page, context, problems } = await openDashboard(browser, service, user.userId, { path: '/home' });
    await page.getByText(/^The webhook to 127\.0\.0\.1:\d+ is disabled/).waitFor();
    await page.getByRole('link', { name: 'See its deliveries' }).click();
    await page.getByText('It responded 410').waitFor();
    await page.getByText('The response had status 410.').waitFor();
    expect(await page.getByRole('button', { name: 'Send a test' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Enable' }).click();
    await page.getByText('Webhook enabled').waitFor();
    expect((await user.api.get(`/webhooks/${body.id}`)).body.status).toBe('enabled');
    expect(problems).toEqual([]);
    await context.close();
  });

  it.each([
    ['light', 1280],
    ['dark', 360],
  ] as const)('has no accessibility violation and no sideways scrolling (%s, %i px)', async (theme, width) => {
    const user = await service.newUser();
    const { body } = await user.api.post('/webhooks', { url: `${receiver.url}/${'long'.repeat(30)}` });
    await user.api.post(`/webhooks/${body.id}/test`);
    const starter = await service.newUser({ plan: 'starter' });
    for (const [userId, path, text] of [
      [user.userId, '/webhooks', 'Waiting'],
      [user.userId, `/webhooks/${body.id}`, 'Not attempted yet'],
      [starter.userId, '/webhooks', 'Webhooks come with the pro plan'],
    ] as const) {
      const { page, context } = await openDashboard(browser, service, userId, { path, theme, width });
      await page.getByText(text).first().waitFor();
      expect(await findAccessibilityViolations(page)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth > window.innerWidth')).toBe(false);
      await context.close();
    }
  });
});
