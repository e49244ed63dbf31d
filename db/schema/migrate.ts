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

/** Any number; it only has to be the same in every process that migrates. */
const MIGRATION_LOCK = 7_305_291_846;

/** Applies what is pending, and the partitions of the days ahead. Answers the names it applied. Safe when several processes do so at once. */
export function migrateUp(url: string): Promise<string[]> {
  return underLock(url, async (db) => {
    const [, names] = await db.migrate.latest();
    // The queue keeps its own tables, in a schema of its own.
    await runMigrations({ connectionString: url, logger: SILENT });
    await ensurePartitions({ query: ({ text }) => db.raw(text) });
    return names;
  });
}

/** Takes back the newest migration, or all of them. Answers the names it reverted. */
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

/** Names of the migrations that a migrated database lacks, over a connection that is there. */
export async function pendingMigrations(sql: Sql): Promise<string[]> {
  const applied = await sql.query<{ name: string }>({ text: 'select name from knex_migrations' });
  const names = new Set(applied.rows.map((row) => row.name));
  return (await migrationSource.getMigrations([])).filter((name) => !names.has(name));
}

/** Which migrations the database has and which it lacks. Changes nothing. */
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
      // Held by a transaction of its own, so that it is gone with a killed process.
      await lock.raw('select pg_advisory_xact_lock(?)', [MIGRATION_LOCK]);
      // Under our lock nobody else migrates, so a lock row that knex finds is one a killed process left.
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
