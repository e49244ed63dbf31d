import type { Sql } from '../client/sql.ts';

/**
 * Tables that do not belong to one tenant, each with the reason. The primary key of every other table of `public` starts
 * with `user_id`, and no constraint spans tenants. The tables of graphile-worker are in a schema of their own.
 */
export const TENANTLESS_TABLES: Record<string, string> = {
  users: 'the tenants themselves, by `id`',
  key_lookup: 'the tenant of an API key is unknown until its hash is found',
  claim_lookup: 'likewise for an activation link',
  session_lookup: 'likewise for a session cookie',
  sign_in_links: 'likewise for a sign-in link, whose account may not exist yet',
  oauth_clients: 'programs that registered themselves, before anybody uses them',
  oauth_artifacts: 'the tenant of a token is unknown until its hash is found, and a request has none yet',
  device_logins: 'likewise for a login of a program, until a person decides',
  closed_memberships: 'hashes of memberships whose account was purged',
  webhook_inbox: 'the tenant of a webhook is unknown until it is processed',
  reconciliations: 'a comparison with Whop concerns all tenants',
  deletion_receipts: 'the tenant was purged',
  backups: 'a backup holds all tenants',
  ip_salts: 'a salt belongs to a day',
  service_days: 'it counts minutes of the whole service',
  embedding_models: 'models belong to the service; each vector names its model',
  knex_migrations: 'names of the applied migrations',
  knex_migrations_lock: 'lock of the migrations',
};

/**
 * Describes the schema as SQL in a canonical order, from the system catalog. Two schemas are equal if and only if their
 * texts are, however they were created. Excludes the tables of knex and graphile-worker, the partitions, which depend on
 * the date, and the owner's name.
 */
export async function describeSchema(sql: Sql): Promise<string> {
  const parts: string[][] = [];
  for (const describe of [extensions, functions, tables, views, schemaGrants]) parts.push(await describe(sql));
  return `${parts
    .flat()
    .map((part) => part.trim())
    .join('\n\n')}\n`;
}

/** Condition for relations of this product: in `public`, not partitions, not those of knex or an extension. */
const OWN_RELATION = `c.relnamespace = 'public'::regnamespace
        and not c.relispartition
        and c.relname not like 'knex\\_%'
        and not exists (
          select from pg_depend e
          where e.classid = 'pg_class'::regclass
            and e.objid = c.oid
            and e.deptype = 'e'
        )`;

async function extensions(sql: Sql): Promise<string[]> {
  return queryColumn(
    sql,
    `select format('create extension %I;', extname)
      from pg_extension
      where extname <> 'plpgsql'`,
  );
}

async function functions(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ definition: string; grants: string[] }>({
    text: `select rtrim(pg_get_functiondef(p.oid), E' \\n') || ';' as definition,
        array(
          select format('grant %s on routine %I(%s) to %s;', lower(a.privilege_type), p.proname,
            pg_get_function_identity_arguments(p.oid), ${grantee('a.grantee')})
          from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
          where a.grantee <> p.proowner
          order by 1
        ) as grants
      from pg_proc p
      where p.pronamespace = 'public'::regnamespace
        and p.prokind in ('f', 'p', 'w')
        and not exists (
          select from pg_depend e
          where e.classid = 'pg_proc'::regclass
            and e.objid = p.oid
            and e.deptype = 'e'
        )
      order by p.proname collate "C", pg_get_function_identity_arguments(p.oid) collate "C"`,
  });
  return rows.map(({ definition, grants }) => [definition, ...grants].join('\n'));
}

async function tables(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ oid: string; name: string; partitioning: string; rls: boolean; forced: boolean }>({
    text: `select c.oid::text,
        c.relname as name,
        coalesce(pg_get_partkeydef(c.oid), '') as partitioning,
        c.relrowsecurity as rls,
        c.relforcerowsecurity as forced
      from pg_class c
      where c.relkind in ('r', 'p')
        and ${OWN_RELATION}
      order by c.relname collate "C"`,
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
  // In table order, on which copying by position relies.
  return queryColumn(
    sql,
    `select concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
        (
          select 'collate ' || quote_ident(l.collname)
          from pg_collation l, pg_type t
          where l.oid = a.attcollation
            and t.oid = a.atttypid
            and a.attcollation <> t.typcollation
        ),
        case when a.attidentity <> '' then 'generated as identity' end,
        case
          when a.attgenerated <> '' then 'generated always as (' || pg_get_expr(d.adbin, d.adrelid) || ')'
          else 'default ' || pg_get_expr(d.adbin, d.adrelid)
        end,
        case when a.attnotnull then 'not null' end)
      from pg_attribute a
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = $1
        and a.attnum > 0
        and not a.attisdropped
      order by a.attnum`,
    table,
  );
}

function constraints(sql: Sql, table: string): Promise<string[]> {
  // "not null" is part of the column here: it is a constraint for PostgreSQL 18, but not for 15.
  return queryColumn(
    sql,
    `select format('constraint %I %s', conname, pg_get_constraintdef(oid))
      from pg_constraint
      where conrelid = $1
        and contype <> 'n'
        and contype <> 't'
      order by array_position(array['p', 'u', 'x', 'f', 'c'], contype::text), conname collate "C"`,
    table,
  );
}

function indexes(sql: Sql, table: string): Promise<string[]> {
  return queryColumn(
    sql,
    `select pg_get_indexdef(i.indexrelid) || case when i.indisvalid then ';' else '; -- invalid' end
      from pg_index i
      join pg_class c on c.oid = i.indexrelid
      where i.indrelid = $1
        and not exists (
          select from pg_constraint
          where conindid = i.indexrelid
            and contype in ('p', 'u', 'x')
        )
      order by c.relname collate "C"`,
    table,
  );
}

function triggers(sql: Sql, table: string): Promise<string[]> {
  return queryColumn(
    sql,
    `select pg_get_triggerdef(oid) || ';'
      from pg_trigger
      where tgrelid = $1
        and not tgisinternal
      order by tgname collate "C"`,
    table,
  );
}

function policies(sql: Sql, table: string): Promise<string[]> {
  return queryColumn(
    sql,
    `select concat_ws(' ', format('create policy %I on %I', p.polname, c.relname),
        case when not p.polpermissive then 'as restrictive' end,
        case p.polcmd
          when 'r' then 'for select'
          when 'a' then 'for insert'
          when 'w' then 'for update'
          when 'd' then 'for delete'
        end,
        'to ' || (
          select string_agg(case when r = c.relowner then 'owner' else ${grantee('r')} end, ', ' order by r)
          from unnest(p.polroles) r
        ),
        'using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
        'with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')') || ';'
      from pg_policy p
      join pg_class c on c.oid = p.polrelid
      where p.polrelid = $1
      order by p.polname collate "C"`,
    table,
  );
}

function tableGrants(sql: Sql, table: string): Promise<string[]> {
  return queryColumn(
    sql,
    `select format('grant %s on %I to %s;',
        string_agg(lower(a.privilege_type), ', ' order by a.privilege_type), c.relname, ${grantee('a.grantee')})
      from pg_class c, aclexplode(c.relacl) a
      where c.oid = $1
        and a.grantee <> c.relowner
      group by c.relname, a.grantee
      order by 1`,
    table,
  );
}

function views(sql: Sql): Promise<string[]> {
  return queryColumn(
    sql,
    `select format('create %s %I as%s',
        case c.relkind when 'm' then 'materialized view' else 'view' end, c.relname, E'\\n' || pg_get_viewdef(c.oid))
      from pg_class c
      where c.relkind in ('v', 'm')
        and ${OWN_RELATION}
      order by c.relname collate "C"`,
  );
}

function schemaGrants(sql: Sql): Promise<string[]> {
  return queryColumn(
    sql,
    `select format('grant %s on schema public to wm_app;', lower(a.privilege_type))
      from pg_namespace n, aclexplode(n.nspacl) a
      where n.nspname = 'public'
        and a.grantee::regrole::text = 'wm_app'
      order by 1`,
  );
}

/** Returns the SQL expression of a grantee's name; 0 means PUBLIC. */
function grantee(role: string): string {
  return `case when ${role} = 0 then 'public' else ${role}::regrole::text end`;
}

/** Returns the values of a query's only column. */
async function queryColumn(sql: Sql, select: string, table?: string): Promise<string[]> {
  const { rows } = await sql.query<Record<string, string>>({ text: select, ...(table && { values: [table] }) });
  return rows.map((row) => Object.values(row)[0] as string);
}
