import type { Where } from './memory-filters.ts';
import type { Sql } from './sql.ts';

/** A passage of a memory and its vector. Offsets are characters of the text that was embedded. */
export interface VectorRow {
  chunk: number;
  start: number;
  end: number;
  vector: Float32Array;
}

/**
 * Replaces a memory's vectors of one model: exact ones, and beside them in a narrow table their signs, a bit a number, which are
 * all that a scan over many has to read.
 */
export async function replaceVectors(
  sql: Sql,
  userId: string,
  memoryId: string,
  model: string,
  chunks: readonly VectorRow[],
): Promise<void> {
  await sql.query({
    name: 'delete_vectors',
    text: `with codes as (delete from memory_codes where user_id = $1 and memory_id = $2)
      delete from memory_vectors where user_id = $1 and memory_id = $2`,
    values: [userId, memoryId],
  });
  await sql.query({
    name: 'insert_vectors',
    text: `with chunk as (
        select * from unnest($4::smallint[], $5::integer[], $6::integer[], $7::bytea[], $8::text[]) as c (chunk, first, last, vector, code)
      ), exact as (
        insert into memory_vectors (user_id, memory_id, model, chunk, first_character, last_character, vector)
        select $1, $2, $3, chunk, first, last, vector from chunk
      )
      insert into memory_codes (user_id, model, memory_id, chunk, code) select $1, $3, $2, chunk, code::varbit from chunk`,
    values: [
      userId,
      memoryId,
      model,
      chunks.map(({ chunk }) => chunk),
      chunks.map(({ start }) => start),
      chunks.map(({ end }) => end),
      chunks.map(({ vector }) => toBytes(vector)),
      chunks.map(({ vector }) => signs(vector)),
    ],
  });
}

/** How many passages a scan of the codes keeps before the filter is asked. */
const SCANNED = 1_000;

/**
 * The memories whose passages have the most signs in common with a question's vector and that pass the filter, nearest first.
 * The filter holds before the cut: where the best thousand passages leave too few, the filter comes first.
 */
export async function findNearest(
  sql: Sql,
  where: () => Where,
  model: string,
  vector: Float32Array,
  limit: number,
): Promise<string[]> {
  const scan = async (inner: (w: Where, distance: string) => string) => {
    const w = where();
    const distance = `bit_count(code # ${w.value(signs(vector))}::varbit)`;
    const result = await sql.query<{ memory_id: string }>({ text: inner(w, distance), values: w.values });
    return result.rows.map((row) => row.memory_id);
  };
  const near = await scan(
    (w, distance) => `with near as materialized (
        select memory_id, ${distance} as distance from memory_codes
        where user_id = $1 and model = ${w.value(model)} order by distance, memory_id limit ${SCANNED}
      )
      select memory_id from (select memory_id, min(distance) as distance from near group by memory_id) n
      where exists (select 1 from memories m where m.id = n.memory_id and ${w.text})
      order by distance, memory_id limit ${w.value(limit)}`,
  );
  if (near.length >= limit || (await countCodes(sql, where().values[0] as string, model)) <= SCANNED) return near;
  return scan(
    (w, distance) => `select memory_id from (
        select c.memory_id, min(${distance}) as distance from memory_codes c
        where c.user_id = $1 and c.model = ${w.value(model)}
          and c.memory_id in (select id from memories m where ${w.text}) group by c.memory_id
      ) n order by distance, memory_id limit ${w.value(limit)}`,
  );
}

/** The exact vectors of these memories, by memory. */
export async function findVectors(
  sql: Sql,
  userId: string,
  model: string,
  ids: readonly string[],
): Promise<Map<string, VectorRow[]>> {
  const result = await sql.query<{ memory_id: string; chunk: number; start: number; end: number; vector: Buffer }>({
    name: 'find_vectors',
    text: `select memory_id, chunk, first_character as start, last_character as end, vector from memory_vectors
      where user_id = $1 and model = $2 and memory_id = any ($3) order by memory_id, chunk`,
    values: [userId, model, ids],
  });
  const byMemory = new Map<string, VectorRow[]>();
  for (const { memory_id, vector, ...row } of result.rows) {
    const rows = byMemory.get(memory_id) ?? [];
    rows.push({ ...row, vector: fromBytes(vector) });
    byMemory.set(memory_id, rows);
  }
  return byMemory;
}

async function countCodes(sql: Sql, userId: string, model: string): Promise<number> {
  const result = await sql.query<{ count: string }>({
    name: 'count_codes',
    text: `select count(*) from (select 1 from memory_codes where user_id = $1 and model = $2 limit ${SCANNED + 1}) c`,
    values: [userId, model],
  });
  return Number(result.rows[0]?.count ?? 0);
}

/** A bit a number: 1 where it is positive. */
function signs(vector: Float32Array): string {
  let bits = '';
  for (const number of vector) bits += number > 0 ? '1' : '0';
  return bits;
}

/** Little-endian 32-bit floats. */
function toBytes(vector: Float32Array): Buffer {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
}

function fromBytes(bytes: Buffer): Float32Array {
  // A copy: the driver's buffer is shared and need not be aligned.
  const copy = new Uint8Array(bytes);
  return new Float32Array(copy.buffer, 0, copy.byteLength / 4);
}
