import type { Sql } from '../client/sql.ts';

/** A table of a backup. */
export interface BackupTable {
  schema: string;
  name: string;
  /** Columns whose values are copied, in order: generated ones are computed again. */
  columns: string[];
}

/** Tables that a backup does not copy: what migrations leave is recorded in the archive's header. */
const BOOKKEEPING = ['public.knex_migrations', 'public.knex_migrations_lock', 'graphile_worker.migrations'];

/**
 * Lists the tables of the service and of its job queue, each after the tables that its foreign keys refer to. A partitioned table
 * stands for its partitions. Runs as the database owner.
 */
export async function listBackupTables(sql: Sql): Promise<BackupTable[]> {
  const { rows } = await sql.query<BackupTable & { references: string[] }>({
    text: `select n.nspname as schema,
        c.relname as name,
        array(
          select a.attname::text
          from pg_attribute a
          where a.attrelid = c.oid
            and a.attnum > 0
            and not a.attisdropped
            and a.attgenerated = ''
          order by a.attnum
        ) as columns,
        array(
          select fn.nspname || '.' || fc.relname
          from pg_constraint f
          join pg_class fc on fc.oid = f.confrelid
          join pg_namespace fn on fn.oid = fc.relnamespace
          where f.conrelid = c.oid
            and f.contype = 'f'
            and f.confrelid <> c.oid
        ) as references
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      where n.nspname in ('public', 'graphile_worker')
        and c.relkind in ('r', 'p')
        and not c.relispartition
      order by n.nspname collate "C" desc, c.relname collate "C"`,
  });
  const waiting = rows.filter(({ schema, name }) => !BOOKKEEPING.includes(`${schema}.${name}`));
  const sorted: BackupTable[] = [];
  const done = new Set<string>();
  while (waiting.length > 0) {
    const next = waiting.findIndex(({ references }) => references.every((name) => done.has(name)));
    if (next === -1)
      throw new Error(`the foreign keys of these tables form a circle: ${waiting.map(nameOf).join(', ')}`);
    const [{ schema, name, columns }] = waiting.splice(next, 1) as [(typeof waiting)[number]];
    sorted.push({ schema, name, columns });
    done.add(`${schema}.${name}`);
  }
  return sorted;
}

/** Returns the name of a table with its schema, as manifests and messages show it. */
export function nameOf({ schema, name }: Pick<BackupTable, 'schema' | 'name'>): string {
  return `${schema}.${name}`;
}

/** Returns a name as an SQL identifier. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Returns the SQL of a table's name and of its columns. */
export function sqlOf({ schema, name, columns }: BackupTable): { table: string; columns: string } {
  return {
    table: `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`,
    columns: columns.map(quoteIdentifier).join(', '),
  };
}
