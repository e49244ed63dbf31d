import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Killing, killAgainAndAgain } from '../../scripts/chaos/killing.ts';
import { withDatabase } from '../../scripts/chaos/user.ts';

const KILLS = 20;
/** In these rounds PostgreSQL dies with the service, as in a power cut. */
const DATABASE_KILLS = 5;

let dataDir: string;
let killing: Killing | undefined;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-kill-'));
});
afterAll(async () => {
  await killing?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

it(`${KILLS} times kill -9 under a mixed load loses nothing that was answered, and meters it exactly once`, async () => {
  killing = await killAgainAndAgain({
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
  // It was a load: every kind of call was answered, and calls were cut off.
  for (const what of ['REST answers', 'MCP answers', 'creates answered', 'calls without an answer']) {
    expect(counts[what], what).toBeGreaterThan(KILLS);
  }
  for (const what of ['updates answered', 'refusals answered', 'answers replayed']) {
    expect(counts[what], what).toBeGreaterThan(0);
  }
  console.log(`${KILLS} kills, ${DATABASE_KILLS} of them with PostgreSQL: ${JSON.stringify(counts)}`);
}, 300_000);

it('and the comparison sees an event lost, doubled or changed, a lost memory, a lost change, and a wrong total', async () => {
  const { databaseUrl, user, compare } = killing as Killing;
  const spoiled = await withDatabase(databaseUrl, async ({ owner }) => {
    const one = async (statement: string) => {
      const result = await owner.query<{ id: string }>(statement, [user.userId]);
      expect(result.rowCount, statement).toBe(1);
      return result.rows[0]?.id;
    };
    const some = (what: string) =>
      `(select ${what} from usage_events where user_id = $1 and operation = 'search.query' order by id limit 1)`;
    const memory = (order: string) =>
      `(select id from memories where user_id = $1 order by version ${order}, id limit 1)`;
    return {
      'answered and not on record': await one(
        `delete from usage_events where user_id = $1 and id = ${some('id')} returning id`,
      ),
      // The first ones, long before the first kill: of the last, the answer may have been lost with the process.
      'on record rest search.query 418': await one(
        `update usage_events set status = 418 where user_id = $1 and id = (select id from usage_events
          where user_id = $1 and operation = 'search.query' and transport = 'rest' order by id limit 1) returning id`,
      ),
      'called by nobody': await one(
        `insert into usage_events (user_id, day, id, at, transport, operation, method, status, billable, duration_ms, bytes_in, bytes_out)
          select user_id, day, gen_random_uuid(), at, transport, 'user.me', method, status, billable, duration_ms, bytes_in, bytes_out
          from usage_events where user_id = $1 limit 1 returning id`,
      ),
      'found at 404': await one(`delete from memories where user_id = $1 and id = ${memory('asc')} returning id`),
      'found at 1': await one(
        `update memories set version = 1 where user_id = $1 and id = ${memory('desc')} returning id`,
      ),
      'daily totals and events': await one(
        `update usage_daily set tokens = tokens + 1 where user_id = $1 and transport = 'mcp_http' and operation = 'search.query'
          returning 'mcp_http search.query' as id`,
      ),
      'quota and recount': await one(`update quotas set words = words + 1 where user_id = $1 returning user_id as id`),
    };
  });
  const { differences } = await compare();
  for (const [what, id] of Object.entries(spoiled)) {
    expect(
      differences.filter((line) => line.includes(what) && line.includes(id as string)),
      what,
    ).not.toEqual([]);
  }
});
