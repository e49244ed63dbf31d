import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../api/config.ts';
import { CRONTAB } from '../api/jobs/tasks/index.ts';
import { legalPages, legalValues } from '../api/pages/legal.ts';
import { statusPage } from '../api/pages/status.ts';
import { DAY_MS, MINUTE_MS } from '../api/time.ts';
import { TERMS_CHANGED_AT, TERMS_VERSION } from '../api/version.ts';
import { recordServiceMinute } from '../db/queries/jobs/service-days.ts';
import { CLAIMS, WITHOUT_PROOF } from './support/legal-claims.ts';
import { startTestService, type TestService } from './support/service.ts';

const read = (path: string) => readFileSync(join(import.meta.dirname, '..', path), 'utf8');
const texts = {
  terms: read('legal/terms.md'),
  privacy: read('legal/privacy.md'),
  sla: read('legal/sla.md'),
  dpa: read('legal/dpa.md'),
  subprocessors: read('legal/subprocessors.md'),
};
/** Returns the lines of a test file that begin a test. */
function titlesIn(file: string): string {
  const lines = read(file).split('\n');
  return lines.filter((line) => /^\s*(it(\.each)?\(|\])/.test(line)).join('\n');
}

const tables = [...read('db/schema/schema.sql').matchAll(/^create table (\w+)/gm)].map((match) => match[1] as string);

/** The line of the privacy policy that covers each table. */
const COVERED_BY: Record<string, string[]> = {
  Account: ['users'],
  Memberships: ['memberships', 'reconciliation_differences'],
  Memories: ['memories'],
  'Previous versions': ['memory_versions'],
  Index: ['lexicon', 'memory_vectors', 'memory_codes', 'memory_cells', 'embedding_queue', 'term_queue'],
  'API keys': ['api_keys', 'key_lookup'],
  'Connected apps': ['oauth_artifacts'],
  'Activation links': ['claims', 'claim_lookup'],
  'Sign-in links': ['sign_in_links'],
  'Logins of programs': ['device_logins'],
  Sessions: ['sessions', 'session_lookup'],
  'Usage events': ['usage_events'],
  'Daily totals': ['usage_daily', 'quotas', 'usage_alerts'],
  'Responses to repeated requests': ['idempotency_keys'],
  'E-mails': ['outbox'],
  'Audit log': ['audit_log'],
  'Webhooks from Whop': ['webhook_inbox'],
  Exports: ['exports', 'export_chunks'],
  Imports: ['imports', 'import_chunks', 'import_items', 'import_findings'],
  Webhooks: ['webhooks', 'webhook_deliveries'],
  'Deletion receipts': ['deletion_receipts', 'closed_memberships'],
};
/** Tables that hold nothing about anybody. */
const WITHOUT_PERSONAL_DATA = [
  'backups',
  'embedding_models',
  'ip_salts',
  'oauth_clients',
  'reconciliations',
  'service_days',
];

/** The job that keeps the word, by the line that gives it. */
const KEPT_BY: Record<string, string> = {
  'Activation links': 'delete_old_links_and_sessions',
  'Sign-in links': 'delete_old_links_and_sessions',
  Sessions: 'delete_old_links_and_sessions',
  'Usage events': 'delete_old_usage_events',
  'Responses to repeated requests': 'delete_old_idempotency_keys',
  'E-mails': 'delete_old_emails',
  'Webhooks from Whop': 'delete_old_webhooks',
  Exports: 'delete_old_exports',
  Imports: 'delete_old_imports',
  Webhooks: 'delete_old_webhook_deliveries',
};

const rows = texts.privacy
  .split('\n')
  .filter((line) => line.startsWith('| **'))
  .map((line) => ({ name: /\*\*(.+?)\*\*/.exec(line)?.[1] as string, period: line.split('|')[3]?.trim() as string }));
const categories = rows.slice(0, Object.keys(COVERED_BY).length);

describe('the privacy policy', () => {
  it('has a line for every table of the database, and none for what is not there', () => {
    expect(Object.values(COVERED_BY).flat().concat(WITHOUT_PERSONAL_DATA).sort()).toEqual([...tables].sort());
    expect(categories.map(({ name }) => name)).toEqual(Object.keys(COVERED_BY));
  });

  it('gives each line a period, and each period in figures has a job that keeps it', () => {
    for (const { name, period } of categories) expect([name, period]).toEqual([name, expect.stringMatching(/\w/)]);
    const timed = categories.filter(({ period }) => /\{\{\w+_(days|hours)\}\}/.test(period)).map(({ name }) => name);
    expect(timed.sort()).toEqual(Object.keys(KEPT_BY).sort());
    for (const job of Object.values(KEPT_BY))
      expect(CRONTAB).toMatch(new RegExp(`^\\S+ \\S+ \\* \\* \\* ${job}\\b`, 'm'));
  });

  it('names who else sees the data', () => {
    const processors = rows.slice(categories.length).map(({ name }) => name);
    expect(processors).toEqual(['Whop', 'Our host', 'Our e-mail provider', 'Embedding']);
  });
});

describe('the figures of both texts', () => {
  const facts = legalValues(readConfig({}));

  it('are those of the code, and as agreed', () => {
    expect(facts).toMatchObject({
      usage_days: '400',
      idempotency_hours: '24',
      versions_kept: '50',
      claim_days: '7',
      session_days: '30',
      read_only_days: '30',
      export_days: '7',
      import_days: '7',
      upload_days: '1',
      delivery_days: '14',
    });
  });

  it('are all taken from there: what the service does stands nowhere as a bare number', () => {
    const named = Object.values(texts).flatMap((text) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]));
    expect([...new Set(named)].sort()).toEqual(Object.keys(facts).sort());
    const bare = Object.entries(texts).flatMap(([name, text]) =>
      [...text.matchAll(/[^.|]*\b\d+ (?:days?|hours?|minutes?|years?)\b[^.|]*/g)].map(
        (match) => `${name}: ${match[0].trim()}`,
      ),
    );
    // What people owe each other, and no machine keeps: notice, the right to withdraw, age, the law's term.
    for (const sentence of bare) expect(sentence).toMatch(/notify you|notice|withdraw|years old|authority|by e-mail/);
    expect(bare.length).toBeGreaterThan(3);
  });

  it('change with the settings of the service, and so does the processor of embeddings', () => {
    const config = readConfig({
      USAGE_RETENTION_DAYS: '90',
      OPERATOR: 'Example Ltd, 1 Street, Town',
      SUPPORT_EMAIL: 'help@example.com',
    });
    const { terms, privacy, ...others } = legalPages(config);
    expect(privacy).toContain('90 days');
    for (const text of [terms, privacy, ...Object.values(others)]) {
      expect(text).toContain('Example Ltd, 1 Street, Town');
      expect(text).toContain(`ersion of ${TERMS_VERSION}`);
      expect(text).toContain('mailto:help@example.com');
      expect(text).not.toContain('{{');
    }
    expect(privacy).toContain('No text is sent to a model of a third party');
    expect(legalPages({ ...config, embedder: 'openai' }).privacy).toContain('An embedding service that we chose');
  });
});

describe('the sentences of the texts', () => {
  const sentences = Object.values(texts).flatMap((text) =>
    text
      .split('\n')
      .filter((line) => line.trim() !== '' && !/^[#|]/.test(line))
      .flatMap((line) => line.replace(/^- /, '').split(/(?<=[.!?:])\s+(?=[A-Z(*`{[])/)),
  );
  const beginnings = [...Object.keys(CLAIMS), ...WITHOUT_PROOF];

  it('are each proved by a test, or bind people', () => {
    expect(sentences.length).toBeGreaterThan(100);
    expect(sentences.filter((sentence) => !beginnings.some((beginning) => sentence.startsWith(beginning)))).toEqual([]);
    expect(beginnings.filter((beginning) => !sentences.some((sentence) => sentence.startsWith(beginning)))).toEqual([]);
  });

  it('have proofs that exist', () => {
    const missing = Object.entries(CLAIMS).flatMap(([claim, proofs]) =>
      proofs.filter(([file, title]) => !titlesIn(file).includes(title)).map((proof) => [claim, ...proof].join(' › ')),
    );
    expect(missing).toEqual([]);
  });
});

describe('the versions of the texts', () => {
  it('change with them: a changed text has a new TERMS_VERSION, and a line here', () => {
    const digest = createHash('sha256').update(Object.values(texts).join('\0')).digest('hex').slice(0, 16);
    expect({ [TERMS_VERSION]: digest }).toMatchInlineSnapshot(`
      {
        "2026-11-29": "29c897de628f69b3",
      }
    `);
    // A change of the content ends older sessions, so that people accept it at their next sign-in.
    expect(TERMS_CHANGED_AT <= new Date(`${TERMS_VERSION}T00:00:00Z`)).toBe(true);
  });
});

describe('the sub-processors', () => {
  it('are those of the settings, and no hosts of the own network', () => {
    const config = readConfig({
      SUBPROCESSORS: 'Example Hosting GmbH: servers and database, Germany; Mailers Inc: e-mail',
      SMTP_URL: 'smtps://user:secret@smtp.mail.example.com',
      EMBEDDER: 'openai',
      EMBEDDINGS_URL: 'https://vectors.example.org/v1',
      SENTRY_DSN: 'https://key@10.0.0.7/1',
    });
    const { subprocessors } = legalPages(config);
    for (const name of ['Example Hosting GmbH', 'Mailers Inc', 'smtp.mail.example.com', 'vectors.example.org'])
      expect(subprocessors).toContain(`<td>${name}</td>`);
    expect(subprocessors).not.toMatch(/secret|10\.0\.0\.7/);
    expect(legalPages(readConfig({})).subprocessors).toContain('None: this service runs on servers of the operator');
    expect(() => readConfig({ SUBPROCESSORS: 'Example' })).toThrow('must be "Name: purpose"');
  });
});

describe('the terms', () => {
  it('cover what a customer must be told', () => {
    const headings = [...texts.terms.matchAll(/^## \d+\. (.+)$/gm)].map((match) => match[1]);
    expect(headings).toEqual([
      'The service',
      'Your account and your keys',
      'What you may store',
      'Price and payment',
      'Cancellation and refunds',
      'When your plan ends',
      'What we promise',
      'Liability',
      'Termination by us',
      'Other provisions',
    ]);
    expect(texts.terms).toContain('**Refunds are pro-rated.**');
  });
});

describe('the addresses', () => {
  let node: TestService;
  beforeAll(async () => {
    node = await startTestService();
  });
  afterAll(() => node.stop());

  it('/status says how the service works, and shows its record of the last days', async () => {
    const now = Date.now();
    const at = (ms: number) => new Date(ms);
    const day = (ms: number) => at(ms).toISOString().slice(0, 10);
    const midnight = Date.parse(day(now));
    const { database } = node.service;
    const yesterday = midnight - DAY_MS;
    for (let minute = 0; minute < 3; minute++) {
      // Recorded twice, as by two workers, and counted once.
      for (const _ of [1, 2])
        await recordServiceMinute(database.owner, day(yesterday), at(yesterday + minute * MINUTE_MS));
    }
    const answer = await fetch(`${node.url}/status`);
    const page = await answer.text();
    expect(answer.status).toBe(200);
    expect(page).toContain('Memories can be stored and read.');
    expect(page).toContain(`<tr><td>${day(yesterday)}</td><td>0.20 %</td><td>23 h 57 min</td></tr>`);
    const unreachable = { database: 'unreachable', limiter: 'local', search: { semantic: 'ready' } } as const;
    expect(statusPage(unreachable, undefined, at(now))).toContain('The service is unavailable');
  });

  it.each(Object.keys(texts))('/legal/%s serves the whole text', async (name) => {
    const answer = await fetch(`${node.url}/legal/${name}`);
    const page = await answer.text();
    expect(answer.status).toBe(200);
    const headings = [...texts[name as 'terms'].matchAll(/^##? (.+)$/gm)].map((match) => match[1] as string);
    expect(headings.length).toBeGreaterThan(0);
    for (const heading of headings) expect(page).toContain(heading.replaceAll("'", '&#39;'));
    for (const [, link] of page.matchAll(/href="(\/[^"]*)"/g)) {
      expect([link, (await fetch(node.url + link)).status]).toEqual([link, 200]);
    }
  });
});
