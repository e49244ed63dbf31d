import type pg from 'pg';
import { insertUsageEventsStatement, type UsageEvent } from '../queries/usage/events.ts';
import { lockTenantStatement } from '../queries/usage/quotas.ts';
import { executeBatch } from './batch.ts';
import { isConnectionLost } from './retry.ts';
import type { Sql, Statement } from './sql.ts';

/** Names the usage event of a write whose answer is known; undefined where another call's event stands for it. */
export type EventOf<T> = (answer: T) => UsageEvent | undefined;

const BEGIN = { name: 'begin', text: 'begin' };
const COMMIT = { name: 'commit', text: 'commit' };

/** A write's statements are planned once a connection, and never to read a whole table. */
const SET_TENANT = {
  name: 'set_tenant_local',
  text: `select set_config('app.user_id', $1, true), set_config('plan_cache_mode', 'force_generic_plan', true),
    set_config('enable_seqscan', 'off', true)`,
};

export interface TransactionOptions<T> {
  /** The tenant whose transaction it is, if it is one's. */
  userId?: string;
  /** The tenant's memories are held: what else wants to write them waits. */
  locks?: boolean;
  begin?: Statement;
  /** Of the work; it goes out together with the commit. */
  event?: EventOf<T> | undefined;
}

/** A connection of the pool for as long as the work takes; one that broke does not go back. */
export async function withClient<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    return await work(client);
  } catch (error) {
    failure = isConnectionLost(error) ? (error as Error) : undefined;
    throw error;
  } finally {
    client.release(failure);
  }
}

/** A transaction: commits when `work` resolves, rolls back when it throws. It opens with the first statement of the work. */
export async function transaction<T>(
  client: pg.ClientBase,
  work: (sql: Sql) => Promise<T>,
  { userId, locks = false, begin = BEGIN, event }: TransactionOptions<T>,
): Promise<T> {
  const opening: Statement[] = [begin];
  if (userId !== undefined) opening.push({ ...SET_TENANT, values: [userId] });
  if (userId !== undefined && locks) opening.push(lockTenantStatement(userId));
  const sql: Sql = { query: <Row>(statement: Statement) => executeBatch<Row>(client, ...opening.splice(0), statement) };
  try {
    const answer = await work(sql);
    const made = event?.(answer);
    const ended = await executeBatch(
      client,
      ...opening.splice(0),
      ...(made ? [insertUsageEventsStatement([made])] : []),
      COMMIT,
    );
    // PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error.
    if (ended.command !== 'COMMIT') throw new Error('the transaction was rolled back');
    return answer;
  } catch (error) {
    if (!isConnectionLost(error)) await client.query('rollback');
    throw error;
  }
}
