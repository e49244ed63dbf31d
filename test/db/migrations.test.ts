import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import knex from 'knex';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Sql } from '../../db/client/sql.ts';
import { findEmbedded, startEmbedded } from '../../db/embedded/start.ts';
import { migrationSource } from '../../db/migrations/index.ts';
import { describeSchema, TENANTLESS_TABLES } from '../../db/schema/introspect.ts';
import { migrateDown, migrateUp, migrationStatus, pendingMigrations } from '../../db/schema/migrate.ts';
import { addBackgroundRows } from '../support/background-rows.ts';
import { dropDatabase, emptyDatabase, freshDatabase } from '../support/database.ts';
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

describe('migrations up, down and up', () => {
  it('create the committed db/schema/schema.sql in an empty database, and remove everything on the way down', async () => {
    expect(await migrateUp(url)).toEqual(all);
    expect(await schema()).toBe(await committedSchema());
    expect(await migrateDown(url, true)).toEqual([...all].reverse());
    expect(await relations()).toEqual(['knex_migrations', 'knex_migrations_lock']);
    expect(await routines()).toEqual([]);
    expect(await migrateUp(url)).toEqual(all);
    expect(await schema()).toBe(await committedSchema());
  });

  it('create it again in a database with data', async () => {
    await useFilled();
    expect(await migrateDown(url, true)).toEqual([...all].reverse());
    expect(await relations()).toEqual(['knex_migrations', 'knex_migrations_lock']);
    await migrateUp(url);
    expect(await schema()).toBe(await committedSchema());
    // The service works on it.
    await fill();
  });

  it('work one by one on a database with data, each step down and up', async () => {
    await useFilled();
    let before = withoutColumnOrder(await schema());
    for (const name of all.toReversed()) {
      expect(await migrateDown(url)).toEqual([name]);
      const below = withoutColumnOrder(await schema());
      expect(await migrateOneUp()).toEqual([name]);
      expect([name, withoutColumnOrder(await schema())]).toEqual([name, before]);
      expect(await migrateDown(url)).toEqual([name]);
      expect([name, withoutColumnOrder(await schema())]).toEqual([name, below]);
      before = below;
    }
    await migrateUp(url);
    expect(await schema()).toBe(await committedSchema());
    // Some two hundred runs.
  }, 120_000);

  it('keep the rows of older tables when a newer migration is reverted and applied again', async () => {
    const before = await useFilled();
    await migrateDown(url);
    await migrateUp(url);
    const after = await contents();
    for (const table of ['users', 'api_keys', 'memories', 'memory_versions', 'quotas']) {
      expect([table, after[table]]).toEqual([table, before[table]]);
    }
  });

  it('add keys to the daily totals of days whose events are all kept, and sum them again on the way down', async () => {
    await useFilled();
    const sums = () =>
      onDatabase(async (client) => {
        const { rows } = await client.query(
          `select day::text, operation, sum(calls)::int as calls, sum(units)::int as units, sum(errors)::int as errors
            from usage_daily
            group by 1, 2
            order by 1, 2`,
        );
        return rows;
      });
    await downTo('20261129180000_record_clients_of_calls');
    // The events of this day are no longer kept.
    await onDatabase((client) =>
      client.query(`insert into usage_daily
        select user_id, '1998-01-01', transport, operation, 9 from usage_daily where operation = 'memories.create'`),
    );
    const before = await sums();
    await migrateUp(url);
    expect(await sums()).toEqual(before);
    const byKey = await onDatabase((client) =>
      client.query(`select
          day = '1998-01-01' as old,
          key_id in (select id from api_keys) as known,
          last_at is not null as dated,
          (select sum(n) from unnest(duration_counts) n)::int = calls as timed
        from usage_daily
        group by 1, 2, 3, 4
        order by 1`),
    );
    expect(byKey.rows).toEqual([
      { old: false, known: true, dated: true, timed: true },
      { old: true, known: false, dated: false, timed: null },
    ]);
    await downTo('20261129180000_record_clients_of_calls');
    expect(await sums()).toEqual(before);
    await migrateUp(url);
  });

  it('count each earlier billable call as one quota unit of its day', async () => {
    await useFilled();
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

  it('normalize stored tags, projects and session ids, and archive memories that become exact duplicates', async () => {
    const [nfc, nfd] = ['caf\u00e9', 'cafe\u0301'];
    const node = await startTestService({ databaseUrl: url });
    const user = await node.newUser();
    const note = (title: string, project = nfc) => ({ title, content: 'c', tags: [nfc], project, session_id: nfc });
    await user.api.post('/memories', note('twice'));
    const { body: duplicate } = await user.api.post('/memories', note('twice', 'other'));
    const { body: single } = await user.api.post('/memories', note('once', 'other'));
    await user.api.patch(`/memories/${single.id}`, { content: 'changed' });
    const { bytes } = (await user.api.get('/stats')).body.storage;
    await downTo('20261129110000_normalize_names');
    await onDatabase(async (client) => {
      const values = [user.userId, [duplicate.id, single.id], nfd];
      const names =
        "project = ' ' || $3::text, session_id = $3 || chr(160), tags = array[$3], size_bytes = size_bytes + 1";
      await client.query(
        `update memories set ${names}, content_hash = sha256(id::text::bytea) where user_id = $1 and id = any ($2)`,
        values,
      );
      await client.query(`update memory_versions set ${names} where user_id = $1 and memory_id = any ($2)`, values);
      await client.query('update quotas set storage_bytes = storage_bytes + 3 where user_id = $1', [user.userId]);
    });
    await migrateUp(url);
    const names = { project: nfc, session_id: nfc, tags: [nfc] };
    const read = async (path: string) => (await user.api.get(`/memories/${path}`)).body;
    expect(await read(single.id)).toMatchObject({ ...names, status: 'active' });
    expect((await read(`${single.id}/versions`)).results).toMatchObject([names]);
    const [kept] = (await user.api.get('/memories?order=asc')).body.results;
    expect(await read(duplicate.id)).toMatchObject({ ...names, status: 'archived', consolidated_into: kept.id });
    expect((await user.api.get('/stats')).body.storage.bytes).toBe(bytes);
    const again = await user.api.post('/memories', { ...note('once'), content: 'changed' });
    expect(again.body).toMatchObject({ id: single.id, deduplicated: true });
    await node.stop();
  });

  it('rename the transport column of stored usage and back, in every partition', async () => {
    await useFilled();
    const transports = ['mcp_http', 'mcp_stdio', 'rest'];
    await onDatabase(async (client) => {
      await client.query("select ensure_usage_partitions('1999-01-01', '1999-01-02')");
      for (const transport of transports) {
        await client.query(
          `insert into usage_events
            select user_id, day, gen_random_uuid(), at, api_key_id, $1, operation, method, status, billable,
              duration_ms, bytes_in, bytes_out
            from usage_events`,
          [transport],
        );
        await client.query(
          `insert into usage_daily
            select user_id, day, $1, 'stats.get', calls
            from usage_daily
            on conflict do nothing`,
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

  it('change no row of a current database', async () => {
    const before = await useFilled();
    expect(await migrateUp(url)).toEqual([]);
    expect(await contents()).toEqual(before);
  });
});

describe('schema description', () => {
  it('changes with a column, a grant, a policy, an index, and disabled row-level security', async () => {
    await useMigrated();
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

  it('does not include partitions, which depend on the date', async () => {
    await useMigrated();
    const clean = await schema();
    await onDatabase((client) => client.query("select ensure_usage_partitions('2031-01-01', '2031-01-05')"));
    expect(await schema()).toBe(clean);
  });

  it('is committed as `npm run schema -- --check` expects it', async () => {
    expect(await runScript('scripts/schema.ts', ['--check'])).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('concurrent migrations', () => {
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

  it('may be killed at any time: the next run completes the work', async () => {
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

  it('ignore the lock row of a killed process, but wait for the lock of a running one', async () => {
    await useMigrated();
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

describe('migration status', () => {
  it('lists applied and pending migrations, and changes nothing', async () => {
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

  it('is printed as a table by `whitemagic-server migrate status`', async () => {
    await useMigrated();
    await migrateDown(url);
    const { code, stdout } = await migrate('status');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`  ${newest} +pending`));
    expect(stdout).toMatch(new RegExp(`^  ${all[0]} +applied$`, 'm'));
    expect(stdout).toContain('1 to apply: whitemagic-server migrate up');
  });
});

describe('whitemagic-server migrate', () => {
  it('prints its help, and rejects unknown arguments with exit code 2', async () => {
    expect(await migrate('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('down [--all]') });
    for (const args of [[], ['sideways'], ['up', '--all'], ['down', '--force']]) {
      expect([args, await migrate(...args)]).toEqual([args, expect.objectContaining({ code: 2, stdout: '' })]);
    }
  });

  it('reports an unreachable database in one line', async () => {
    const { code, stderr } = await runScript('scripts/migrate.ts', ['status'], {
      DATABASE_URL: 'postgres://user@127.0.0.1:1/none',
    });
    expect([code, stderr]).toEqual([1, expect.stringContaining('ECONNREFUSED')]);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('works on the embedded database of DATA_DIR, whether a service runs or not, and leaves nothing running', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-migrate-'));
    const onDataDir = (...args: string[]) => runScript('scripts/migrate.ts', args, { DATA_DIR: dataDir });
    expect(await onDataDir('up')).toMatchObject({ code: 0, stdout: expect.stringContaining('Applied:') });
    expect(await findEmbedded(dataDir)).toBeNull();
    expect((await readdir(join(dataDir, 'database', 'cluster'))).includes('postmaster.pid')).toBe(false);

    const service = await startEmbedded({ dataDir, log: () => undefined });
    expect((await onDataDir('down', '--all')).stdout).toContain('Reverted:');
    expect((await onDataDir('status')).stdout).toContain(`${all.length} to apply`);
    // The service's database is still running.
    expect((await onDataDir('up')).code).toBe(0);
    expect(await migrationStatus(service.url)).toEqual({ applied: all, pending: [] });
    await service.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
});

const migrate = (...args: string[]) => runScript('scripts/migrate.ts', args, { DATABASE_URL: url });

/** Replaces the empty database by one with all migrations, cloned from a template, which is faster than to run them. */
async function useMigrated(): Promise<void> {
  await dropDatabase(url);
  url = await freshDatabase();
}

/** Replaces the empty database by one with all migrations, and fills every table. Returns a hash of each table's rows. */
async function useFilled(): Promise<Record<string, string>> {
  await useMigrated();
  return fill();
}

/** Fills every table, mostly through the service. Returns a hash of each table's rows. */
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
  expect((await user.api.get('/memories?include_superseded=true')).body.total).toBe(2);
  await fillIndex(node.service.database, user.userId, first.body.id);
  await node.stop();
  await onDatabase(addBackgroundRows);
  await onDatabase((client) =>
    client.query(
      `insert into usage_events
        select user_id, '1999-01-01', id, at, api_key_id, transport, operation, method, status, billable,
          duration_ms, bytes_in, bytes_out
        from usage_events
        on conflict do nothing`,
    ),
  );
  const hashes = await contents();
  for (const [table, rows] of Object.entries(hashes)) expect([table, rows === '']).toEqual([table, false]);
  return hashes;
}

/** Applies the oldest pending migration. Returns its name. */
async function migrateOneUp(): Promise<string[]> {
  const db = knex({ client: 'pg', connection: url, migrations: { migrationSource } });
  try {
    const [, names] = await db.migrate.up();
    return names;
  } finally {
    await db.destroy();
  }
}

/** Reverts every migration from the newest to the named one, inclusive. */
async function downTo(name: string): Promise<void> {
  for (let step = all.length - all.indexOf(name); step > 0; step--) await migrateDown(url);
}

/** Returns a hash of the rows of each table; '' for an empty one. */
function contents(): Promise<Record<string, string>> {
  return onDatabase(async (client) => {
    const hashes: Record<string, string> = {};
    for (const name of await relations()) {
      // The view shows memories to their tenant only.
      if (/^knex_/.test(name) || /^usage_events_\d/.test(name) || name === 'ranked_memories') continue;
      const { rows } = await client.query(
        `select coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as hash from ${name} t`,
      );
      hashes[name] = rows[0].hash;
    }
    expect(Object.keys(hashes)).toEqual(
      expect.arrayContaining(['memories', ...Object.keys(TENANTLESS_TABLES).slice(0, 2)]),
    );
    return hashes;
  });
}

function schema(): Promise<string> {
  return onDatabase((client) => describeSchema(client as unknown as Sql));
}

/** Returns the committed file without its header. */
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

/** Waits until a migrating process has connected. */
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

/** Sorts the columns of each table: one that a step down adds again comes last. */
function withoutColumnOrder(schema: string): string {
  return schema.replace(/^(create table .*\n)((?: .*\n)+)/gm, (_match, head: string, columns: string) => {
    const lines = columns.split('\n').map((line) => line.replace(/,$/, ''));
    return `${head}${lines.toSorted().join('\n')}`;
  });
}
