import type { Sql } from '../../client/sql.ts';
import { lexemesCte, type TermFrequencies } from '../search/lexical.ts';
import { type NearDuplicate, type NearDuplicateOptions, nearDuplicateCtes } from './near-duplicates.ts';

export type MemoryType = 'short_term' | 'long_term';
export type MemoryStatus = 'active' | 'archived';

/** A memory as it is stored, without its words. Times are UTC; `size_bytes` counts title, content, tags and metadata. */
export interface MemoryRow {
  id: string;
  type: MemoryType;
  status: MemoryStatus;
  title: string;
  content: string;
  tags: string[];
  metadata: Record<string, unknown>;
  project: string | null;
  session_id: string | null;
  occurred_at: Date | null;
  expires_at: Date | null;
  supersedes: string | null;
  /** The newest active memory that supersedes this one. */
  superseded_by: string | null;
  consolidated_into: string | null;
  version: number;
  size_bytes: number;
  created_at: Date;
  updated_at: Date;
}

export type NewMemoryRow = Omit<MemoryRow, 'superseded_by'> & { content_hash: Buffer };

/**
 * The memory that supersedes one is looked for in a way that no index fits but that of `supersedes`: an order that another one has, or a
 * condition that a partial one is for, would have a plan from before there were statistics read all that the tenant has.
 */
export const MEMORY_COLUMNS =
  'id, type, status, title, content, tags, metadata, project, session_id, occurred_at, expires_at, supersedes, ' +
  'consolidated_into, version, size_bytes, created_at, updated_at, ' +
  '(select (array_agg(s.id order by s.created_at desc, s.id desc))[1] from memories s ' +
  "where s.user_id = memories.user_id and s.supersedes = memories.id and (s.status = 'active') is true) as superseded_by";

/** The constraint that an exact repeat of an active memory hits. */
export const EXACT_DUPLICATE_CONSTRAINT = 'memories_active_twin';

const values = (userId: string, row: NewMemoryRow): unknown[] => [
  userId,
  row.id,
  row.type,
  row.status,
  row.title,
  row.content,
  row.tags,
  JSON.stringify(row.metadata),
  row.project,
  row.session_id,
  row.occurred_at,
  row.expires_at,
  row.supersedes,
  row.consolidated_into,
  row.version,
  row.content_hash,
  row.size_bytes,
  row.created_at,
  row.updated_at,
];

/** What came of a new memory. */
export interface InsertedMemory {
  /** What the tenant stores with it. */
  storage_bytes: number;
  memories: number;
  /** Memories that say nearly the same, most alike first; none where nobody asked. */
  similar: NearDuplicate[];
}

export interface InsertOptions {
  /** It gets a place in the queue for vectors. */
  enqueue: boolean;
  /** What says nearly the same is looked for. */
  nearDuplicates?: NearDuplicateOptions | undefined;
}

/**
 * Stores a memory with all that goes with it, in one statement: the words it is found by, the tenant's lexicon and totals, its place
 * in the queue for vectors. Answers undefined, and stores nothing, when an active memory says exactly the same.
 */
export async function insertMemory(
  sql: Sql,
  userId: string,
  row: NewMemoryRow,
  { terms, frequencies }: TermFrequencies,
  { enqueue, nearDuplicates }: InsertOptions,
): Promise<InsertedMemory | undefined> {
  const result = await sql.query<{ storage_bytes: string; memories: string; similar: NearDuplicate[] }>({
    name: nearDuplicates ? 'insert_memory_find_near_duplicates' : 'insert_memory',
    text: nearDuplicates ? INSERT_AND_LOOK : INSERT,
    values: [
      ...values(userId, row),
      terms,
      frequencies,
      enqueue,
      ...(nearDuplicates ? [nearDuplicates.ignoredTerms, nearDuplicates.scoreMin, nearDuplicates.limit] : []),
    ],
  });
  const [stored] = result.rows;
  return stored && { ...stored, storage_bytes: Number(stored.storage_bytes), memories: Number(stored.memories) };
}

const INSERT_TABLES = `${lexemesCte('$1', '$20', '$21')},
  stored as (
    insert into memories (user_id, id, type, status, title, content, tags, metadata, project, session_id, occurred_at,
      expires_at, supersedes, consolidated_into, version, content_hash, size_bytes, created_at, updated_at,
      terms, frequencies, length)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
      coalesce((select array_agg(hash order by hash) from lexeme), '{}'),
      coalesce((select array_agg(frequency order by hash) from lexeme), '{}'),
      coalesce((select sum(frequency) from lexeme), 0))
    on conflict (user_id, content_hash, type, expires_at, supersedes) where status = 'active' do nothing
    returning length, size_bytes
  ),
  known as (
    insert into lexicon as x (user_id, hash, lexeme, memories)
    select $1, hash, lexeme, 1 from lexeme, stored order by hash
    on conflict (user_id, hash) do update set memories = x.memories + 1
    returning hash, memories
  ),
  queued as (
    insert into embedding_queue (user_id, memory_id) select $1, $2 from stored where $22
  ),
  total as (
    insert into quotas as q (user_id, storage_bytes, memories, words) select $1, size_bytes, 1, length from stored
    on conflict (user_id) do update set storage_bytes = q.storage_bytes + excluded.storage_bytes,
      memories = q.memories + 1, words = q.words + excluded.words
    returning storage_bytes, memories
  )`;
const INSERT = `with ${INSERT_TABLES} select storage_bytes, memories, '[]'::jsonb as similar from total`;
const INSERT_AND_LOOK = `with ${INSERT_TABLES}, ${nearDuplicateCtes('$9', '$23', '$24')}
  select storage_bytes, memories, coalesce((
    select jsonb_agg(jsonb_build_object('id', id, 'score', score) order by score desc, id)
    from (select id, score from alike where score >= $24::float8 order by score desc, id limit $25) told
  ), '[]') as similar from total`;

/** Replaces every column of a memory but its creation time. Throws a unique violation of {@link EXACT_DUPLICATE_CONSTRAINT} when it would repeat an active one. */
export async function updateMemory(sql: Sql, userId: string, row: NewMemoryRow): Promise<void> {
  await sql.query({
    name: 'update_memory',
    text: `update memories set type = $3, status = $4, title = $5, content = $6, tags = $7, metadata = $8, project = $9,
        session_id = $10, occurred_at = $11, expires_at = $12, supersedes = $13, consolidated_into = $14, version = $15,
        content_hash = $16, size_bytes = $17, updated_at = $19
      where user_id = $1 and id = $2 and $18::timestamptz is not null`,
    values: values(userId, row),
  });
}

/** One memory, or undefined when the tenant has none of that id. `lock` holds it until the transaction ends. */
export async function findMemory(sql: Sql, userId: string, id: string, lock = false): Promise<MemoryRow | undefined> {
  const result = await sql.query<MemoryRow>({
    name: lock ? 'lock_memory' : 'find_memory',
    text: `select ${MEMORY_COLUMNS} from memories where user_id = $1 and id = $2 ${lock ? 'for update' : ''}`,
    values: [userId, id],
  });
  return result.rows[0];
}

/** The active memory that says exactly what `row` says, locked. */
export async function lockExactDuplicate(sql: Sql, userId: string, row: NewMemoryRow): Promise<MemoryRow | undefined> {
  const result = await sql.query<MemoryRow>({
    name: 'lock_exact_duplicate',
    text: `select ${MEMORY_COLUMNS} from memories
      where user_id = $1 and content_hash = $2 and type = $3 and expires_at is not distinct from $4
        and supersedes is not distinct from $5 and status = 'active' for update`,
    values: [userId, row.content_hash, row.type, row.expires_at, row.supersedes],
  });
  return result.rows[0];
}

/** The memories of these ids that the tenant has, in no order. `lock` holds them, lowest id first so that two callers cannot block each other. */
export async function findMemories(
  sql: Sql,
  userId: string,
  ids: readonly string[],
  lock = false,
): Promise<MemoryRow[]> {
  const result = await sql.query<MemoryRow>({
    name: lock ? 'lock_memories' : 'find_memories',
    text: `select ${MEMORY_COLUMNS} from memories where user_id = $1 and id = any ($2) ${lock ? 'order by id for update' : ''}`,
    values: [userId, ids],
  });
  return result.rows;
}

/** Removes memories and their versions for good. Answers how many memories and how many bytes went, versions included. */
export async function deleteMemories(
  sql: Sql,
  userId: string,
  ids: readonly string[],
): Promise<{ memories: number; bytes: number }> {
  const result = await sql.query<{ memories: string; bytes: string }>({
    name: 'delete_memories',
    text: `with versions as (
        select coalesce(sum(size_bytes), 0) as bytes from memory_versions where user_id = $1 and memory_id = any ($2)
      ), gone as (delete from memories where user_id = $1 and id = any ($2) returning size_bytes)
      select count(*) as memories, coalesce(sum(size_bytes), 0) + (select bytes from versions) as bytes from gone`,
    values: [userId, ids],
  });
  const row = result.rows[0];
  return { memories: Number(row?.memories ?? 0), bytes: Number(row?.bytes ?? 0) };
}

/** True when the tenant has any memory at all. */
export async function hasMemories(sql: Sql, userId: string): Promise<boolean> {
  const result = await sql.query({
    name: 'has_memories',
    text: 'select 1 from memories where user_id = $1 limit 1',
    values: [userId],
  });
  return result.rows.length > 0;
}
