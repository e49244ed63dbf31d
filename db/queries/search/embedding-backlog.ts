import type { Sql } from '../../client/sql.ts';
import type { EmbeddingFailure } from './embedding-queue.ts';

/** The memories of all tenants that wait for their vectors. */
export interface EmbeddingBacklog {
  /** Newly written memories. Counted up to {@link COUNTED_MAX}. */
  waiting: number;
  /** Memories to embed again after a change of model, or of the memories before them in a session. Counted up to {@link COUNTED_MAX}. */
  reembedding: number;
  /** Seconds that the oldest newly written memory has waited; 0 when none waits. */
  oldestSeconds: number;
}

/** Largest number of memories that are counted. */
const COUNTED_MAX = 100_000;

/** Measures the backlog of embedding. Memories that cannot be embedded are not part of it. Runs as the owner role. */
export async function readBacklog(sql: Sql): Promise<EmbeddingBacklog> {
  const counted = (renewal: boolean) =>
    `(select count(*) from (
        select
        from embedding_queue
        where renewal = ${renewal} and failure is null
        limit ${COUNTED_MAX}
      ) counted)`;
  const result = await sql.query<{ waiting: string; reembedding: string; oldest: number | null }>({
    name: 'read_embedding_backlog',
    text: `select ${counted(false)} as waiting,
        ${counted(true)} as reembedding,
        (
          select extract(epoch from clock_timestamp() - queued_at)::float8
          from embedding_queue
          where not renewal and failure is null
          order by queued_at
          limit 1
        ) as oldest`,
  });
  const [row] = result.rows;
  return {
    waiting: Number(row?.waiting ?? 0),
    reembedding: Number(row?.reembedding ?? 0),
    oldestSeconds: Math.max(0, Math.round(row?.oldest ?? 0)),
  };
}

/** Counts the memories of all tenants that cannot be embedded, up to {@link COUNTED_MAX}. Runs as the owner role. */
export async function countEmbeddingFailures(sql: Sql): Promise<number> {
  const result = await sql.query<{ count: number }>({
    text: `select count(*)::int as count
      from (
        select
        from embedding_queue
        where failure is not null
        limit ${COUNTED_MAX}
      ) counted`,
  });
  return result.rows[0]?.count ?? 0;
}

/** The state of embedding of one tenant. */
export interface TenantEmbedding {
  pending: number;
  failed: number;
  /** The newest memories that cannot be embedded. */
  failures: { id: string; reason: EmbeddingFailure }[];
  /** Memories with as many passages as are embedded of one. */
  truncated: number;
}

/** Number of the last passage that a memory may have (`PASSAGES_MAX` in api/embeddings/store-part.ts), as in an index of its own. */
const LAST_PASSAGE = 511;
/** Most failures that are listed. */
const FAILURES_MAX = 10;

/** Counts the tenant's memories that wait for vectors, cannot be embedded, or are embedded up to the most passages. */
export async function findTenantEmbedding(sql: Sql, userId: string): Promise<TenantEmbedding> {
  const result = await sql.query<{
    pending: string;
    failed: string;
    failures: TenantEmbedding['failures'] | null;
    truncated: string;
  }>({
    name: 'find_tenant_embedding',
    text: `select count(*) filter (where failure is null) as pending,
        count(*) filter (where failure is not null) as failed,
        (
          select jsonb_agg(jsonb_build_object('id', memory_id, 'reason', failure) order by queued_at desc)
          from (
            select memory_id, failure, queued_at
            from embedding_queue
            where user_id = $1 and failure is not null
            order by queued_at desc
            limit ${FAILURES_MAX}
          ) newest
        ) as failures,
        (select count(*) from memory_codes where user_id = $1 and chunk = ${LAST_PASSAGE}) as truncated
      from embedding_queue
      where user_id = $1`,
    values: [userId],
  });
  const [row] = result.rows;
  return {
    pending: Number(row?.pending ?? 0),
    failed: Number(row?.failed ?? 0),
    failures: row?.failures ?? [],
    truncated: Number(row?.truncated ?? 0),
  };
}

/** Returns the seconds that the tenant's oldest new memory has waited for its vectors; 0 when none waits. */
export async function findOldestPendingSeconds(sql: Sql, userId: string): Promise<number> {
  const result = await sql.query<{ seconds: number | null }>({
    name: 'find_oldest_pending',
    text: `select extract(epoch from clock_timestamp() - min(queued_at))::float8 as seconds
      from embedding_queue
      where user_id = $1 and not renewal and failure is null`,
    values: [userId],
  });
  return Math.max(0, result.rows[0]?.seconds ?? 0);
}
