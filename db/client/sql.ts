/**
 * Anything that executes one statement: a `pg` pool, a checked-out client, a transaction or a shared pipelined connection. Query
 * functions work with each of them.
 */
export interface Sql {
  query<Row>(statement: Statement): Promise<Result<Row>>;
  /**
   * Adds a statement without a result to the transaction, ahead of its next statement or its commit, so that it costs no round trip. Its error is that of the statement it is sent with. Undefined outside a transaction.
   */
  defer?(statement: Statement): void;
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
  if (sql.defer) sql.defer(statement);
  else await sql.query(statement);
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

/** Runs one item of several inside a transaction: when it throws, only its own changes are rolled back. */
export async function withSavepoint<T>(sql: Sql, work: () => Promise<T>): Promise<T> {
  await sql.query({ text: 'savepoint item' });
  try {
    const result = await work();
    await sql.query({ text: 'release savepoint item' });
    return result;
  } catch (error) {
    await sql.query({ text: 'rollback to savepoint item' });
    // Otherwise it would stay, and be the one that an outer savepoint of the same name rolls back to.
    await sql.query({ text: 'release savepoint item' });
    throw error;
  }
}

/** Runs work inside a transaction and rolls its changes back. Returns the result that the real run would have. */
export async function dryRun<T>(sql: Sql, work: () => Promise<T>): Promise<T> {
  await sql.query({ text: 'savepoint dry_run' });
  const result = await work();
  await sql.query({ text: 'rollback to savepoint dry_run' });
  await sql.query({ text: 'release savepoint dry_run' });
  return result;
}
