import { exactlyOne, type Sql } from '../../client/sql.ts';
import { HAS_WEBHOOKS } from './insert-memory.ts';
import type { NewMemoryRow } from './row.ts';
import type { TermFrequencies } from './terms.ts';

/** The result of {@link insertMemories}. */
interface InsertedMemories {
  /** Ids of the memories that were stored: all that are no exact duplicate of an active one, nor of one before them. */
  ids: string[];
  /** The tenant's total, including the new memories; null when there are none. */
  storage_bytes: number | null;
  /** Whether the tenant has an enabled webhook. */
  has_webhooks: boolean;
}

/**
 * Stores many memories in one statement, each like `insertMemory`: a table is written once for all of them, and a term that several hold
 * is stemmed and counted once. Those that are exact duplicates are left out.
 */
export async function insertMemories(
  sql: Sql,
  userId: string,
  memories: readonly { row: NewMemoryRow; terms: TermFrequencies }[],
  { enqueue }: { enqueue: boolean },
): Promise<InsertedMemories> {
  const input = memories.map(({ row, terms: { terms, frequencies, blocks } }, place) => ({
    ...row,
    place,
    content_hash: row.content_hash.toString('hex'),
    words: terms,
    counts: frequencies,
    // Numbers of 64 bits, as texts.
    blocks,
  }));
  const result = await sql.query<Omit<InsertedMemories, 'storage_bytes'> & { storage_bytes: string | null }>({
    name: 'insert_memories',
    text: INSERT,
    values: [userId, JSON.stringify(input), enqueue],
  });
  const stored = exactlyOne(result);
  return { ...stored, storage_bytes: stored.storage_bytes === null ? null : Number(stored.storage_bytes) };
}

const COLUMNS = `type, status, title, content, tags, metadata, project, session_id, occurred_at, occurred_offset_minutes, expires_at,
      supersedes, consolidated_into, version, size_bytes, created_at, updated_at`;

const INSERT = `with input as materialized (
    select *
    from jsonb_to_recordset($2::jsonb) as g (place integer, id uuid, type text, status text, title text, content text, tags text[],
      metadata jsonb, project text, session_id text, occurred_at timestamptz, occurred_offset_minutes smallint,
      expires_at timestamptz, supersedes uuid, consolidated_into uuid, version integer, content_hash text, size_bytes integer,
      created_at timestamptz, updated_at timestamptz, words text[], counts integer[], blocks bigint[])
  ),
  held as materialized (
    select place, word, count, block
    from input,
      unnest(words, counts, blocks) as w (word, count, block)
  ),
  stem as materialized (
    select word, l as lexeme, hashtextextended($1::uuid::text || l, 0) as hash
    from (select distinct word from held) d,
      unnest(coalesce(ts_lexize('english_stem', word), array[word])) as l
  ),
  lexeme as materialized (
    select place, hash, least(sum(count), 32767)::smallint as frequency, bit_or(block) as block
    from held
    join stem using (word)
    group by place, hash
  ),
  indexed as (
    select place,
      array_agg(hash order by hash) as terms,
      array_agg(frequency order by hash) as frequencies,
      case when count(block) > 0 then array_agg(block order by hash) else '{}' end as term_blocks,
      sum(frequency) as length
    from lexeme
    group by place
  ),
  stored as (
    insert into memories (user_id, id, content_hash, terms, frequencies, term_blocks, length, ${COLUMNS})
    select $1, id, decode(content_hash, 'hex'),
      coalesce(terms, '{}'), coalesce(frequencies, '{}'), coalesce(term_blocks, '{}'), coalesce(length, 0), ${COLUMNS}
    from input
    left join indexed using (place)
    order by place
    on conflict (user_id, content_hash, type, expires_at, supersedes) where status = 'active' do nothing
    returning id, length, size_bytes
  ),
  counted as (
    insert into lexicon as x (user_id, hash, lexeme, memories)
    select $1, hash, min(stem.lexeme), n
    from (
      select hash, count(*) as n
      from stored
      join input using (id)
      join lexeme using (place)
      group by hash
    ) h
    join stem using (hash)
    group by hash, n
    order by hash
    on conflict (user_id, hash) do update set memories = x.memories + excluded.memories
  ),
  queued as (
    insert into embedding_queue (user_id, memory_id)
    select $1, id
    from stored
    where $3
  ),
  total as (
    insert into quotas as q (user_id, storage_bytes, memories, words)
    select $1, sum(size_bytes), count(*), sum(length)
    from stored
    having count(*) > 0
    on conflict (user_id) do update set
      storage_bytes = q.storage_bytes + excluded.storage_bytes,
      memories = q.memories + excluded.memories,
      words = q.words + excluded.words
    returning storage_bytes
  )
  select array(select id::text from stored) as ids,
    (select storage_bytes from total) as storage_bytes,
    ${HAS_WEBHOOKS}`;
