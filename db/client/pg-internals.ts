import type { Writable } from 'node:stream';
import pg from 'pg';
import { prepareValue } from 'pg/lib/utils.js';
import { coalesceWrites } from './coalesce-writes.ts';
import type { Result, Statement } from './sql.ts';

/*
 * The only file that touches private members of `pg`, which package.json therefore pins to an exact version.
 * `test/db/pg-internals.test.ts` fails when one of them changes.
 *
 * Why: `pg` can pipeline queries, but ends each with a Sync of its own, so it cannot send `set_config(tenant)` and a statement as one
 * implicit transaction in one round trip, describes the columns of a prepared statement at each execution, and writes to the socket
 * message by message. docs/decisions/0033-postgres-driver.md has the measurements.
 *
 * - `pg.Query` as a base class (its constructor, `prepare`, `queryMode`, `_result.addRow`, `_canceledDueToError`,
 *   `handleRowDescription`, `handleDataRow`, `handleCommandComplete`, `handleError`): several statements in one query object.
 * - `client.connection`: reaches the socket of an open client.
 * - `connection.stream`: the socket, whose writes are coalesced, and which is destroyed to reject what waits for a response.
 * - `connection.parse`, `bind`, `describe`, `execute`, `sync`, `close`: messages of the extended query protocol.
 * - `connection.parsedStatements`, `submittedNamedStatements`: the names that are prepared on a connection, shared with `pg`'s own
 *   queries.
 * - `client.processID`, `secretKey`, and `connection.connect`, `cancel` of a client that is not connected: the protocol's request to
 *   cancel, which `client.cancel` sends for its own queries only.
 * - `pg/lib/utils.js` `prepareValue`: encodes a parameter exactly as `pg` does.
 */

/** The part of `pg`'s connection that sends messages of the extended query protocol. */
interface Connection {
  stream: Writable;
  /** Texts of the prepared statements, and of those being prepared, by name. */
  parsedStatements: Record<string, string>;
  submittedNamedStatements: Record<string, string>;
  close(message: { type: 'S'; name: string }): void;
  parse(message: { name: string; text: string }): void;
  bind(message: { statement: string; values: readonly unknown[]; valueMapper: (value: unknown) => unknown }): void;
  describe(message: { type: 'P'; name: '' }): void;
  execute(message: { portal: '' }): void;
  sync(): void;
}

/** The result of a batch: that of its last statement, with its command tag, such as `COMMIT`. */
export interface BatchResult<Row> extends Result<Row> {
  command: string;
}

/** A result column and the function that parses its text. */
interface Column {
  name: string;
  parse: (text: string) => unknown;
}

/** Result columns of prepared statements, by connection and name: they are described once and do not change. */
const columnsByConnection = new WeakMap<Connection, Map<string, readonly Column[]>>();

type Callback = (error: Error | null, result: BatchResult<never>) => void;

/** Members of `pg`'s query beyond its published types. */
interface Query {
  queryMode: 'extended' | undefined;
  _result: { addRow(row: Record<string, unknown>): void };
  /** Once set, it is the query's error; the rest of the response is skipped. */
  _canceledDueToError: unknown;
  prepare(connection: Connection): void;
  handleRowDescription(message: { fields: { name: string; dataTypeID: number }[] }): void;
  handleDataRow(message: { fields: (string | null)[] }): void;
  handleCommandComplete(message: unknown, connection: Connection): void;
  handleError(error: Error, connection: Connection): void;
}

const Query = pg.Query as unknown as new (text: string, values: undefined, callback: Callback) => Query;

/** Statements that are sent before one Sync: those behind a failed one are skipped. Yields the last one's result. */
class BatchQuery extends Query {
  #statements: readonly Statement[];
  /** Results to skip before the last one. */
  #pendingBeforeLast: number;
  /** Names that this batch prepares on its connection. */
  #preparedNames: string[] = [];
  /** Columns of the last statement; empty until they are described. */
  #columns: readonly Column[] = [];
  /** Caches the columns of the last statement, if it has a name. */
  #cacheColumns: (columns: readonly Column[]) => void = () => undefined;

  constructor(statements: readonly Statement[], callback: Callback) {
    super('', undefined, callback);
    this.queryMode = 'extended';
    this.#statements = statements;
    this.#pendingBeforeLast = statements.length - 1;
  }

  override prepare(connection: Connection): void {
    for (const statement of this.#statements) {
      this.#bind(connection, statement);
      if (statement === this.#statements.at(-1)) this.#describe(connection, statement);
      connection.execute({ portal: '' });
    }
    connection.sync();
  }

  #bind(connection: Connection, { name = '', text, values = [] }: Statement): void {
    const isPrepared = connection.parsedStatements[name] ?? connection.submittedNamedStatements[name];
    if (!isPrepared) {
      connection.parse({ name, text });
      if (name !== '') {
        connection.parsedStatements[name] = text;
        this.#preparedNames.push(name);
      }
    }
    connection.bind({ statement: name, values, valueMapper: prepareValue });
  }

  #describe(connection: Connection, { name }: Statement): void {
    const cache = columnsByConnection.get(connection) ?? new Map<string, readonly Column[]>();
    columnsByConnection.set(connection, cache);
    const columns = name === undefined ? undefined : cache.get(name);
    if (columns) this.#columns = columns;
    else connection.describe({ type: 'P', name: '' });
    if (name !== undefined) this.#cacheColumns = (described) => cache.set(name, described);
  }

  override handleRowDescription({ fields }: { fields: { name: string; dataTypeID: number }[] }): void {
    this.#columns = fields.map(({ name, dataTypeID }) => ({ name, parse: pg.types.getTypeParser(dataTypeID, 'text') }));
    this.#cacheColumns(this.#columns);
  }

  override handleDataRow({ fields }: { fields: (string | null)[] }): void {
    if (this.#pendingBeforeLast > 0 || this._canceledDueToError) return;
    const row: Record<string, unknown> = {};
    try {
      for (let i = 0; i < fields.length; i++) {
        const { name, parse } = this.#columns[i] as Column;
        const text = fields[i] as string | null;
        row[name] = text === null ? null : parse(text);
      }
    } catch (error) {
      this._canceledDueToError = error;
      return;
    }
    this._result.addRow(row);
  }

  override handleCommandComplete(message: unknown, connection: Connection): void {
    if (this.#pendingBeforeLast === 0) super.handleCommandComplete(message, connection);
    else this.#pendingBeforeLast--;
  }

  override handleError(error: Error, connection: Connection): void {
    // It is unknown how far the batch came, so the names it would have prepared are prepared anew at their next use.
    for (const name of this.#preparedNames) {
      delete connection.parsedStatements[name];
      columnsByConnection.get(connection)?.delete(name);
      connection.close({ type: 'S', name });
    }
    super.handleError(error, connection);
  }
}

/** Sends a batch on a client; see {@link executeBatch}, which adds a useful stack trace. */
export function sendBatch<Row>(client: pg.ClientBase, statements: readonly Statement[]): Promise<BatchResult<Row>> {
  return new Promise((resolve, reject) => {
    const callback: Callback = (error, result) => (error ? reject(error) : resolve(result));
    client.query(new BatchQuery(statements, callback) as unknown as pg.Query);
  });
}

/** Coalesces what an open client writes to its socket, see {@link coalesceWrites}. */
export function coalesceClientWrites(client: pg.ClientBase): void {
  const { connection } = client as unknown as { connection: Connection };
  coalesceWrites(connection.stream);
}

/** Closes the socket of a client without waiting for the server. What waits for a response is rejected, with `error` if there is one. */
export function closeClient(client: pg.ClientBase, error?: Error): void {
  const { connection } = client as unknown as { connection: Connection };
  connection.stream.destroy(error);
}

/** The private members of a client with which a statement is cancelled. */
interface Cancellable {
  host: string;
  port: number;
  processID: number;
  secretKey: number;
  connection: Pick<Connection, 'stream'> & {
    connect(port: number | string, host?: string): void;
    cancel(processId: number, secretKey: number): void;
    once(event: 'connect' | 'end' | 'error', listener: (error?: Error) => void): void;
  };
}

/** Milliseconds after which a request to cancel is given up. */
const CANCEL_TIMEOUT_MS = 2_000;

/**
 * Asks the server to cancel what a client executes, over a connection of its own as the protocol has it. Resolves when the server has
 * closed that connection, which it does after it has passed the request on.
 * @param config how to connect
 */
export function cancelStatement(config: pg.ClientConfig, client: pg.ClientBase): Promise<void> {
  const { processID, secretKey } = client as unknown as Cancellable;
  // Not encrypted, as libpq sends it up to version 16; it holds nothing but the two numbers.
  const { connection, host, port } = new pg.Client({ ...config, ssl: false }) as unknown as Cancellable;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => connection.stream.destroy(), CANCEL_TIMEOUT_MS);
    connection.once('connect', () => connection.cancel(processID, secretKey));
    connection.once('error', reject);
    connection.once('end', () => {
      clearTimeout(timer);
      resolve();
    });
    if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`);
    else connection.connect(port, host);
  });
}
