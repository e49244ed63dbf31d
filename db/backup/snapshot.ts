import { exactlyOne } from '../client/sql.ts';
import { type CopyConnection, openCopyConnection } from './connection.ts';
import { type BackupTable, listBackupTables } from './tables.ts';

/** The whole database at one moment. */
export interface Snapshot {
  tables: BackupTable[];
  /** Names of the applied migrations, in order. */
  migrations: string[];
  /** First and last day of the usage events, whose partitions a restore creates; null without any. */
  usageDays: { first: string; last: string } | null;
  connection: CopyConnection;
}

/** Another process makes a backup of this database. */
export class BackupRunning extends Error {
  constructor() {
    super('Another process is making a backup of this database. Wait until it has finished.');
  }
}

/** Key of the advisory lock under which backups are made. The number is arbitrary. */
const BACKUP_LOCK = 7_305_291_847;

/**
 * Runs `work` on a snapshot of the database. Writers are not held up. Only one process at a time has a snapshot.
 * @throws BackupRunning
 */
export async function withSnapshot<T>(ownerUrl: string, work: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  const connection = await openCopyConnection(ownerUrl);
  try {
    const lock = await connection.query<{ locked: boolean }>({
      text: `select pg_try_advisory_lock(${BACKUP_LOCK}) as locked`,
    });
    if (!exactlyOne(lock).locked) throw new BackupRunning();
    await connection.query({ text: 'begin isolation level repeatable read read only' });
    const migrations = await connection.query<{ name: string }>({
      text: 'select name from knex_migrations order by id',
    });
    const days = await connection.query<{ first: string | null; last: string | null }>({
      text: 'select min(day)::text as first, max(day)::text as last from usage_events',
    });
    const { first, last } = exactlyOne(days);
    return await work({
      tables: await listBackupTables(connection),
      migrations: migrations.rows.map(({ name }) => name),
      usageDays: first && last ? { first, last } : null,
      connection,
    });
  } finally {
    // Ends the transaction and releases the lock, also where the connection is in the middle of a copy.
    await connection.close().catch(() => undefined);
  }
}
