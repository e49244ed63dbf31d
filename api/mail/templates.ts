import type { PlanName } from '../../db/queries/accounts/users.ts';
import { PLANS, READ_ONLY_DAYS } from '../limits/plans.ts';

/** A rendered e-mail, as text and HTML. */
export interface Email {
  subject: string;
  text: string;
  html: string;
}

/** The content of a template, before it is rendered as text and HTML. */
interface Content {
  subject: string;
  paragraphs: string[];
  /** The main action: a button in HTML, and the URL in both. A path is resolved against the public URL. */
  action?: { label: string; url: string } | false;
}

/** All e-mail templates, filled with the data of the outbox row; times are ISO 8601. No e-mail contains an API key. */
const templates = {
  welcome: (data: { claim_url: string; plan: string; expires_at: string }) => ({
    subject: 'Welcome to WhiteMagic: get your API key',
    paragraphs: [
      `Your account on the ${data.plan} plan is ready. To start, create your API key.`,
      'The key is shown only once, together with the configuration for your IDE.',
      `This activation link works once, until ${moment(data.expires_at)}. If it has expired, its page sends you a new one.`,
    ],
    action: { label: 'Get your API key', url: data.claim_url },
  }),
  claim: (data: { claim_url: string; expires_at: string }) => ({
    subject: 'Your new WhiteMagic activation link',
    paragraphs: [
      'You requested a new activation link to create an API key for your account.',
      `It works once, until ${moment(data.expires_at)}. If you did not request it, ignore this e-mail: it was sent only to you.`,
    ],
    action: { label: 'Get your API key', url: data.claim_url },
  }),
  sign_in_link: (data: { url: string; expires_at: string; is_new: boolean }) => ({
    subject: 'Sign in to WhiteMagic',
    paragraphs: [
      data.is_new
        ? 'Open this link and press the button to create a free account with this address and sign in.'
        : 'Open this link and press the button to sign in.',
      `It works once, until ${moment(data.expires_at)}.`,
      'If you did not request it, ignore this e-mail: it was sent only to you.',
    ],
    action: { label: data.is_new ? 'Create my account' : 'Sign in', url: data.url },
  }),
  welcome_back: (data: { plan: string }) => ({
    subject: 'Welcome back: your WhiteMagic account works again',
    paragraphs: [
      `Your account is active again, on the ${data.plan} plan. All your memories are there, and nothing will be deleted.`,
      'Your API keys work as before. If you no longer have one, create it in the dashboard.',
    ],
    action: { label: 'Open the dashboard', url: '/app' },
  }),
  plan_changed: (data: { from: string; to: string }) => ({
    subject: `Your WhiteMagic account is now on the ${data.to} plan`,
    paragraphs: [
      `Your account moved from the ${data.from} plan to the ${data.to} plan. The new limits apply from your next call.`,
      'Your memories are kept. If they exceed the storage of the plan, you can still read and delete them, but not store more.',
    ],
    action: { label: 'See the limits of the plan', url: '/' },
  }),
  payment_failed: (data: { manage_url: string | null }) => ({
    subject: 'A payment for your WhiteMagic plan failed',
    paragraphs: [
      'The last payment for your plan did not go through. Nothing changes for now, and the payment will be retried.',
      'If it keeps failing, the plan ends and your account becomes read-only. To prevent that, check your payment method.',
    ],
    action: data.manage_url !== null && { label: 'Check the payment method', url: data.manage_url },
  }),
  usage_alert: (data: {
    kind: 'calls' | 'storage';
    threshold: number;
    used: number;
    limit: number;
    plan: string;
    /** UTC. */
    day: string;
  }) => {
    const [used, limit] = [data.used, data.limit].map((number) => number.toLocaleString('en-US'));
    const isFull = data.threshold === 100;
    const more = 'The dashboard shows your usage, and what larger plans allow.';
    const action = { label: 'See your usage', url: '/app/usage' };
    if (data.kind === 'calls') {
      return {
        subject: isFull
          ? "Your WhiteMagic account has used all of today's calls"
          : `Your WhiteMagic account has used ${data.threshold} % of today's calls`,
        paragraphs: [
          `You have made ${used} of the ${limit} calls that the ${data.plan} plan allows on ${data.day} (UTC).`,
          `${isFull ? 'Further calls' : 'Calls beyond the limit'} are rejected with status 429 until midnight UTC.`,
          more,
        ],
        action,
      };
    }
    return {
      subject: isFull
        ? 'The storage of your WhiteMagic account is full'
        : `Your WhiteMagic account has used ${data.threshold} % of its storage`,
      paragraphs: [
        `You use ${used} of the ${limit} bytes of storage in the ${data.plan} plan.`,
        'Writes that exceed it are rejected with status 403. Reading and archiving still work. To free space, delete memories permanently.',
        more,
      ],
      action,
    };
  },
  cancellation: (data: { access_until: string | null; manage_url: string | null; purge_at: string | null }) => ({
    subject: data.access_until ? 'Your WhiteMagic plan is canceled' : 'Your WhiteMagic plan has ended',
    paragraphs: [
      data.access_until
        ? `Your plan is canceled. Nothing changes until ${moment(data.access_until)}; then your account becomes read-only.`
        : 'Your plan has ended, and your account is read-only: you can read, search and export your memories, but not change them.',
      data.purge_at
        ? `On ${moment(data.purge_at)} all your data is permanently deleted. We will send you two reminders before that.`
        : `A read-only account is kept for ${READ_ONLY_DAYS} days. Then all your data is permanently deleted.`,
      'Sign in to the dashboard to export all your data. If you buy a new plan, your account works as before.',
    ],
    action: data.manage_url !== null && { label: 'Manage your plan', url: data.manage_url },
  }),
  purge_warning: (data: { purge_at: string; days_left: number; export_url: string }) => {
    const left = data.days_left === 1 ? 'one day' : `${data.days_left} days`;
    return {
      subject: `Your WhiteMagic memories will be deleted in ${left}`,
      paragraphs: [
        `Your plan has ended. In ${left}, on ${moment(data.purge_at)}, your account and all its data will be permanently deleted.`,
        'To keep your account, buy a new plan. To keep a copy of your data, sign in and request an export; it works without a plan.',
      ],
      action: { label: 'Export my data', url: data.export_url },
    };
  },
  export_ready: (data: { url: string; expires_at: string }) => ({
    subject: 'The export of your WhiteMagic account is ready',
    paragraphs: [
      `You can download the file until ${moment(data.expires_at)}. It is gzip-compressed NDJSON, one JSON object per line.`,
      'Sign in to download it. A program gets it at GET /api/v1/account/export/file.',
    ],
    action: { label: 'Download the export', url: data.url },
  }),
  account_deleted: (data: { purge_at: string; restore_url: string | null }) => ({
    subject: 'Your WhiteMagic account is being deleted',
    paragraphs: [
      data.restore_url === null
        ? 'As you requested, your account and all its data are now being permanently deleted. Your API keys no longer work.'
        : `As you requested, your account is closed. On ${moment(data.purge_at)} it is permanently deleted, with all its data.`,
      data.restore_url === null
        ? 'This cannot be undone. If you did not request it, contact us immediately.'
        : 'Until then you can sign in to export your data, and to restore the account.',
      'This does not cancel a paid plan: cancel it where you bought it.',
    ],
    action: data.restore_url !== null && { label: 'Restore or export the account', url: data.restore_url },
  }),
  webhook_disabled: (data: { host: string; reason: 'gone' | 'failing' | 'backlog'; url: string }) => ({
    subject: `Your WhiteMagic webhook to ${data.host} is disabled`,
    paragraphs: [
      {
        gone: `The webhook to ${data.host} responded with status 410, which means that it wants no more events.`,
        failing: `No delivery to the webhook at ${data.host} has succeeded for three days.`,
        backlog: `More than 100,000 deliveries were waiting for the webhook at ${data.host}.`,
      }[data.reason],
      'It is disabled: no new events are recorded for it. What already waits is kept for 14 days and delivered when you enable it again.',
    ],
    action: { label: 'See its deliveries', url: data.url },
  }),
  key_created: (data: { name: string; prefix: string; last4: string; at: string }) => ({
    subject: 'A new API key was created for your WhiteMagic account',
    paragraphs: [
      `The key "${data.name}" (${data.prefix}…${data.last4}) was created on ${moment(data.at)}.`,
      'If you did not create it, revoke it immediately with DELETE /api/v1/user/keys/{id}, or contact us.',
    ],
    action: { label: 'See your keys', url: '/app/keys' },
  }),
  app_connected: (data: { name: string; host: string; scopes: string[]; at: string }) => ({
    subject: 'An app was connected to your WhiteMagic account',
    paragraphs: [
      `You allowed "${data.name}" at ${data.host} to use your memory on ${moment(data.at)}: ${data.scopes.join(', ')}.`,
      'If that was not you, disconnect it at once and sign out everywhere.',
    ],
    action: { label: 'See your connected apps', url: '/app/account' },
  }),
  key_rotated: (data: {
    name: string;
    prefix: string;
    last4: string;
    at: string;
    previous_last4: string;
    previous_until: string;
  }) => ({
    subject: 'An API key of your WhiteMagic account was replaced',
    paragraphs: [
      `The key "${data.name}" (${data.prefix}…${data.previous_last4}) was replaced by a new one (${data.prefix}…${data.last4}) on ${moment(data.at)}.`,
      data.previous_until <= data.at
        ? 'The old key no longer works.'
        : `The old key works until ${moment(data.previous_until)}, so that you can replace it wherever it is used.`,
      'If you did not do this, revoke the new key immediately, or contact us.',
    ],
    action: { label: 'See your keys', url: '/app/keys' },
  }),
  key_revoked_leaked: (data: { name: string; prefix: string; last4: string; url: string | null }) => ({
    subject: 'One of your WhiteMagic API keys was public and has been revoked',
    paragraphs: [
      `The key "${data.name}" (${data.prefix}…${data.last4}) was found in a public place, so we revoked it immediately.`,
      'Create a new key, replace the old one wherever you use it, and check your account for changes that you did not make.',
    ],
    action: data.url !== null && { label: 'See where it was found', url: data.url },
  }),
} satisfies Record<string, (data: never) => Content>;

export type TemplateName = keyof typeof templates;
export type TemplateData<Name extends TemplateName> = Parameters<(typeof templates)[Name]>[0];

/**
 * Renders the e-mail of a template.
 * @param publicUrl base URL that paths are resolved against
 * @param support address for replies, and the plan of the account: it stands in the subject, so that replies can be sorted by it
 * @throws Error for an unknown template
 */
export function renderEmail(
  name: string,
  data: unknown,
  publicUrl: string,
  support?: { email: string; plan: PlanName },
): Email {
  const template = templates[name as TemplateName] as ((data: unknown) => Content) | undefined;
  if (!template) throw new Error(`no mail template ${name}`);
  const { subject, paragraphs, action } = template(data);
  const blocks = paragraphs.map((text) => ({ text, html: `<p>${escapeHtml(text)}</p>` }));
  const address = action && webAddress(action.url, publicUrl);
  if (action && address) blocks.push({ text: `${action.label}: ${address}`, html: button(action.label, address) });
  if (support) {
    const text = `Questions? Reply to this e-mail, or write to ${support.email} with [${support.plan}] in the subject. ${PLANS[support.plan].support}`;
    blocks.push({ text, html: `<p style="font-size:14px">${escapeHtml(text)}</p>` });
  }
  blocks.push({ text: 'WhiteMagic', html: '<p>WhiteMagic</p>' });
  return {
    subject: support ? `${subject} [${support.plan}]` : subject,
    text: `${blocks.map(({ text }) => text).join('\n\n')}\n`,
    html: page(blocks.map(({ html }) => html).join('\n')),
  };
}

/** Renders a button with enough contrast in light and dark mode, and the URL for mail programs that show no links. */
function button(label: string, url: string): string {
  const [shown, href] = [escapeHtml(label), escapeHtml(url)];
  return `<p><a href="${href}" style="display:inline-block;padding:12px 22px;border-radius:8px;background:#4f46e5;color:#ffffff;font-weight:600;text-decoration:none">${shown}</a></p>
<p style="font-size:14px;word-break:break-all"><a href="${href}" style="color:inherit">${href}</a></p>`;
}

/** Renders the HTML document. It sets no text or background color, so that the mail program's light or dark theme applies. */
function page(body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark"></head>
<body style="font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:2rem auto;padding:0 1rem">
${body}
</body></html>`;
}

/** Resolves a URL; returns undefined unless its scheme is http or https (`javascript:`, for example). */
function webAddress(url: string, publicUrl: string): string | undefined {
  if (!URL.canParse(url, publicUrl)) return undefined;
  const address = new URL(url, publicUrl);
  return /^https?:$/.test(address.protocol) ? address.href : undefined;
}

const MOMENT = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });

function moment(iso: string): string {
  return `${MOMENT.format(new Date(iso))} UTC`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
