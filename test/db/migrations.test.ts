import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Sql } from '../../db/client/sql.ts';
import { findEmbedded, startEmbedded } from '../../db/embedded/start.ts';
import { migrationSource } from '../../db/migrations/index.ts';
import { describeSchema, TENANTLESS_TABLES } from '../../db/schema/introspect.ts';
import { migrateDown, migrateUp, migrationStatus, pendingMigrations } from '../../db/schema/migrate.ts';
import { addBackgroundRows } from '../support/background-rows.ts';
import { dropDatabase, emptyDatabase } from '../support/database.ts';
import { runScript, spawnScript } from '../support/run-script.ts';
import { startTestService } from '../support/service.ts';
import { fillIndex } from '../support/vectors.ts';

const all = await migrationSource.getMigrations([]);
const newest = all.at(-1) as string;

let url: string;

beforeEach(async () => {
  url = await emptyDatabase();
});
afterEach(() => dropDatabase(url));

describe('up, down, up', () => {
  it('makes the committed db/schema/schema.sql of an empty database, and leaves nothing behind on the way down', async () => {
    expect(await migrateUp(url)).toEqual(all);
    expect(await schema()).toBe(await committedSchema());
    expect(await migrateDown(url, true)).toEqual([...all].reverse());
    expect(await relations()).toEqual(['knex_migrations', 'knex_migrations_lock']);
    expect(await routines()).toEqual([]);
    expect(await migrateUp(url)).toEqual(all);
    expect(await schema()).toBe(await committedSchema());
  });

  it('makes it again of a database that the service has filled', async () => {
    await fill();
    expect(await migrateDown(url, true)).toEqual([...all].reverse());
    expect(await relations()).toEqual(['knex_migrations', 'knex_migrations_lock']);
    await migrateUp(url);
    expect(await schema()).toBe(await committedSchema());
    // And the service works on it.
    await fill();
  });

  it('works for each migration by itself on filled data: one step down, one up', async () => {
    await fill();
    for (let steps = 1; steps <= all.length; steps++) {
      for (let step = 1; step <= steps; step++) expect(await migrateDown(url)).toEqual([all.at(-step)]);
      expect(await migrateUp(url)).toEqual(all.slice(-steps));
      expect(await schema()).toBe(await committedSchema());
    }
  });

  it('keeps what older tables hold when a newer migration is taken back and applied again', async () => {
    const before = await fill();
    await migrateDown(url);
    await migrateUp(url);
    const after = await contents();
    for (const table of ['users', 'api_keys', 'memories', 'memory_versions', 'quotas', 'usage_events', 'usage_daily']) {
      expect([table, after[table]]).toEqual([table, before[table]]);
    }
  });

  it('counts each billable call that was on record before as one of its day', async () => {
    await fill();
    await downTo('20261123190000_create_usage_units');
    await onDatabase((client) =>
      client.query("update usage_events set billable = false where operation = 'memories.list'"),
    );
    await migrateUp(url);
    await onDatabase(async (client) => {
      const events = await client.query(
        'select billable, units, count(*)::int from usage_events group by 1, 2 order by 1',
      );
      expect(events.rows).toEqual([
        { billable: false, units: 0, count: expect.any(Number) },
        { billable: true, units: 1, count: expect.any(Number) },
      ]);
      expect((await client.query('select from usage_daily where units <> billable or units = 0')).rows).toEqual([]);
    });
  });

  it('renames the door of stored usage to its transport and back, in every partition', async () => {
    await fill();
    const transports = ['mcp_http', 'mcp_stdio', 'rest'];
    await onDatabase(async (client) => {
      await client.query("select ensure_usage_partitions('1999-01-01', '1999-01-02')");
      for (const transport of transports) {
        await client.query(
          `insert into usage_events select user_id, day, gen_random_uuid(), at, api_key_id, $1, operation, method, status, billable, duration_ms, bytes_in, bytes_out
            from usage_events`,
          [transport],
        );
        await client.query(
          `insert into usage_daily select user_id, day, $1, 'stats.get', calls from usage_daily on conflict do nothing`,
          [transport],
        );
      }
    });
    const stored = (table: string, column: string) =>
      onDatabase(async (client) => {
        const { rows } = await client.query(
          `select ${column} as value, count(*)::int from ${table} group by 1 order by 1`,
        );
        return rows;
      });
    const before = [await stored('usage_events', 'transport'), await stored('usage_daily', 'transport')];
    for (const rows of before) expect(rows.map(({ value }) => value)).toEqual(transports);
    await downTo('20261129070000_rename_door_to_transport');
    const old = [await stored('usage_events', 'door'), await stored('usage_daily', 'door')];
    for (const [i, rows] of old.entries()) {
      expect(rows).toEqual(before[i]?.map((row) => ({ ...row, value: row.value.replace('_', '-') })));
    }
    await migrateUp(url);
    expect([await stored('usage_events', 'transport'), await stored('usage_daily', 'transport')]).toEqual(before);
    await onDatabase(async (client) => {
      await expect(client.query("update usage_events set transport = 'mcp-http'")).rejects.toThrow('transport_check');
      const { rows } = await client.query(
        "select conrelid::regclass::text from pg_constraint where conname like '%door%' and contype = 'c'",
      );
      expect(rows).toEqual([]);
    });
  });

  it('changes no row of a database that is current', async () => {
    const before = await fill();
    expect(await migrateUp(url)).toEqual([]);
    expect(await contents()).toEqual(before);
  });
});

describe('the description of a schema', () => {
  it('notices a column, a grant, a policy, an index, and a switched-off security', async () => {
    await migrateUp(url);
    const clean = await schema();
    const changes = [
      'alter table memories add column extra text',
      'alter table memories alter column title drop not null',
      'grant select on key_lookup to wm_app',
      'grant truncate on memories to wm_app',
      'create policy more on memories using (true)',
      'drop index memories_created',
      'alter table outbox no force row level security',
      'alter table memories drop constraint memories_type_check',
      'grant execute on function enqueue_mail to public',
      'create view v as select 1 as one',
    ];
    for (const change of changes) {
      await onDatabase(async (client) => {
        await client.query('begin');
        await client.query(change);
        expect(await describeSchema(client as unknown as Sql), change).not.toBe(clean);
        await client.query('rollback');
      });
    }
  });

  it('is the same without the partitions that only time makes', async () => {
    await migrateUp(url);
    const clean = await schema();
    await onDatabase((client) => client.query("select ensure_usage_partitions('2031-01-01', '2031-01-05')"));
    expect(await schema()).toBe(clean);
  });

  it('as committed is what `npm run schema -- --check` accepts', async () => {
    expect(await runScript('scripts/schema.ts', ['--check'])).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('processes that migrate at once', () => {
  it('apply each migration once, and all succeed', async () => {
    const runs = await Promise.all([migrate('up'), migrate('up')]);
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual([
      { code: 0, stderr: '' },
      { code: 0, stderr: '' },
    ]);
    const texts = runs.map(({ stdout }) => stdout.split('\n')[0]).sort();
    expect(texts).toEqual(['Applied:', 'Nothing to apply: the database is current.']);
    expect(await schema()).toBe(await committedSchema());
  });

  it('may be killed at any moment: the next one finishes the work', async () => {
    for (const pauseMs of [0, 10, 30, 60, 100]) {
      const { child, finished } = spawnScript('scripts/migrate.ts', ['up'], { DATABASE_URL: url });
      await connected();
      await delay(pauseMs);
      child.kill('SIGKILL');
      await finished;
    }
    await migrateUp(url);
    expect(await schema()).toBe(await committedSchema());
  });

  it("are not stopped by the lock row that a killed knex left, but wait for a live one's lock", async () => {
    await migrateUp(url);
    await onDatabase((client) => client.query('update knex_migrations_lock set is_locked = 1'));
    expect(await migrateDown(url)).toEqual([newest]);
    await onDatabase((client) => client.query('update knex_migrations_lock set is_locked = 1'));
    expect(await migrateUp(url)).toEqual([newest]);

    await onDatabase(async (holder) => {
      await holder.query('begin');
      await holder.query('select pg_advisory_xact_lock(7305291846)');
      let done = false;
      const waiting = migrateUp(url).then(() => {
        done = true;
      });
      await delay(300);
      expect(done).toBe(false);
      await holder.query('commit');
      await waiting;
    });
  });
});

describe('the status', () => {
  it('tells what is applied and what is pending, and changes nothing', async () => {
    expect(await migrationStatus(url)).toEqual({ applied: [], pending: all });
    expect(await relations()).toEqual([]);
    await migrateUp(url);
    expect(await migrationStatus(url)).toEqual({ applied: all, pending: [] });
    await migrateDown(url);
    expect(await migrationStatus(url)).toEqual({ applied: all.slice(0, -1), pending: [newest] });
    await onDatabase(async (client) => {
      expect(await pendingMigrations(client as unknown as Sql)).toEqual([newest]);
    });
  });

  it('is a table on the command line', async () => {
    await migrateUp(url);
    await migrateDown(url);
    const { code, stdout } = await migrate('status');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`  ${newest} +pending`));
    expect(stdout).toMatch(new RegExp(`^  ${all[0]} +applied$`, 'm'));
    expect(stdout).toContain('1 to apply: npm run migrate -- up');
  });
});

describe('the command', () => {
  it('explains itself, and refuses what it does not know with exit code 2', async () => {
    expect(await migrate('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('down [--all]') });
    for (const args of [[], ['sideways'], ['up', '--all'], ['down', '--force']]) {
      expect([args, await migrate(...args)]).toEqual([args, expect.objectContaining({ code: 2, stdout: '' })]);
    }
  });

  it('says in one line that a database cannot be reached', async () => {
    const { code, stderr } = await runScript('scripts/migrate.ts', ['status'], {
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing',
    });
    expect([code, stderr]).toEqual([1, expect.stringContaining('ECONNREFUSED')]);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it("works on DATA_DIR's own database, whether a service runs or not, and leaves nothing running", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-migrate-'));
    const onDataDir = (...args: string[]) => runScript('scripts/migrate.ts', args, { DATA_DIR: dataDir });
    expect(await onDataDir('up')).toMatchObject({ code: 0, stdout: expect.stringContaining('Applied:') });
    expect(await findEmbedded(dataDir)).toBeNull();
    expect((await readdir(join(dataDir, 'database', 'cluster'))).includes('postmaster.pid')).toBe(false);

    const service = await startEmbedded({ dataDir, log: () => undefined });
    expect((await onDataDir('down', '--all')).stdout).toContain('Took back:');
    expect((await onDataDir('status')).stdout).toContain(`${all.length} to apply`);
    // The service's own, and still up.
    expect((await onDataDir('up')).code).toBe(0);
    expect(await migrationStatus(service.url)).toEqual({ applied: all, pending: [] });
    await service.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
});

const migrate = (...args: string[]) => runScript('scripts/migrate.ts', args, { DATABASE_URL: url });

/** Rows in every table, made through the service; answers what each table then holds. */
async function fill(): Promise<Record<string, string>> {
  const node = await startTestService({ databaseUrl: url });
  const user = await node.newUser({ email: 'ann@example.com' });
  const first = await user.api.post(
    '/memories',
    { title: 'a', content: 'one', tags: ['x'] },
    { 'Idempotency-Key': 'k' },
  );
  await user.api.patch(`/memories/${first.body.id}`, { content: 'two' });
  await user.api.post('/memories', { title: 'b', content: 'three', supersedes: first.body.id });
  expect((await user.api.post('/user/keys', { name: 'second' })).status).toBe(201);
  expect((await user.api.get('/memories')).body.total).toBe(2);
  await fillIndex(node.service.database, user.userId, first.body.id);
  await node.stop();
  await onDatabase(addBackgroundRows);
  await onDatabase((client) =>
    client.query(
      `insert into usage_events select user_id, '1999-01-01', id, at, api_key_id, transport, operation, method, status, billable, duration_ms, bytes_in, bytes_out
        from usage_events on conflict do nothing`,
    ),
  );
  const held = await contents();
  for (const [table, rows] of Object.entries(held)) expect([table, rows === '']).toEqual([table, false]);
  return held;
}

/** Reverts every migration from the newest down to the named one, that one included. */
async function downTo(name: string): Promise<void> {
  for (let step = all.length - all.indexOf(name); step > 0; step--) await migrateDown(url);
}

/** Every table of ours with a hash of its rows; '' for an empty one. */
function contents(): Promise<Record<string, string>> {
  return onDatabase(async (client) => {
    const held: Record<string, string> = {};
    for (const name of await relations()) {
      // The view shows memories, and only to a tenant.
      if (/^knex_/.test(name) || /^usage_events_\d/.test(name) || name === 'ranked_memories') continue;
      const { rows } = await client.query(
        `select coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as hash from ${name} t`,
      );
      held[name] = rows[0].hash;
    }
    expect(Object.keys(held)).toEqual(
      expect.arrayContaining(['memories', ...Object.keys(TENANTLESS_TABLES).slice(0, 2)]),
    );
    return held;
  });
}

function schema(): Promise<string> {
  return onDatabase((client) => describeSchema(client as unknown as Sql));
}

/** The committed file without its heading. */
async function committedSchema(): Promise<string> {
  const text = await readFile(join(import.meta.dirname, '../../db/schema/schema.sql'), 'utf8');
  return text.slice(text.indexOf('\n\n') + 2);
}

function relations(): Promise<string[]> {
  return onDatabase(async (client) => {
    const { rows } = await client.query(
      "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v') order by relname",
    );
    return rows.map((row) => row.relname);
  });
}

function routines(): Promise<string[]> {
  return onDatabase(async (client) => {
    const { rows } = await client.query("select proname from pg_proc where pronamespace = 'public'::regnamespace");
    return rows.map((row) => row.proname);
  });
}

/** Resolves when a migrating process has connected. */
async function connected(): Promise<void> {
  await onDatabase(async (client) => {
    for (;;) {
      const { rowCount } = await client.query(
        "select from pg_stat_activity where datname = current_database() and application_name = 'whitemagic-migrate'",
      );
      if (rowCount) return;
      await delay(2);
    }
  });
}

async function onDatabase<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
