import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Database } from '../../db/client/database.ts';
import { deferRows, dryRun, type Sql, withSavepoint } from '../../db/client/sql.ts';
import { dropDatabase, freshDatabase } from '../support/database.ts';
import { DEADLOCK_ON_PURPOSE } from '../support/deadlocks.ts';
import { startTestService } from '../support/service.ts';

let url: string;
let database: Database;
const tenants = Array.from({ length: 7 }, () => uuidv7());
const connectionErrors: Error[] = [];

beforeAll(async () => {
  url = await freshDatabase();
  database = connect({ url, onError: (error) => connectionErrors.push(error) });
  for (const id of tenants) {
    await database.ownerWrite(async (sql) => {
      await sql.query({
        text: "insert into users (id, plan, created_at, updated_at) values ($1, 'pro', now(), now())",
        values: [id],
      });
      await sql.query({ text: 'insert into quotas (user_id) values ($1)', values: [id] });
    });
  }
});
afterAll(async () => {
  await database.close();
  await dropDatabase(url);
});

const SEEN = "select current_setting('app.user_id', true) as tenant, array(select user_id::text from quotas) as rows";
interface Seen {
  tenant: string;
  rows: string[];
}
/** Named, as on hot paths, so that prepared statements are covered. */
const seenStatement = { name: 'seen', text: SEEN };
const seenBy = async (sql: Sql) => (await sql.query<Seen>(seenStatement)).rows;

describe('database.shared', () => {
  const pidOf = async () => {
    const text = 'select pg_backend_pid() as pid';
    return (await database.shared(tenantOf(0)).query<{ pid: number }>({ text })).rows[0]?.pid as number;
  };
  const countDistinct = (pids: number[]) => new Set(pids).size;

  it('puts up to sixteen statements of one turn of the event loop on one connection, and those of the next on another', async () => {
    const turns: number[][] = [];
    for (let turn = 0; turn < 3; turn++) turns.push(await Promise.all(Array.from({ length: 16 }, pidOf)));
    expect(turns.map(countDistinct)).toEqual([1, 1, 1]);
    expect(countDistinct(turns.flat())).toBe(3);
    expect(countDistinct(await Promise.all(Array.from({ length: 17 }, pidOf)))).toBe(2);
  });
});

describe('tenant of a connection', () => {
  it('does not leak between 1,000 interleaved shared reads of several tenants', async () => {
    const responses = await Promise.all(
      Array.from({ length: 1_000 }, async (_, n) => {
        const id = tenantOf(n * 31);
        // Some start later, so that they join a pipeline in progress.
        if (n % 3 === 0) await delay(n % 20);
        return { id, seen: await seenBy(database.shared(id)) };
      }),
    );
    for (const { id, seen } of responses) expect(seen).toEqual([{ tenant: id, rows: [id] }]);
  });

  it('does not leak between shared reads, reads and writes, some of which fail', async () => {
    const kinds = [
      (id: string) => seenBy(database.shared(id)),
      (id: string) => seenBy(database.read(id)),
      (id: string) => database.write(id, seenBy),
      (id: string) => failing(database.shared(id)),
      (id: string) => database.write<Seen[]>(id, (sql) => failing(sql)),
      (id: string) => failing(database.read(id)),
    ];
    const responses = await Promise.all(
      Array.from({ length: 600 }, async (_, n) => {
        const id = tenantOf(n * 17);
        const kind = n % kinds.length;
        return { id, kind, seen: await kinds[kind]?.(id).catch((error) => error.code) };
      }),
    );
    for (const { id, kind, seen } of responses) {
      expect([kind, seen]).toEqual([kind, kind < 3 ? [{ tenant: id, rows: [id] }] : '22012']);
    }
  });

  it('is reset after a write, and an invalid tenant id is rejected', async () => {
    await database.write(tenantOf(0), async (sql) => sql.query(seenStatement));
    await expect(seenBy(database.shared('not a uuid'))).rejects.toMatchObject({ code: '22P02' });
    await expect(seenBy(database.shared('\0'))).rejects.toThrow();
    await expect(seenBy(database.read('\0'))).rejects.toThrow();
    await expect(database.write('\0', (sql) => sql.query(seenStatement))).rejects.toThrow();
    expect(await seenBy(database.shared(tenantOf(1)))).toEqual([{ tenant: tenantOf(1), rows: [tenantOf(1)] }]);
  });
});

describe('database.read', () => {
  it('runs concurrent statements in parallel, and holds no connection between statements', async () => {
    const lock = 4711;
    const holder = new pg.Client(url);
    const narrow = connect({ url, poolSize: 4, onError: (error) => connectionErrors.push(error) });
    await holder.connect();
    try {
      await holder.query('select pg_advisory_lock($1)', [lock]);
      const completed: string[] = [];
      const sql = narrow.read(tenantOf(0));
      const slow = sql
        .query({ text: 'select pg_advisory_xact_lock($1)', values: [lock] })
        .then(() => completed.push('the slow statement'));
      // One of the tenant's two connections waits; each completed read has released the other one.
      for (let n = 0; n < 3; n++) expect(await seenBy(sql)).toEqual([{ tenant: tenantOf(0), rows: [tenantOf(0)] }]);
      expect(await seenBy(narrow.read(tenantOf(1)))).toEqual([{ tenant: tenantOf(1), rows: [tenantOf(1)] }]);
      completed.push('the others');
      await holder.query('select pg_advisory_unlock($1)', [lock]);
      await slow;
      expect(completed).toEqual(['the others', 'the slow statement']);
    } finally {
      await holder.end();
      await narrow.close();
    }
  });
});

describe('database.write', () => {
  it('throws and rolls back when its work swallowed the error of a statement', async () => {
    const writing = database.write(tenantOf(0), async (sql) => {
      await bump(sql, tenantOf(0), 5);
      await failing(sql).catch(() => undefined);
      return 'stored';
    });
    await expect(writing).rejects.toThrow('the transaction was rolled back');
    expect(await bytesOf(tenantOf(0))).toBe('0');
  });

  it('sends deferred rows once, with the commit, without those of an item or dry run that was rolled back', async () => {
    const sent: number[][] = [];
    const addRows = (sql: Sql, ...rows: number[]) =>
      deferRows(
        sql,
        'rows',
        (all: readonly number[]) => {
          sent.push([...all]);
          return { text: 'select 1' };
        },
        rows,
      );
    await database.write(tenantOf(0), async (sql) => {
      await withSavepoint(sql, () => addRows(sql, 1));
      const failing = withSavepoint(sql, async () => {
        await addRows(sql, 2);
        await sql.query({ text: 'select 1 / 0' });
      });
      await expect(failing).rejects.toThrow('division by zero');
      await dryRun(sql, () => addRows(sql, 3));
      await withSavepoint(sql, () => addRows(sql, 4, 5));
      expect(sent).toEqual([]);
    });
    expect(sent).toEqual([[1, 4, 5]]);
  });

  it('rolls back when its work throws, and leaves no open transaction', async () => {
    const failure = new Error('work failed');
    const writing = database.write(tenantOf(0), async (sql) => {
      await bump(sql, tenantOf(0), 5);
      throw failure;
    });
    await expect(writing).rejects.toBe(failure);
    expect(await bytesOf(tenantOf(0))).toBe('0');
    const idle = await database.owner.query(
      "select from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'",
    );
    expect(idle.rowCount).toBe(0);
  });

  it('returns when it is on disk, also when several commit at once', async () => {
    let begun = 0;
    let release = () => {};
    const allBegun = new Promise<void>((resolve) => {
      release = resolve;
    });
    const write = async (id: string) => {
      const lsn = await database.write(id, async (sql) => {
        await sql.query({ text: 'update quotas set words = words + 1 where user_id = $1', values: [id] });
        if (++begun === tenants.length) release();
        await allBegun;
        const { rows } = await sql.query<{ lsn: string }>({
          text: 'select pg_current_wal_insert_lsn()::text as lsn',
        });
        return rows[0]?.lsn;
      });
      const { rows } = await database.owner.query<{ durable: boolean }>(
        'select pg_current_wal_flush_lsn() > $1::pg_lsn as durable',
        [lsn],
      );
      return rows[0]?.durable;
    };
    expect(await Promise.all(tenants.map(write))).toEqual(tenants.map(() => true));
  });

  it('retries after a deadlock, so that both writes succeed', async () => {
    let attempts = 0;
    const bothArrived = barrier(2);
    const move = (first: string, second: string) =>
      database.ownerWrite(async (sql) => {
        attempts++;
        await bump(sql, first, 1, DEADLOCK_ON_PURPOSE);
        // Both lock their first row before either requests its second; the retry does not wait again.
        await bothArrived();
        await bump(sql, second, 1, DEADLOCK_ON_PURPOSE);
      });
    const before = [await bytesOf(tenantOf(2)), await bytesOf(tenantOf(3))].map(Number);
    await Promise.all([move(tenantOf(2), tenantOf(3)), move(tenantOf(3), tenantOf(2))]);
    expect(attempts).toBe(3);
    const after = [await bytesOf(tenantOf(2)), await bytesOf(tenantOf(3))].map(Number);
    expect(after).toEqual(before.map((bytes) => bytes + 2));
  });

  it('gives up after three attempts that fail with a serialization error', async () => {
    let attempts = 0;
    const writing = database.write(tenantOf(0), (sql) => {
      attempts++;
      return sql.query({ text: "do $$ begin raise exception 'again' using errcode = '40001'; end $$" });
    });
    await expect(writing).rejects.toMatchObject({ code: '40001' });
    expect(attempts).toBe(3);
  });
});

describe('database after the server terminated every connection', () => {
  it('reconnects for the next calls, and the process survives', async () => {
    await warm();
    expect(await terminateAll(url)).toBeGreaterThan(5);
    const end = Date.now() + 5_000;
    for (let good = 0; good < 50; ) {
      const responses = await Promise.allSettled([
        seenBy(database.shared(tenantOf(good))),
        seenBy(database.read(tenantOf(good))),
        database.write(tenantOf(good), (sql) => sql.query<Seen>(seenStatement)),
        database.ownerWrite((sql) => sql.query({ text: 'select 1' })),
        database.lookup({ text: 'select 1' }),
      ]);
      good = responses.every(({ status }) => status === 'fulfilled') ? good + 1 : 0;
      expect(Date.now()).toBeLessThan(end);
    }
    expect(connectionErrors.length).toBeGreaterThan(0);
  });

  it('makes a service under load return 503 at worst, then recover, without losing a memory it returned 201 for', async () => {
    const node = await startTestService();
    const user = await node.newUser();
    const created: string[] = [];
    const statuses = new Map<number, number>();
    let stopped = false;
    const caller = async (name: number) => {
      for (let n = 0; !stopped; n++) {
        const responses = await Promise.all([
          user.api.post('/memories', { title: `${name}-${n}`, content: 'kept' }),
          user.api.get('/stats'),
        ]);
        for (const { status } of responses) statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (responses[0].status === 201) created.push(responses[0].body.id);
      }
    };
    const callers = Promise.all([1, 2, 3, 4].map(caller));
    for (let round = 0; round < 5; round++) {
      await delay(150);
      await terminateAll(node.databaseUrl);
    }
    await delay(300);
    stopped = true;
    await callers;
    expect([...statuses.keys()].sort()).toEqual(expect.arrayContaining([200, 201]));
    expect([...statuses.keys()].filter((status) => ![200, 201, 503].includes(status))).toEqual([]);
    const last = await Promise.all([user.api.get('/stats'), user.api.get(`/memories/${created.at(-1)}`)]);
    expect(last.map(({ status }) => status)).toEqual([200, 200]);
    const kept = await node.service.database.owner.query('select id from memories where user_id = $1', [user.userId]);
    expect(kept.rows.map((row) => row.id)).toEqual(expect.arrayContaining(created));
    await node.stop();
  });
});

function tenantOf(n: number): string {
  return tenants[n % tenants.length] as string;
}

function failing(sql: Sql): Promise<never> {
  return sql.query({ text: 'select 1 / 0' }) as Promise<never>;
}

function bump(sql: Sql, userId: string, bytes: number, comment = ''): Promise<unknown> {
  return sql.query({
    text: `update quotas set storage_bytes = storage_bytes + $2 where user_id = $1 ${comment}`,
    values: [userId, bytes],
  });
}

async function bytesOf(userId: string): Promise<string | undefined> {
  const sql = database.shared(userId);
  const { rows } = await sql.query<{ storage_bytes: string }>({ text: 'select storage_bytes from quotas' });
  return rows[0]?.storage_bytes;
}

/** Opens connections of every kind. */
async function warm(): Promise<void> {
  await Promise.all(
    tenants.flatMap((id) => [
      seenBy(database.shared(id)),
      database.read(id).query({ text: 'select pg_sleep(0.05)' }),
      database.lookup({ text: 'select 1' }),
    ]),
  );
}

/** Terminates every other client connection of a database. Returns their number. */
async function terminateAll(databaseUrl: string): Promise<number> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  const terminated = await client.query(
    // Autovacuum workers belong to the superuser.
    `select pg_terminate_backend(pid)
      from pg_stat_activity
      where datname = current_database()
        and backend_type = 'client backend'
        and pid <> pg_backend_pid()`,
  );
  await client.end();
  return terminated.rowCount ?? 0;
}

/** Returns a function whose calls resolve once it was called `count` times. */
function barrier(count: number): () => Promise<void> {
  let waiting = count;
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return () => {
    if (--waiting <= 0) open();
    return opened;
  };
}
