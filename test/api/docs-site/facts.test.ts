import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { marked } from 'marked';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../api/config.ts';
import { LIMITS } from '../../../api/contracts/fields.ts';
import { OPERATIONS, PUBLIC_OPERATIONS } from '../../../api/contracts/index.ts';
import { openApiDocument } from '../../../api/contracts/openapi/document.ts';
import { SCOPES } from '../../../api/contracts/operation.ts';
import { PAGE_NAMES, referenceTag } from '../../../api/docs-site/navigation.ts';
import { PROBLEMS } from '../../../api/errors.ts';
import { REQUESTS_PER_IP } from '../../../api/limits/ip-rate-limiter.ts';
import { PLANS, READ_ONLY_DAYS } from '../../../api/limits/plans.ts';
import { REQUESTS_PER_TENANT } from '../../../api/limits/request-queue.ts';
import { EXPORT_DAYS } from '../../../api/transfer/export.ts';
import { VERSIONS_KEPT } from '../../../db/queries/memories/versions.ts';
import { IDEMPOTENCY_HOURS } from '../../../db/queries/usage/idempotency.ts';
import { MCP_REFERENCE } from '../../../mcp/reference.ts';
import type { Json } from '../../support/client.ts';

const ROOT = join(import.meta.dirname, '../../..');
const pages = new Map(
  PAGE_NAMES.filter((name) => !referenceTag(name)).map((name) => [
    name,
    readFileSync(join(ROOT, `docs/${name}.md`), 'utf8'),
  ]),
);
const config = readConfig({});
const count = (value: number) => value.toLocaleString('en-US');
const size = (bytes: number) => (bytes >= 1e9 ? `${bytes / 1e9} GB` : `${bytes / 1e6} MB`);

/** Code spans of a page. */
function codeIn(markdown: string): string[] {
  const spans: string[] = [];
  marked.walkTokens(marked.lexer(markdown), (token) => {
    if (token.type === 'codespan') spans.push(token.text);
  });
  return spans;
}

const spans = [...pages].flatMap(([name, markdown]) => codeIn(markdown).map((code) => ({ name, code })));

/** Every name in the OpenAPI document: fields, parameters, and allowed values. */
function namesOf(node: Json, names = new Set<string>()): Set<string> {
  if (typeof node !== 'object' || node === null) return names;
  for (const key of Object.keys(node.properties ?? {})) names.add(key);
  for (const value of [...(node.enum ?? []), node.const, typeof node.in === 'string' ? node.name : undefined]) {
    if (typeof value === 'string') names.add(value);
  }
  for (const child of Object.values(node)) namesOf(child, names);
  return names;
}

/** Names in the pages that are in no contract, with where they are from. */
const OTHER_NAMES = {
  'lines of an export': ['api_key', 'memory_version', 'usage_day'],
  'fields of /ready, and its states': ['lag_seconds', 'disk_full', 'redis_unavailable'],
  metrics: ['whitemagic_embedding_backlog', 'whitemagic_embedding_lag_seconds', 'whitemagic_embedding_failures_total'],
  'ages of backups': ['whitemagic_backup_age_seconds', 'whitemagic_restore_test_age_seconds'],
  'tags in examples': ['my_tag'],
  'problem documents': ['upgrade_url', 'request_id'],
  'the database': ['wm_app', 'wm_bound'],
  "events of Whop's": ['membership.cancel_at_period_end_changed'],
};

const known = new Set([
  ...namesOf(openApiDocument('https://memory.example.com', '0')),
  ...Object.keys(PROBLEMS),
  ...MCP_REFERENCE.tools.map(({ name }) => name),
  ...MCP_REFERENCE.prompts.map(({ name }) => name),
  ...Object.values(OTHER_NAMES).flat(),
]);

describe('the pages of the documentation', () => {
  it('name only fields, values, error codes and tools that exist', () => {
    const unknown = spans.filter(({ code }) => /^[a-z]+(_[a-z]+)+$/.test(code) && !known.has(code));
    expect(unknown).toEqual([]);
    expect(spans.filter(({ code }) => known.has(code)).length).toBeGreaterThan(100);
  });

  it('name only calls that exist', () => {
    const calls = new Set([...OPERATIONS, ...PUBLIC_OPERATIONS].map(({ http }) => `${http.method} ${http.path}`));
    const others =
      /^(GET (\/health|\/ready|\/version|\/metrics|PUBLIC_URL\/ready)|POST \/webhooks\/github\/secret-scanning)$/;
    const named = spans.filter(({ code }) => /^(GET|POST|PUT|PATCH|DELETE) /.test(code) && !others.test(code));
    const unknown = named.filter(({ code }) => {
      const [method, target = ''] = code.split(' ');
      return !calls.has(`${method} ${target.replace(/^\/api\/v1/, '').replace(/\?.*$/, '')}`);
    });
    expect(unknown).toEqual([]);
    expect(named.length).toBeGreaterThan(20);
  });

  it('name only settings that exist', () => {
    const settings = new Set([
      ...[...readFileSync(join(ROOT, 'api/config.ts'), 'utf8').matchAll(/^ {2}([A-Z][A-Z_]+): /gm)].map(
        (match) => match[1],
      ),
      ...readdirSync(join(ROOT, 'mcp/cli'), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .flatMap((file) => readFileSync(join(ROOT, 'mcp/cli', file), 'utf8').match(/WHITEMAGIC_[A-Z_]+/g) ?? []),
      ...(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8').match(/[A-Z]+_PASSWORD/g) ?? []),
      'YOUR_API_KEY',
      'MEMORY_ID',
      'KEY_ID',
      'WEBHOOK_SECRET',
    ]);
    const named = [...pages].flatMap(([name, markdown]) =>
      [...markdown.matchAll(/(?<![\w/])[A-Z]{2,}(?:_[A-Z]+)+(?!\w)/g)].map(([code]) => ({ name, code })),
    );
    expect(named.filter(({ code }) => !settings.has(code))).toEqual([]);
    expect(named.length).toBeGreaterThan(50);
  });

  it('give each error code its status', () => {
    const given = [...pages].flatMap(([name, markdown]) =>
      [...markdown.matchAll(/\b([45]\d\d) `([a-z_]+)`/g)].map(([, status, code]) => ({ name, status, code })),
    );
    const wrong = given.filter(({ status, code }) => PROBLEMS[code as keyof typeof PROBLEMS]?.[0] !== Number(status));
    expect(wrong).toEqual([]);
    expect(given.length).toBeGreaterThan(15);
  });

  it('have the plans as they are', () => {
    const rows = Object.entries(PLANS).map(
      ([name, { price, limits }]) =>
        `| ${name} | ${price} | ${count(limits.requests_per_minute)} | ${count(limits.requests_per_day)} | ${size(limits.storage_bytes)} | ${limits.rest ? 'MCP and REST' : 'MCP'} |`,
    );
    expect(pages.get('limits')).toContain(`\n${rows.join('\n')}\n`);
  });

  it('have a row for every scope', () => {
    const rows = [...(pages.get('keys') ?? '').matchAll(/^\| `([a-z]+:[a-z]+)` \|/gm)].map((match) => match[1]);
    expect(rows).toEqual([...SCOPES]);
  });

  it.each([
    ['limits', `| title | ${count(LIMITS.titleLength)} characters |`],
    ['limits', `| tags of a memory | ${LIMITS.tags}, each ${LIMITS.tagLength} characters |`],
    ['limits', `| metadata of a memory | ${LIMITS.metadataBytes / 1024} KiB as JSON |`],
    ['limits', `| query | ${count(LIMITS.queryLength)} characters |`],
    ['limits', `| results of a page | ${LIMITS.page}, and about 2 MB |`],
    ['limits', `| memories of a batch | ${LIMITS.batch} |`],
    ['limits', `| memories that a bulk change changes in a call | ${count(LIMITS.bulk)} |`],
    ['limits', `| kept versions of a memory | ${VERSIONS_KEPT} |`],
    ['limits', `| requests of an account that a node executes at once | ${REQUESTS_PER_TENANT} |`],
    ['limits', `| request body | ${config.bodyBytesMax / 1_048_576} MiB |`],
    ['limits', `an IP address has ${REQUESTS_PER_IP} requests a minute`],
    ['memories', `Up to ${LIMITS.batch} memories at once`],
    ['memories', `${LIMITS.metadataBytes / 1024} KiB`],
    ['search', `(${count(LIMITS.queryLength)} characters)`],
    ['pagination', `\`limit\` is 1 to ${LIMITS.page}`],
    ['idempotency', `Within ${IDEMPOTENCY_HOURS} hours`],
    ['export-and-deletion', `kept for ${EXPORT_DAYS} days`],
    ['export-and-deletion', `within ${READ_ONLY_DAYS} days`],
    ['usage', `(${config.usageRetentionDays})`],
  ])('say on %s: %s', (name, text) => {
    expect(pages.get(name)).toContain(text);
  });
});
