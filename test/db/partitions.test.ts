import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../api/time.ts';
import { executeBatch } from '../../db/client/batch.ts';
import { insertUsageEventsStatement, type UsageEvent } from '../../db/queries/usage/events.ts';
import { migrateUp } from '../../db/schema/migrate.ts';
import { ensurePartitions, PARTITION_DAYS_AHEAD } from '../../db/schema/partitions.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

let node: TestService;
let user: TestUser;
let sql: pg.Client;

beforeAll(async () => {
  node = await startTestService();
  user = await node.newUser();
  sql = new pg.Client(node.databaseUrl);
  await sql.connect();
  // The database of the tests may have been created yesterday: it then has the partition of the day before that.
  await createPartition(dayFrom(today(), -2));
});
afterAll(async () => {
  await sql.end();
  await node.stop();
});
beforeEach(async () => {
  await ensure();
});

const today = () => new Date().toISOString().slice(0, 10);
const dayFrom = (day: string, days: number) => new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);
const nameOf = (day: string) => `usage_events_${day.replaceAll('-', '')}`;

describe('partitions of usage_events', () => {
  it('reach from yesterday to thirty days ahead after a migration', async () => {
    const expected = Array.from({ length: PARTITION_DAYS_AHEAD + 2 }, (_, n) => nameOf(dayFrom(today(), n - 1)));
    expect(await partitions()).toEqual([...expected, 'usage_events_default']);
  });

  it('are extended by every migration run, also when no migration is pending', async () => {
    const last = nameOf(dayFrom(today(), PARTITION_DAYS_AHEAD));
    await sql.query(`drop table ${last}`);
    expect(await migrateUp(node.databaseUrl)).toEqual([]);
    expect(await partitions()).toContain(last);
  });

  it('are created once by concurrent processes', async () => {
    const days = [5, 6, 7].map((n) => nameOf(dayFrom(today(), n)));
    for (const name of days) await sql.query(`drop table ${name}`);
    const counts = await Promise.all([ensure(), ensure(), ensure(), migrateUp(node.databaseUrl)]);
    expect(counts.slice(0, 3).reduce<number>((sum, count) => sum + (count as number), 0)).toBeLessThanOrEqual(3);
    expect(await partitions()).toEqual(expect.arrayContaining(days));
  });

  it('have forced row-level security of their own', async () => {
    const far = 45;
    await ensure(far);
    const { rows } = await sql.query(
      `select c.relname,
          relrowsecurity and relforcerowsecurity as secured,
          array(
            select polname::text
            from pg_policy
            where polrelid = c.oid
            order by 1
          ) as policies
        from pg_class c
        join pg_inherits i on i.inhrelid = c.oid
        where i.inhparent = 'usage_events'::regclass
          and c.relkind = 'r'
          and c.relname >= $1`,
      [nameOf(dayFrom(today(), -1))],
    );
    expect(rows.length).toBe(far + 3);
    for (const row of rows) expect(row).toMatchObject({ secured: true, policies: ['owner', 'tenant'] });
    for (let n = PARTITION_DAYS_AHEAD + 1; n <= far; n++) await sql.query(`drop table ${nameOf(dayFrom(today(), n))}`);
  });
});

describe('day without a partition of usage_events', () => {
  it('fails no call: the default partition takes the events, and the next run moves them out', async () => {
    const name = nameOf(today());
    const before = await events();
    await sql.query(`alter table usage_events detach partition ${name}`);
    await sql.query(`insert into usage_events_default select * from ${name}`);
    await sql.query(`drop table ${name}`);

    const created = await user.api.post('/memories', { title: 'on a day without', content: 'a partition' });
    expect(created.status).toBe(201);
    expect((await user.api.get(`/memories/${created.body.id}`)).status).toBe(200);
    expect((await sql.query('select from usage_events_default')).rowCount).toBe(before + 2);

    expect(await ensure()).toBe(1);
    expect((await sql.query('select from usage_events_default')).rowCount).toBe(0);
    expect((await sql.query(`select from ${name}`)).rowCount).toBe(before + 2);
    expect((await user.api.get('/stats')).status).toBe(200);
    expect((await sql.query(`select from ${name}`)).rowCount).toBe(before + 3);
  });

  it('far ahead has its events in the default partition, readable, until its partition is created', async () => {
    const day = dayFrom(today(), PARTITION_DAYS_AHEAD + 10);
    const other = dayFrom(today(), PARTITION_DAYS_AHEAD + 11);
    await node.service.database.writeGroup(
      insertUsageEventsStatement([await eventOn(day), await eventOn(day), await eventOn(other)]),
    );
    expect((await sql.query('select from usage_events_default')).rowCount).toBe(3);
    expect((await sql.query('select from usage_events where day = $1', [day])).rowCount).toBe(2);

    await ensure(PARTITION_DAYS_AHEAD + 10);
    expect((await sql.query(`select from ${nameOf(day)}`)).rowCount).toBe(2);
    expect((await sql.query('select day::text from usage_events_default')).rows).toEqual([{ day: other }]);
    expect((await sql.query('select from usage_events where day = $1', [day])).rowCount).toBe(2);
    // The same event is not stored twice, whether moved or not.
    const { rows } = await sql.query('select id from usage_events where day = $1', [day]);
    const repeat = { ...(await eventOn(day)), id: rows[0].id };
    await node.service.database.writeGroup(insertUsageEventsStatement([repeat]));
    expect((await sql.query('select from usage_events where day = $1', [day])).rowCount).toBe(2);
  });

  it('has each call metered once while its partition is created concurrently', async () => {
    const name = nameOf(today());
    await sql.query(`alter table usage_events detach partition ${name}`);
    await sql.query(`insert into usage_events_default select * from ${name}`);
    await sql.query(`drop table ${name}`);
    const before = await events();
    let isCalling = true;
    const callers = Array.from({ length: 4 }, async () => {
      let count = 0;
      while (isCalling) {
        const { status } = await user.api.get('/stats');
        expect(status).toBe(200);
        count++;
      }
      return count;
    });
    expect(await ensure()).toBe(1);
    isCalling = false;
    const calls = (await Promise.all(callers)).reduce((sum, count) => sum + count, 0);
    expect(calls).toBeGreaterThan(0);
    expect(await events()).toBe(before + calls);
    const lost = await sql.query('select from usage_events_default where day = $1', [today()]);
    expect(lost.rowCount).toBe(0);
  });
});

describe('event in an open transaction on the default partition', () => {
  it('makes the creation of its partition wait and move it, instead of failing', async () => {
    const day = dayFrom(today(), PARTITION_DAYS_AHEAD + 20);
    const writer = new pg.Client(node.databaseUrl);
    await writer.connect();
    await writer.query('begin');
    await executeBatch(writer, insertUsageEventsStatement([await eventOn(day)]));
    const creating = createPartition(day);
    await waitingForLock();
    await writer.query('commit');
    await writer.end();
    expect(await creating).toBe(1);
    expect((await sql.query(`select from ${nameOf(day)}`)).rowCount).toBe(1);
  });
});

async function waitingForLock(): Promise<void> {
  while (
    !(await sql.query("select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"))
      .rowCount
  ) {
    await delay(10);
  }
}

function ensure(daysAhead?: number): Promise<number> {
  return node.service.database.ownerWrite((owner) => ensurePartitions(owner, daysAhead));
}

/** Creates the partition of a day. Returns how many were created: 1, or 0 if there was one. */
async function createPartition(day: string): Promise<number> {
  const { rows } = await node.service.database.ownerWrite((owner) =>
    owner.query<{ created: number }>({
      text: 'select ensure_usage_partitions($1, $1) as created',
      values: [day],
    }),
  );
  return rows[0]?.created ?? 0;
}

/** Returns the names of the partitions since yesterday. */
async function partitions(): Promise<string[]> {
  const { rows } = await sql.query(
    `select c.relname
      from pg_class c
      join pg_inherits i on i.inhrelid = c.oid
      where i.inhparent = 'usage_events'::regclass
        and c.relkind = 'r'
        and c.relname >= $1
      order by c.relname`,
    [nameOf(dayFrom(today(), -1))],
  );
  return rows.map((row) => row.relname);
}

async function events(): Promise<number> {
  return (await sql.query('select from usage_events where day = $1', [today()])).rowCount ?? 0;
}

async function eventOn(day: string): Promise<UsageEvent> {
  const { rows } = await sql.query('select gen_random_uuid() as id, id as key from api_keys where user_id = $1', [
    user.userId,
  ]);
  return {
    id: rows[0].id,
    keyId: rows[0].key,
    userId: user.userId,
    day,
    at: new Date(`${day}T12:00:00Z`),
    transport: 'rest',
    operation: 'stats.get',
    method: 'GET',
    status: 200,
    billable: true,
    durationMs: 1,
    bytesIn: 0,
    bytesOut: 2,
    units: 1,
    tokens: null,
    client: 'curl/8.5.0',
    requestId: rows[0].id,
    code: null,
  };
}
