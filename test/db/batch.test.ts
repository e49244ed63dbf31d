import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { executeBatch } from '../../db/client/batch.ts';
import { dropDatabase, freshDatabase } from '../support/database.ts';

const TENANT = '01940000-0000-7000-8000-000000000001';
const OTHER = '01940000-0000-7000-8000-000000000002';
const seen = (n: number) => ({
  name: 'seen',
  text: "select current_setting('app.user_id', true) as tenant, $1::int as n",
  values: [n],
});
const of = (tenant: string) => ({
  name: 'tenant',
  text: "select set_config('app.user_id', $1, true)",
  values: [tenant],
});
const divide = (by: number) => ({ name: 'divide', text: 'select 1 / $1::int as n', values: [by] });
const note = (n: number) => ({ name: 'note', text: 'insert into notes values ($1)', values: [n] });

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

describe('statements asked together', () => {
  it('are one transaction, which leaves no setting behind, and answer what the last one does', async () => {
    const [mine, nobodys, others] = await Promise.all([
      executeBatch(client, of(TENANT), seen(1)),
      executeBatch(client, seen(2)),
      executeBatch(client, of(OTHER), seen(3)),
    ]);
    expect(mine).toMatchObject({ rows: [{ tenant: TENANT, n: 1 }], rowCount: 1, command: 'SELECT' });
    expect(nobodys.rows).toEqual([{ tenant: '', n: 2 }]);
    expect(others.rows).toEqual([{ tenant: OTHER, n: 3 }]);
  });

  it('need have no values, no name and no rows', async () => {
    expect(await executeBatch(client, of(TENANT), { text: 'select 1 where false' })).toMatchObject({
      rows: [],
      rowCount: 0,
    });
    const unnamed = await executeBatch(client, of(TENANT), { text: "select current_setting('app.user_id') as tenant" });
    expect(unnamed.rows).toEqual([{ tenant: TENANT }]);
  });

  it('are all undone, and none is done after it, when one fails; their neighbours on the connection are not', async () => {
    const outcomes = await Promise.allSettled([
      executeBatch(client, note(1), divide(0), note(2)),
      executeBatch(client, note(3), seen(4)),
      executeBatch(client, note(5), divide(0)),
    ]);
    expect(outcomes).toMatchObject([
      { status: 'rejected', reason: { code: '22012' } },
      { status: 'fulfilled', value: { rows: [{ n: 4 }] } },
      { status: 'rejected', reason: { code: '22012' } },
    ]);
    expect(await notes()).toEqual([3]);
    expect((await executeBatch(client, divide(1))).rows).toEqual([{ n: 1 }]);
  });

  it('are read alike, whether their columns are told or known from before', async () => {
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
      const answer = await executeBatch(client, of(TENANT), { ...odd, values: [count] });
      expect(answer).toMatchObject({ rows: rows(count), rowCount: count, command: 'SELECT' });
    }
    const both = await Promise.all([
      executeBatch(client, { ...odd, values: [1] }),
      executeBatch(client, { ...odd, values: [2] }),
    ]);
    expect(both.map((answer) => answer.rows)).toEqual([rows(1), rows(2)]);
    expect((await client.query({ ...odd, values: [2] })).rows).toEqual(rows(2));
  });

  it('whose answer cannot be read are rejected, and leave the connection to others', async () => {
    const unreadable = { name: 'unreadable', text: `select '[1]'::json as n, 2 as two where $1` };
    const fault = new Error('unreadable');
    const parser = pg.types.getTypeParser(pg.types.builtins.JSON, 'text');
    pg.types.setTypeParser(pg.types.builtins.JSON, () => {
      throw fault;
    });
    try {
      for (let turn = 0; turn < 2; turn++) {
        const asked = [executeBatch(client, { ...unreadable, values: [true] }), executeBatch(client, seen(1))];
        expect(await Promise.allSettled(asked)).toMatchObject([
          { status: 'rejected', reason: fault },
          { status: 'fulfilled', value: { rows: [{ n: 1 }] } },
        ]);
      }
    } finally {
      pg.types.setTypeParser(pg.types.builtins.JSON, parser);
    }
  });

  it('can open a transaction that others go on with', async () => {
    await executeBatch(client, { name: 'begin', text: 'begin' }, note(6));
    expect((await executeBatch(client, note(7), { name: 'commit', text: 'commit' })).command).toBe('COMMIT');
    expect(await notes()).toEqual([3, 6, 7]);
  });

  it('work once their fault is gone, and its error says who asked', async () => {
    const late = { name: 'late', text: 'select n from comes_later' };
    async function whoAsks() {
      return await executeBatch(client, of(TENANT), late);
    }
    const error: Error = await whoAsks().then(
      () => expect.fail('it was there'),
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ code: '42P01' });
    expect(error.stack).toContain('whoAsks');
    await client.query('create table comes_later as select 7 as n');
    expect((await whoAsks()).rows).toEqual([{ n: 7 }]);
  });

  it('of which the first failed in its first use are prepared again', async () => {
    const other = new pg.Client({ connectionString: url, pipeline: true });
    await other.connect();
    try {
      await expect(executeBatch(other, of('\0'), seen(1))).rejects.toThrow();
      await expect(executeBatch(other, divide(0), seen(1))).rejects.toThrow();
      expect((await executeBatch(other, of(TENANT), divide(1), seen(1))).rows).toEqual([{ tenant: TENANT, n: 1 }]);
    } finally {
      await other.end();
    }
  });

  it('share what is prepared with queries of `pg` itself, also after a failure', async () => {
    const other = new pg.Client({ connectionString: url, pipeline: true });
    await other.connect();
    try {
      await executeBatch(other, seen(1));
      expect((await other.query(seen(2))).rows).toMatchObject([{ n: 2 }]);
      await other.query(note(8));
      await executeBatch(other, note(9));
      await expect(executeBatch(other, divide(0))).rejects.toMatchObject({ code: '22012' });
      expect((await other.query(divide(1))).rows).toEqual([{ n: 1 }]);
    } finally {
      await other.end();
    }
  });

  it('of a connection that breaks are rejected', async () => {
    const other = new pg.Client({ connectionString: url, pipeline: true });
    other.on('error', () => undefined);
    await other.connect();
    const [{ pid }] = (await executeBatch<{ pid: number }>(other, { text: 'select pg_backend_pid() as pid' })).rows as [
      { pid: number },
    ];
    const broken = expect(executeBatch(other, { text: 'select pg_sleep(60)' })).rejects.toThrow(/terminat/);
    await client.query('select pg_terminate_backend($1)', [pid]);
    await broken;
    await expect(executeBatch(other, seen(1))).rejects.toThrow();
  });
});
