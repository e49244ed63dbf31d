import type { Sql } from '../../client/sql.ts';

/** Enqueues a memory from its start, in the transaction that wrote it. */
export async function enqueueEmbedding(sql: Sql, userId: string, memoryId: string): Promise<void> {
  await sql.query({
    name: 'enqueue_embedding',
    text: `insert into embedding_queue as q (user_id, memory_id)
      values ($1, $2)
      on conflict (user_id, memory_id) do update set
        revision = excluded.revision,
        queued_at = case when q.renewal or q.failure is not null then excluded.queued_at else q.queued_at end,
        leased_until = null,
        renewal = false,
        next_character = 0,
        next_code_point = 0,
        passages = 0,
        attempts = 0,
        failure = null`,
    values: [userId, memoryId],
  });
}

/** A place in the order of all memories: tenants by id, then their memories by id. */
export interface MemoryPosition {
  user_id: string;
  id: string;
}

/**
 * Enqueues memories without vectors of a model, or without the codes of their tokens where the model gives them, behind new writes: those
 * among the `limit` memories after a position. Memories that a writer has locked are left out, since it enqueues what it changes. Runs as
 * the owner role.
 * @returns the number of enqueued memories, and the position to continue from; undefined at the end
 */
export async function enqueueMissing(
  sql: Sql,
  { model, hasTokenVectors }: { model: string; hasTokenVectors: boolean },
  after: MemoryPosition,
  limit: number,
): Promise<{ enqueued: number; next: MemoryPosition | undefined }> {
  const result = await sql.query<MemoryPosition & { enqueued: string }>({
    name: 'enqueue_missing',
    text: `with page as materialized (
        select user_id, id, is_digest
        from memories
        where (user_id, id) > ($2, $3)
        order by user_id, id
        limit $4
      ),
      missing as materialized (
        select m.user_id, m.id
        from page p
        join memories m on m.user_id = p.user_id and m.id = p.id
        where not p.is_digest
          and (
            not exists (
              select
              from memory_codes c
              where c.user_id = p.user_id and c.memory_id = p.id and c.model = $1
            )
            or $5 and exists (
              select
              from memory_vectors v
              where v.user_id = p.user_id and v.memory_id = p.id and v.model = $1 and v.token_codes is null
            )
          )
          and not exists (select from embedding_queue q where q.user_id = p.user_id and q.memory_id = p.id)
        for key share of m skip locked
      ),
      added as (
        insert into embedding_queue (user_id, memory_id, renewal)
        select user_id, id, true
        from missing
        order by user_id, id
        on conflict do nothing
        returning memory_id
      )
      select user_id, id, (select count(*) from added) as enqueued
      from page
      order by user_id desc, id desc
      limit 1`,
    values: [model, after.user_id, after.id, limit, hasTokenVectors],
  });
  const [last] = result.rows;
  return {
    enqueued: Number(last?.enqueued ?? 0),
    next: last && { user_id: last.user_id, id: last.id },
  };
}
