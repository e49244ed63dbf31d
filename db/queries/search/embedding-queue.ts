import { NIL } from 'uuid';
import type { Sql, Statement } from '../../client/sql.ts';
import { wholeText } from './embedded-text.ts';
import { LEAD } from './session-leads.ts';

/** Identifies an entry of the queue. */
export interface QueueEntry {
  user_id: string;
  memory_id: string;
  /** Differs for each enqueueing of the memory: the id of the transaction that wrote it. */
  revision: string;
}

/** A queued memory with the next part of its text: title and content, or the content alone if it starts with the title. */
export interface QueuedMemory extends QueueEntry {
  text: string;
  /** The ends of the two memories before it in its session, behind which it is embedded; null for a long text, or without any. */
  lead: string | null;
  in_session: boolean;
  /** More text follows this part. */
  is_continued: boolean;
  /** Start of the part in the whole text, in UTF-16 code units and in code points. */
  next_character: number;
  next_code_point: number;
  /** Passages before this part, whose vectors are stored. */
  passages: number;
  /** Failed attempts to embed it. */
  attempts: number;
}

/** Reason why a memory is not embedded. */
export type EmbeddingFailure = 'rejected' | 'encoder_stopped' | 'not_stored';

/** Duration of a lease without renewal; then another worker takes over what a killed one had leased. */
const LEASE = "interval '15 seconds'";
const FREE = '(q.leased_until is null or q.leased_until < now())';
const WAITS = `q.attempts = 0 and q.failure is null and ${FREE}`;

/** Code points of a part of a text: about nine passages of English, 0.2 s of the encoder. */
export const PART_CODE_POINTS = 4_000;
/** Size of the parts of one lease together, which bounds the time until the next. */
const LEASED_SIZE_MAX = 24_000;
/** Counted for each part beside its size: what storing its vectors takes. */
const OVERHEAD = 400;

const WHOLE_TEXT = wholeText('m');

/** Columns of a {@link QueuedMemory} of `q`, an entry, and `m`, its memory. */
const PART = `q.user_id, q.memory_id, q.revision, q.next_character, q.next_code_point, q.passages, q.attempts,
        substr(${WHOLE_TEXT}, q.next_code_point + 1, ${PART_CODE_POINTS}) as text,
        char_length(${WHOLE_TEXT}) > q.next_code_point + ${PART_CODE_POINTS} as is_continued,
        ${LEAD} as lead, m.session_id is not null as in_session`;

/** Selects the queued memories to lease. */
interface LeaseOrder {
  /** False for new writes, true for memories to embed again: after a change of model, or of their lead. */
  isReembedding: boolean;
  /** The last tenant of the previous turn: the next ones in the order of ids are considered first. */
  after: string;
  /** Size that tenants were served ahead of the others, which are served until they have caught up. */
  ahead?: ReadonlyMap<string, number>;
}

/** A leased part. */
export interface LeasedMemory extends QueuedMemory {
  /** Place of the part in the order of service: where it starts and ends in what its tenant is served, ahead of others. */
  starts: number;
  ends: number;
}

/**
 * Leases the next parts of queued memories, so that other workers skip them for a while. Tenants are served in equal shares of text, so
 * that neither thousands of memories nor a long one delay others: each part starts where the tenant's parts before it end, and those that
 * start first are leased. Memories that failed are left to {@link leaseRetry}. Runs as the owner role.
 */
export async function leaseQueued(
  sql: Sql,
  { isReembedding, after, ahead = new Map() }: LeaseOrder,
  limit: number,
): Promise<LeasedMemory[]> {
  const next = (least: string) =>
    `(select q.user_id from embedding_queue q where q.renewal = $1 and q.user_id > ${least} and ${WAITS} order by q.user_id limit 1)`;
  const result = await sql.query<LeasedMemory & { starts: string; ends: string }>({
    name: 'lease_queued',
    text: `with recursive tenant (user_id, place) as (
        select coalesce(${next('$2')}, ${next(`'${NIL}'`)}), 1
        union all
        select coalesce(${next('t.user_id')}, ${next(`'${NIL}'`)}), place + 1
        from tenant t
        where place < $3
      ),
      part as (
        select w.*, place, coalesce(ahead, 0) + sum(size) over (partition by tenant order by queued_at, memory_id) as ends
        from (select user_id, min(place) as place from tenant where user_id is not null group by user_id) t
        left join unnest($4::uuid[], $5::bigint[]) as a (user_id, ahead) on a.user_id = t.user_id
        cross join lateral (
          select q.user_id as tenant, q.memory_id, q.queued_at, least(m.size_bytes, ${PART_CODE_POINTS}) + ${OVERHEAD} as size
          from embedding_queue q
          join memories m on m.user_id = q.user_id and m.id = q.memory_id
          where q.renewal = $1 and q.user_id = t.user_id and ${WAITS}
          order by q.queued_at
          limit $3
        ) w
      ),
      served as (
        select *, sum(size) over (order by ends - size, place, queued_at, memory_id) - size as before
        from part
        order by ends - size, place, queued_at, memory_id
        limit $3
      ),
      chosen as (
        select q.user_id, q.memory_id, s.ends - s.size as starts, s.ends
        from embedding_queue q
        join served s on s.tenant = q.user_id and s.memory_id = q.memory_id and s.before < ${LEASED_SIZE_MAX}
        where ${WAITS}
        for update of q skip locked
      ),
      leased as (
        update embedding_queue q
        set leased_until = now() + ${LEASE}
        from chosen c
        where q.user_id = c.user_id and q.memory_id = c.memory_id
        returning q.*, c.starts, c.ends
      )
      select ${PART}, q.starts, q.ends
      from leased q
      join memories m on m.user_id = q.user_id and m.id = q.memory_id`,
    values: [isReembedding, after, limit, [...ahead.keys()], [...ahead.values()].map(Math.round)],
  });
  return result.rows.map((row) => ({ ...row, starts: Number(row.starts), ends: Number(row.ends) }));
}

/** Leases the next part of a memory that failed, once its pause is over: the one with the fewest attempts. Runs as the owner role. */
export async function leaseRetry(sql: Sql): Promise<QueuedMemory | undefined> {
  const result = await sql.query<QueuedMemory>({
    name: 'lease_retry',
    text: `with chosen as (
        select user_id, memory_id
        from embedding_queue q
        where q.attempts > 0 and q.failure is null and ${FREE}
        order by q.attempts, q.leased_until nulls first
        limit 1
        for update skip locked
      ),
      leased as (
        update embedding_queue q
        set leased_until = now() + ${LEASE}
        from chosen c
        where q.user_id = c.user_id and q.memory_id = c.memory_id
        returning q.*
      )
      select ${PART}
      from leased q
      join memories m on m.user_id = q.user_id and m.id = q.memory_id`,
  });
  return result.rows[0];
}

/** Larger memories are too long to be embedded by a search, however their bytes are divided; their text is not read. */
const HEAD_BYTES_MAX = 65_536;

/** A queued memory whose text may be too long to be read here. */
export type QueuedHead = Omit<QueuedMemory, 'text'> & { text: string | null };

/**
 * Returns the tenant's newly written memories that wait for their vectors, newest first, leased ones included. The text is null where it
 * has more than `charactersMax` code points, is partly embedded, or failed before.
 */
export async function findQueued(
  sql: Sql,
  userId: string,
  { limit, charactersMax }: { limit: number; charactersMax: number },
): Promise<QueuedHead[]> {
  const result = await sql.query<QueuedHead>({
    name: 'find_queued',
    text: `with newest as (
        select *
        from embedding_queue
        where user_id = $1 and renewal = false and failure is null
        order by queued_at desc
        limit $2
      ),
      head as (
        select q.*,
          case
            when q.attempts = 0 and q.next_code_point = 0 and m.size_bytes <= ${HEAD_BYTES_MAX} then ${WHOLE_TEXT}
          end as text,
          ${LEAD} as lead, m.session_id is not null as in_session
        from newest q
        join memories m on m.user_id = q.user_id and m.id = q.memory_id
      )
      select user_id, memory_id, revision, next_character, next_code_point, passages, attempts, false as is_continued, lead, in_session,
        case when char_length(text) <= $3 then text end as text
      from head
      order by queued_at desc`,
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

const leasedValues = (queued: readonly QueueEntry[]) => [
  queued.map(({ user_id }) => user_id),
  queued.map(({ memory_id }) => memory_id),
  queued.map(({ revision }) => revision),
];

/** Renews leases. Runs as the owner role. */
export async function renewLeases(sql: Sql, queued: readonly QueueEntry[]): Promise<void> {
  await updateLeased(sql, queued, `leased_until = now() + ${LEASE}`);
}

/** Releases leases early. Runs as the owner role. */
export async function releaseQueued(sql: Sql, queued: readonly QueueEntry[]): Promise<void> {
  await updateLeased(sql, queued, 'leased_until = null');
}

/**
 * Counts a failed attempt to embed memories. The next attempt embeds each alone, after a pause.
 * @param failure reason to record when these were the last attempts
 * Runs as the owner role.
 */
export async function recordFailedAttempt(
  sql: Sql,
  queued: readonly QueueEntry[],
  { pauseMs, failure }: { pauseMs: number; failure?: EmbeddingFailure },
): Promise<void> {
  const values = [Math.round(pauseMs), failure ?? null];
  await updateLeased(
    sql,
    queued,
    "attempts = q.attempts + 1, leased_until = now() + $4::integer * interval '1 millisecond', failure = $5",
    values,
  );
}

async function updateLeased(
  sql: Sql,
  queued: readonly QueueEntry[],
  assignments: string,
  values: readonly unknown[] = [],
): Promise<void> {
  await sql.query({
    text: `with leased as (
        ${LEASED}
      )
      update embedding_queue q
      set ${assignments}
      from leased l
      where q.user_id = l.user_id and q.memory_id = l.memory_id`,
    values: [...leasedValues(queued), ...values],
  });
}

/** Locks a memory against changes until the transaction ends. */
export function lockAgainstChangeStatement({
  user_id,
  memory_id,
}: Pick<QueueEntry, 'user_id' | 'memory_id'>): Statement {
  return {
    name: 'lock_against_change',
    text: `select
      from memories
      where user_id = $1 and id = $2
      for key share`,
    values: [user_id, memory_id],
  };
}

type Part = QueueEntry & Pick<QueuedMemory, 'next_character'>;

/**
 * Removes a memory from the queue, its last part done. Returns false, and keeps it, when it was changed or deleted since it was leased,
 * or another worker stored this part: the vectors are outdated. Runs as the owner role.
 */
export async function completeQueued(
  sql: Sql,
  { user_id, memory_id, revision, next_character }: Part,
): Promise<boolean> {
  const result = await sql.query({
    name: 'complete_queued',
    text: `delete from embedding_queue
      where user_id = $1 and memory_id = $2 and revision = $3 and next_character = $4`,
    values: [user_id, memory_id, revision, next_character],
  });
  return result.rowCount === 1;
}

/** Moves a memory in the queue to its next part and releases its lease. Returns false as {@link completeQueued} does. Runs as the owner role. */
export async function advanceQueued(
  sql: Sql,
  { user_id, memory_id, revision, next_character }: Part,
  next: Pick<QueuedMemory, 'next_character' | 'next_code_point' | 'passages'>,
): Promise<boolean> {
  const result = await sql.query({
    name: 'advance_queued',
    text: `update embedding_queue
      set next_character = $5, next_code_point = $6, passages = $7, attempts = 0, leased_until = null
      where user_id = $1 and memory_id = $2 and revision = $3 and next_character = $4`,
    values: [user_id, memory_id, revision, next_character, next.next_character, next.next_code_point, next.passages],
  });
  return result.rowCount === 1;
}
