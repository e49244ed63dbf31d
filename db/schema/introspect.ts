import type { Sql } from '../client/sql.ts';

/**
 * The tables outside the tenant rule (settled point 7), each with its reason. Every other table of `public` starts its
 * primary key with `user_id` and never reaches across tenants. The queue's tables are in a schema of their own.
 */
export const TENANTLESS_TABLES: Record<string, string> = {
  users: 'what the tenants are; `id` is its tenant',
  key_lookup: 'a key has no tenant until it is found by its hash',
  claim_lookup: 'nor has a claim',
  session_lookup: 'nor has the cookie of a session',
  closed_memberships: 'hashes of what nobody has any more',
  webhook_inbox: 'what Whop told has no tenant until it is worked on',
  deletion_receipts: 'the tenant is gone',
  embedding_models: 'models belong to the service; whose vectors they made is in the vectors',
  knex_migrations: 'the names of the applied migrations',
  knex_migrations_lock: 'the lock of the migrations',
};

/**
 * The schema as the catalogue tells it, as SQL in a canonical order: the same text for the same schema, however it came
 * about. Two databases are alike if and only if their texts are. Left out are the tables of the migrations and of the
 * queue, partitions (the clock makes them), and the owner's name.
 */
export async function describeSchema(sql: Sql): Promise<string> {
  const parts: string[][] = [];
  for (const describe of [extensions, functions, tables, views, schemaGrants]) parts.push(await describe(sql));
  return `${parts
    .flat()
    .map((part) => part.trim())
    .join('\n\n')}\n`;
}

/** Relations of ours: in `public`, no partition, not knex's, not an extension's. */
const OURS = `c.relnamespace = 'public'::regnamespace and not c.relispartition and c.relname not like 'knex\\_%'
  and not exists (select from pg_depend e where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')`;

async function extensions(sql: Sql): Promise<string[]> {
  return lines(sql, `select format('create extension %I;', extname) from pg_extension where extname <> 'plpgsql'`);
}

async function functions(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ definition: string; grants: string[] }>({
    text: `select rtrim(pg_get_functiondef(p.oid), E' \\n') || ';' as definition,
        array(select format('grant %s on routine %I(%s) to %s;', lower(a.privilege_type), p.proname,
            pg_get_function_identity_arguments(p.oid), ${grantee('a.grantee')})
          from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee <> p.proowner
          order by 1) as grants
      from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prokind in ('f', 'p', 'w')
        and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
      order by p.proname collate "C", pg_get_function_identity_arguments(p.oid) collate "C"`,
  });
  return rows.map(({ definition, grants }) => [definition, ...grants].join('\n'));
}

async function tables(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ oid: string; name: string; partitioning: string; rls: boolean; forced: boolean }>({
    text: `select c.oid::text, c.relname as name, coalesce(pg_get_partkeydef(c.oid), '') as partitioning,
        c.relrowsecurity as rls, c.relforcerowsecurity as forced
      from pg_class c where c.relkind in ('r', 'p') and ${OURS} order by c.relname collate "C"`,
  });
  const described: string[] = [];
  for (const { oid, name, partitioning, rls, forced } of rows) {
    const members = [...(await columns(sql, oid)), ...(await constraints(sql, oid))];
    described.push(
      [
        `create table ${name} (\n  ${members.join(',\n  ')}\n)${partitioning && ` partition by ${partitioning}`};`,
        ...(await indexes(sql, oid)),
        ...(await triggers(sql, oid)),
        ...(rls ? [`alter table ${name} enable row level security;`] : []),
        ...(forced ? [`alter table ${name} force row level security;`] : []),
        ...(await policies(sql, oid)),
        ...(await tableGrants(sql, oid)),
      ].join('\n'),
    );
  }
  return described;
}

function columns(sql: Sql, table: string): Promise<string[]> {
  // In the order of the table: a copy by position relies on it.
  return lines(
    sql,
    `select concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
        (select 'collate ' || quote_ident(l.collname) from pg_collation l, pg_type t
          where l.oid = a.attcollation and t.oid = a.atttypid and a.attcollation <> t.typcollation),
        case when a.attidentity <> '' then 'generated as identity' end,
        case when a.attgenerated <> '' then 'generated always as (' || pg_get_expr(d.adbin, d.adrelid) || ')'
          else 'default ' || pg_get_expr(d.adbin, d.adrelid) end,
        case when a.attnotnull then 'not null' end)
      from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped order by a.attnum`,
    table,
  );
}

function constraints(sql: Sql, table: string): Promise<string[]> {
  // A column's "not null" stands with the column; PostgreSQL 18 counts it as a constraint, 15 does not.
  return lines(
    sql,
    `select format('constraint %I %s', conname, pg_get_constraintdef(oid)) from pg_constraint
      where conrelid = $1 and contype <> 'n' and contype <> 't'
      order by array_position(array['p', 'u', 'x', 'f', 'c'], contype::text), conname collate "C"`,
    table,
  );
}

function indexes(sql: Sql, table: string): Promise<string[]> {
  return lines(
    sql,
    `select pg_get_indexdef(i.indexrelid) || case when i.indisvalid then ';' else '; -- invalid' end
      from pg_index i join pg_class c on c.oid = i.indexrelid
      where i.indrelid = $1 and not exists (select from pg_constraint where conindid = i.indexrelid and contype in ('p', 'u', 'x'))
      order by c.relname collate "C"`,
    table,
  );
}

function triggers(sql: Sql, table: string): Promise<string[]> {
  return lines(
    sql,
    `select pg_get_triggerdef(oid) || ';' from pg_trigger where tgrelid = $1 and not tgisinternal order by tgname collate "C"`,
    table,
  );
}

function policies(sql: Sql, table: string): Promise<string[]> {
  return lines(
    sql,
    `select concat_ws(' ', format('create policy %I on %I', p.polname, c.relname),
        case when not p.polpermissive then 'as restrictive' end,
        case p.polcmd when 'r' then 'for select' when 'a' then 'for insert' when 'w' then 'for update' when 'd' then 'for delete' end,
        'to ' || (select string_agg(case when r = c.relowner then 'owner' else ${grantee('r')} end, ', ' order by r) from unnest(p.polroles) r),
        'using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
        'with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')') || ';'
      from pg_policy p join pg_class c on c.oid = p.polrelid where p.polrelid = $1 order by p.polname collate "C"`,
    table,
  );
}

function tableGrants(sql: Sql, table: string): Promise<string[]> {
  return lines(
    sql,
    `select format('grant %s on %I to %s;', string_agg(lower(a.privilege_type), ', ' order by a.privilege_type), c.relname, ${grantee('a.grantee')})
      from pg_class c, aclexplode(c.relacl) a where c.oid = $1 and a.grantee <> c.relowner
      group by c.relname, a.grantee order by 1`,
    table,
  );
}

function views(sql: Sql): Promise<string[]> {
  return lines(
    sql,
    `select format('create %s %I as%s', case c.relkind when 'm' then 'materialized view' else 'view' end, c.relname, E'\\n' || pg_get_viewdef(c.oid))
      from pg_class c where c.relkind in ('v', 'm') and ${OURS} order by c.relname collate "C"`,
  );
}

function schemaGrants(sql: Sql): Promise<string[]> {
  return lines(
    sql,
    `select format('grant %s on schema public to wm_app;', lower(a.privilege_type))
      from pg_namespace n, aclexplode(n.nspacl) a where n.nspname = 'public' and a.grantee::regrole::text = 'wm_app' order by 1`,
  );
}

/** A grantee's name in SQL; 0 stands for everybody. */
function grantee(role: string): string {
  return `case when ${role} = 0 then 'public' else ${role}::regrole::text end`;
}

/** The single column of a query's rows. */
async function lines(sql: Sql, select: string, table?: string): Promise<string[]> {
  const { rows } = await sql.query<Record<string, string>>({ text: select, ...(table && { values: [table] }) });
  return rows.map((row) => Object.values(row)[0] as string);
}
