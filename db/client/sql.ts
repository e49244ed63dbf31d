/**
 * Anything that executes one statement: a `pg` pool, a checked-out client, a transaction or a shared pipelined connection. Query
 * functions work with each of them.
 */
export interface Sql {
  query<Row>(statement: Statement): Promise<Result<Row>>;
  /** The statements that a transaction sends together with others, so that they cost no round trip. Undefined outside one. */
  deferred?: Deferred;
}

/** The statements without a result that wait in a transaction. The error of one is that of the statement it is sent with. */
export interface Deferred {
  /** Adds a statement ahead of the next one, or of the commit. */
  add(statement: Statement): void;
  /** Adds rows to a statement that is sent with the commit: one for all rows of a key. */
  addAtCommit<Row>(key: string, toStatement: (rows: readonly Row[]) => Statement, rows: readonly Row[]): void;
  /** Returns a function that drops the rows that were added at the commit since. */
  mark(): () => void;
}

/** `name` makes it a prepared statement: give one, with a constant text, to what runs on every request. */
export interface Statement {
  name?: string;
  text: string;
  values?: readonly unknown[];
  /** Cancels the statement after this time, where it runs in a transaction of its own; see {@link isTimeout}. */
  timeoutMs?: number;
}

export interface Result<Row> {
  rows: Row[];
  rowCount: number | null;
}

/** Executes a statement whose result is not used: in a transaction together with the next one. */
export async function defer(sql: Sql, statement: Statement): Promise<void> {
  if (sql.deferred) sql.deferred.add(statement);
  else await sql.query(statement);
}

/** Executes a statement for rows whose result is not used: in a transaction with the commit, once for all rows of the key. */
export async function deferRows<Row>(
  sql: Sql,
  key: string,
  toStatement: (rows: readonly Row[]) => Statement,
  rows: readonly Row[],
): Promise<void> {
  if (sql.deferred) sql.deferred.addAtCommit(key, toStatement, rows);
  else await sql.query(toStatement(rows));
}

/** Returns the row of a statement that always yields exactly one. Throws when it did not: that is a bug, not bad input. */
export function exactlyOne<Row>(result: Result<Row>): Row {
  const [row] = result.rows;
  if (row === undefined || result.rows.length > 1) throw new Error(`expected one row, got ${result.rows.length}`);
  return row;
}

/** Returns the name of the unique or foreign-key constraint that a failed statement violated; undefined for any other error. */
export function violatedConstraint(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('constraint' in error)) return undefined;
  return error.code === '23505' || error.code === '23503' ? String(error.constraint) : undefined;
}

/** Returns true for the error of a statement that ran longer than its time limit. */
export function isTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '57014';
}

const SAVEPOINT = { name: 'savepoint_item', text: 'savepoint item' };
const ROLLBACK = { name: 'rollback_item', text: 'rollback to savepoint item' };
const RELEASE = { name: 'release_item', text: 'release savepoint item' };

/** Runs one item of several inside a transaction: when it throws, only its own changes are rolled back. */
export async function withSavepoint<T>(sql: Sql, work: () => Promise<T>): Promise<T> {
  const dropRows = sql.deferred?.mark();
  await defer(sql, SAVEPOINT);
  try {
    const result = await work();
    await defer(sql, RELEASE);
    return result;
  } catch (error) {
    dropRows?.();
    await sql.query(ROLLBACK);
    // Otherwise it would stay, and be the one that an outer savepoint of the same name rolls back to.
    await defer(sql, RELEASE);
    throw error;
  }
}

/** Runs work inside a transaction and rolls its changes back. Returns the result that the real run would have. */
export async function dryRun<T>(sql: Sql, work: () => Promise<T>): Promise<T> {
  const dropRows = sql.deferred?.mark();
  await sql.query({ text: 'savepoint dry_run' });
  const result = await work();
  dropRows?.();
  await sql.query({ text: 'rollback to savepoint dry_run' });
  await sql.query({ text: 'release savepoint dry_run' });
  return result;
}
