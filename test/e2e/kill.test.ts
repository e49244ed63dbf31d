import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type KillRun, killRepeatedly } from '../../scripts/chaos/kill-run.ts';
import { isUnknown, readLog, type Written } from '../../scripts/chaos/log.ts';
import { withDatabase } from '../../scripts/chaos/user.ts';

/** `npm run chaos` kills twenty times, and plays other faults too. */
const KILLS = 6;
/** Number of kills that include PostgreSQL. */
const DATABASE_KILLS = 2;

let dataDir: string;
let killing: KillRun | undefined;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-kill-'));
});
afterAll(async () => {
  await killing?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

it(`kill test › ${KILLS} kills under a mixed load lose no acknowledged write, and each call is metered once`, async () => {
  killing = await killRepeatedly({
    dataDir,
    kills: KILLS,
    databaseKills: DATABASE_KILLS,
    secondsBetween: 0.5,
    connections: 8,
    embedder: 'none',
    progress: () => undefined,
  });
  const { counts, differences } = await killing.compare();
  expect(differences).toEqual([]);
  // The load was mixed: every kind of call got responses, and some calls were cut off.
  for (const what of [
    'REST responses',
    'MCP responses',
    'creates acknowledged',
    'calls without a response',
    'updates acknowledged',
    'expected errors',
    'responses replayed',
  ]) {
    expect(counts[what], what).toBeGreaterThan(0);
  }
  console.log(`${KILLS} kills, ${DATABASE_KILLS} of them with PostgreSQL: ${JSON.stringify(counts)}`);
}, 300_000);

it('kill test › the comparison reports lost, extra and changed events, a lost memory, a lost change and a wrong total', async () => {
  const { databaseUrl, user, compare } = killing as KillRun;
  // Only what was acknowledged can be missed: the response to any call may have been lost with the process.
  const acknowledged = (await readLog(join(dataDir, 'client.log'))).filter((entry) => !isUnknown(entry));
  const [lost, changed] = acknowledged.filter(({ transport, event }) => transport === 'rest' && event);
  const written = acknowledged.flatMap(({ memory }) => (memory?.id ? [memory as Required<Written>] : []));
  const updated = written.find(({ version }) => version > 1);
  const created = written.find(({ id }) => id !== updated?.id);
  const corrupted = await withDatabase(databaseUrl, async ({ owner }) => {
    const one = async (statement: string) => {
      const result = await owner.query<{ id: string }>(statement, [user.userId]);
      expect(result.rowCount, statement).toBe(1);
      return result.rows[0]?.id;
    };
    return {
      'acknowledged and not recorded': await one(
        `delete from usage_events where user_id = $1 and id = '${lost?.event}' returning id`,
      ),
      [`recorded rest ${changed?.operation} 418`]: await one(
        `update usage_events set status = 418 where user_id = $1 and id = '${changed?.event}' returning id`,
      ),
      'recorded without a call': await one(
        `insert into usage_events (user_id, day, id, at, transport, operation, method, status, billable, duration_ms, bytes_in, bytes_out)
          select user_id, day, gen_random_uuid(), at, transport, 'user.me', method, status, billable, duration_ms, bytes_in, bytes_out
          from usage_events where user_id = $1 limit 1 returning id`,
      ),
      'found at 404': await one(`delete from memories where user_id = $1 and id = '${created?.id}' returning id`),
      'found at 1': await one(
        `update memories set version = 1 where user_id = $1 and id = '${updated?.id}' returning id`,
      ),
      'daily totals and events': await one(
        `update usage_daily set tokens = tokens + 1
          where ctid = (select ctid from usage_daily where user_id = $1 limit 1)
          returning transport || ' ' || operation as id`,
      ),
      'quota and actual usage': await one(
        `update quotas set words = words + 1 where user_id = $1 returning user_id as id`,
      ),
    };
  });
  const { differences } = await compare();
  for (const [what, id] of Object.entries(corrupted)) {
    expect(
      differences.filter((line) => line.includes(what) && line.includes(id as string)),
      what,
    ).not.toEqual([]);
  }
});
