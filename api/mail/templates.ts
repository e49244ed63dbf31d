import { READ_ONLY_DAYS } from '../limits/plans.ts';

/** A mail as it goes out, in text and HTML. */
export interface Letter {
  subject: string;
  text: string;
  html: string;
}

/** What a template says, before it is text or HTML. */
interface Content {
  subject: string;
  paragraphs: string[];
  /** The one thing to do: a button in HTML, and the address itself in both. A path is one of this service. */
  action?: { label: string; url: string } | false;
  /** The same where it takes an API key, so that a button would only lead to a refusal: a line for the shell. */
  command?: { options: string; url: string } | false;
}

/** Every kind of mail, filled from the data of its outbox row; times are ISO 8601. No mail ever holds an API key. */
const templates = {
  welcome: (data: { claim_url: string; plan: string; expires_at: string }) => ({
    subject: 'Welcome to WhiteMagic: get your API key',
    paragraphs: [
      `Your account is ready, on the ${data.plan} plan. One step is left: make your API key.`,
      'The key is shown once, with the lines to paste for your IDE, so have it open.',
      `The link works once, until ${moment(data.expires_at)}. Its page gives you a new one whenever you need it.`,
    ],
    action: { label: 'Get your API key', url: data.claim_url },
  }),
  claim: (data: { claim_url: string; expires_at: string }) => ({
    subject: 'Your new link to a WhiteMagic API key',
    paragraphs: [
      'Somebody, you we hope, asked for a new link to make the API key of your account.',
      `It works once, until ${moment(data.expires_at)}. If you did not ask, do nothing: nobody else can use it.`,
    ],
    action: { label: 'Get your API key', url: data.claim_url },
  }),
  login_link: (data: { url: string; expires_at: string }) => ({
    subject: 'Your WhiteMagic log-in link',
    paragraphs: [
      `This link logs you in once, until ${moment(data.expires_at)}.`,
      'If you did not ask for it, do nothing: nobody else can use it.',
    ],
    action: { label: 'Log in', url: data.url },
  }),
  plan_changed: (data: { from: string; to: string }) => ({
    subject: `Your WhiteMagic account is on the ${data.to} plan now`,
    paragraphs: [
      `Your account moved from the ${data.from} plan to the ${data.to} plan. Its limits hold from the next call on.`,
      'Everything stored stays. If that is more than the plan stores, reading and deleting go on, and storing more is refused.',
    ],
    action: { label: 'What the plan allows', url: '/' },
  }),
  payment_failed: (data: { manage_url: string | null }) => ({
    subject: 'A payment for your WhiteMagic plan failed',
    paragraphs: [
      'The last payment for your plan did not go through. Nothing changes for now: it will be tried again.',
      'If it keeps failing, the plan ends and your account becomes read-only. A valid payment method prevents that.',
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
    const more = 'GET /api/v1/user/usage shows what used it, and GET /api/v1/plans what larger plans allow.';
    if (data.kind === 'calls') {
      return {
        subject: isFull
          ? "Your WhiteMagic account has used all of today's calls"
          : `Your WhiteMagic account has used ${data.threshold} % of today's calls`,
        paragraphs: [
          `${used} of the ${limit} calls that the ${data.plan} plan allows on ${data.day} (UTC) are made.`,
          `${isFull ? 'Further' : 'Once all are made, further'} calls are refused with 429 until midnight UTC.`,
          more,
        ],
      };
    }
    return {
      subject: isFull
        ? 'The storage of your WhiteMagic account is full'
        : `Your WhiteMagic account has used ${data.threshold} % of its storage`,
      paragraphs: [
        `${used} of the ${limit} bytes that the ${data.plan} plan stores are used.`,
        'What would go beyond is refused with 403. Reading and archiving go on; deleting for good makes room.',
        more,
      ],
    };
  },
  cancellation: (data: { access_until: string | null; manage_url: string | null; purge_at: string | null }) => ({
    subject: data.access_until ? 'Your WhiteMagic plan is cancelled' : 'Your WhiteMagic plan has ended',
    paragraphs: [
      data.access_until
        ? `Your plan is cancelled. Until ${moment(data.access_until)} nothing changes; then your account becomes read-only.`
        : 'Your plan has ended, and your account is read-only: reading, searching and exporting work, writing does not.',
      data.purge_at
        ? `On ${moment(data.purge_at)} everything stored is deleted for good. We will write to you twice before.`
        : `A read-only account is kept for ${READ_ONLY_DAYS} days. Then everything stored is deleted for good.`,
      'Take your memories with you: POST /api/v1/account/export makes a file of everything. With a new plan all goes on as before.',
    ],
    action: data.manage_url !== null && { label: 'Manage your plan', url: data.manage_url },
  }),
  purge_warning: (data: { purge_at: string; days_left: number; export_url: string }) => {
    const left = data.days_left === 1 ? 'one day' : `${data.days_left} days`;
    return {
      subject: `In ${left} your WhiteMagic memories will be deleted`,
      paragraphs: [
        `Your plan has ended, and ${left} from now, on ${moment(data.purge_at)}, your account and everything stored is deleted for good.`,
        'With a new plan all goes on as before. To take everything with you, ask for an export with an API key of yours:',
      ],
      command: { options: '-X POST', url: data.export_url },
    };
  },
  export_ready: (data: { url: string; expires_at: string }) => ({
    subject: 'The export of your WhiteMagic account is ready',
    paragraphs: [
      `The file waits until ${moment(data.expires_at)}: gzip of NDJSON, a JSON object a line.`,
      'Download it with an API key of yours:',
    ],
    command: { options: '-OJ', url: data.url },
  }),
  account_deleted: (data: { purge_at: string; restore_url: string | null }) => ({
    subject: 'Your WhiteMagic account is being deleted',
    paragraphs: [
      data.restore_url === null
        ? 'As you asked, your account and everything stored is deleted for good, now. Your API keys no longer work.'
        : `As you asked, your account is closed. On ${moment(data.purge_at)} it and everything stored is deleted for good.`,
      data.restore_url === null
        ? 'This cannot be undone. If it was not you, tell us at once.'
        : 'Until then you can still export it, and bring it back with the command below and an API key of yours.',
      'A plan that you pay for goes on until you cancel it where you bought it.',
    ],
    command: data.restore_url !== null && { options: '-X POST', url: data.restore_url },
  }),
  key_created: (data: { name: string; prefix: string; last4: string; at: string }) => ({
    subject: 'A new API key was made for your WhiteMagic account',
    paragraphs: [
      `The key "${data.name}" (${data.prefix}…${data.last4}) was made on ${moment(data.at)}.`,
      'If that was not you, revoke it at once: DELETE /api/v1/user/keys/{id}, or ask us.',
    ],
  }),
  key_revoked_leaked: (data: { name: string; prefix: string; last4: string; url: string | null }) => ({
    subject: 'One of your WhiteMagic API keys was public, and is revoked',
    paragraphs: [
      `The key "${data.name}" (${data.prefix}…${data.last4}) was found where others can read it, so it was revoked at once.`,
      'Make a new one and put it where the old one was in use. Look through your account for what you do not know.',
    ],
    action: data.url !== null && { label: 'Where it was found', url: data.url },
  }),
} satisfies Record<string, (data: never) => Content>;

export type TemplateName = keyof typeof templates;
export type TemplateData<Name extends TemplateName> = Parameters<(typeof templates)[Name]>[0];

/**
 * The letter of a template.
 * @param publicUrl of this service, which addresses that are a path belong to
 * @throws Error for a template that does not exist
 */
export function renderLetter(name: string, data: unknown, publicUrl: string): Letter {
  const template = templates[name as TemplateName] as ((data: unknown) => Content) | undefined;
  if (!template) throw new Error(`no mail template ${name}`);
  const { subject, paragraphs, action, command } = template(data);
  const blocks = paragraphs.map((text) => ({ text, html: `<p>${escapeHtml(text)}</p>` }));
  const [address, called] = [action, command].map((link) => link && webAddress(link.url, publicUrl));
  if (action && address) blocks.push({ text: `${action.label}: ${address}`, html: button(action.label, address) });
  if (command && called) blocks.push(shellLine(command.options, called));
  blocks.push({ text: 'WhiteMagic', html: '<p>WhiteMagic</p>' });
  return {
    subject,
    text: `${blocks.map(({ text }) => text).join('\n\n')}\n`,
    html: page(blocks.map(({ html }) => html).join('\n')),
  };
}

function shellLine(options: string, url: string): { text: string; html: string } {
  const text = `curl ${options} -H "Authorization: Bearer $WHITEMAGIC_API_KEY" ${url}`;
  const style = 'font:14px/1.5 ui-monospace,monospace;white-space:pre-wrap;word-break:break-all';
  return { text, html: `<pre style="${style}">${escapeHtml(text)}</pre>` };
}

/** A button that is seen as one on light and on dark, and the address for those whose mail shows no links. */
function button(label: string, url: string): string {
  const [shown, href] = [escapeHtml(label), escapeHtml(url)];
  return `<p><a href="${href}" style="display:inline-block;padding:12px 22px;border-radius:8px;background:#4f46e5;color:#ffffff;font-weight:600;text-decoration:none">${shown}</a></p>
<p style="font-size:14px;word-break:break-all"><a href="${href}" style="color:inherit">${href}</a></p>`;
}

/** No colours of its own: the mail program's are right by day and by night. */
function page(body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark"></head>
<body style="font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:2rem auto;padding:0 1rem">
${body}
</body></html>`;
}

/** An absolute web address; undefined for what is none, such as a `javascript:` that somebody slipped in. */
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
