import type { Sql } from '../client/sql.ts';
import { exactlyOne } from '../client/sql.ts';
import { migrateDown, migrateTo, migrateUp, migrationStatus } from '../schema/migrate.ts';
import { type CopyConnection, openCopyConnection } from './connection.ts';
import { type BackupTable, listBackupTables, nameOf, sqlOf } from './tables.ts';

/** The database holds data that a restore would overwrite. */
export class DatabaseNotEmpty extends Error {
  constructor(accounts: number) {
    super(
      `The database is not empty (accounts: ${accounts}). A restore never overwrites data: create an empty database and name it with --into URL.`,
    );
  }
}

/** The schema and the days of an archive, which a restore needs before it loads rows. */
interface ArchivedSchema {
  tables: readonly BackupTable[];
  migrations: readonly string[];
  usageDays: { first: string; last: string } | null;
}

/**
 * Loads an archive into an empty database, in one transaction: all of it or nothing. Migrates the database to the archive's schema
 * before, and to the current one afterwards.
 * @param url URL of the role that owns the tables
 * @param load copies the rows; the transaction is committed when it resolves
 * @throws DatabaseNotEmpty
 */
export async function loadIntoEmptyDatabase<T>(
  url: string,
  archive: ArchivedSchema,
  load: (connection: CopyConnection) => Promise<T>,
): Promise<T> {
  await prepare(url, archive.migrations);
  const connection = await openCopyConnection(url);
  let result: T;
  try {
    await connection.query({ text: 'begin' });
    const tables = await listBackupTables(connection);
    rejectOtherTables(archive.tables, tables);
    await connection.query({ text: `truncate ${tables.map((table) => sqlOf(table).table).join(', ')}` });
    const forced = await listForcedTables(connection);
    // COPY FROM is not supported where row-level security applies to the role.
    for (const table of forced) await connection.query({ text: `alter table ${table} no force row level security` });
    if (archive.usageDays) {
      const { first, last } = archive.usageDays;
      await connection.query({ text: 'select ensure_usage_partitions($1, $2)', values: [first, last] });
    }
    result = await load(connection);
    await resetQueue(connection);
    // Partitions that were created meanwhile are forced already.
    for (const table of forced) await connection.query({ text: `alter table ${table} force row level security` });
    await connection.query({ text: 'commit' });
    await connection.query({ text: 'analyze' });
  } finally {
    // Rolls back what is not committed.
    await connection.close().catch(() => undefined);
  }
  // Applies what is newer than the archive, and creates the partitions ahead.
  await migrateUp(url);
  return result;
}

/** Migrates an empty database to the schema of an archive. */
async function prepare(url: string, migrations: readonly string[]): Promise<void> {
  const { applied } = await migrationStatus(url);
  if (applied.length > 0) {
    const accounts = await countAccounts(url);
    if (accounts > 0) throw new DatabaseNotEmpty(accounts);
  }
  const isSame = applied.length === migrations.length && applied.every((name, index) => name === migrations[index]);
  if (applied.length > 0 && !isSame) await migrateDown(url, true);
  await migrateTo(url, migrations);
}

async function countAccounts(url: string): Promise<number> {
  const connection = await openCopyConnection(url);
  try {
    const exists = await connection.query<{ exists: boolean }>({
      text: "select to_regclass('public.users') is not null as exists",
    });
    if (!exactlyOne(exists).exists) return 0;
    const counted = await connection.query<{ count: number }>({ text: 'select count(*)::int as count from users' });
    return exactlyOne(counted).count;
  } finally {
    await connection.close();
  }
}

function rejectOtherTables(archived: readonly BackupTable[], existing: readonly BackupTable[]): void {
  const found = new Map(existing.map((table) => [nameOf(table), table.columns]));
  for (const table of archived) {
    const columns = found.get(nameOf(table));
    const missing = table.columns.filter((column) => !columns?.includes(column));
    if (!columns) throw new Error(`The archive has a table that this version does not: ${nameOf(table)}.`);
    if (missing.length > 0)
      throw new Error(`The archive has columns of ${nameOf(table)} that this version does not: ${missing.join(', ')}.`);
  }
}

/** Returns the tables whose row-level security applies to their owner too, as SQL. */
async function listForcedTables(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ name: string }>({
    text: `select c.oid::regclass::text as name
      from pg_class c
      where c.relnamespace = 'public'::regnamespace
        and c.relkind in ('r', 'p')
        and c.relforcerowsecurity
      order by 1`,
  });
  return rows.map(({ name }) => name);
}

/** Continues the ids of the queue's tables after the restored ones, and unlocks the jobs that ran when the backup was made. */
async function resetQueue(sql: Sql): Promise<void> {
  const { rows } = await sql.query<{ sequence: string; table: string; column: string }>({
    text: `select s.oid::regclass::text as sequence,
        d.refobjid::regclass::text as table,
        quote_ident(a.attname) as column
      from pg_class s
      join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = s.oid and d.deptype in ('a', 'i')
      join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
      where s.relkind = 'S'
        and s.relnamespace = 'graphile_worker'::regnamespace`,
  });
  for (const { sequence, table, column } of rows) {
    await sql.query({
      text: `select setval($1::regclass, coalesce(max(${column}), 0) + 1, false) from ${table}`,
      values: [sequence],
    });
  }
  await sql.query({
    text: `select graphile_worker.force_unlock_workers(array_agg(distinct locked_by))
      from graphile_worker.jobs
      where locked_by is not null
      having count(*) > 0`,
  });
}
