import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import * as admin from '../api/accounts/admin.ts';
import { replayReceipts } from '../api/accounts/purge.ts';
import { receiptList } from '../api/backup/receipts-file.ts';
import { openBilling } from '../api/billing/billing.ts';
import { listRecentWebhooks, replayWebhook, requireWebhook } from '../api/billing/inbox.ts';
import { reconcile } from '../api/billing/reconcile.ts';
import { readConfig } from '../api/config.ts';
import type { RequestContext } from '../api/context.ts';
import { SCOPES } from '../api/contracts/operation.ts';
import { PLAN_NAMES } from '../api/limits/plans.ts';
import * as apps from '../api/oauth/apps.ts';
import { createLog } from '../api/observability/log.ts';
import { connect, type Database } from '../db/client/database.ts';
import { listApps } from '../db/queries/accounts/apps.ts';
import { listDeletionReceipts } from '../db/queries/accounts/lifecycle.ts';
import { listReconciliationDifferences } from '../db/queries/billing/reconciliations.ts';
import { migrateUp } from '../db/schema/migrate.ts';
import { withOwnerUrl } from './open-database.ts';

const HELP = `Usage: whitemagic-server admin <command> [options] [--json]

  users list
  users create --email ADDRESS [--plan ${PLAN_NAMES.join('|')}]     prints the key once
  users set-plan --user ID|ADDRESS --plan PLAN
  users set-override --user ID|ADDRESS [--requests-per-minute N] [--requests-per-day N] [--storage-bytes N]
                                                  without any: resets to the plan's limits
  users set-operator --user ID|ADDRESS [--off]     lets the account's sessions use the screens of administration
  users delete --user ID|ADDRESS [--immediate]    can be restored for 30 days, unless --immediate
  users restore --user ID|ADDRESS
  keys list --user ID|ADDRESS
  keys create --user ID|ADDRESS [--name NAME] [--scopes ${SCOPES.join(',')}] [--project NAME]...
                                                  prints the key once; with --project, it sees and writes these projects only
  keys revoke --key ID
  apps list --user ID|ADDRESS                     apps that are connected by OAuth
  apps revoke --app ID                            ends the access of an app at once
  webhooks list [--state dead|pending|processed|ignored]     webhooks of Whop; dead: failed for good
  webhooks show --webhook ID
  webhooks replay --webhook ID                    processes a dead or pending webhook again
  reconcile                                       compares all memberships with Whop now, and repairs what differs
  receipts list                                   purged accounts; store this list apart from your backups
  receipts replay [--file FILE]                   purges accounts that a restored backup contains, by the receipts in the
                                                  database and those in FILE, as printed by \`receipts list --json\`

--json prints one JSON value and nothing else. Uses DATABASE_OWNER_URL or DATABASE_URL, or else the embedded database in
DATA_DIR, whether a service runs or not.`;

/** Apps of a user in a list. */
const APPS_MAX = 100;
/** Differences that a comparison with Whop prints. */
const DIFFERENCES_MAX = 1_000;

const plan = z.enum(PLAN_NAMES);
const id = z.uuid();
const user = z
  .string()
  .refine((text) => text.includes('@') || id.safeParse(text).success, 'must be a user id or an e-mail address');
const webhook = z.string().min(1);
const state = z.enum(['dead', 'pending', 'processed', 'ignored']);
const count = z.coerce.number().int().positive();
const scopes = z
  .string()
  .transform((list) => list.split(','))
  .pipe(z.array(z.enum(SCOPES)).min(1));

/** The schema of each command's options, and its function. */
const COMMANDS = {
  'users list': command(z.strictObject({}), (context) => admin.listAllUsers(context)),
  'users create': command(z.strictObject({ email: z.email(), plan: plan.default('free') }), (context, input) =>
    admin.addUser(context, { ...input, keyEnvironment: readConfig().keyEnvironment }),
  ),
  'users set-plan': command(z.strictObject({ user, plan }), async (context, input) =>
    admin.setPlan(context, await admin.requireUser(context, input.user), input.plan),
  ),
  'users set-override': command(
    z.strictObject({
      user,
      'requests-per-minute': count.optional(),
      'requests-per-day': count.optional(),
      'storage-bytes': count.optional(),
    }),
    async (context, input) =>
      admin.setOverrides(context, await admin.requireUser(context, input.user), {
        ...(input['requests-per-minute'] && { requests_per_minute: input['requests-per-minute'] }),
        ...(input['requests-per-day'] && { requests_per_day: input['requests-per-day'] }),
        ...(input['storage-bytes'] && { storage_bytes: input['storage-bytes'] }),
      }),
  ),
  'users set-operator': command(z.strictObject({ user, off: z.boolean().default(false) }), async (context, input) =>
    admin.setOperator(context, await admin.requireUser(context, input.user), !input.off),
  ),
  'users delete': command(z.strictObject({ user, immediate: z.boolean().default(false) }), async (context, input) =>
    admin.deleteUser(context, await admin.requireUser(context, input.user), input),
  ),
  'users restore': command(z.strictObject({ user }), async (context, input) =>
    admin.restoreUser(context, await admin.requireUser(context, input.user)),
  ),
  'keys list': command(z.strictObject({ user }), async (context, input) =>
    admin.listUserKeys(context, await admin.requireUser(context, input.user)),
  ),
  'keys create': command(
    z.strictObject({
      user,
      name: z.string().min(1).max(100).default('API key'),
      scopes: scopes.optional(),
      project: z.array(z.string()).optional(),
    }),
    async (context, input) =>
      admin.addKey(context, await admin.requireUser(context, input.user), {
        ...input,
        keyEnvironment: readConfig().keyEnvironment,
      }),
  ),
  'keys revoke': command(z.strictObject({ key: id }), (context, input) => admin.revokeAnyKey(context, input.key)),
  'apps list': command(z.strictObject({ user }), async (context, input) =>
    listApps(context.sql, (await admin.requireUser(context, input.user)).id, context.now(), APPS_MAX),
  ),
  'apps revoke': command(z.strictObject({ app: id }), (context, input) => apps.revokeAny(context, input.app, 'admin')),
  'webhooks list': command(z.strictObject({ state: state.optional() }), (context, input) =>
    listRecentWebhooks(context, input.state),
  ),
  'webhooks show': command(z.strictObject({ webhook }), (context, input) => requireWebhook(context, input.webhook)),
  'webhooks replay': command(z.strictObject({ webhook }), (context, input) => replayWebhook(context, input.webhook)),
  'receipts list': command(z.strictObject({}), (context) => listDeletionReceipts(context.sql)),
  'receipts replay': command(z.strictObject({ file: z.string().min(1).optional() }), async (context, { file }) => {
    const fromFile = file ? receiptList.parse(JSON.parse(await readFile(file, 'utf8'))) : [];
    const known = new Set(fromFile.map(({ user_id }) => user_id));
    return replayReceipts(context, [
      ...fromFile,
      ...(await listDeletionReceipts(context.sql)).filter((one) => !known.has(one.user_id)),
    ]);
  }),
};

/** Commands that open their own transactions, because they wait for another service. */
const WITHOUT_TRANSACTION = {
  reconcile: (database: Database) => reconcileNow(database),
};

/** Compares all memberships with Whop, and returns the counts and each difference. */
async function reconcileNow(database: Database) {
  const config = readConfig();
  const billing = openBilling(config.whop, {
    now: () => new Date(),
    newId: () => uuidv7(),
    database,
    publicUrl: () => config.publicUrl ?? `http://${config.host}:${config.port}`,
    log: createLog({ level: 'error', pretty: false, process: 'admin' }),
    metrics: { webhookRejected: () => undefined, repaired: () => undefined },
  });
  if (!billing) throw new Error('This service sells no plans: WHOP_API_KEY is not set.');
  const { id, ...counts } = await reconcile(billing);
  const repaired = await listReconciliationDifferences(database.owner, DIFFERENCES_MAX, id);
  if (counts.failed > 0) process.exitCode = 1;
  return { ...counts, repaired };
}

type Command = (context: RequestContext, options: Record<string, unknown>) => Promise<unknown>;

function command<Input extends z.ZodType>(
  schema: Input,
  execute: (context: RequestContext, input: z.output<Input>) => Promise<unknown>,
): Command {
  return (context, options) => {
    const parsed = schema.safeParse(options);
    if (!parsed.success) throw new Error(`${z.prettifyError(parsed.error)}\n\n${HELP}`);
    return execute(context, parsed.data);
  };
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
      email: { type: 'string' },
      plan: { type: 'string' },
      user: { type: 'string' },
      key: { type: 'string' },
      app: { type: 'string' },
      webhook: { type: 'string' },
      state: { type: 'string' },
      immediate: { type: 'boolean' },
      off: { type: 'boolean' },
      file: { type: 'string' },
      name: { type: 'string' },
      scopes: { type: 'string' },
      project: { type: 'string', multiple: true },
      'requests-per-minute': { type: 'string' },
      'requests-per-day': { type: 'string' },
      'storage-bytes': { type: 'string' },
    },
  });
  const { json, help, ...options } = values;
  if (help) return print(HELP);
  const name = positionals.join(' ');
  const result = await withDatabase(async (database) => {
    if (Object.hasOwn(WITHOUT_TRANSACTION, name)) {
      if (Object.keys(options).length > 0) throw new Error(HELP);
      return WITHOUT_TRANSACTION[name as keyof typeof WITHOUT_TRANSACTION](database);
    }
    const execute = (COMMANDS as Record<string, Command | undefined>)[name];
    if (!execute) throw new Error(HELP);
    return database.ownerWrite((sql) => execute({ now: () => new Date(), newId: () => uuidv7(), sql }, options));
  });
  if (json) print(JSON.stringify(result));
  else if (Array.isArray(result)) console.table(result.map(toTableRow));
  else
    for (const [name, value] of Object.entries(result as object))
      print(`${name}: ${typeof value === 'object' ? JSON.stringify(value) : value}`);
}

/** Migrates the database, and runs `work` on it as the role that owns the tables. */
function withDatabase<T>(work: (database: Database) => Promise<T>): Promise<T> {
  const config = readConfig();
  return withOwnerUrl(config, async (url) => {
    await migrateUp(url);
    const database = connect({ url, onError: () => undefined });
    try {
      return await work(database);
    } finally {
      await database.close();
    }
  });
}

/** Formats a row for a table: times to the second, objects as JSON. */
function toTableRow(row: object): Record<string, unknown> {
  const entries = Object.entries(row).map(([name, value]) => {
    if (value instanceof Date) return [name, value.toISOString().slice(0, 19)];
    return [name, typeof value === 'object' && value !== null ? JSON.stringify(value) : value];
  });
  return Object.fromEntries(entries);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
