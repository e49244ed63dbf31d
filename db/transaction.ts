import type pg from 'pg';
import { ask } from './ask.ts';
import { connectionLost } from './failures.ts';
import type { Sql, Statement } from './sql.ts';
import { insertUsageEvents, type UsageEvent } from './usage.ts';

/** Names the usage event of a write whose answer is known; undefined where another call's event stands for it. */
export type EventOf<T> = (answer: T) => UsageEvent | undefined;

/** A write's statements are planned once a connection, and never to read a whole table. */
const SET_TENANT = {
  name: 'set_tenant_local',
  text: `select set_config('app.user_id', $1, true), set_config('plan_cache_mode', 'force_generic_plan', true),
    set_config('enable_seqscan', 'off', true)`,
};

/** A connection of the pool for as long as the work takes; one that broke does not go back. */
export async function withClient<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    return await work(client);
  } catch (error) {
    failure = connectionLost(error) ? (error as Error) : undefined;
    throw error;
  } finally {
    client.release(failure);
  }
}

/**
 * A transaction, a tenant's if it is given one: commits when `work` resolves, rolls back when it throws.
 * @param event of the work; it goes out together with the commit
 */
export async function transaction<T>(
  client: pg.ClientBase,
  work: (sql: Sql) => Promise<T>,
  { userId, event, begin = 'begin' }: { userId?: string; event?: EventOf<T> | undefined; begin?: string },
): Promise<T> {
  // Not awaited: they travel with the first statement of the work, in one flush.
  const opening: Promise<unknown>[] = [client.query(begin)];
  if (userId !== undefined) opening.push(client.query({ ...SET_TENANT, values: [userId] }));
  const opened = Promise.all(opening);
  try {
    const [answer] = await Promise.all([work(asSql(client)), opened]);
    const made = event?.(answer);
    const metered = made && insertUsageEvents(asSql(client), [made]);
    const [ended] = await Promise.all([client.query('commit'), metered]);
    // PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error.
    if (ended.command !== 'COMMIT') throw new Error('the transaction was rolled back');
    return answer;
  } catch (error) {
    await opened.catch(() => undefined);
    if (!connectionLost(error)) await client.query('rollback');
    throw error;
  }
}

/** A connection as our interface. */
export function asSql(client: pg.ClientBase): Sql {
  return { query: <Row>(statement: Statement) => ask<Row>(client, statement) };
}
