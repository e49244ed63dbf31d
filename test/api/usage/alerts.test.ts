import { v7 as uuidv7 } from 'uuid';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DAY_MS } from '../../../api/time.ts';
import { alertUsage } from '../../../api/usage/alerts.ts';
import { type JobFixture, openJobFixture } from '../../support/job-fixture.ts';
import { type MailSink, startMailSink } from '../../support/mail-sink.ts';
import { spawnScript } from '../../support/run-script.ts';

let fixture: JobFixture;
let sink: MailSink;

beforeEach(async () => {
  [fixture, sink] = await Promise.all([openJobFixture(), startMailSink()]);
});
afterEach(async () => {
  await Promise.all([fixture.close(), sink.close()]);
});

/** Limits of the pro plan, which the test user has. */
const CALLS = 50_000;
const STORAGE = 1_000_000_000;
const NOON = '2026-11-02T12:00:00Z';

/** Sets the user's consumption on a day. */
async function consume(
  what: { calls?: number; storage?: number; userId?: string },
  day = NOON.slice(0, 10),
): Promise<void> {
  const userId = what.userId ?? fixture.userId;
  if (what.calls !== undefined) {
    await fixture.sql.query(
      `insert into usage_daily (user_id, day, transport, operation, units) values ($1, $2, 'rest', 'memories.get', $3)
        on conflict (user_id, day, transport, operation, key_id, client) do update set units = excluded.units`,
      [userId, day, what.calls],
    );
  }
  if (what.storage !== undefined) {
    await fixture.sql.query(
      `insert into quotas (user_id, storage_bytes) values ($1, $2) on conflict (user_id) do update set storage_bytes = $2`,
      [userId, what.storage],
    );
  }
}

/** Runs the job at a time. */
function run(at = NOON): Promise<number> {
  return alertUsage(fixture.database, { now: () => new Date(at), newId: () => uuidv7() });
}

async function alerts(): Promise<string[]> {
  const { rows } = await fixture.sql.query('select kind, threshold, period from usage_alerts order by 3, 1, 2');
  return rows.map(({ kind, threshold, period }) => `${kind} ${threshold} ${period}`);
}

async function subjects(): Promise<string[]> {
  await fixture.startWorker(sink.url);
  await fixture.settled();
  return sink.received.map(({ source }) => /^Subject: (.+)$/m.exec(source)?.[1]?.trim() ?? '');
}

/** Returns the two texts of an e-mail, without the folding of quoted-printable. */
function bodyOf(source: string): string {
  return source.replaceAll('=\r\n', '').replaceAll('=3D', '=');
}

describe('alert for calls', () => {
  it('is sent at 80 % and at 100 %, with an e-mail each, and not before', async () => {
    await consume({ calls: 0.8 * CALLS - 1 });
    expect(await run()).toBe(0);
    await consume({ calls: 0.8 * CALLS });
    expect(await run()).toBe(1);
    await consume({ calls: CALLS - 1 });
    expect(await run()).toBe(0);
    await consume({ calls: CALLS });
    expect(await run()).toBe(1);
    expect(await run()).toBe(0);
    expect(await alerts()).toEqual(['calls 80 2026-11-02', 'calls 100 2026-11-02']);
    expect((await subjects()).toSorted()).toEqual([
      "Your WhiteMagic account has used 80 % of today's calls",
      "Your WhiteMagic account has used all of today's calls",
    ]);
    const [first] = sink.received.filter(({ source }) => source.includes('80 %'));
    expect(first?.to).toEqual(['ann@example.com']);
    const body = bodyOf(first?.source ?? '');
    expect(body.match(/40,000 of the 50,000 calls that the pro plan allows on 2026-11-02 \(UTC\)/g)).toHaveLength(2);
  });

  it('is one e-mail, for the higher threshold, when both are reached at once', async () => {
    await consume({ calls: 2 * CALLS });
    expect(await run()).toBe(2);
    expect(await subjects()).toEqual(["Your WhiteMagic account has used all of today's calls"]);
  });

  it('is sent again the next day, and not for the day before', async () => {
    await consume({ calls: CALLS });
    await run();
    expect(await run('2026-11-03T00:00:00Z')).toBe(0);
    await consume({ calls: 0.9 * CALLS }, '2026-11-03');
    expect(await run('2026-11-03T23:59:59Z')).toBe(1);
    expect(await alerts()).toEqual(['calls 80 2026-11-02', 'calls 100 2026-11-02', 'calls 80 2026-11-03']);
    expect(await subjects()).toHaveLength(2);
  });

  it('sums all transports and operations of the day and respects overridden limits', async () => {
    await fixture.sql.query(`update users set overrides = '{"requests_per_day": 10}' where id = $1`, [fixture.userId]);
    await consume({ calls: 4 });
    expect(await run()).toBe(0);
    await fixture.sql.query(
      `insert into usage_daily (user_id, day, transport, operation, units) values ($1, '2026-11-02', 'mcp_http', 'search.query', 4)`,
      [fixture.userId],
    );
    expect(await run()).toBe(1);
  });
});

describe('alert for storage', () => {
  it('is sent at 80 % and when full, once until usage falls below 70 %', async () => {
    const at = async (percent: number, hour: number) => {
      await consume({ storage: Math.round((percent / 100) * STORAGE) });
      return run(`2026-11-0${2 + Math.floor(hour / 24)}T${String(hour % 24).padStart(2, '0')}:00:00Z`);
    };
    expect(await at(79.9, 1)).toBe(0);
    expect(await at(80, 2)).toBe(1);
    expect(await at(98.9, 3)).toBe(0);
    // A memory that does not fit is rejected, so usage rarely reaches exactly 100 %.
    expect(await at(99, 4)).toBe(1);
    expect(await at(70, 5)).toBe(0);
    expect(await at(85, 30)).toBe(0);
    expect(await alerts()).toEqual(['storage 80 open', 'storage 100 open']);
    expect(await at(69.9, 31)).toBe(0);
    expect(await alerts()).toEqual([]);
    expect(await at(81, 32)).toBe(1);
    expect((await subjects()).toSorted()).toEqual([
      'The storage of your WhiteMagic account is full',
      'Your WhiteMagic account has used 80 % of its storage',
      'Your WhiteMagic account has used 80 % of its storage',
    ]);
  });
});

describe('usage alerts', () => {
  it('are only rows for users without an e-mail address, and absent for deleted accounts', async () => {
    await fixture.sql.query('update users set email = null where id = $1', [fixture.userId]);
    await consume({ calls: CALLS, storage: STORAGE });
    const gone = uuidv7();
    await fixture.sql.query(
      `insert into users (id, email, plan, status, created_at, updated_at) values ($1, 'bob@example.com', 'free', 'deleted', now(), now())`,
      [gone],
    );
    await consume({ calls: CALLS, userId: gone });
    expect(await run()).toBe(4);
    expect(await run()).toBe(0);
    expect((await fixture.sql.query('select from outbox')).rowCount).toBe(0);
    expect(await alerts()).toHaveLength(4);
  });

  it('are one e-mail each when the job runs concurrently', async () => {
    await consume({ calls: 0.8 * CALLS, storage: STORAGE });
    const sent = await Promise.all(Array.from({ length: 8 }, () => run()));
    expect(sent.reduce((sum, count) => sum + count, 0)).toBe(3);
    expect((await subjects()).toSorted()).toEqual([
      'The storage of your WhiteMagic account is full',
      "Your WhiteMagic account has used 80 % of today's calls",
    ]);
  });

  it('are sent to every user of many pages', async () => {
    await fixture.sql.query(
      `with added as (
          insert into users (id, email, plan, created_at, updated_at)
          select gen_random_uuid(), n || '@example.com', 'free', now(), now() from generate_series(1, 620) n returning id
        )
        insert into usage_daily (user_id, day, transport, operation, units) select id, '2026-11-02', 'rest', 'stats.get', 80 from added`,
    );
    expect(await run()).toBe(620);
    expect(await run()).toBe(0);
    expect((await fixture.sql.query('select count(distinct recipient)::int as n from outbox')).rows).toEqual([
      { n: 620 },
    ]);
  });

  it('are sent once by the next worker when one was killed between the row and the e-mail', async () => {
    const today = new Date().toISOString().slice(0, 10);
    const tomorrow = new Date(Date.now() + DAY_MS).toISOString().slice(0, 10);
    for (const day of [today, tomorrow]) await consume({ calls: CALLS }, day);
    const worker = spawnScript('api/jobs/main.ts', [], {
      DATABASE_URL: fixture.url,
      SMTP_URL: sink.url,
      DATA_DIR: fixture.dataDir,
      LOG_LEVEL: 'error',
    });
    await fixture.sql.query('begin');
    await fixture.sql.query('lock table outbox in access exclusive mode');
    await fixture.database.owner.query("select graphile_worker.add_job('send_usage_alerts')");
    const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
      and query like '%enqueue_mail%'`;
    await vi.waitUntil(async () => (await fixture.database.owner.query(waiting)).rowCount, { timeout: 30_000 });
    worker.child.kill('SIGKILL');
    await worker.finished;
    await fixture.sql.query('commit');
    await vi.waitUntil(async () => !(await fixture.database.owner.query(waiting)).rowCount, { timeout: 10_000 });
    expect(await alerts()).toEqual([]);

    expect(await subjects()).toEqual(["Your WhiteMagic account has used all of today's calls"]);
    expect(await alerts()).toHaveLength(2);
  }, 60_000);
});
