import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CRONTAB, TASKS } from '../../../api/jobs/tasks/index.ts';
import { type JobFixture, openJobFixture } from '../../support/job-fixture.ts';
import { spawnScript } from '../../support/run-script.ts';

let bench: JobFixture;

beforeEach(async () => {
  bench = await openJobFixture();
});
afterEach(() => bench.close());

/** Drops the partitions of the days ahead, as if no worker had run for a month. */
async function dropFuturePartitions(): Promise<void> {
  const { rows } = await bench.sql.query(
    `select relname from pg_class where relname ~ '^usage_events_[0-9]{8}$' and relname > 'usage_events_' || to_char(now() at time zone 'utc', 'YYYYMMDD')`,
  );
  for (const { relname } of rows) await bench.sql.query(`drop table ${relname}`);
}

/** Counts the partitions of the days ahead that have row-level security. */
async function countFuturePartitions(): Promise<number> {
  const { rowCount } = await bench.sql.query(
    `select from pg_class c join pg_inherits i on i.inhrelid = c.oid
      where relname ~ '^usage_events_[0-9]{8}$' and relname > 'usage_events_' || to_char(now() at time zone 'utc', 'YYYYMMDD')
        and relrowsecurity and relforcerowsecurity`,
  );
  return rowCount ?? 0;
}

describe('ensure_partitions task', () => {
  it('creates thirty partitions ahead, and none in a second run', async () => {
    await dropFuturePartitions();
    expect(await countFuturePartitions()).toBe(0);
    await bench.startWorker();
    await bench.sql.query("select graphile_worker.add_job('ensure_partitions')");
    await bench.settled();
    expect(await countFuturePartitions()).toBe(30);
    await bench.sql.query("select graphile_worker.add_job('ensure_partitions')");
    await bench.settled();
    expect(await bench.jobs()).toEqual([]);
    expect(await countFuturePartitions()).toBe(30);
  });

  it('is run by the next worker when its worker was killed', async () => {
    await dropFuturePartitions();
    const worker = spawnScript('api/jobs/main.ts', [], { DATABASE_URL: bench.url, LOG_LEVEL: 'error' });
    // `npm run worker` migrates first, which creates them too: drop them again, and block the job by the advisory lock.
    await vi.waitUntil(async () => (await countFuturePartitions()) === 30, { timeout: 30_000, interval: 50 });
    await vi.waitUntil(
      async () =>
        (
          await bench.sql.query(
            "select from pg_stat_activity where application_name = 'whitemagic-job-lease' and datname = current_database()",
          )
        ).rowCount,
      { timeout: 30_000, interval: 50 },
    );
    await dropFuturePartitions();
    await bench.sql.query("select pg_advisory_lock(hashtext('ensure_usage_partitions'))");
    await bench.sql.query("select graphile_worker.add_job('ensure_partitions')");
    await vi.waitUntil(async () => (await bench.jobs())[0]?.locked_by, { timeout: 10_000 });
    worker.child.kill('SIGKILL');
    await worker.finished;
    await bench.sql.query('select pg_advisory_unlock_all()');
    expect(await countFuturePartitions()).toBe(0);

    await bench.startWorker();
    await bench.settled(30_000);
    expect(await countFuturePartitions()).toBe(30);
  }, 60_000);

  it('runs every hour and catches up on missed runs', () => {
    const line = CRONTAB.split('\n').find((text) => text.includes('ensure_partitions'));
    expect(line).toMatch(/^\d+ \* \* \* \* ensure_partitions \?fill=2h/);
    const names = CRONTAB.trim()
      .split('\n')
      .map((text) => text.split(' ')[5] as string);
    expect(TASKS.map((task) => task.name)).toEqual(expect.arrayContaining(names));
  });
});

describe('delete_old_idempotency_keys task', () => {
  it('deletes keys after a day and keeps younger ones', async () => {
    await bench.sql.query(
      `insert into idempotency_keys (user_id, key, request_hash, event_id, day, created_at)
        values ($1, 'old', '\\x01', gen_random_uuid(), current_date, now() - interval '25 hours'),
          ($1, 'new', '\\x01', gen_random_uuid(), current_date, now() - interval '23 hours')`,
      [bench.userId],
    );
    await bench.startWorker();
    await bench.sql.query("select graphile_worker.add_job('delete_old_idempotency_keys')");
    await bench.settled();
    expect((await bench.sql.query('select key from idempotency_keys')).rows).toEqual([{ key: 'new' }]);
  });
});
