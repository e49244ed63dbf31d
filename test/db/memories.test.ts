import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Sql } from '../../db/client/sql.ts';
import { APP_ROLE } from '../../db/client/tenant.ts';
import { findMemories, findMemory } from '../../db/queries/memories/memories.ts';
import { dropDatabase, freshDatabase } from '../support/database.ts';

interface Plan {
  'Index Name'?: string;
  'Parent Relationship'?: string;
  'Index Cond'?: string;
  Plans?: Plan[];
}

const USER = uuidv7();
let url: string;
let client: pg.Client;

beforeAll(async () => {
  url = await freshDatabase();
  client = new pg.Client({ connectionString: url, options: `-c role=${APP_ROLE} -c app.user_id=${USER}` });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await dropDatabase(url);
});

// A connection keeps a generic plan until there are statistics, while thousands of memories may be inserted.
it.each([
  ['one memory', (sql: Sql) => findMemory(sql, USER, uuidv7())],
  ['several memories', (sql: Sql) => findMemories(sql, USER, [uuidv7()])],
])('successor of %s is looked up by its own index, also by a generic plan on an empty table', async (_what, read) => {
  const scans: Plan[] = [];
  await read({
    query: async ({ text }) => {
      const { rows } = await client.query(`explain (generic_plan, format json) ${text}`);
      scans.push(...nodesOf(rows[0]['QUERY PLAN'][0].Plan).filter((node) => node['Index Name']));
      return { rows: [], rowCount: 0 };
    },
  });
  const successor = scans.find(({ 'Index Cond': condition }) => condition?.includes('supersedes'));
  expect(scans).toHaveLength(2);
  expect(successor?.['Index Name']).toBe('memories_supersedes');
});

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}
