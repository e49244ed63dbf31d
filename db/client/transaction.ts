import type pg from 'pg';
import { executeBatch } from './batch.ts';
import { CancelledError } from './cancel.ts';
import { createDeferred } from './deferred.ts';
import { isConnectionLost, UnknownOutcomeError } from './retry.ts';
import { COMMIT_BEFORE_FLUSH } from './shared-flush.ts';
import type { Sql, Statement } from './sql.ts';

/** Statements that share a transaction's own round trips. */
export interface JoinedStatements<T> {
  /** Sent with `begin`, ahead of the first statement of the work. */
  before?: readonly Statement[];
  /** Returns the statements to send with `commit`, once the work has resolved. */
  after?: ((result: T) => readonly Statement[]) | undefined;
}

interface TransactionOptions<T> extends JoinedStatements<T> {
  begin?: Statement;
  /** Returns true when the commit need not wait for the disk, because the caller waits for a shared flush. Called ahead of the commit. */
  commitsBeforeFlush?: (() => boolean) | undefined;
}

const BEGIN = { name: 'begin', text: 'begin' };
const COMMIT = { name: 'commit', text: 'commit' };

/** Checks a connection out of the pool for the duration of the work; a broken one, or one whose statement was cancelled, is discarded. */
export async function withClient<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    return await work(client);
  } catch (error) {
    failure = isConnectionLost(error) || error instanceof CancelledError ? (error as Error) : undefined;
    throw error;
  } finally {
    client.release(failure);
  }
}

/**
 * Runs a transaction: commits when `work` resolves, rolls back when it throws. `begin` and the `before` statements cost no round trip
 * of their own, they are sent with the first statement of the work; the deferred rows and the `after` statements are sent with `commit`.
 * @throws UnknownOutcomeError when the connection was lost during the commit
 * @throws Error when PostgreSQL rolled back instead, because a failed statement was swallowed by the work
 */
export async function transaction<T>(
  client: pg.ClientBase,
  { begin = BEGIN, before = [], after, commitsBeforeFlush }: TransactionOptions<T>,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const { takeWaiting, takeAtCommit, ...deferred } = createDeferred([begin, ...before]);
  const sql: Sql = {
    query: <Row>(statement: Statement) => executeBatch<Row>(client, ...takeWaiting(), statement),
    deferred,
  };
  try {
    const result = await work(sql);
    // Usage events are locked last and briefly.
    const closing = [...takeWaiting(), ...takeAtCommit(), ...(after?.(result) ?? [])];
    if (commitsBeforeFlush?.()) closing.push(COMMIT_BEFORE_FLUSH);
    const { command } = await executeBatch(client, ...closing, COMMIT).catch((error) => {
      throw isConnectionLost(error) ? new UnknownOutcomeError(error) : error;
    });
    // PostgreSQL responds to COMMIT in a failed transaction with ROLLBACK and no error.
    if (command !== 'COMMIT') throw new Error('the transaction was rolled back');
    return result;
  } catch (error) {
    if (!isConnectionLost(error)) await client.query('rollback');
    throw error;
  }
}
