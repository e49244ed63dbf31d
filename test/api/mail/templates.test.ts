import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { READ_ONLY_DAYS } from '../../../api/limits/plans.ts';
import { renderEmail, type TemplateData, type TemplateName } from '../../../api/mail/templates.ts';
import { type JobFixture, openJobFixture, PUBLIC_URL } from '../../support/job-fixture.ts';
import { type MailParts, mailParts } from '../../support/mail-parts.ts';
import { type MailSink, startMailSink } from '../../support/mail-sink.ts';

let bench: JobFixture;
let sink: MailSink;

beforeAll(async () => {
  [bench, sink] = await Promise.all([openJobFixture(), startMailSink()]);
  await bench.startWorker(sink.url);
});
afterAll(() => Promise.all([bench.close(), sink.close()]));

const ROTATION = { at: '2026-11-02T09:45:30.000Z', previous_last4: 'abcd' };
const KEY = { name: 'Laptop "one" <b>', prefix: 'wm_live_', last4: 'wxyz' };
const END = { access_until: null, manage_url: null, purge_at: null };
const USE = { threshold: 80, used: 8_000, limit: 10_000, plan: 'pro', day: '2026-11-02' };
const CLAIM_URL = `${PUBLIC_URL}/claim/abc`;

interface Case<Name extends TemplateName = TemplateName> {
  name: Name;
  data: TemplateData<Name>;
  /** Text that must be in both the text and the HTML part. */
  says: string[];
  /** URL of the button. */
  button?: string;
}

const testCase = <Name extends TemplateName>(
  name: Name,
  data: TemplateData<Name>,
  says: string[],
  more: { button?: string } = {},
): Case => ({ name, data, says, ...more }) as unknown as Case;

const CASES: Case[] = [
  testCase(
    'welcome',
    { claim_url: CLAIM_URL, plan: 'starter', expires_at: '2026-12-01T09:45:30.000Z' },
    ['starter', '1 December 2026 at 09:45 UTC'],
    { button: CLAIM_URL },
  ),
  testCase(
    'webhook_disabled',
    { host: 'example.com', reason: 'failing', url: '/app/webhooks/abc' },
    ['No delivery to the webhook at example.com has succeeded for three days'],
    { button: `${PUBLIC_URL}/app/webhooks/abc` },
  ),
  testCase(
    'claim',
    { claim_url: CLAIM_URL, expires_at: '2026-12-01T09:45:30.000Z' },
    ['1 December 2026 at 09:45 UTC'],
    {
      button: CLAIM_URL,
    },
  ),
  testCase(
    'sign_in_link',
    { url: `${PUBLIC_URL}/login/abc`, expires_at: '2026-12-01T09:45:30.000Z', is_new: false },
    ['1 December 2026 at 09:45 UTC', 'press the button to sign in'],
    { button: `${PUBLIC_URL}/login/abc` },
  ),
  testCase('welcome_back', { plan: 'pro' }, ['pro plan', 'All your memories are there'], {
    button: `${PUBLIC_URL}/app`,
  }),
  testCase('plan_changed', { from: 'starter', to: 'pro' }, ['starter', 'pro'], { button: `${PUBLIC_URL}/` }),
  testCase('payment_failed', { manage_url: 'https://whop.example/m?a=1&b=2' }, ['did not go through'], {
    button: 'https://whop.example/m?a=1&b=2',
  }),
  testCase('payment_failed', { manage_url: null }, ['did not go through']),
  testCase('usage_alert', { kind: 'calls', ...USE }, ['8,000 of the 10,000', '2026-11-02', 'pro'], {
    button: `${PUBLIC_URL}/app/usage`,
  }),
  testCase('usage_alert', { kind: 'storage', ...USE, threshold: 100 }, ['8,000 of the 10,000 bytes', 'pro'], {
    button: `${PUBLIC_URL}/app/usage`,
  }),
  testCase(
    'cancellation',
    { ...END, access_until: '2026-12-24T00:00:00.000Z', manage_url: 'https://whop.example/m' },
    ['24 December 2026 at 00:00 UTC', `${READ_ONLY_DAYS} days`],
    { button: 'https://whop.example/m' },
  ),
  testCase('cancellation', { ...END, purge_at: '2026-12-23T12:00:00.000Z' }, [
    'read-only',
    '23 December 2026 at 12:00 UTC',
  ]),
  testCase(
    'purge_warning',
    { purge_at: '2026-12-23T12:00:00.000Z', days_left: 1, export_url: '/app/account' },
    ['one day', '23 December 2026 at 12:00 UTC'],
    { button: `${PUBLIC_URL}/app/account` },
  ),
  testCase(
    'export_ready',
    { url: '/app/account', expires_at: '2026-12-01T09:45:30.000Z' },
    ['1 December 2026 at 09:45 UTC'],
    { button: `${PUBLIC_URL}/app/account` },
  ),
  testCase(
    'account_deleted',
    { purge_at: '2026-12-23T12:00:00.000Z', restore_url: '/app/account' },
    ['23 December 2026 at 12:00 UTC'],
    { button: `${PUBLIC_URL}/app/account` },
  ),
  testCase('account_deleted', { purge_at: '2026-12-23T12:00:00.000Z', restore_url: null }, ['cannot be undone']),
  testCase(
    'app_connected',
    { name: 'Claude <3', host: 'claude.ai', scopes: ['memories:read'], at: '2026-11-02T09:45:30.000Z' },
    ['"Claude <3" at claude.ai', 'memories:read', '2 November 2026 at 09:45 UTC'],
    { button: `${PUBLIC_URL}/app/account` },
  ),
  testCase(
    'key_created',
    { ...KEY, at: '2026-11-02T09:45:30.000Z' },
    [`"${KEY.name}" (wm_live_…wxyz)`, '2 November 2026 at 09:45 UTC'],
    { button: `${PUBLIC_URL}/app/keys` },
  ),
  testCase(
    'key_rotated',
    { ...KEY, ...ROTATION, previous_until: '2026-11-02T10:45:30.000Z' },
    [`"${KEY.name}" (wm_live_…abcd)`, '(wm_live_…wxyz)', 'works until 2 November 2026 at 10:45 UTC'],
    { button: `${PUBLIC_URL}/app/keys` },
  ),
  testCase('key_rotated', { ...KEY, ...ROTATION, previous_until: ROTATION.at }, ['no longer works'], {
    button: `${PUBLIC_URL}/app/keys`,
  }),
  testCase(
    'key_revoked_leaked',
    { ...KEY, url: 'https://github.com/a/b/blob/c' },
    [`"${KEY.name}" (wm_live_…wxyz)`, 'revoked'],
    { button: 'https://github.com/a/b/blob/c' },
  ),
  testCase('key_revoked_leaked', { ...KEY, url: null }, [`"${KEY.name}" (wm_live_…wxyz)`, 'revoked']),
];

async function received({ name, data }: Case): Promise<MailParts> {
  const id = await bench.post({ template: name, data });
  const arrived = () => sink.received.find((mail) => mail.messageId === `<${id}@whitemagic>`);
  await vi.waitUntil(arrived, { timeout: 10_000 });
  return mailParts(arrived()?.source ?? '');
}

/** Returns the visible text of an HTML document. */
function read(html: string): string {
  const text = html.slice(html.indexOf('<body')).replaceAll(/<[^>]+>/g, '');
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

describe.each(CASES)('e-mail $name: $data', (one) => {
  it('has the same content in text and HTML', async () => {
    const { subject, text, html } = await received(one);
    expect(subject).toMatch(/WhiteMagic/);
    for (const fact of one.says) {
      expect(text).toContain(fact);
      expect(read(html)).toContain(fact);
    }
    // The HTML has a button and the URL below it, the text both on one line.
    const plain = text.replaceAll(/\s+/g, ' ').trim();
    expect(read(html)).toBe(one.button ? plain.replace(/: (https?:\S+) WhiteMagic$/, ' $1 WhiteMagic') : plain);
    const links = [...html.matchAll(/href="([^"]+)"/g)].map(([, url = '']) => url.replaceAll('&amp;', '&'));
    expect(links).toEqual(one.button ? [one.button, one.button] : []);
    if (one.button) expect(text).toContain(one.button);
  });

  it('supports light and dark mode and loads nothing from the network', async () => {
    const { html } = await received(one);
    expect(html).toContain('<meta name="color-scheme" content="light dark">');
    // Only the button sets colors, both text and background.
    expect(html.replaceAll(/<a href[^>]*background:#[0-9a-f]{6};color:#[0-9a-f]{6}[^>]*>/g, '')).not.toMatch(
      /(background|color):#/,
    );
    expect(html).not.toMatch(/<(script|img|link|iframe)|url\(/i);
  });
});

describe('e-mail templates', () => {
  it('name the support of the plan and the address for replies, in the text and in the subject', () => {
    const made = renderEmail('plan_changed', { from: 'free', to: 'pro' }, PUBLIC_URL, {
      email: 'help@example.com',
      plan: 'pro',
    });
    expect(made.subject).toMatch(/ \[pro\]$/);
    for (const part of [made.text, made.html])
      for (const words of ['help@example.com', '[pro]', 'within one working day']) expect(part).toContain(words);
  });

  it('are all tested here', () => {
    const tested = new Set(CASES.map(({ name }) => name));
    expect([...tested].toSorted()).toEqual([
      'account_deleted',
      'app_connected',
      'cancellation',
      'claim',
      'export_ready',
      'key_created',
      'key_revoked_leaked',
      'key_rotated',
      'payment_failed',
      'plan_changed',
      'purge_warning',
      'sign_in_link',
      'usage_alert',
      'webhook_disabled',
      'welcome',
      'welcome_back',
    ]);
    expect(() => renderEmail('none', {}, PUBLIC_URL)).toThrow('no mail template none');
  });

  it.each(['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'http://'])(
    'contain no link for a URL that is neither http nor https: %s',
    (url) => {
      const made = renderEmail('payment_failed', { manage_url: url }, PUBLIC_URL);
      expect(made.html).not.toContain('href');
      expect(made.text).not.toContain(url);
    },
  );

  it('escape URLs and names', () => {
    const url = 'https://a.example/"><script>alert(1)</script>';
    const made = renderEmail('key_revoked_leaked', { ...KEY, name: '</p><script>', url }, PUBLIC_URL);
    expect(made.html).not.toContain('<script');
  });
});
