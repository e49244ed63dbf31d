import Koa from 'koa';
import pg from 'pg';
import getRawBody from 'raw-body';
import { v7 as uuidv7 } from 'uuid';
import type { Caller, RequestContext } from '../../api/context.ts';
import type { NewMemory } from '../../api/contracts/memory.ts';
import { newRow } from '../../api/memories/create.ts';
import { columnValues } from '../../db/queries/memories/insert-memory.ts';
import type { NewMemoryRow } from '../../db/queries/memories/row.ts';
import { serve } from './serve.ts';

/** The columns of a memory without those of the search index. */
const COLUMNS = `user_id, id, type, status, title, content, tags, metadata, project, session_id, occurred_at, expires_at, supersedes,
  consolidated_into, version, content_hash, size_bytes, created_at, updated_at, occurred_offset_minutes`;

/** Creates a copy of the table of memories that has a primary key and nothing else: no other index, no policy, no foreign key. */
export async function createPlainTable(sql: Pick<pg.Pool, 'query'>): Promise<void> {
  await sql.query(`create table plain_memories as
    select ${COLUMNS}
    from memories`);
  await sql.query('alter table plain_memories add primary key (user_id, id)');
}

/** Inserts a row into the plain table, as an application would that only stores it. */
export async function insertPlain(sql: Pick<pg.ClientBase, 'query'>, userId: string, row: NewMemoryRow): Promise<void> {
  await sql.query({
    name: 'insert_plain',
    text: `insert into plain_memories (${COLUMNS})
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`,
    values: columnValues(userId, row),
  });
}

/**
 * Starts the ceiling of the service's figures: a Koa route on a default pool of `pg` that executes `select` or `insert` of one row of
 * the plain table, and nothing else.
 *
 * - `GET /{user id}/{memory id}` reads a row, `POST /{user id}` inserts one.
 */
export async function startPlainRoute(databaseUrl: string) {
  const pool = new pg.Pool({ connectionString: databaseUrl });
  const context = { now: () => new Date(), newId: () => uuidv7() } as RequestContext;
  const app = new Koa();
  app.use(async (ctx) => {
    const [, userId = '', memoryId = ''] = ctx.path.split('/');
    if (ctx.method === 'GET') {
      ctx.body = await selectPlain(pool, userId, memoryId);
      return;
    }
    const input = { tags: [], metadata: {}, type: 'long_term', ...JSON.parse((await getRawBody(ctx.req)).toString()) };
    const row = newRow(context, { userId } as Caller, input as NewMemory);
    await insertPlain(pool as never, userId, row);
    ctx.status = 201;
    ctx.body = { ...row, content_hash: undefined };
  });
  return serve(app.callback(), pool);
}

async function selectPlain(pool: pg.Pool, userId: string, id: string): Promise<unknown> {
  const { rows } = await pool.query({
    name: 'select_plain',
    text: `select id, type, status, title, content, tags, metadata, project, session_id, occurred_at, expires_at, version, created_at,
        updated_at
      from plain_memories
      where user_id = $1 and id = $2`,
    values: [userId, id],
  });
  return rows[0];
}
