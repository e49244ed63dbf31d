import { v7 as uuidv7 } from 'uuid';
import { contentHash, sizeBytes } from '../../api/memories/content-hash.ts';
import { countTerms } from '../../api/search/term-frequencies.ts';
import type { Database } from '../../db/client/database.ts';
import { exactlyOne, type Sql } from '../../db/client/sql.ts';
import type { NewMemoryRow } from '../../db/queries/memories/row.ts';
import { changeQuota } from '../../db/queries/usage/quotas.ts';
import type { Note } from './texts.ts';
import type { WriteVectors } from './vectors.ts';

/** Returns the row that the service stores for a note. */
export function rowOf(note: Note, project: string | null = null): NewMemoryRow {
  const input = { ...note, metadata: {}, project };
  return {
    ...input,
    id: uuidv7(),
    type: 'long_term',
    status: 'active',
    occurred_offset_minutes: 0,
    expires_at: null,
    supersedes: null,
    consolidated_into: null,
    is_digest: false,
    version: 1,
    content_hash: contentHash(input),
    size_bytes: sizeBytes(input),
    created_at: note.occurred_at,
    updated_at: note.occurred_at,
  };
}

/**
 * Inserts memories in bulk, with the same result as writes through the API: rows, postings, lexicon, quota and vectors,
 * with nothing queued. One by one, a hundred thousand would take many minutes.
 */
export async function fill(
  database: Database,
  userId: string,
  rows: NewMemoryRow[],
  writeVectors?: WriteVectors,
): Promise<void> {
  await database.write(userId, async (sql) => {
    const words = await insertIndexed(sql, userId, rows);
    const bytes = rows.reduce((sum, row) => sum + row.size_bytes, 0);
    await changeQuota(sql, userId, { bytes, memories: rows.length, words });
    await writeVectors?.(sql, userId, rows);
  });
}

/** Inserts and indexes many memories, like `insertMemory` one. Returns the number of their terms. */
async function insertIndexed(sql: Sql, userId: string, rows: readonly NewMemoryRow[]): Promise<number> {
  const input = await Promise.all(
    rows.map(async (row) => ({
      ...row,
      content_hash: row.content_hash.toString('hex'),
      counted: await countTerms(row),
    })),
  );
  const result = await sql.query<{ words: string }>({
    name: 'bench_fill',
    text: `with input as materialized (
        select *
        from jsonb_to_recordset($2) as g (id uuid, type text, status text, title text, content text, tags text[],
          session_id text, project text, occurred_at timestamptz, version integer, content_hash text, size_bytes integer,
          created_at timestamptz, counted jsonb)
      ),
      lexeme as materialized (
        select id,
          l as lexeme,
          hashtextextended($1::uuid::text || l, 0) as hash,
          least(sum(frequency::integer), 32767)::smallint as frequency
        from input,
          rows from (jsonb_array_elements_text(counted -> 'terms'), jsonb_array_elements_text(counted -> 'frequencies'))
            as w (word, frequency),
          unnest(coalesce(ts_lexize('english_stem', word), array[word])) as l
        group by id, l
      ),
      indexed as (
        select id,
          array_agg(hash order by hash) as terms,
          array_agg(frequency order by hash) as frequencies,
          sum(frequency) as length
        from lexeme
        group by id
      ),
      stored as (
        insert into memories (user_id, id, type, status, title, content, tags, session_id, project, occurred_at, version,
          content_hash, size_bytes, created_at, updated_at, terms, frequencies, length)
        select $1, id, type, status, title, content, tags, session_id, project, occurred_at, version,
          decode(content_hash, 'hex'), size_bytes, created_at, created_at, terms, frequencies, length
        from input
        join indexed using (id)
        order by id
      ),
      counted as (
        insert into lexicon as x (user_id, hash, lexeme, memories)
        select $1, hash, min(lexeme), count(*)
        from lexeme
        group by hash
        order by hash
        on conflict (user_id, hash) do update set memories = x.memories + excluded.memories
      )
      select sum(length) as words
      from indexed`,
    values: [userId, JSON.stringify(input)],
  });
  return Number(exactlyOne(result).words);
}

/** Columns that must be equal for the same text, whether stored by the API or in bulk. */
interface ComparedColumns {
  terms: string;
  frequencies: string;
  length: number;
  size_bytes: number;
  tags: string[];
}

/**
 * Verifies that a bulk insert has the same result as a create through the API.
 * @param storeThroughApi stores the note in the project `stored`
 * @throws Error with the difference
 */
export async function verifyEqualRows(
  database: Database,
  userId: string,
  note: Note,
  storeThroughApi: () => Promise<string>,
): Promise<void> {
  const ids = [await storeThroughApi()];
  const row = { ...rowOf(note, 'filled'), created_at: new Date() };
  await fill(database, userId, [row]);
  ids.push(row.id);
  const results = await Promise.all(ids.map((id) => readColumns(database, userId, id)));
  const [stored, filled] = results.map((one) => JSON.stringify(one));
  if (stored !== filled) throw new Error(`a bulk-inserted memory differs from a stored one:\n${filled}\n${stored}`);
  const { rows } = await database.owner.query<{ lexicon: boolean; quota: boolean }>(
    `select (
        select bool_and(memories = 2)
        from lexicon
        where user_id = $1
      ) as lexicon, (
        select memories = 2 and words = 2 * $2::integer and storage_bytes = 2 * $3::integer
        from quotas
        where user_id = $1
      ) as quota`,
    [userId, results[0]?.length, results[0]?.size_bytes],
  );
  if (!rows[0]?.lexicon || !rows[0].quota)
    throw new Error(`a bulk insert counts differently: ${JSON.stringify(rows[0])}`);
}

async function readColumns(database: Database, userId: string, id: string): Promise<ComparedColumns> {
  const { rows } = await database.owner.query<ComparedColumns>(
    `select terms::text, frequencies::text, length, size_bytes, tags
      from memories
      where user_id = $1
        and id = $2`,
    [userId, id],
  );
  const [row] = rows;
  if (!row) throw new Error(`${id} was not stored`);
  return row;
}
