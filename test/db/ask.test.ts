import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../db/ask.ts';
import { dropDatabase, freshDatabase } from '../support/database.ts';

const TENANT = '01940000-0000-7000-8000-000000000001';
const OTHER = '01940000-0000-7000-8000-000000000002';
const SEEN = { name: 'seen', text: "select current_setting('app.user_id', true) as tenant, $1::int as n" };

let url: string;
let client: pg.Client;

beforeAll(async () => {
  url = await freshDatabase();
});
afterAll(() => dropDatabase(url));
beforeAll(async () => {
  client = new pg.Client({ connectionString: url, pipeline: true });
  await client.connect();
});
afterAll(() => client.end());

describe('a statement asked for a tenant', () => {
  it('sees that tenant, and leaves none behind', async () => {
    const [mine, nobodys, others] = await Promise.all([
      ask(client, { ...SEEN, values: [1] }, TENANT),
      ask(client, { ...SEEN, values: [2] }),
      ask(client, { ...SEEN, values: [3] }, OTHER),
    ]);
    expect(mine.rows).toEqual([{ tenant: TENANT, n: 1 }]);
    expect(nobodys.rows).toEqual([{ tenant: '', n: 2 }]);
    expect(others.rows).toEqual([{ tenant: OTHER, n: 3 }]);
    expect(mine).toMatchObject({ rowCount: 1, command: 'SELECT' });
  });

  it('need have no values, no name and no rows', async () => {
    const none = await ask(client, { text: 'select 1 where false' }, TENANT);
    expect(none).toMatchObject({ rows: [], rowCount: 0 });
    const unnamed = await ask(client, { text: "select current_setting('app.user_id') as tenant" }, TENANT);
    expect(unnamed.rows).toEqual([{ tenant: TENANT }]);
  });

  it('fails alone, says who asked, and works once its fault is gone', async () => {
    const late = { name: 'late', text: 'select n from comes_later' };
    async function whoAsks() {
      return await ask(client, late, TENANT);
    }
    const [failed, before, after] = await Promise.allSettled([
      whoAsks(),
      ask(client, { ...SEEN, values: [4] }, OTHER),
      ask(client, { text: 'select 1 / ($1)::int', values: [0] }, TENANT),
    ]);
    expect(failed).toMatchObject({ status: 'rejected', reason: { code: '42P01' } });
    expect((failed as PromiseRejectedResult).reason.stack).toContain('whoAsks');
    expect(before).toMatchObject({ status: 'fulfilled', value: { rows: [{ tenant: OTHER, n: 4 }] } });
    expect(after).toMatchObject({ status: 'rejected', reason: { code: '22012' } });
    await client.query('create table comes_later as select 7 as n');
    expect((await ask(client, late, TENANT)).rows).toEqual([{ n: 7 }]);
  });
});

it('a connection on which the tenant could not be set is not lost', async () => {
  const other = new pg.Client({ connectionString: url, pipeline: true });
  await other.connect();
  try {
    await expect(ask(other, { ...SEEN, values: [1] }, '\0')).rejects.toThrow();
    expect((await ask(other, { ...SEEN, values: [1] }, TENANT)).rows).toEqual([{ tenant: TENANT, n: 1 }]);
  } finally {
    await other.end();
  }
});
