import { Logger, runMigrations } from 'graphile-worker';
import knex, { type Knex } from 'knex';
import type { Sql } from '../client/sql.ts';
import { migrationSource } from '../migrations/index.ts';
import { ensurePartitions } from './partitions.ts';

export interface MigrationStatus {
  applied: string[];
  pending: string[];
}

const SILENT = new Logger(() => () => undefined);

/** Key of the advisory lock that every migrating process acquires. The number is arbitrary. */
const MIGRATION_LOCK = 7_305_291_846;

/** Applies the pending migrations and creates the partitions ahead. Returns the names it applied. Safe in concurrent processes. */
export function migrateUp(url: string): Promise<string[]> {
  return underLock(url, async (db) => {
    const [, names] = await db.migrate.latest();
    // graphile-worker migrates its own tables, in a schema of their own.
    await runMigrations({ connectionString: url, logger: SILENT });
    await ensurePartitions({ query: ({ text }) => db.raw(text) });
    return names;
  });
}

/** Reverts the newest migration, or all of them. Returns the names it reverted. */
export function migrateDown(url: string, all = false): Promise<string[]> {
  return underLock(url, async (db) => {
    const reverted: string[] = [];
    do {
      const [, names] = await db.migrate.down();
      if (names.length === 0) break;
      reverted.push(...names);
    } while (all);
    return reverted;
  });
}

/** Returns the names of the migrations that a migrated database lacks. */
export async function pendingMigrations(sql: Sql): Promise<string[]> {
  const applied = await sql.query<{ name: string }>({ text: 'select name from knex_migrations' });
  const names = new Set(applied.rows.map((row) => row.name));
  return (await migrationSource.getMigrations([])).filter((name) => !names.has(name));
}

/** Returns the applied and the pending migrations of a database, migrated or not. Changes nothing. */
export async function migrationStatus(url: string): Promise<MigrationStatus> {
  const db = open(url);
  try {
    const exists = await db.schema.hasTable('knex_migrations');
    if (!exists) return { applied: [], pending: await migrationSource.getMigrations([]) };
    const [applied, pending] = await db.migrate.list();
    return { applied: applied.map((row: { name: string }) => row.name), pending };
  } finally {
    await db.destroy();
  }
}

async function underLock<T>(url: string, work: (db: Knex) => Promise<T>): Promise<T> {
  const db = open(url);
  try {
    return await db.transaction(async (lock) => {
      // Held by a transaction of its own: PostgreSQL releases it when the process is killed.
      await lock.raw('select pg_advisory_xact_lock(?)', [MIGRATION_LOCK]);
      // No other process migrates under this lock, so a lock row of knex was left by a killed one.
      if (await db.schema.hasTable('knex_migrations_lock')) await db.migrate.forceFreeMigrationsLock();
      return work(db);
    });
  } finally {
    await db.destroy();
  }
}

function open(url: string): Knex {
  return knex({
    client: 'pg',
    connection: { connectionString: url, application_name: 'whitemagic-migrate' },
    pool: { min: 0, max: 4 },
    migrations: { migrationSource },
    log: { warn: () => undefined, deprecate: () => undefined },
  });
}
