import { vi } from 'vitest';
import { updateOperator } from '../../db/queries/accounts/users.ts';
import type { BillingFixture } from '../support/billing-fixture.ts';
import { Client } from '../support/client.ts';
import type { createClock } from '../support/clock.ts';
import { appOf } from '../support/samples.ts';
import type { TestUser } from '../support/service.ts';

/** Accounts and identifiers that the screens show. */
export interface SampleData {
  /** An account with weeks of use. */
  busy: TestUser;
  /** An account without a key, a call or a memory. */
  fresh: TestUser;
  /** An account of a customer of Whop. */
  customerId: string;
  /** A memory with several versions. */
  memoryId: string;
  importId: string;
  webhookId: string;
}

/** Returns the code of a program that waits for its approval, which is valid for ten minutes. */
export async function deviceCode(url: string): Promise<string> {
  return (await new Client(url).post('/device/code', { name: 'whitemagic on a laptop' })).body.user_code;
}

const DAY_MS = 86_400_000;
const DAYS = 30;

const NOTES: [title: string, content: string, tags: string[], project: string | null][] = [
  ['Deploys', 'We deploy on Fridays, from the release branch, after the smoke tests.', ['ops', 'deploy'], 'shop'],
  ['Nightly backup', 'The staging database is restored from the nightly backup at 04:00 UTC.', ['db', 'ops'], 'shop'],
  [
    'Build before tests',
    'Run `pnpm -r build` before the tests.\n\n## Why\n\n- the tests import **compiled** code\n- `tsc -b` is incremental\n\n```sh\npnpm -r build && pnpm test\n```\n\n| package | seconds |\n|---|---|\n| schema | 4 |\n| api | 11 |',
    ['build', 'typescript'],
    'api',
  ],
  [
    'Expired cards',
    'The payment provider answers 402 when a card has expired; a retry is useless.',
    ['billing'],
    'shop',
  ],
  ['Pull requests', 'Alice prefers small pull requests with one idea each.', ['team'], null],
  ['E1042', 'Error E1042 comes from the proxy, not from the API: raise `proxy_read_timeout`.', ['errors'], 'api'],
  ['Search index', 'The index is rebuilt with `make reindex`, which takes about 20 minutes.', ['search', 'ops'], 'api'],
  ['Feature flags', 'Feature flags live in `config/flags.json`.', ['config'], 'shop'],
  ['日本語のメモ', 'リリースは毎週金曜日に行います。', ['i18n'], null],
  [
    `A long title ${'that goes on '.repeat(6)}and ends here`,
    `AVeryLongWordWithoutAnySpace${'x'.repeat(120)} and then a sentence. ${'The quick brown fox. '.repeat(60)}`,
    ['a-tag-with-a-rather-long-name-that-still-has-to-fit-somewhere'],
    'a-project-with-a-rather-long-name',
  ],
];
const CLIENTS = ['claude-code/2.1.328', 'cursor/1.9.0', 'codex-mcp-client/0.171.0'];
const QUERIES = ['when do we deploy?', 'backup', 'flags', 'how are tests run'];

/** Makes accounts with weeks of memories and calls, each call at its day, and what an operator sees. */
export async function makeSampleData(
  { node, whop, sql, settled, account }: BillingFixture,
  clock: ReturnType<typeof createClock>,
): Promise<SampleData> {
  const busy = await node.newUser({ email: 'ann@example.com', plan: 'pro', requestsPerDay: 10_000 });
  const fresh = await node.newUser({ email: 'new@example.com', plan: 'starter' });
  await sql.query('delete from api_keys where user_id = $1', [fresh.userId]);
  await node.service.database.ownerWrite((own) => updateOperator(own, busy.userId, true, new Date()));

  clock.advance(-DAYS * DAY_MS);
  for (let day = DAYS; day > 0; day--) {
    clock.advance(DAY_MS);
    const client = new Client(node.url, busy.apiKey, { 'User-Agent': CLIENTS[day % CLIENTS.length] as string });
    for (let call = 0; call < 3 + ((day * 7) % 11); call++) {
      const [title, content, tags, project] = NOTES[(day + call) % NOTES.length] as (typeof NOTES)[number];
      const seen = day > DAYS - NOTES.length ? '' : ` (${DAYS - day})`;
      if (call < 3)
        await client.post('/memories', {
          title: title + seen,
          content: `${content}${seen && `\n\nSeen again${seen}.`}`,
          tags,
          project,
        });
      else await client.post('/search', { query: QUERIES[(day + call) % QUERIES.length] });
    }
    if (day % 3 === 0) await client.post('/context', { query: 'prepare a release', max_tokens: 1_000 });
    if (day % 5 === 0) await client.get('/memories/none');
  }

  const { api } = busy;
  const first = await api.post('/memories', {
    title: 'Feature flags',
    content: 'Flags live in `config/flags.yaml`.',
    tags: ['config'],
    project: 'shop',
  });
  const memoryId: string = first.body.id;
  await api.patch(`/memories/${memoryId}`, {
    content: 'Flags live in `config/flags.yaml` since November.\n\n- `beta` is for **staff**',
  });
  await api.patch(`/memories/${memoryId}`, { tags: ['config', 'flags'] });
  await api.post('/memories', {
    title: 'Deploy day',
    content: 'We deploy on Fridays, from the release branch, after all smoke tests.',
    tags: ['ops'],
    project: 'shop',
  });
  await api.post('/user/keys', { name: 'CI, read-only', scopes: ['memories:read'] });
  const lines = ['{"content":"A line that is stored."}', '{"text_without_a_known_field":1}', 'no JSON'].join('\n');
  const imported = await api.post('/import', { content: lines, format: 'jsonl', name: 'notes.jsonl', dry_run: false });

  // Nothing answers there, so that its deliveries fail.
  const webhook = await api.post('/webhooks', { url: 'https://127.0.0.1:9/hooks', description: 'Indexer of the shop' });
  if (webhook.status !== 201) throw new Error(`the webhook was not made: ${webhook.text}`);
  await api.post(`/webhooks/${webhook.body.id}/test`);
  await appOf(busy);

  const membership = whop.buy('plan_pro');
  await whop.idle();
  // An account is made of a membership that is active when its webhook is processed.
  await settled();
  whop.end(membership);
  await whop.idle();
  await settled();
  const customer = await vi.waitUntil(() => account(membership.person?.id), { timeout: 60_000, interval: 200 });
  return {
    busy,
    fresh,
    customerId: customer.id,
    memoryId,
    importId: imported.body.id,
    webhookId: webhook.body.id,
  };
}
