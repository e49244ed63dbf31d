import type { Sql } from '../../client/sql.ts';
import { type NearDuplicate, type NearDuplicateOptions, nearDuplicateCtes } from './near-duplicates.ts';
import type { NewMemoryRow } from './row.ts';
import { lexemesCte, TERM_COLUMNS, type TermFrequencies } from './terms.ts';

/** The result of {@link insertMemory}. */
interface InsertedMemory {
  /** The tenant's totals, including the new memory. */
  storage_bytes: number;
  memories: number;
  /** The near-duplicates, most similar first; empty unless they were asked for. */
  similar: NearDuplicate[];
  /** Whether the tenant has an enabled webhook: without one, the event of the new memory is not written. */
  has_webhooks: boolean;
}

interface InsertOptions {
  /** Enqueues the memory for embedding. */
  enqueue: boolean;
  /** Looks for near-duplicates. */
  nearDuplicates?: NearDuplicateOptions | undefined;
}

/**
 * Stores a memory in one statement with everything that belongs to it: its search terms, the tenant's lexicon and totals, its entry in
 * the embedding queue. Returns undefined, and stores nothing, when an active memory is an exact duplicate.
 */
export async function insertMemory(
  sql: Sql,
  userId: string,
  row: NewMemoryRow,
  { terms, frequencies, blocks }: TermFrequencies,
  { enqueue, nearDuplicates }: InsertOptions,
): Promise<InsertedMemory | undefined> {
  const result = await sql.query<
    Omit<InsertedMemory, 'storage_bytes' | 'memories'> & Record<'storage_bytes' | 'memories', string>
  >({
    name: nearDuplicates ? 'insert_memory_find_near_duplicates' : 'insert_memory',
    text: nearDuplicates ? INSERT_AND_FIND_NEAR_DUPLICATES : INSERT,
    values: [
      ...columnValues(userId, row),
      terms,
      frequencies,
      blocks,
      enqueue,
      ...(nearDuplicates ? [nearDuplicates.ignoredTerms, nearDuplicates.scoreMin, nearDuplicates.limit] : []),
    ],
  });
  const [stored] = result.rows;
  return stored && { ...stored, storage_bytes: Number(stored.storage_bytes), memories: Number(stored.memories) };
}

/** The values of a memory's columns, parameters 1 to 20. */
export const columnValues = (userId: string, row: NewMemoryRow): unknown[] => [
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
  row.occurred_offset_minutes,
];

const INSERT_CTES = `${lexemesCte('$1', '$21', '$22', '$23')},
  stored as (
    insert into memories (user_id, id, type, status, title, content, tags, metadata, project, session_id, occurred_at,
      expires_at, supersedes, consolidated_into, version, content_hash, size_bytes, created_at, updated_at,
      occurred_offset_minutes, terms, frequencies, term_blocks, length)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
      ${TERM_COLUMNS.terms},
      ${TERM_COLUMNS.frequencies},
      ${TERM_COLUMNS.term_blocks},
      ${TERM_COLUMNS.length})
    on conflict (user_id, content_hash, type, expires_at, supersedes) where status = 'active' do nothing
    returning length, size_bytes
  ),
  known as (
    insert into lexicon as x (user_id, hash, lexeme, memories)
    select $1, hash, lexeme, 1
    from lexeme, stored
    order by hash
    on conflict (user_id, hash) do update set memories = x.memories + 1
    returning hash, memories
  ),
  queued as (
    insert into embedding_queue (user_id, memory_id)
    select $1, $2
    from stored
    where $24
  ),
  total as (
    insert into quotas as q (user_id, storage_bytes, memories, words)
    select $1, size_bytes, 1, length
    from stored
    on conflict (user_id) do update set
      storage_bytes = q.storage_bytes + excluded.storage_bytes,
      memories = q.memories + 1,
      words = q.words + excluded.words
    returning storage_bytes, memories
  )`;

/** A column that says whether the tenant has an enabled webhook. */
export const HAS_WEBHOOKS = "exists (select from webhooks where user_id = $1 and status = 'enabled') as has_webhooks";

const INSERT = `with ${INSERT_CTES}
  select storage_bytes, memories, ${HAS_WEBHOOKS}, '[]'::jsonb as similar
  from total`;

const INSERT_AND_FIND_NEAR_DUPLICATES = `with ${INSERT_CTES}, ${nearDuplicateCtes('$9', '$25', '$26')}
  select storage_bytes, memories, ${HAS_WEBHOOKS}, coalesce((
    select jsonb_agg(jsonb_build_object('id', id, 'score', score) order by score desc, id)
    from (
      select id, score
      from near_duplicate
      where score >= $26::float8
      order by score desc, id
      limit $27
    ) reported
  ), '[]') as similar
  from total`;
