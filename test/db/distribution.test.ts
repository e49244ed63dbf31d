import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dropDatabase, freshDatabase } from '../support/database.ts';

/**
 * Tables that are not distributed by tenant: small ones that every node would have a copy of, and those that are looked up before the
 * tenant is known.
 */
const NOT_DISTRIBUTED = [
  'backups',
  'closed_memberships',
  'claim_lookup',
  'device_logins',
  'embedding_models',
  'ip_salts',
  'key_lookup',
  'knex_migrations',
  'knex_migrations_lock',
  'oauth_artifacts',
  'oauth_clients',
  'reconciliations',
  'service_days',
  'session_lookup',
  'sign_in_links',
  'users',
  'webhook_inbox',
];

let url: string;
let client: pg.Client;

beforeAll(async () => {
  url = await freshDatabase();
  client = new pg.Client({ connectionString: url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await dropDatabase(url);
});

/** Returns the constraints and unique indexes of tables that break a rule, each as text. */
async function findBroken(sql: string): Promise<string[]> {
  const { rows } = await client.query<{ found: string }>(sql, [NOT_DISTRIBUTED]);
  return rows.map(({ found }) => found);
}

describe('tables of tenants', () => {
  it('all have the column by which they are distributed', async () => {
    const { rows } = await client.query<{ tables: string }>(
      `select count(*) as tables
      from pg_class c
      where c.relnamespace = 'public'::regnamespace
        and c.relkind in ('r', 'p')
        and not c.relispartition
        and c.relname <> all($1)`,
      [NOT_DISTRIBUTED],
    );
    expect(Number(rows[0]?.tables)).toBeGreaterThan(20);
    const without = await findBroken(
      `select c.relname as found
      from pg_class c
      where c.relnamespace = 'public'::regnamespace
        and c.relkind in ('r', 'p')
        and not c.relispartition
        and c.relname <> all($1)
        and not exists (
          select 1
          from pg_attribute a
          where a.attrelid = c.oid
            and a.attname = 'user_id'
            and a.attnotnull
        )`,
    );
    expect(without).toEqual([]);
  });

  it('have no unique index without that column, because none could span nodes', async () => {
    const broken = await findBroken(
      `select i.indexrelid::regclass::text as found
      from pg_index i
      join pg_class c on c.oid = i.indrelid
      where c.relnamespace = 'public'::regnamespace
        and not c.relispartition
        and (i.indisunique or i.indisexclusion)
        and c.relname <> all($1)
        and not exists (
          select 1
          from pg_attribute a
          where a.attrelid = c.oid
            and a.attname = 'user_id'
            and a.attnum = any(i.indkey)
        )`,
    );
    expect(broken).toEqual([]);
  });

  it('refer to each other with that column in the same place, so that joined rows are on one node', async () => {
    const broken = await findBroken(
      `select f.conrelid::regclass || '.' || f.conname as found
      from pg_constraint f
      join pg_class c on c.oid = f.conrelid
      join pg_class target on target.oid = f.confrelid
      where f.contype = 'f'
        and f.connamespace = 'public'::regnamespace
        and not c.relispartition
        and c.relname <> all($1)
        and target.relname <> all($1)
        and not exists (
          select 1
          from unnest(f.conkey, f.confkey) as pair (own, other)
          join pg_attribute a on a.attrelid = f.conrelid and a.attnum = pair.own
          join pg_attribute b on b.attrelid = f.confrelid and b.attnum = pair.other
          where a.attname = 'user_id'
            and b.attname = 'user_id'
        )`,
    );
    expect(broken).toEqual([]);
  });
});
