import type { Readable, Writable } from 'node:stream';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { executeBatch } from '../client/batch.ts';
import type { Sql } from '../client/sql.ts';
import { type BackupTable, sqlOf } from './tables.ts';

/** Settings under which equal rows have equal texts, whatever the server's defaults are. */
const SESSION = [
  'timezone=UTC',
  'datestyle=ISO,YMD',
  'intervalstyle=postgres',
  'bytea_output=hex',
  'extra_float_digits=1',
  'statement_timeout=0',
  'idle_in_transaction_session_timeout=0',
];
const KEEPALIVE_DELAY_MS = 10_000;
const CONNECT_TIMEOUT_MS = 10_000;

/** A connection of the database owner that copies whole tables. */
export interface CopyConnection extends Sql {
  /** Returns the rows of a table as text, one a line. */
  copyOut(table: BackupTable): Readable;
  /** Returns a stream that inserts the rows that are written to it, and finishes once they are stored. */
  copyIn(table: BackupTable): Writable;
  close(): Promise<void>;
}

/**
 * Opens a connection for copying.
 * @param url URL of the role that owns the tables
 */
export async function openCopyConnection(url: string): Promise<CopyConnection> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'whitemagic-backup',
    options: SESSION.map((setting) => `-c ${setting}`).join(' '),
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_DELAY_MS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  const open = new Set<Readable | Writable>();
  // A stream of a lost connection would otherwise wait for ever.
  const onLost = (error: Error = new Error('the connection to the database was closed')) => {
    for (const stream of open) stream.destroy(error);
  };
  client.on('error', onLost);
  client.on('end', () => onLost());
  await client.connect();
  const track = <T extends Readable | Writable>(stream: T): T => {
    open.add(stream);
    stream.once('close', () => open.delete(stream));
    return stream;
  };
  return {
    query: (statement) => executeBatch(client, statement),
    copyOut(table) {
      const { table: name, columns } = sqlOf(table);
      // A query, because a partitioned table itself has no rows.
      return track(client.query(copyTo(`copy (select ${columns} from ${name}) to stdout`)));
    },
    copyIn(table) {
      const { table: name, columns } = sqlOf(table);
      return track(client.query(copyFrom(`copy ${name} (${columns}) from stdin`)));
    },
    close: () => client.end(),
  };
}
