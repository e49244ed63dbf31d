/** A mail as it goes out, in text and HTML. */
export interface Letter {
  subject: string;
  text: string;
  html: string;
}

/** Every kind of mail, filled from the data of its outbox row. No mail ever holds a secret. */
const templates = {
  key_created: (data: { name: string; prefix: string; last4: string; at: string }) => ({
    subject: 'A new API key was made for your WhiteMagic account',
    paragraphs: [
      `The key "${data.name}" (${data.prefix}…${data.last4}) was made on ${data.at}.`,
      'If that was not you, revoke it at once: DELETE /api/v1/user/keys/{id}, or ask us.',
    ],
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
};

export type TemplateName = keyof typeof templates;
export type TemplateData<Name extends TemplateName> = Parameters<(typeof templates)[Name]>[0];

/** The letter of a template. Throws for a template that does not exist. */
export function renderLetter(name: string, data: unknown): Letter {
  const template = templates[name as TemplateName];
  if (!template) throw new Error(`no mail template ${name}`);
  const { subject, paragraphs } = template(data as never);
  const body = paragraphs.map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`).join('\n');
  return {
    subject,
    text: `${paragraphs.join('\n\n')}\n\nWhiteMagic\n`,
    html: `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"></head>
<body style="font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:2rem auto;padding:0 1rem">
${body}
<p>WhiteMagic</p>
</body></html>`,
  };
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
