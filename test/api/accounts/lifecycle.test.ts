import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { deactivate, reactivate } from '../../../api/accounts/lifecycle.ts';
import {
  type HasLapsed,
  type PurgeOutcome,
  purgeAccount,
  purgeDueAccounts,
  WARNINGS_DAYS_LEFT,
} from '../../../api/accounts/purge.ts';
import { READ_ONLY_DAYS } from '../../../api/limits/plans.ts';
import { deliver } from '../../../api/mail/deliver.ts';
import { type MailTransport, smtpTransport } from '../../../api/mail/transport.ts';
import type { Sql } from '../../../db/client/sql.ts';
import { listDeletionReceipts } from '../../../db/queries/accounts/lifecycle.ts';
import type { UserStatus } from '../../../db/queries/accounts/users.ts';
import { mailParts } from '../../support/mail-parts.ts';
import { type MailSink, startMailSink } from '../../support/mail-sink.ts';
import { runScript, spawnScript } from '../../support/run-script.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';
import { countRows } from '../../support/tenant-rows.ts';

vi.setConfig({ testTimeout: 60_000 });

const PUBLIC_URL = 'https://memory.example.com';
const clock = { now: () => new Date(), newId: () => uuidv7() };
const gone: HasLapsed = async () => true;

let sink: MailSink;
let transport: MailTransport;
/** A node without background jobs: the tests run them one by one. */
let node: TestService;
let owner: pg.Pool;

beforeAll(async () => {
  [sink, node] = await Promise.all([startMailSink(), startTestService()]);
  transport = smtpTransport(sink.url, 'noreply@example.com');
  owner = node.service.database.owner;
});
afterAll(async () => {
  transport.close();
  await node.stop();
  await sink.close();
});

let children: ReturnType<typeof spawnScript>[] = [];
afterEach(async () => {
  for (const { child, finished } of children) {
    child.kill('SIGKILL');
    await finished;
  }
  children = [];
});

type Owner = TestUser & { email: string };
let count = 0;

async function newOwner(more: { email?: null } = {}): Promise<Owner> {
  const email = `leaver-${++count}@example.com`;
  const user = await node.newUser(more.email === null ? {} : { email });
  await user.api.post('/memories', { title: 'Kept', content: email });
  return { ...user, email };
}

const inTransaction = <T>(work: (context: { sql: Sql; now: () => Date; newId: () => string }) => Promise<T>) =>
  node.service.database.ownerWrite((sql) => work({ ...clock, sql }));

async function newLapsed(): Promise<Owner> {
  const user = await newOwner();
  await inTransaction((context) => deactivate(context, user.userId, 'test'));
  return user;
}

/** Moves an account's dates back by some days. */
async function pass(user: Owner, days: number): Promise<void> {
  await owner.query(
    `update users set read_only_since = read_only_since - $2::interval, closing_since = closing_since - $2::interval,
      purge_at = purge_at - $2::interval where id = $1`,
    [user.userId, `${days} days`],
  );
}

/** Runs the hourly job and returns its outcomes. */
async function run(hasLapsed: HasLapsed = gone) {
  const report = { purged: [] as string[], kept: [] as [string, unknown][] };
  await purgeDueAccounts(node.service.database, clock, hasLapsed, {
    onPurged: (userId) => report.purged.push(userId),
    onKept: (userId, reason) => report.kept.push([userId, reason]),
  });
  return report;
}

/** Sends the e-mails of the outbox and returns the subjects of all that an owner has received. */
async function subjectsOf(user: Owner): Promise<string[]> {
  const { rows } = await owner.query('select user_id, id from outbox where sent_at is null');
  for (const { user_id, id } of rows) {
    await node.service.database.ownerWrite((sql) => deliver(sql, transport, PUBLIC_URL, user_id, id));
  }
  return sink.received.filter(({ to }) => to.includes(user.email)).map(({ source }) => mailParts(source).subject);
}

async function statusOf(user: Owner): Promise<UserStatus | undefined> {
  return (await owner.query('select status from users where id = $1', [user.userId])).rows[0]?.status;
}

async function receiptOf(user: Owner) {
  const receipts = await node.service.database.ownerWrite(listDeletionReceipts);
  return receipts.find(({ user_id }) => user_id === user.userId);
}

const ENDED = 'Your WhiteMagic plan has ended';
const IN_7_DAYS = 'Your WhiteMagic memories will be deleted in 7 days';
const IN_A_DAY = 'Your WhiteMagic memories will be deleted in one day';

describe('purge of a read-only account', () => {
  it('happens on day 30, after one e-mail each on days 0, 23 and 29, however often the job runs', async () => {
    expect(READ_ONLY_DAYS - WARNINGS_DAYS_LEFT[0]).toBe(23);
    expect(READ_ONLY_DAYS - WARNINGS_DAYS_LEFT[1]).toBe(29);
    const user = await newLapsed();
    const subjects: Record<number, string[]> = {};
    for (let day = 0; day <= READ_ONLY_DAYS; day++) {
      if (day > 0) await pass(user, 1);
      for (let time = 0; time < 2; time++) await run();
      if ((await statusOf(user)) === 'read_only') subjects[day] = await subjectsOf(user);
    }
    expect(subjects[22]).toEqual([ENDED]);
    expect(subjects[23]).toEqual([ENDED, IN_7_DAYS]);
    expect(subjects[28]).toEqual([ENDED, IN_7_DAYS]);
    expect(subjects[29]).toEqual([ENDED, IN_7_DAYS, IN_A_DAY]);
    expect(subjects[30]).toBeUndefined();
    expect(await countRows(owner, user.userId)).toEqual({});
    expect(await receiptOf(user)).toMatchObject({ reason: 'lapsed', counts: { memories: 1, keys: 1 } });
    expect(await subjectsOf(user)).toHaveLength(3);
  });

  it('waits for the last warning and its full day after months without a job', async () => {
    const user = await newLapsed();
    await pass(user, 200);
    expect((await run()).purged).not.toContain(user.userId);
    expect(await subjectsOf(user)).toEqual([ENDED, IN_A_DAY]);
    const { rows } = await owner.query(
      "select purge_at > now() + interval '23 hours' as kept from users where id = $1",
      [user.userId],
    );
    expect(rows).toEqual([{ kept: true }]);
    await pass(user, 1);
    expect((await run()).purged).toContain(user.userId);
  });

  it('needs no warning for an account without an e-mail address', async () => {
    const user = await newOwner({ email: null });
    await inTransaction((context) => deactivate(context, user.userId, 'test'));
    for (const days of [23, 6, 1]) {
      await pass(user, days);
      await run();
    }
    expect(await statusOf(user)).toBeUndefined();
  });

  it('is canceled by a new plan in the last hour, and warns again the next time', async () => {
    const user = await newLapsed();
    await pass(user, 29.9);
    await run();
    await inTransaction((context) => reactivate(context, user.userId));
    await pass(user, 60);
    await run();
    expect(await statusOf(user)).toBe('active');
    expect((await user.api.get('/memories')).body.total).toBe(1);
    await inTransaction((context) => deactivate(context, user.userId, 'test'));
    await pass(user, 29.9);
    await run();
    expect(await subjectsOf(user)).toEqual([ENDED, IN_A_DAY, ENDED, IN_A_DAY]);
  });

  it('is postponed while Whop reports a plan or is unavailable, without delaying other accounts', async () => {
    const [paying, unsure, done] = await Promise.all([newLapsed(), newLapsed(), newLapsed()]);
    for (const user of [paying, unsure, done]) await pass(user, 29);
    await run();
    for (const user of [paying, unsure, done]) await pass(user, 1);
    await subjectsOf(done);
    const failure = new Error('Whop is unavailable');
    const asked: string[] = [];
    const report = await run(async (userId) => {
      asked.push(userId);
      if (userId === unsure.userId) throw failure;
      return userId !== paying.userId;
    });
    expect(asked.toSorted()).toEqual([paying, unsure, done].map(({ userId }) => userId).toSorted());
    expect(report.kept.toSorted()).toEqual(
      [
        [paying.userId, undefined],
        [unsure.userId, failure],
      ].toSorted(),
    );
    expect(report.purged).toEqual([done.userId]);
    expect([await statusOf(paying), await statusOf(unsure), await statusOf(done)]).toEqual([
      'read_only',
      'read_only',
      undefined,
    ]);
  });
});

describe('purge of an active account', () => {
  it('never happens, however old it is, also on the free plan', async () => {
    const [free, paid] = [await newOwner(), await newOwner()];
    await owner.query("update users set plan = 'free', created_at = '2001-01-01' where id = $1", [free.userId]);
    const asked = vi.fn(gone);
    await run(asked);
    expect([await statusOf(free), await statusOf(paid)]).toEqual(['active', 'active']);
    expect(asked.mock.calls.flat()).not.toContain(free.userId);
    expect(await subjectsOf(free)).toEqual([]);
  });
});

describe('purge of an account that its owner closed', () => {
  it('happens after the retention period without another e-mail or a request to Whop', async () => {
    const user = await newOwner();
    await user.api.delete(`/account?confirm=${user.userId}`);
    const asked = vi.fn(gone);
    await pass(user, READ_ONLY_DAYS - 0.1);
    expect((await run(asked)).purged).not.toContain(user.userId);
    await subjectsOf(user);
    await pass(user, 1);
    expect((await run(asked)).purged).toContain(user.userId);
    expect(asked).not.toHaveBeenCalledWith(user.userId);
    expect(await countRows(owner, user.userId)).toEqual({});
    expect(await receiptOf(user)).toMatchObject({ reason: 'asked' });
    expect(await subjectsOf(user)).toEqual(['Your WhiteMagic account is being deleted']);
  });

  it('waits for the unsent e-mail about it, for at most an hour', async () => {
    const [user, unreached] = [await newOwner(), await newOwner()];
    for (const one of [user, unreached]) await one.api.delete(`/account?confirm=${one.userId}&immediate=true`);
    const purge = ({ userId }: Owner) => purgeAccount(node.service.database, clock, gone, userId);
    expect(await purge(user)).toBe('waiting');
    expect(Object.keys(await countRows(owner, user.userId))).toContain('memories');
    await owner.query("update outbox set created_at = created_at - interval '61 minutes' where user_id = $1", [
      unreached.userId,
    ]);
    expect(await purge(unreached)).toBe('purged');
    expect(await subjectsOf(user)).toEqual(['Your WhiteMagic account is being deleted']);
    expect(await purge(user)).toBe('purged');
    expect(await purge(user)).toBeUndefined();
  });
});

/** Returns the owner of an account that is due to be purged, with all e-mails sent. */
async function newDue(): Promise<Owner> {
  const user = await newLapsed();
  await pass(user, 29);
  await run();
  await subjectsOf(user);
  await pass(user, 1);
  return user;
}

describe('reactivation that races the purge', () => {
  const purge = ({ userId }: Owner, hasLapsed = gone) => purgeAccount(node.service.database, clock, hasLapsed, userId);

  it('keeps the account when it locks the row first', async () => {
    const user = await newDue();
    const client = new pg.Client(node.databaseUrl);
    await client.connect();
    await client.query('begin');
    await reactivate({ ...clock, sql: client as unknown as Sql }, user.userId);
    let outcome: PurgeOutcome | undefined | 'none' = 'none';
    const purging = purge(user).then((answer) => {
      outcome = answer;
    });
    await waitingForLock(1);
    expect(outcome).toBe('none');
    await client.query('commit');
    await purging;
    await client.end();
    expect([outcome, await statusOf(user)]).toEqual([undefined, 'active']);
    expect((await user.api.get('/memories')).body.total).toBe(1);
    expect(await receiptOf(user)).toBeUndefined();
  });

  it('keeps the account when it commits during the request to Whop', async () => {
    const user = await newDue();
    const outcome = await purge(user, async (userId) => {
      await inTransaction((context) => reactivate(context, userId));
      return true;
    });
    expect([outcome, await statusOf(user)]).toEqual([undefined, 'active']);
  });

  it('leaves the account either whole or purged at any moment', async () => {
    const outcomes: string[] = [];
    const users = await Promise.all(Array.from({ length: 20 }, newDue));
    for (const [n, user] of users.entries()) {
      const [purged] = await Promise.all([
        delay(n % 4).then(() => purge(user)),
        delay(Math.floor(n / 4)).then(() => inTransaction((context) => reactivate(context, user.userId))),
      ]);
      outcomes.push(String(purged));
      const rows = await countRows(owner, user.userId);
      if (purged === 'purged') expect([rows, (await receiptOf(user))?.counts.memories]).toEqual([{}, 1]);
      else expect([rows.memories, await statusOf(user), await receiptOf(user)]).toEqual([1, 'active', undefined]);
    }
    console.log(`20 races: ${outcomes.filter((outcome) => outcome === 'purged').length} purged, the others kept`);
  });
});

/** Resolves when this number of statements waits for a lock in this database. */
async function waitingForLock(statements: number): Promise<void> {
  await vi.waitUntil(
    async () => {
      const { rowCount } = await owner.query(
        "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      );
      return rowCount === statements;
    },
    { timeout: 20_000, interval: 10 },
  );
}

describe('worker that is killed during a purge', () => {
  it('deletes nothing, and the next worker deletes everything', async () => {
    const user = await newOwner();
    for (let n = 0; n < 20; n++) await user.api.post('/memories', { title: `t${n}`, content: 'c', tags: ['x'] });
    await user.api.delete(`/account?confirm=${user.userId}&immediate=true`);
    await subjectsOf(user);
    const before = await countRows(owner, user.userId);

    // The purge has locked the account and some of its rows when it waits for a row that another transaction has locked.
    const holder = new pg.Client(node.databaseUrl);
    await holder.connect();
    await holder.query('begin');
    await holder.query('select from memories where user_id = $1 order by id desc limit 1 for update', [user.userId]);
    const spawnWorker = () => {
      const child = spawnScript('api/jobs/main.ts', [], {
        DATABASE_URL: node.databaseUrl,
        SMTP_URL: sink.url,
        LOG_LEVEL: 'error',
      });
      children.push(child);
      return child;
    };
    const killed = spawnWorker();
    await waitingForLock(1);
    killed.child.kill('SIGKILL');
    await killed.finished;
    await holder.query('rollback');
    await holder.end();
    await vi.waitFor(async () => {
      const { rowCount } = await owner.query(
        "select from pg_stat_activity where query ilike 'delete from users%' and state <> 'idle'",
      );
      expect(rowCount).toBe(0);
    });
    expect(await countRows(owner, user.userId)).toEqual(before);
    expect(await receiptOf(user)).toBeUndefined();

    spawnWorker();
    await vi.waitFor(async () => expect(await countRows(owner, user.userId)).toEqual({}), { timeout: 30_000 });
    expect(await receiptOf(user)).toMatchObject({ counts: { memories: 21 } });
  });
});

describe('deletion receipts', () => {
  it('delete an account again that a restored backup brought back, from the table or from a file', async () => {
    const user = await newOwner();
    const other = await newOwner();
    const admin = async (...args: string[]) => {
      const { code, stdout, stderr } = await runScript('scripts/admin.ts', [...args, '--json'], {
        DATABASE_URL: node.databaseUrl,
      });
      expect(code, stderr).toBe(0);
      return JSON.parse(stdout);
    };
    const backup = await owner.query('select * from users where id = $1', [user.userId]);
    const restoreBackup = () =>
      owner.query('insert into users select * from jsonb_populate_record(null::users, $1)', [backup.rows[0]]);
    await user.api.delete(`/account?confirm=${user.userId}&immediate=true`);
    await subjectsOf(user);
    await run();
    const [receipt] = (await admin('receipts', 'list')).filter(
      ({ user_id }: { user_id: string }) => user_id === user.userId,
    );
    expect(Object.keys(receipt)).toEqual(['user_id', 'reason', 'asked_at', 'purged_at', 'counts']);

    await restoreBackup();
    const replayed = await admin('receipts', 'replay');
    expect(replayed).toContainEqual({ user_id: user.userId, purged_at: receipt.purged_at, deleted_again: true });
    expect(await countRows(owner, user.userId)).toEqual({});

    // The backup is older than the receipt, which is read from a file.
    await restoreBackup();
    await owner.query('delete from deletion_receipts where user_id = $1', [user.userId]);
    const folder = await mkdtemp(join(tmpdir(), 'whitemagic-receipts-'));
    const file = join(folder, 'receipts.json');
    await writeFile(file, JSON.stringify([receipt]));
    const again = await admin('receipts', 'replay', '--file', file);
    expect(again[0]).toEqual({ user_id: user.userId, purged_at: receipt.purged_at, deleted_again: true });
    expect(again.slice(1).some(({ deleted_again }: { deleted_again: boolean }) => deleted_again)).toBe(false);
    await rm(folder, { recursive: true });
    expect(await countRows(owner, user.userId)).toEqual({});
    expect((await receiptOf(user))?.reason).toBe('asked');
    expect((await countRows(owner, other.userId)).memories).toBe(1);
  });
});
