/**
 * What a query function needs: anything that runs one statement. A `pg` pool, a held client, a transaction and a
 * shared pipelined connection all are one, so each query in this folder works with every one of them.
 */
export interface Sql {
  query<Row>(statement: Statement): Promise<Result<Row>>;
}

/** `name` makes it a prepared statement: give one to what runs on every request, with a constant text. */
export interface Statement {
  name?: string;
  text: string;
  values?: readonly unknown[];
}

export interface Result<Row> {
  rows: Row[];
  rowCount: number | null;
}

/** The row of a statement that always answers exactly one. Throws when it did not: that is a bug, not bad input. */
export function exactlyOne<Row>(result: Result<Row>): Row {
  const [row] = result.rows;
  if (row === undefined || result.rows.length > 1) throw new Error(`expected one row, got ${result.rows.length}`);
  return row;
}

/** The name of the unique or foreign-key constraint that a failed statement hit, if that is why it failed. */
export function violatedConstraint(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('constraint' in error)) return undefined;
  return error.code === '23505' || error.code === '23503' ? String(error.constraint) : undefined;
}

/** Does one thing of many inside a transaction: when it throws, only what it did is taken back. */
export async function withSavepoint<T>(sql: Sql, work: () => Promise<T>): Promise<T> {
  await sql.query({ text: 'savepoint item' });
  try {
    const answer = await work();
    await sql.query({ text: 'release savepoint item' });
    return answer;
  } catch (error) {
    await sql.query({ text: 'rollback to savepoint item' });
    // It would stay, and be what an outer savepoint of the same name rolls back to.
    await sql.query({ text: 'release savepoint item' });
    throw error;
  }
}

/** Does something inside a transaction and takes it back: what comes out is what really doing it would answer. */
export async function dryRun<T>(sql: Sql, work: () => Promise<T>): Promise<T> {
  await sql.query({ text: 'savepoint rehearsal' });
  const answer = await work();
  await sql.query({ text: 'rollback to savepoint rehearsal' });
  await sql.query({ text: 'release savepoint rehearsal' });
  return answer;
}
