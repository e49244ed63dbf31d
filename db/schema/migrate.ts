import { Logger, runMigrations } from 'graphile-worker';
import type { Knex } from 'knex';
import pg from 'pg';
import { exactlyOne, type Sql } from '../client/sql.ts';
import { transaction } from '../client/transaction.ts';
import { migrationSource } from '../migrations/index.ts';
import { ensurePartitions } from './partitions.ts';

export interface MigrationStatus {
  applied: string[];
  pending: string[];
}

const SILENT = new Logger(() => () => undefined);

/** Key of the advisory lock that every migrating process acquires. The number is arbitrary. */
const MIGRATION_LOCK = 7_305_291_846;
const APPLICATION_NAME = 'whitemagic-migrate';

/**
 * Applies the pending migrations and creates the partitions ahead. Returns the names it applied. Safe in concurrent processes. Without a
 * pending migration knex is not loaded, which would take a fifth of the time of a start.
 */
export function migrateUp(url: string): Promise<string[]> {
  return underLock(url, async (sql) => {
    const isCurrent = (await isMigrated(sql)) && (await pendingMigrations(sql)).length === 0;
    const names = isCurrent ? [] : await withKnex(url, applyPending);
    // graphile-worker migrates its own tables, in a schema of their own.
    await runMigrations({ connectionString: url, logger: SILENT });
    await ensurePartitions(sql);
    return names;
  });
}

/**
 * Migrates a database to an older schema of this version: applies the named migrations and no other.
 * @param names the first migrations, in order
 * @throws when this version does not know one of them
 */
export async function migrateTo(url: string, names: readonly string[]): Promise<void> {
  const known = await migrationSource.getMigrations([]);
  const unknown = names.find((name, index) => name !== known[index]);
  if (unknown !== undefined) {
    throw new Error(
      `This version does not know the migration ${unknown}. Use the version that made the backup, or a newer one.`,
    );
  }
  const source = { ...migrationSource, getMigrations: async () => [...names] };
  await underLock(url, async () => {
    await withKnex(url, (db) => db.migrate.latest({ migrationSource: source }));
    await runMigrations({ connectionString: url, logger: SILENT });
  });
}

/** Reverts the newest migration, or all of them. Returns the names it reverted. */
export function migrateDown(url: string, all = false): Promise<string[]> {
  return underLock(url, () =>
    withKnex(url, async (db) => {
      const reverted: string[] = [];
      do {
        const [, names] = await db.migrate.down();
        if (names.length === 0) break;
        reverted.push(...names);
      } while (all);
      return reverted;
    }),
  );
}

/** Returns the names of the migrations that a migrated database lacks. */
export async function pendingMigrations(sql: Sql): Promise<string[]> {
  const applied = await appliedMigrations(sql);
  return (await migrationSource.getMigrations([])).filter((name) => !applied.includes(name));
}

/** Returns the applied and the pending migrations of a database, migrated or not. Changes nothing. */
export async function migrationStatus(url: string): Promise<MigrationStatus> {
  return inTransaction(url, async (sql) => {
    if (!(await isMigrated(sql))) return { applied: [], pending: await migrationSource.getMigrations([]) };
    return { applied: await appliedMigrations(sql), pending: await pendingMigrations(sql) };
  });
}

async function isMigrated(sql: Sql): Promise<boolean> {
  const found = await sql.query<{ exists: boolean }>({
    text: "select to_regclass('knex_migrations') is not null as exists",
  });
  return exactlyOne(found).exists;
}

async function appliedMigrations(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ name: string }>({ text: 'select name from knex_migrations order by id' });
  return rows.map(({ name }) => name);
}

async function applyPending(db: Knex): Promise<string[]> {
  const [, names] = await db.migrate.latest();
  return names;
}

/** Runs work while no other process migrates the database. */
function underLock<T>(url: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  return inTransaction(url, async (sql) => {
    // Held by a transaction of its own: PostgreSQL releases it when the process is killed.
    await sql.query({ text: 'select pg_advisory_xact_lock($1)', values: [MIGRATION_LOCK] });
    return work(sql);
  });
}

async function inTransaction<T>(url: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: APPLICATION_NAME });
  // A lost connection rejects the statement in progress; without a listener it would also end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await transaction(client, {}, work);
  } finally {
    await client.end();
  }
}

/** Runs work with knex, under the lock. */
async function withKnex<T>(url: string, work: (db: Knex) => Promise<T>): Promise<T> {
  const { default: knex } = await import('knex');
  const db = knex({
    client: 'pg',
    connection: { connectionString: url, application_name: APPLICATION_NAME },
    pool: { min: 0, max: 4 },
    migrations: { migrationSource },
    log: { warn: () => undefined, deprecate: () => undefined },
  });
  try {
    // No other process migrates under the advisory lock, so a lock row of knex was left by a killed one.
    if (await db.schema.hasTable('knex_migrations_lock')) await db.migrate.forceFreeMigrationsLock();
    return await work(db);
  } finally {
    await db.destroy();
  }
}
