import { NIL } from 'uuid';
import type { Sql } from '../../client/sql.ts';

/** A queued memory. */
export interface QueuedMemory {
  user_id: string;
  memory_id: string;
  /** Differs for each enqueueing of the memory: the id of the transaction that wrote it. */
  revision: string;
  title: string;
  content: string;
}

/** Identifies an entry of the queue. */
export type LeasedMemory = Pick<QueuedMemory, 'user_id' | 'memory_id' | 'revision'>;

/** Duration of a lease without renewal; then another worker takes over what a killed one had leased. */
const LEASE = "interval '15 seconds'";
const FREE = '(q.leased_until is null or q.leased_until < now())';

/** Enqueues a memory, in the transaction that wrote it. */
export async function enqueueEmbedding(sql: Sql, userId: string, memoryId: string): Promise<void> {
  await sql.query({
    name: 'enqueue_embedding',
    text: `insert into embedding_queue as q (user_id, memory_id) values ($1, $2)
      on conflict (user_id, memory_id) do update set revision = excluded.revision, leased_until = null, renewal = false`,
    values: [userId, memoryId],
  });
}

/** A place in the order of all memories: tenants by id, then their memories by id. */
export interface MemoryPosition {
  user_id: string;
  id: string;
}

/**
 * Enqueues memories without vectors of a model, behind new writes: those among the `limit` memories after a position. Memories that a
 * writer has locked are left out, since it enqueues what it changes. Runs as the owner role.
 * @returns the number of enqueued memories, and the position to continue from; undefined at the end
 */
export async function enqueueMissing(
  sql: Sql,
  model: string,
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
          and not exists (
            select
            from memory_codes c
            where c.user_id = p.user_id and c.memory_id = p.id and c.model = $1
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
    values: [model, after.user_id, after.id, limit],
  });
  const [last] = result.rows;
  return {
    enqueued: Number(last?.enqueued ?? 0),
    next: last && { user_id: last.user_id, id: last.id },
  };
}

/** Selects the queued memories to lease. */
interface LeaseOrder {
  /** False for new writes, true for memories to embed again after a change of model. */
  isReembedding: boolean;
  /** The last tenant of the previous turn: the next ones in the order of ids are served first. */
  after: string;
}

/**
 * Leases queued memories, so that other workers skip them for a while. Tenants are served round robin, so that one who stores thousands
 * does not delay others: the oldest memory of each of the next tenants, then the second oldest of each, and so on. Runs as the owner role.
 */
export async function leaseQueued(
  sql: Sql,
  { isReembedding, after }: LeaseOrder,
  limit: number,
): Promise<QueuedMemory[]> {
  const next = (least: string) =>
    `(select q.user_id from embedding_queue q where q.renewal = $1 and q.user_id > ${least} and ${FREE} order by q.user_id limit 1)`;
  const result = await sql.query<QueuedMemory>({
    name: 'lease_queued',
    text: `with recursive tenant (user_id, place) as (
        select coalesce(${next('$2')}, ${next(`'${NIL}'`)}), 1
        union all
        select coalesce(${next('t.user_id')}, ${next(`'${NIL}'`)}), place + 1 from tenant t where place < $3
      ), turns as (
        select w.*, row_number() over (partition by user_id order by queued_at, memory_id) as turn, place
        from (select user_id, min(place) as place from tenant where user_id is not null group by user_id) t,
          lateral (
            select q.user_id as tenant, q.memory_id, q.queued_at from embedding_queue q
            where q.renewal = $1 and q.user_id = t.user_id and ${FREE} order by q.queued_at limit $3
          ) w
      ), chosen as (
        select q.user_id, q.memory_id from embedding_queue q join (select * from turns order by turn, place limit $3) t
          on t.tenant = q.user_id and t.memory_id = q.memory_id
        where ${FREE} for update of q skip locked
      ), leased as (
        update embedding_queue q set leased_until = now() + ${LEASE} from chosen c
        where q.user_id = c.user_id and q.memory_id = c.memory_id returning q.user_id, q.memory_id, q.revision
      )
      select l.*, m.title, m.content from leased l join memories m on m.user_id = l.user_id and m.id = l.memory_id`,
    values: [isReembedding, after, limit],
  });
  return result.rows;
}

/** A queued memory whose content may be too long to be read here. */
export type QueuedHead = Omit<QueuedMemory, 'content'> & { content: string | null };

/**
 * Returns the tenant's newly written memories that wait for their vectors, newest first, leased ones included. The content
 * is null where it has more than `charactersMax` characters.
 */
export async function findQueued(
  sql: Sql,
  userId: string,
  { limit, charactersMax }: { limit: number; charactersMax: number },
): Promise<QueuedHead[]> {
  const result = await sql.query<QueuedHead>({
    name: 'find_queued',
    text: `with newest as (
        select user_id, memory_id, revision, queued_at
        from embedding_queue
        where user_id = $1 and renewal = false
        order by queued_at desc
        limit $2
      )
      select q.user_id, q.memory_id, q.revision, m.title,
        case when char_length(m.content) <= $3 then m.content end as content
      from newest q
      join memories m on m.user_id = q.user_id and m.id = q.memory_id
      order by q.queued_at desc`,
    values: [userId, limit, charactersMax],
  });
  return result.rows;
}

/** Selects and locks the entries of leased memories, but those that are locked: their writer enqueues them again. */
const LEASED = `select q.user_id, q.memory_id
        from embedding_queue q
        join unnest($1::uuid[], $2::uuid[], $3::bigint[]) as r (user_id, memory_id, revision)
          on q.user_id = r.user_id and q.memory_id = r.memory_id and q.revision = r.revision
        for update of q skip locked`;

const leasedValues = (queued: readonly LeasedMemory[]) => [
  queued.map(({ user_id }) => user_id),
  queued.map(({ memory_id }) => memory_id),
  queued.map(({ revision }) => revision),
];

/** Renews leases. Runs as the owner role. */
export async function renewLeases(sql: Sql, queued: readonly LeasedMemory[]): Promise<void> {
  await sql.query({
    text: `with leased as (
        ${LEASED}
      )
      update embedding_queue q
      set leased_until = now() + ${LEASE}
      from leased l
      where q.user_id = l.user_id and q.memory_id = l.memory_id`,
    values: leasedValues(queued),
  });
}

/** Locks a memory against changes until the transaction ends. Returns false when it was deleted. */
export async function lockAgainstChange(
  sql: Sql,
  { user_id, memory_id }: Pick<LeasedMemory, 'user_id' | 'memory_id'>,
): Promise<boolean> {
  const result = await sql.query({
    name: 'lock_against_change',
    text: `select
      from memories
      where user_id = $1 and id = $2
      for key share`,
    values: [user_id, memory_id],
  });
  return result.rows.length > 0;
}

/** Removes a memory from the queue. Returns false, and keeps it, when it changed since it was leased: its vectors are outdated. Runs as the owner role. */
export async function completeQueued(sql: Sql, { user_id, memory_id, revision }: QueuedMemory): Promise<boolean> {
  const result = await sql.query({
    name: 'complete_queued',
    text: 'delete from embedding_queue where user_id = $1 and memory_id = $2 and revision = $3',
    values: [user_id, memory_id, revision],
  });
  return result.rowCount === 1;
}

/** Releases leases early. Runs as the owner role. */
export async function releaseQueued(sql: Sql, queued: readonly LeasedMemory[]): Promise<void> {
  await sql.query({
    text: `with leased as (
        ${LEASED}
      )
      update embedding_queue q
      set leased_until = null
      from leased l
      where q.user_id = l.user_id and q.memory_id = l.memory_id`,
    values: leasedValues(queued),
  });
}

/** Counts the tenant's queued memories. */
export async function countQueued(sql: Sql, userId: string): Promise<number> {
  const result = await sql.query<{ count: string }>({
    name: 'count_queued',
    text: 'select count(*) from embedding_queue where user_id = $1',
    values: [userId],
  });
  return Number(result.rows[0]?.count ?? 0);
}
