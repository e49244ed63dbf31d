import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { APP_ROLE } from '../../db/client/tenant.ts';
import { TENANTLESS_TABLES } from '../../db/schema/introspect.ts';
import { dropDatabase, freshDatabase } from '../support/database.ts';

let url: string;
let sql: pg.Client;
let tables: Table[];

/** Tables of which a key that is bound to projects sees a part. */
const BOUND_TABLES = ['api_keys', 'import_chunks', 'import_items', 'memories', 'memory_versions'];

interface Table {
  name: string;
  partition: boolean;
  primaryKey: string[];
  rls: boolean;
  forced: boolean;
  policies: string[];
}

beforeAll(async () => {
  url = await freshDatabase();
  sql = new pg.Client(url);
  await sql.connect();
  tables = await listTables();
});
afterAll(async () => {
  await sql.end();
  await dropDatabase(url);
});

describe('tables of a migrated database', () => {
  it('are tenant tables or listed exceptions', () => {
    const names = tables.filter((table) => !table.partition).map((table) => table.name);
    expect(names).toEqual(expect.arrayContaining(Object.keys(TENANTLESS_TABLES)));
    expect(tenantTables().map((table) => table.name)).toEqual(
      expect.arrayContaining([
        'api_keys',
        'audit_log',
        'memories',
        'memory_versions',
        'outbox',
        'quotas',
        'usage_daily',
        'usage_events',
        'usage_events_default',
      ]),
    );
  });

  it('start their primary key with user_id if they belong to a tenant', () => {
    for (const { name, primaryKey } of tenantTables()) expect([name, primaryKey[0]]).toEqual([name, 'user_id']);
  });

  it('have forced row-level security with two policies if they belong to a tenant, partitions too, and some with one for bound keys', () => {
    const partitions = tenantTables().filter((table) => table.partition);
    expect(partitions.length).toBeGreaterThan(30);
    for (const { name, rls, forced, policies } of tenantTables()) {
      const expected = BOUND_TABLES.includes(name) ? ['owner', 'projects', 'tenant'] : ['owner', 'tenant'];
      expect({ name, rls, forced, policies }).toEqual({ name, rls: true, forced: true, policies: expected });
    }
  });

  it('have the same policy for the application role, which allows rows of the current tenant only', async () => {
    const { rows } = await sql.query(
      `select tablename, cmd, qual, with_check
        from pg_policies
        where schemaname = 'public'
          and policyname = 'tenant'
          and roles = array[$1::name]
        order by tablename`,
      [APP_ROLE],
    );
    const rule = '(user_id = current_tenant())';
    for (const { tablename, ...policy } of rows.filter((row) => row.tablename !== 'users')) {
      expect({ tablename, ...policy }).toEqual({ tablename, cmd: 'ALL', qual: rule, with_check: rule });
    }
    expect(rows.find((row) => row.tablename === 'users')).toMatchObject({
      cmd: 'SELECT',
      qual: '(id = current_tenant())',
    });
  });

  it('have row-level security if the application role has any grant on them, exceptions too', async () => {
    const { rows } = await sql.query(
      `select distinct c.relname
        from pg_class c, aclexplode(c.relacl) a
        where c.relnamespace = 'public'::regnamespace
          and a.grantee in (0, $1::regrole)
          and not (c.relrowsecurity and c.relforcerowsecurity)`,
      [APP_ROLE],
    );
    // A view has no policies: its condition is that of the policy, and row-level-security.test.ts covers it like a table.
    expect(rows).toEqual([{ relname: 'ranked_memories' }]);
    const view = await sql.query(`select pg_get_viewdef('ranked_memories'::regclass) as definition`);
    expect(view.rows[0].definition).toContain('(user_id = current_tenant()) IS TRUE');
  });
});

describe('foreign keys', () => {
  it('between tenant tables have user_id at the same position on both sides', async () => {
    const keys = await listForeignKeys();
    expect(keys.length).toBeGreaterThan(10);
    for (const { name, from, to, columns, target } of keys) {
      const at = columns.indexOf('user_id');
      // References to users use its id, those to other tenant tables the same column.
      expect([name, from, at === -1 ? undefined : target[at]]).toEqual([name, from, to === 'users' ? 'id' : 'user_id']);
    }
  });
});

describe('indexes of tenant tables', () => {
  /** Indexes for queries of background work across tenants. */
  const SERVICE_INDEXES = [
    'claims_expiry',
    'embedding_queue_age',
    'embedding_queue_retries',
    'embedding_queue_turn',
    'exports_age',
    'idempotency_keys_age',
    'imports_age',
    'webhook_deliveries_age',
    'webhooks_due',
    'memberships_id',
    'outbox_newest',
    'reconciliation_differences_of',
    'sessions_expiry',
  ];
  /** Its terms are hashes of tenant and lexeme, so each posting list is one tenant's. */
  const HASHED_WITH_TENANT = ['memories_terms'];

  it('start with user_id', async () => {
    const { rows } = await sql.query<{ index: string; relation: string; first: string | null }>(
      `select x.relname as index,
          c.relname as relation,
          (
            select attname
            from pg_attribute
            where attrelid = c.oid
              and attnum = i.indkey[0]
          ) as first
        from pg_index i
        join pg_class c on c.oid = i.indrelid
        join pg_class x on x.oid = i.indexrelid
        where c.relnamespace = 'public'::regnamespace`,
    );
    const ofTenants = rows.filter((row) => !(row.relation in TENANTLESS_TABLES));
    const others = ofTenants.filter((row) => row.first !== 'user_id').map((row) => row.index);
    expect(others.sort()).toEqual([...SERVICE_INDEXES, ...HASHED_WITH_TENANT].sort());
  });

  it('exist for every foreign key that deletions follow, so that removing a tenant or a memory scans no table', async () => {
    for (const { name, from, columns } of await listForeignKeys()) {
      // Keys are deleted only with their account, whose events are found by the primary key.
      if (from.startsWith('usage_events')) continue;
      const { rows } = await sql.query(
        `select
          from pg_index i
          where i.indrelid = $1::regclass
            and i.indpred is null
            and $2::name[] <@ array(
              select a.attname
              from unnest((i.indkey::int2[])[0:$3 - 1]) k
              join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k
            )`,
        [from, columns, columns.length],
      );
      expect([name, rows.length > 0]).toEqual([name, true]);
    }
  });
});

describe('application role', () => {
  it('owns nothing, cannot log in, and does not bypass row-level security', async () => {
    const { rows } = await sql.query(
      `select rolsuper, rolbypassrls, rolcanlogin, rolcreaterole, rolcreatedb, rolreplication,
          (select count(*)::int from pg_class where relowner = r.oid) as relations,
          (select count(*)::int from pg_proc where proowner = r.oid) as routines,
          (select count(*)::int from pg_namespace where nspowner = r.oid) as schemas,
          (select count(*)::int from pg_auth_members where member = r.oid) as memberships
        from pg_roles r where rolname = $1`,
      [APP_ROLE],
    );
    expect(rows).toEqual([
      {
        rolsuper: false,
        rolbypassrls: false,
        rolcanlogin: false,
        rolcreaterole: false,
        rolcreatedb: false,
        rolreplication: false,
        relations: 0,
        routines: 0,
        schemas: 0,
        memberships: 0,
      },
    ]);
  });

  it('cannot truncate, reference or add triggers to any table, create objects, or use the queue schema', async () => {
    const { rows } = await sql.query(
      `select relname, privilege
        from pg_class, unnest(array['TRUNCATE', 'REFERENCES', 'TRIGGER']) privilege
        where relnamespace = 'public'::regnamespace
          and relkind in ('r', 'p')
          and has_table_privilege($1, oid, privilege)`,
      [APP_ROLE],
    );
    expect(rows).toEqual([]);
    const may = await sql.query(
      `select has_schema_privilege($1, 'public', 'CREATE') as create,
          has_schema_privilege($1, 'graphile_worker', 'USAGE') as queue`,
      [APP_ROLE],
    );
    expect(may.rows).toEqual([{ create: false, queue: false }]);
  });

  it('can execute only security-definer functions that check the tenant and pin their search path', async () => {
    const { rows } = await sql.query(
      `select proname, proconfig, has_function_privilege($1, oid, 'EXECUTE') as allowed
        from pg_proc
        where prosecdef
          and pronamespace = 'public'::regnamespace`,
      [APP_ROLE],
    );
    expect(rows).toEqual([{ proname: 'enqueue_mail', proconfig: ['search_path=public, pg_temp'], allowed: true }]);
  });
});

function tenantTables(): Table[] {
  return tables.filter((table) => !(table.name in TENANTLESS_TABLES));
}

async function listTables(): Promise<Table[]> {
  const { rows } = await sql.query<Table>(
    `select c.relname as name,
        c.relispartition as partition,
        c.relrowsecurity as rls,
        c.relforcerowsecurity as forced,
        array(
          select polname::text
          from pg_policy
          where polrelid = c.oid
          order by polname
        ) as policies,
        array(
          select a.attname::text
          from pg_index i, unnest(i.indkey::int2[]) with ordinality k (number, place)
          join pg_attribute a on a.attnum = k.number
          where i.indrelid = c.oid
            and i.indisprimary
            and a.attrelid = c.oid
          order by k.place
        ) as "primaryKey"
      from pg_class c
      where c.relnamespace = 'public'::regnamespace
        and c.relkind in ('r', 'p')
      order by c.relname`,
  );
  return rows;
}

interface ForeignKey {
  name: string;
  from: string;
  to: string;
  columns: string[];
  target: string[];
}

async function listForeignKeys(): Promise<ForeignKey[]> {
  const named = (table: string, numbers: string) =>
    `array(
          select a.attname::text
          from unnest(${numbers}) with ordinality k (number, place)
          join pg_attribute a on a.attnum = k.number
          where a.attrelid = ${table}
          order by k.place
        )`;
  const { rows } = await sql.query<ForeignKey>(
    `select conname as name,
        conrelid::regclass::text as from,
        confrelid::regclass::text as to,
        ${named('conrelid', 'conkey')} as columns,
        ${named('confrelid', 'confkey')} as target
      from pg_constraint
      where contype = 'f'
        and connamespace = 'public'::regnamespace`,
  );
  return rows;
}
