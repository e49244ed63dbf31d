import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Database } from '../../db/client/database.ts';
import type { Sql } from '../../db/client/sql.ts';
import { dropDatabase, freshDatabase } from '../support/database.ts';
import { startTestService } from '../support/service.ts';

let url: string;
let database: Database;
const tenants = Array.from({ length: 7 }, () => uuidv7());
const broken: Error[] = [];

beforeAll(async () => {
  url = await freshDatabase();
  database = connect({ url, onError: (error) => broken.push(error) });
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
/** Named: as on the hot paths, so that prepared statements are part of the proof. */
const seenStatement = { name: 'seen', text: SEEN };
const seenBy = async (sql: Sql) => (await sql.query<Seen>(seenStatement)).rows;

describe('point reads', () => {
  const pidOf = async () => {
    const text = 'select pg_backend_pid() as pid';
    return (await database.shared(tenantOf(0)).query<{ pid: number }>({ text })).rows[0]?.pid as number;
  };
  const different = (pids: number[]) => new Set(pids).size;

  it('of one turn of the event loop share a connection, sixteen at most; the next turn has another', async () => {
    const turns: number[][] = [];
    for (let turn = 0; turn < 3; turn++) turns.push(await Promise.all(Array.from({ length: 16 }, pidOf)));
    expect(turns.map(different)).toEqual([1, 1, 1]);
    expect(different(turns.flat())).toBe(3);
    expect(different(await Promise.all(Array.from({ length: 17 }, pidOf)))).toBe(2);
  });
});

describe('the tenant of a connection', () => {
  it('never leaks between 1,000 interleaved point reads of several tenants', async () => {
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, async (_, n) => {
        const id = tenantOf(n * 31);
        // Some start a little later, so that reads join a pipeline that is under way.
        if (n % 3 === 0) await delay(n % 20);
        return { id, seen: await seenBy(database.shared(id)) };
      }),
    );
    for (const { id, seen } of answers) expect(seen).toEqual([{ tenant: id, rows: [id] }]);
  });

  it('never leaks where point reads, reads and writes are mixed, some of which fail', async () => {
    const kinds = [
      (id: string) => seenBy(database.shared(id)),
      (id: string) => seenBy(database.read(id)),
      (id: string) => database.write(id, seenBy),
      (id: string) => failing(database.shared(id)),
      (id: string) => database.write<Seen[]>(id, (sql) => failing(sql)),
      (id: string) => failing(database.read(id)),
    ];
    const answers = await Promise.all(
      Array.from({ length: 600 }, async (_, n) => {
        const id = tenantOf(n * 17);
        const kind = n % kinds.length;
        return { id, kind, seen: await kinds[kind]?.(id).catch((error) => error.code) };
      }),
    );
    for (const { id, kind, seen } of answers) {
      expect([kind, seen]).toEqual([kind, kind < 3 ? [{ tenant: id, rows: [id] }] : '22012']);
    }
  });

  it('is gone after a write, and a tenant that cannot be set gives nothing', async () => {
    await database.write(tenantOf(0), async (sql) => sql.query(seenStatement));
    await expect(seenBy(database.shared('not a uuid'))).rejects.toMatchObject({ code: '22P02' });
    await expect(seenBy(database.shared('\0'))).rejects.toThrow();
    await expect(seenBy(database.read('\0'))).rejects.toThrow();
    await expect(database.write('\0', (sql) => sql.query(seenStatement))).rejects.toThrow();
    expect(await seenBy(database.shared(tenantOf(1)))).toEqual([{ tenant: tenantOf(1), rows: [tenantOf(1)] }]);
  });
});

describe('a read', () => {
  it('runs at once what is asked at once, and holds no connection in between', async () => {
    const lock = 4711;
    const holder = new pg.Client(url);
    const narrow = connect({ url, poolSize: 2, onError: (error) => broken.push(error) });
    await holder.connect();
    try {
      await holder.query('select pg_advisory_lock($1)', [lock]);
      const ended: string[] = [];
      const sql = narrow.read(tenantOf(0));
      const slow = sql
        .query({ text: 'select pg_advisory_xact_lock($1)', values: [lock] })
        .then(() => ended.push('the slow statement'));
      expect(await seenBy(sql)).toEqual([{ tenant: tenantOf(0), rows: [tenantOf(0)] }]);
      // Of two connections one waits; the read that just answered has given the other one back.
      expect(await seenBy(narrow.read(tenantOf(1)))).toEqual([{ tenant: tenantOf(1), rows: [tenantOf(1)] }]);
      ended.push('the others');
      await holder.query('select pg_advisory_unlock($1)', [lock]);
      await slow;
      expect(ended).toEqual(['the others', 'the slow statement']);
    } finally {
      await holder.end();
      await narrow.close();
    }
  });
});

describe('a write', () => {
  it('whose failed statement was swallowed throws instead of answering, and nothing of it stays', async () => {
    const writing = database.write(tenantOf(0), async (sql) => {
      await bump(sql, tenantOf(0), 5);
      await failing(sql).catch(() => undefined);
      return 'stored';
    });
    await expect(writing).rejects.toThrow('the transaction was rolled back');
    expect(await bytesOf(tenantOf(0))).toBe('0');
  });

  it('that throws leaves nothing, and its connection is clean for the next', async () => {
    const refusal = new Error('a rule');
    const writing = database.write(tenantOf(0), async (sql) => {
      await bump(sql, tenantOf(0), 5);
      throw refusal;
    });
    await expect(writing).rejects.toBe(refusal);
    expect(await bytesOf(tenantOf(0))).toBe('0');
    const idle = await database.owner.query(
      "select from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'",
    );
    expect(idle.rowCount).toBe(0);
  });

  it('that deadlocks with another is tried again, and both go through', async () => {
    let attempts = 0;
    const both = gate(2);
    const move = (first: string, second: string) =>
      database.ownerWrite(async (sql) => {
        attempts++;
        await bump(sql, first, 1);
        // Both hold their first row before either asks for its second; the retry finds the gate open.
        await both();
        await bump(sql, second, 1);
      });
    const before = [await bytesOf(tenantOf(2)), await bytesOf(tenantOf(3))].map(Number);
    await Promise.all([move(tenantOf(2), tenantOf(3)), move(tenantOf(3), tenantOf(2))]);
    expect(attempts).toBe(3);
    const after = [await bytesOf(tenantOf(2)), await bytesOf(tenantOf(3))].map(Number);
    expect(after).toEqual(before.map((bytes) => bytes + 2));
  });

  it('that keeps failing by serialization gives up after three tries', async () => {
    let attempts = 0;
    const writing = database.write(tenantOf(0), (sql) => {
      attempts++;
      return sql.query({ text: "do $$ begin raise exception 'again' using errcode = '40001'; end $$" });
    });
    await expect(writing).rejects.toMatchObject({ code: '40001' });
    expect(attempts).toBe(3);
  });
});

describe('after the server has ended every connection', () => {
  it('the next calls find new ones, and the process lives', async () => {
    await warm();
    expect(await terminateAll(url)).toBeGreaterThan(5);
    const end = Date.now() + 5_000;
    for (let good = 0; good < 50; ) {
      const answers = await Promise.allSettled([
        seenBy(database.shared(tenantOf(good))),
        seenBy(database.read(tenantOf(good))),
        database.write(tenantOf(good), (sql) => sql.query<Seen>(seenStatement)),
        database.ownerWrite((sql) => sql.query({ text: 'select 1' })),
        database.lookup({ text: 'select 1' }),
      ]);
      good = answers.every(({ status }) => status === 'fulfilled') ? good + 1 : 0;
      expect(Date.now()).toBeLessThan(end);
    }
    expect(broken.length).toBeGreaterThan(0);
  });

  it('a service under load answers 503 at worst, then as before, and no 201 was a lie', async () => {
    const node = await startTestService();
    const user = await node.newUser();
    const created: string[] = [];
    const statuses = new Map<number, number>();
    let stopped = false;
    const caller = async (name: number) => {
      for (let n = 0; !stopped; n++) {
        const answers = await Promise.all([
          user.api.post('/memories', { title: `${name}-${n}`, content: 'kept' }),
          user.api.get('/stats'),
        ]);
        for (const { status } of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (answers[0].status === 201) created.push(answers[0].body.id);
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

function bump(sql: Sql, userId: string, bytes: number): Promise<unknown> {
  return sql.query({
    text: 'update quotas set storage_bytes = storage_bytes + $2 where user_id = $1',
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

/** Ends every other connection of a database. Answers how many there were. */
async function terminateAll(databaseUrl: string): Promise<number> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  const ended = await client.query(
    // Autovacuum's workers are not ours to end.
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`,
  );
  await client.end();
  return ended.rowCount ?? 0;
}

/** Lets nobody through until `count` have come; then everybody. */
function gate(count: number): () => Promise<void> {
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
