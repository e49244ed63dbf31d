import Koa from 'koa';
import pg from 'pg';
import getRawBody from 'raw-body';
import { v7 as uuidv7 } from 'uuid';
import type { Caller, RequestContext } from '../../api/context.ts';
import type { NewMemory } from '../../api/contracts/memory.ts';
import { nearDuplicateOptions, newRow } from '../../api/memories/create.ts';
import { serializeMemory } from '../../api/memories/serialize-memory.ts';
import { countTerms } from '../../api/search/term-frequencies.ts';
import { groupRecorder } from '../../api/usage/event-recorder.ts';
import { executeBatch } from '../../db/client/batch.ts';
import { coalesceClientWrites } from '../../db/client/pg-internals.ts';
import type { Sql, Statement } from '../../db/client/sql.ts';
import { setTenantStatement } from '../../db/client/tenant.ts';
import { withClient } from '../../db/client/transaction.ts';
import { insertMemory } from '../../db/queries/memories/insert-memory.ts';
import { findMemory } from '../../db/queries/memories/memories.ts';
import { insertUsageEventsStatement } from '../../db/queries/usage/events.ts';
import { serve } from './serve.ts';
import { GET, usageEvent } from './usage-event.ts';

/**
 * Starts the baseline for the service's figures: a Koa app that executes one statement through `pg`, without authentication,
 * limits, metering and row-level security.
 *
 * - `GET /{user id}/{memory id}` reads a memory. With `/{key id}`, it responds once the usage event of that key is durable,
 *   a cost that no implementation of the pipeline can avoid.
 * - `POST /{user id}` inserts a memory by the statement of the service, `POST /{user id}/without-near-duplicates` by that
 *   statement without near-duplicate detection. Only the tuned route sets the tenant first, in the same round trip: without
 *   a tenant, the detection finds no rows to compare and costs less than in the service.
 * @param way `plain`: a default pool of `pg`; `tuned`: with the settings of the service (pipelined, coalesced, generic plans)
 */
export async function startBareRoute(databaseUrl: string, way: 'plain' | 'tuned') {
  const tuned = { max: 6, pipeline: true, options: '-c plan_cache_mode=force_generic_plan' };
  const pool = new pg.Pool({ connectionString: databaseUrl, ...(way === 'tuned' && tuned) });
  if (way === 'tuned') pool.on('connect', coalesceClientWrites);
  const context: RequestContext = {
    sql: pool as never,
    now: () => new Date(),
    newId: () => uuidv7(),
  };
  const recorder = groupRecorder(async (events) => {
    await pool.query(insertUsageEventsStatement(events) as pg.QueryConfig);
  });
  const app = new Koa();
  app.use(async (ctx) => {
    const [, userId = '', memoryId = '', keyId] = ctx.path.split('/');
    if (ctx.method === 'GET') {
      const row = await findMemory(context.sql, userId, memoryId);
      if (keyId) await recorder.record(usageEvent(userId, keyId, GET));
      ctx.body = row && serializeMemory(row);
      return;
    }
    const input = { tags: [], metadata: {}, type: 'long_term', ...JSON.parse((await getRawBody(ctx.req)).toString()) };
    const row = newRow(context, { userId } as Caller, input as NewMemory);
    const nearDuplicates = memoryId === 'without-near-duplicates' ? undefined : nearDuplicateOptions(row);
    const sql = way === 'tuned' ? tenantSql(pool, userId) : context.sql;
    await insertMemory(sql, userId, row, await countTerms(row), { enqueue: false, nearDuplicates });
    ctx.status = 201;
    ctx.body = serializeMemory({ ...row, superseded_by: null });
  });
  return serve(app.callback(), pool);
}

function tenantSql(pool: pg.Pool, userId: string): Sql {
  return {
    query: <Row>(statement: Statement) =>
      withClient(pool, (client) => executeBatch<Row>(client, setTenantStatement(userId), statement)),
  };
}
