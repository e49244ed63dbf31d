import { Where } from './memory-filters.ts';
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
 * @param where makes the filter, narrowed to the tenant, anew for each statement
 */
export async function findNearest(
  sql: Sql,
  where: () => Where,
  model: string,
  vector: Float32Array,
  limit: number,
): Promise<string[]> {
  const everything = new Where(where().values[0] as string);
  const scanned = await scanCodes(sql, everything, model, vector);
  const near = [...new Set(scanned)];
  const passing = await passingFilter(sql, where(), near);
  const nearest = near.filter((id) => passing.has(id)).slice(0, limit);
  if (nearest.length === limit || scanned.length < SCANNED) return nearest;
  return [...new Set(await scanCodes(sql, where(), model, vector))].slice(0, limit);
}

/** The memories of the nearest passages that a filter lets through, nearest first, one entry a passage. */
async function scanCodes(sql: Sql, where: Where, model: string, vector: Float32Array): Promise<string[]> {
  const filter = where.narrows ? `and memory_id in (select id from memories where ${where.text})` : '';
  const result = await sql.query<{ memory_id: string }>({
    text: `select memory_id from memory_codes where user_id = $1 and model = ${where.value(model)} ${filter}
      order by bit_count(code # ${where.value(signs(vector))}::varbit), memory_id limit ${where.value(SCANNED)}`,
    values: where.values,
  });
  return result.rows.map((row) => row.memory_id);
}

async function passingFilter(sql: Sql, where: Where, ids: readonly string[]): Promise<Set<string>> {
  const result = await sql.query<{ id: string }>({
    text: `select id from memories where ${where.text} and id = any (${where.value(ids)})`,
    values: where.values,
  });
  return new Set(result.rows.map((row) => row.id));
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
    text: `select memory_id::text, chunk, first_character as start, last_character as end, vector from memory_vectors
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
