import { readFileSync } from 'node:fs';
import { marked } from 'marked';
import { VERSIONS_KEPT } from '../../db/queries/memories/versions.ts';
import { IDEMPOTENCY_HOURS } from '../../db/queries/usage/idempotency.ts';
import { SESSION_DAYS, SESSION_DAYS_MAX } from '../auth/sessions.ts';
import { SIGN_IN_LINK_HOURS_KEPT, SIGN_IN_LINK_MINUTES } from '../auth/sign-in-links.ts';
import { LOGIN_MINUTES } from '../auth/whop-login.ts';
import { WEBHOOK_DAYS_KEPT } from '../billing/inbox.ts';
import type { Config } from '../config.ts';
import { ACTIVATION_LINK_DAYS, EXPIRED_LINK_DAYS_KEPT } from '../keys/activation-links.ts';
import { PLAN_NAMES, PLANS, READ_ONLY_DAYS } from '../limits/plans.ts';
import { EMAIL_DAYS_KEPT } from '../mail/deliver.ts';
import { LOG_FIELDS } from '../observability/log-fields.ts';
import { EXPORT_DAYS } from '../transfer/export.ts';
import { IMPORT_DAYS, UPLOAD_DAYS } from '../transfer/import/run-import.ts';
import { TERMS_VERSION } from '../version.ts';
import { DELIVERY_DAYS_KEPT } from '../webhooks/retention.ts';
import { html, ownHtml } from './html.ts';
import { page } from './layout.ts';
import { STATUS_DAYS } from './status.ts';
import { type SubprocessorConfig, subprocessorTable } from './subprocessors.ts';

type LegalName = 'terms' | 'privacy' | 'sla' | 'dpa' | 'subprocessors';

const TITLES: Record<LegalName, string> = {
  terms: 'Terms of service',
  privacy: 'Privacy policy',
  sla: 'Service level agreement',
  dpa: 'Data processing agreement',
  subprocessors: 'Sub-processors',
};

/** Returns the values of this service for the placeholders of the legal texts, such as `{{claim_days}}`. */
export function legalValues(
  config: Pick<Config, 'operator' | 'supportEmail' | 'usageRetentionDays' | 'embedder'> & SubprocessorConfig,
): Record<string, string> {
  const contact = config.supportEmail ? `[${config.supportEmail}](mailto:${config.supportEmail})` : 'the operator';
  return {
    operator: config.operator,
    version: TERMS_VERSION,
    log_fields: Object.values(LOG_FIELDS).join(', '),
    support: PLAN_NAMES.map((name) => `- **${name}**: ${PLANS[name].support}`).join('\n'),
    enterprise_support: PLANS.enterprise.support,
    status_days: String(STATUS_DAYS),
    subprocessors: subprocessorTable(config),
    contact,
    usage_days: String(config.usageRetentionDays),
    idempotency_hours: String(IDEMPOTENCY_HOURS),
    versions_kept: String(VERSIONS_KEPT),
    claim_days: String(ACTIVATION_LINK_DAYS),
    claim_remembered_days: String(EXPIRED_LINK_DAYS_KEPT),
    session_days: String(SESSION_DAYS),
    session_days_max: String(SESSION_DAYS_MAX),
    sign_in_link_hours: String(SIGN_IN_LINK_HOURS_KEPT),
    sign_in_link_minutes: String(SIGN_IN_LINK_MINUTES),
    login_minutes: String(LOGIN_MINUTES),
    read_only_days: String(READ_ONLY_DAYS),
    export_days: String(EXPORT_DAYS),
    import_days: String(IMPORT_DAYS),
    upload_days: String(UPLOAD_DAYS),
    delivery_days: String(DELIVERY_DAYS_KEPT),
    webhook_days: String(WEBHOOK_DAYS_KEPT),
    mail_days: String(EMAIL_DAYS_KEPT),
    embedding:
      config.embedder === 'openai'
        ? 'An embedding service that we chose receives the texts of your memories and queries, and converts them to vectors. It stores nothing for us.'
        : 'Vectors of your texts are computed on our own servers. No text is sent to a model of a third party.',
  };
}

/**
 * Renders the legal texts as pages.
 * @throws for a text with an unknown placeholder
 */
export function legalPages(config: Parameters<typeof legalValues>[0]): Record<LegalName, string> {
  const values = legalValues(config);
  const names = Object.keys(TITLES) as LegalName[];
  return Object.fromEntries(names.map((name) => [name, legalPage(name, values)])) as Record<LegalName, string>;
}

function legalPage(name: LegalName, values: Record<string, string>): string {
  const text = readLegal(name).replace(/\{\{(\w+)\}\}/g, (_match, placeholder: string) => {
    const value = values[placeholder];
    if (value === undefined) throw new Error(`legal/${name}.md has the unknown placeholder {{${placeholder}}}`);
    return value;
  });
  const rendered = (marked.parse(text, { async: false }) as string)
    .replaceAll('<table>', '<div class="table"><table>')
    .replaceAll('</table>', '</table></div>');
  const title = TITLES[name];
  const body = html`<article class="prose">${ownHtml(rendered)}</article>`;
  return page({ title, body, description: `${title} of WhiteMagic.` });
}

/** Searches the parent folders, because the sources and the build have different depths. */
function readLegal(name: LegalName, from = new URL('.', import.meta.url)): string {
  try {
    return readFileSync(new URL(`legal/${name}.md`, from), 'utf8');
  } catch (error) {
    const parent = new URL('..', from);
    if (parent.href === from.href) throw error;
    return readLegal(name, parent);
  }
}
