import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { executeBatch } from '../../db/client/batch.ts';
import { dropDatabase, freshDatabase } from '../support/database.ts';

const TENANT = '01940000-0000-7000-8000-000000000001';
const OTHER = '01940000-0000-7000-8000-000000000002';
const readTenant = (n: number) => ({
  name: 'seen',
  text: "select current_setting('app.user_id', true) as tenant, $1::int as n",
  values: [n],
});
const setTenant = (tenant: string) => ({
  name: 'tenant',
  text: "select set_config('app.user_id', $1, true)",
  values: [tenant],
});
const divide = (by: number) => ({ name: 'divide', text: 'select 1 / $1::int as n', values: [by] });
const insertNote = (n: number) => ({ name: 'note', text: 'insert into notes values ($1)', values: [n] });

let url: string;
let client: pg.Client;

beforeAll(async () => {
  url = await freshDatabase();
  client = new pg.Client({ connectionString: url, pipeline: true });
  await client.connect();
  await client.query('create table notes (n int)');
});
afterAll(async () => {
  await client.end();
  await dropDatabase(url);
});

const notes = async () => (await client.query('select n from notes order by n')).rows.map(({ n }) => n);

describe('executeBatch', () => {
  it('runs statements as one transaction, leaves no setting behind, and returns the last result', async () => {
    const [own, withoutTenant, others] = await Promise.all([
      executeBatch(client, setTenant(TENANT), readTenant(1)),
      executeBatch(client, readTenant(2)),
      executeBatch(client, setTenant(OTHER), readTenant(3)),
    ]);
    expect(own).toMatchObject({ rows: [{ tenant: TENANT, n: 1 }], rowCount: 1, command: 'SELECT' });
    expect(withoutTenant.rows).toEqual([{ tenant: '', n: 2 }]);
    expect(others.rows).toEqual([{ tenant: OTHER, n: 3 }]);
  });

  it('accepts statements without values, name or rows', async () => {
    expect(await executeBatch(client, setTenant(TENANT), { text: 'select 1 where false' })).toMatchObject({
      rows: [],
      rowCount: 0,
    });
    const unnamed = await executeBatch(client, setTenant(TENANT), {
      text: "select current_setting('app.user_id') as tenant",
    });
    expect(unnamed.rows).toEqual([{ tenant: TENANT }]);
  });

  it('rolls back the whole batch when one statement fails, but not other batches of the connection', async () => {
    const outcomes = await Promise.allSettled([
      executeBatch(client, insertNote(1), divide(0), insertNote(2)),
      executeBatch(client, insertNote(3), readTenant(4)),
      executeBatch(client, insertNote(5), divide(0)),
    ]);
    expect(outcomes).toMatchObject([
      { status: 'rejected', reason: { code: '22012' } },
      { status: 'fulfilled', value: { rows: [{ n: 4 }] } },
      { status: 'rejected', reason: { code: '22012' } },
    ]);
    expect(await notes()).toEqual([3]);
    expect((await executeBatch(client, divide(1))).rows).toEqual([{ n: 1 }]);
  });

  it('parses rows the same way with described and with cached columns', async () => {
    const odd = {
      name: 'odd',
      text: `select n, null::text as nothing, n::bigint as big, array['a', null] as list, '{"a": [1]}'::jsonb as json,
        '2026-11-28T10:00:00Z'::timestamptz as at, '\\x00ff'::bytea as bytes, true as yes
        from generate_series(1, $1::int) n`,
    };
    const row = {
      ...{ nothing: null, list: ['a', null], json: { a: [1] }, yes: true },
      ...{ at: new Date('2026-11-28T10:00:00Z'), bytes: Buffer.from([0, 255]) },
    };
    const rows = (count: number) => Array.from({ length: count }, (_, i) => ({ n: i + 1, big: `${i + 1}`, ...row }));
    for (const count of [0, 2, 1, 0, 3]) {
      const result = await executeBatch(client, setTenant(TENANT), { ...odd, values: [count] });
      expect(result).toMatchObject({ rows: rows(count), rowCount: count, command: 'SELECT' });
    }
    const both = await Promise.all([
      executeBatch(client, { ...odd, values: [1] }),
      executeBatch(client, { ...odd, values: [2] }),
    ]);
    expect(both.map(({ rows }) => rows)).toEqual([rows(1), rows(2)]);
    expect((await client.query({ ...odd, values: [2] })).rows).toEqual(rows(2));
  });

  it('rejects a batch whose result cannot be parsed, and keeps the connection usable', async () => {
    const unreadable = { name: 'unreadable', text: `select '[1]'::json as n, 2 as two where $1` };
    const fault = new Error('unreadable');
    const parser = pg.types.getTypeParser(pg.types.builtins.JSON, 'text');
    pg.types.setTypeParser(pg.types.builtins.JSON, () => {
      throw fault;
    });
    try {
      for (let turn = 0; turn < 2; turn++) {
        const batches = [executeBatch(client, { ...unreadable, values: [true] }), executeBatch(client, readTenant(1))];
        expect(await Promise.allSettled(batches)).toMatchObject([
          { status: 'rejected', reason: fault },
          { status: 'fulfilled', value: { rows: [{ n: 1 }] } },
        ]);
      }
    } finally {
      pg.types.setTypeParser(pg.types.builtins.JSON, parser);
    }
  });

  it('can open a transaction that later batches continue', async () => {
    await executeBatch(client, { name: 'begin', text: 'begin' }, insertNote(6));
    expect((await executeBatch(client, insertNote(7), { name: 'commit', text: 'commit' })).command).toBe('COMMIT');
    expect(await notes()).toEqual([3, 6, 7]);
  });

  it('retries the preparation of a statement that failed, and its error has the stack of the caller', async () => {
    const late = { name: 'late', text: 'select n from comes_later' };
    async function callingFunction() {
      return await executeBatch(client, setTenant(TENANT), late);
    }
    const error: Error = await callingFunction().then(
      () => expect.fail('the table exists'),
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ code: '42P01' });
    expect(error.stack).toContain('callingFunction');
    await client.query('create table comes_later as select 7 as n');
    expect((await callingFunction()).rows).toEqual([{ n: 7 }]);
  });

  it('prepares its statements again when the first one failed at its first use', async () => {
    const other = new pg.Client({ connectionString: url, pipeline: true });
    await other.connect();
    try {
      await expect(executeBatch(other, setTenant('\0'), readTenant(1))).rejects.toThrow();
      await expect(executeBatch(other, divide(0), readTenant(1))).rejects.toThrow();
      expect((await executeBatch(other, setTenant(TENANT), divide(1), readTenant(1))).rows).toEqual([
        { tenant: TENANT, n: 1 },
      ]);
    } finally {
      await other.end();
    }
  });

  it('shares prepared statements with queries of `pg`, also after a failure', async () => {
    const other = new pg.Client({ connectionString: url, pipeline: true });
    await other.connect();
    try {
      await executeBatch(other, readTenant(1));
      expect((await other.query(readTenant(2))).rows).toMatchObject([{ n: 2 }]);
      await other.query(insertNote(8));
      await executeBatch(other, insertNote(9));
      await expect(executeBatch(other, divide(0))).rejects.toMatchObject({ code: '22012' });
      expect((await other.query(divide(1))).rows).toEqual([{ n: 1 }]);
    } finally {
      await other.end();
    }
  });

  it('rejects when the connection breaks', async () => {
    const other = new pg.Client({ connectionString: url, pipeline: true });
    other.on('error', () => undefined);
    await other.connect();
    const [{ pid }] = (await executeBatch<{ pid: number }>(other, { text: 'select pg_backend_pid() as pid' })).rows as [
      { pid: number },
    ];
    const broken = expect(executeBatch(other, { text: 'select pg_sleep(60)' })).rejects.toThrow(/terminat/);
    await client.query('select pg_terminate_backend($1)', [pid]);
    await broken;
    await expect(executeBatch(other, readTenant(1))).rejects.toThrow();
  });
});
