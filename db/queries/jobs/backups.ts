import { exactlyOne, type Sql } from '../../client/sql.ts';

/** `backup`: an archive was written. `restore_test`: the newest one was restored into a scratch database. */
export type BackupKind = 'backup' | 'restore_test';

/** A successful backup or restore test. */
export interface BackupRow {
  id: string;
  kind: BackupKind;
  /** Name of the archive. */
  archive: string;
  started_at: Date;
  finished_at: Date;
  bytes: number;
  row_count: number;
}

/** Records a backup or a restore test, and forgets those of more than a year ago. Runs as the database owner. */
export async function insertBackup(sql: Sql, row: BackupRow): Promise<void> {
  await sql.query({
    text: `insert into backups (id, kind, archive, started_at, finished_at, bytes, row_count)
      values ($1, $2, $3, $4, $5, $6, $7)`,
    values: [row.id, row.kind, row.archive, row.started_at, row.finished_at, row.bytes, row.row_count],
  });
  await sql.query({
    text: "delete from backups where finished_at < $1::timestamptz - interval '1 year'",
    values: [row.finished_at],
  });
}

/**
 * Returns when the newest backup and the newest restore test finished; null where there is none. Runs as the database owner.
 */
export async function newestBackups(sql: Sql): Promise<Record<BackupKind, Date | null>> {
  const result = await sql.query<Record<BackupKind, Date | null>>({
    text: `select max(finished_at) filter (where kind = 'backup') as backup,
        max(finished_at) filter (where kind = 'restore_test') as restore_test
      from backups`,
  });
  return exactlyOne(result);
}
