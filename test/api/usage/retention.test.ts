import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../../api/config.ts';
import { newId } from '../../../api/ids.ts';
import { createTaskList } from '../../../api/jobs/tasks/index.ts';
import { DAY_MS } from '../../../api/time.ts';
import { dropOldUsageEvents } from '../../../api/usage/retention.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let node: TestService;
let user: TestUser;
let sql: pg.Client;

beforeAll(async () => {
  node = await startTestService();
  user = await node.newUser();
  sql = new pg.Client(node.databaseUrl);
  await sql.connect();
});
afterAll(async () => {
  await sql.end();
  await node.stop();
});

const KEPT_DAYS = 400;
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);
const nameOf = (day: string) => `usage_events_${day.replaceAll('-', '')}`;
const dropOld = () => dropOldUsageEvents(node.service.database, new Date(), KEPT_DAYS);

/** Creates a day's partition with one event, and its daily total. */
async function addDay(day: string, partition = true): Promise<void> {
  if (partition) await sql.query('select ensure_usage_partitions($1, $1)', [day]);
  await sql.query(
    `insert into usage_events (user_id, day, id, at, transport, operation, method, status, billable, duration_ms, bytes_in, bytes_out)
      values ($1, $2, gen_random_uuid(), $2::date, 'rest', 'stats.get', 'GET', 200, true, 1, 0, 0)`,
    [user.userId, day],
  );
  await sql.query(
    `insert into usage_daily (user_id, day, transport, operation, calls) values ($1, $2, 'rest', 'stats.get', 1)`,
    [user.userId, day],
  );
}

async function daysOf(table: 'usage_events' | 'usage_daily', until: string): Promise<string[]> {
  const { rows } = await sql.query(`select distinct day::text from ${table} where day <= $1 order by 1`, [until]);
  return rows.map((row) => row.day);
}

async function exists(day: string): Promise<boolean> {
  return (await sql.query('select to_regclass($1) is not null as there', [nameOf(day)])).rows[0].there;
}

describe('retention of usage events', () => {
  it('drops partitions and strays after the retention period and keeps the daily totals', async () => {
    const [last, gone, longGone, stray] = [KEPT_DAYS, KEPT_DAYS + 1, KEPT_DAYS + 30, KEPT_DAYS + 7].map(daysAgo) as [
      string,
      string,
      string,
      string,
    ];
    for (const day of [last, gone, longGone]) await addDay(day);
    await addDay(stray, false);
    const totals = await daysOf('usage_daily', last);
    expect(totals).toEqual([longGone, stray, gone, last]);

    expect(await dropOld()).toEqual([nameOf(longGone), nameOf(gone)]);
    expect(await daysOf('usage_events', last)).toEqual([last]);
    expect(await daysOf('usage_daily', last)).toEqual(totals);
    expect([await exists(gone), await exists(longGone), await exists(last)]).toEqual([false, false, true]);
    expect((await sql.query('select from usage_events_default')).rowCount).toBe(0);
    expect(await dropOld()).toEqual([]);
    // Usage of the past comes from the totals.
    const { body } = await user.api.get(`/user/usage?group_by=day&from=${longGone}&to=${gone}`);
    expect(body.totals.calls).toBe(3);
  });

  it('drops partitions during concurrent requests, which all succeed and are recorded', async () => {
    const days = Array.from({ length: 12 }, (_, n) => daysAgo(KEPT_DAYS + 1 + n));
    for (const day of days) await sql.query('select ensure_usage_partitions($1, $1)', [day]);
    const before = await recorded();
    let calling = true;
    const callers = Array.from({ length: 6 }, async (_, n) => {
      let responses = 0;
      for (; calling; responses++) {
        const { status } = await (n % 2 === 0
          ? user.api.get('/stats')
          : user.api.post('/memories', { title: `${n} ${responses}`, content: 'during the drop' }));
        expect([200, 201]).toContain(status);
      }
      return responses;
    });
    const dropped = new Set<string>();
    // Partitions in use are left to the next run.
    for (let run = 1; run <= 20 && dropped.size < days.length; run++) {
      for (const name of (await Promise.all([dropOld(), dropOld()])).flat()) dropped.add(name);
    }
    calling = false;
    const responses = (await Promise.all(callers)).reduce((sum, count) => sum + count, 0);
    expect([...dropped].toSorted()).toEqual(days.map(nameOf).toSorted());
    expect(responses).toBeGreaterThan(0);
    expect(await recorded()).toBe(before + responses);
  });

  it('leaves a partition with a long reader to the next run, and no request waits for the reader', async () => {
    const day = daysAgo(KEPT_DAYS + 5);
    await addDay(day);
    const reader = new pg.Client(node.databaseUrl);
    await reader.connect();
    await reader.query('begin');
    await reader.query('select count(*) from usage_events');
    const dropping = dropOld();
    while (!(await sql.query("select from pg_locks where not granted and mode = 'AccessExclusiveLock'")).rowCount)
      await delay(5);
    const call = user.api.get('/stats');
    expect(await dropping).toEqual([]);
    expect((await call).status).toBe(200);
    expect(await exists(day)).toBe(true);
    await reader.query('commit');
    await reader.end();
    expect(await dropOld()).toEqual([nameOf(day)]);
  });

  it('uses the configured retention period', async () => {
    const days = [KEPT_DAYS + 8, KEPT_DAYS + 9, KEPT_DAYS + 10].map(daysAgo) as [string, string, string];
    for (const day of days) await addDay(day);
    const context = {
      database: node.service.database,
      transport: {} as never,
      publicUrl: () => '',
      clock: { now: () => new Date(), newId },
      log: {} as never,
    };
    const helpers = { logger: { info: () => undefined } } as never;
    for (const usageRetentionDays of [KEPT_DAYS + 9, KEPT_DAYS + 8]) {
      await createTaskList({ ...context, usageRetentionDays }).delete_old_usage_events?.({}, helpers);
      const kept = days.filter((_, n) => KEPT_DAYS + 8 + n <= usageRetentionDays);
      expect(await daysOf('usage_events', days[0])).toEqual(kept.toReversed());
    }
    expect(readConfig({}).usageRetentionDays).toBe(KEPT_DAYS);
    expect(readConfig({ USAGE_RETENTION_DAYS: '90' }).usageRetentionDays).toBe(90);
    expect(() => readConfig({ USAGE_RETENTION_DAYS: '30' })).toThrow('USAGE_RETENTION_DAYS');
    expect(await dropOld()).toEqual([nameOf(days[0])]);
  });

  it('locks no referenced tables', async () => {
    const day = daysAgo(KEPT_DAYS + 6);
    await addDay(day);
    await sql.query('begin');
    const { rows } = await sql.query('select drop_usage_partition($1) as part', [daysAgo(KEPT_DAYS)]);
    expect(rows).toEqual([{ part: nameOf(day) }]);
    const held = await sql.query(
      `select distinct relation::regclass::text as name from pg_locks
        where pid = pg_backend_pid() and mode = 'AccessExclusiveLock' and relation in (select oid from pg_class where relkind in ('r', 'p'))`,
    );
    expect(held.rows.map(({ name }) => name).toSorted()).toEqual(['usage_events', 'usage_events_default']);
    await sql.query('commit');
  });
});

async function recorded(): Promise<number> {
  return (await sql.query('select from usage_events where user_id = $1', [user.userId])).rowCount ?? 0;
}
