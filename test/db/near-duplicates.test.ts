import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nearDuplicateOptions, newRow } from '../../api/memories/create.ts';
import { countTerms } from '../../api/search/term-frequencies.ts';
import type { Sql } from '../../db/client/sql.ts';
import { APP_ROLE } from '../../db/client/tenant.ts';
import { insertMemory } from '../../db/queries/memories/insert-memory.ts';
import { dropDatabase, freshDatabase } from '../support/database.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

const MEMORIES = 3_000;
const COMMON = ['amber', 'birch', 'cedar', 'dune', 'ember', 'fjord'];

let test: TestService;
let user: TestUser;

beforeAll(async () => {
  test = await startTestService();
  user = await test.newUser();
  // Each of many memories contains all of the words.
  await test.service.database.owner.query(
    `with lexeme as (
        select hashtextextended($1::uuid::text || l, 0) as hash, l as lexeme
        from unnest($2::text[]) as w, unnest(ts_lexize('english_stem', w)) as l
      ), known as (
        insert into lexicon (user_id, hash, lexeme, memories)
        select $1, hash, lexeme, $3
        from lexeme
      )
      insert into memories (user_id, id, type, status, title, content, tags, metadata, version, content_hash, size_bytes,
        created_at, updated_at, terms, frequencies, length)
      select $1, gen_random_uuid(), 'long_term', 'active', 'note ' || n, 'words', '{}', '{}', 1, int8send(n), 10,
        now() - n * interval '1 minute', now(), (select array_agg(hash order by hash) from lexeme), '{1,1,1,1,1,1}', 6
      from generate_series(1, $3) n`,
    [user.userId, COMMON, MEMORIES],
  );
  await test.service.database.owner.query('analyze memories');
});
afterAll(() => test.stop());

it('near-duplicate detection › reads only the newest memories for a text of common words', async () => {
  const { database } = test.service;
  const rowsRead: number[] = [];
  const rolledBack = database.write(user.userId, async (sql) => {
    const explained: Sql = {
      query: async ({ text, values = [] }) => {
        const { rows } = await sql.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>({
          text: `explain (analyze, format json) ${text}`,
          values,
        });
        rowsRead.push(rowsOf(rows[0]?.['QUERY PLAN'][0].Plan as Plan));
        return { rows: [], rowCount: 0 };
      },
    };
    await store(explained, user.userId);
    throw new Error('rolled back');
  });
  await expect(rolledBack).rejects.toThrow('rolled back');
  expect(rowsRead).toEqual([expect.any(Number)]);
  expect(rowsRead[0]).toBeGreaterThanOrEqual(100);
  expect(rowsRead[0]).toBeLessThan(300);
});

it('near-duplicate detection › scans no whole table, also by a generic plan on empty tables', async () => {
  const url = await freshDatabase();
  const options = `-c role=${APP_ROLE} -c app.user_id=${user.userId} -c enable_seqscan=off`;
  const client = new pg.Client({ connectionString: url, options });
  await client.connect();
  try {
    const texts: string[] = [];
    await store(
      {
        query: async ({ text }) => {
          texts.push(text);
          return { rows: [], rowCount: 0 };
        },
      },
      user.userId,
    );
    expect(texts).toHaveLength(1);
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
      `explain (generic_plan, format json) ${texts[0]}`,
    );
    const plan = rows[0]?.['QUERY PLAN'][0].Plan as Plan;
    const scans = nodesOf(plan).filter((node) => node['Relation Name'] && node['Node Type'].endsWith('Scan'));
    expect(scans.map((node) => node['Node Type'])).toContain('Bitmap Heap Scan');
    const whole = scans.filter((node) => !node['Index Cond'] && !node['Recheck Cond']);
    expect(whole).toEqual([]);
  } finally {
    await client.end();
    await dropDatabase(url);
  }
});

/** Inserts a memory of common words, as a create does. */
async function store(sql: Sql, userId: string): Promise<void> {
  const context = { sql, now: () => new Date(), newId: () => crypto.randomUUID() };
  const text = COMMON.join(' ');
  const said = { title: text, content: text, type: 'long_term', tags: [], metadata: {} } as const;
  const row = newRow(context, { userId } as never, said as never);
  await insertMemory(sql, userId, row, await countTerms(row), {
    enqueue: false,
    nearDuplicates: nearDuplicateOptions(row),
  });
}

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

interface Plan {
  'Node Type': string;
  'Index Cond'?: string;
  'Recheck Cond'?: string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  Plans?: Plan[];
}

/** Returns the number of rows of `memories` that a plan read. */
function rowsOf(plan: Plan): number {
  const read = (plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0)) * plan['Actual Loops'];
  const below = (plan.Plans ?? []).map(rowsOf).reduce((sum, rows) => sum + rows, 0);
  return below + (plan['Relation Name'] === 'memories' ? read : 0);
}
