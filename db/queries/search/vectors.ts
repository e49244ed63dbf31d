import { shapeNames } from '../../client/shape-names.ts';
import type { Sql } from '../../client/sql.ts';
import type { Where } from '../memories/where.ts';
import { decodeFloats, decodeVector, encodeVector, toBinaryCode } from './vector-encoding.ts';

/** A passage of a memory and its vector. Offsets are characters of the embedded text. */
export interface VectorRow {
  chunk: number;
  start: number;
  end: number;
  vector: Float32Array;
}

/** A passage to store, and the codes of its tokens. */
export interface NewVectorRow extends VectorRow {
  tokens: Uint8Array;
}

/** Replaces a memory's vectors, of whatever model, by those of one model. */
export async function replaceVectors(
  sql: Sql,
  userId: string,
  memoryId: string,
  model: string,
  chunks: readonly NewVectorRow[],
): Promise<void> {
  await deleteVectors(sql, userId, memoryId);
  await insertVectors(sql, userId, memoryId, model, chunks);
}

/**
 * Inserts vectors of a memory. Their binary codes (one sign bit per component) go into a narrow table of their own, so that a scan over
 * many reads little.
 */
export async function insertVectors(
  sql: Sql,
  userId: string,
  memoryId: string,
  model: string,
  chunks: readonly NewVectorRow[],
): Promise<void> {
  await sql.query({
    name: 'insert_vectors',
    text: `with chunk as (
        select *
        from unnest($4::smallint[], $5::integer[], $6::integer[], $7::bytea[], $8::text[], $9::bytea[])
          as c (chunk, first, last, vector, code, tokens)
      ), vectors as (
        insert into memory_vectors (user_id, memory_id, model, chunk, first_character, last_character, vector_int8, token_codes)
        select $1, $2, $3, chunk, first, last, vector, tokens from chunk
      )
      insert into memory_codes (user_id, model, memory_id, chunk, code, cell)
      select $1, $3, $2, chunk, code::varbit, (
        select cell from memory_cells c where c.user_id = $1 and c.model = $3
        order by bit_count(c.code # chunk.code::varbit), cell desc limit 1
      ) from chunk`,
    values: [
      userId,
      memoryId,
      model,
      chunks.map(({ chunk }) => chunk),
      chunks.map(({ start }) => start),
      chunks.map(({ end }) => end),
      chunks.map(({ vector }) => encodeVector(vector)),
      chunks.map(({ vector }) => toBinaryCode(vector)),
      chunks.map(({ tokens }) => Buffer.from(tokens)),
    ],
  });
}

/** Deletes a memory's vectors of every model. */
export async function deleteVectors(sql: Sql, userId: string, memoryId: string): Promise<void> {
  await sql.query({
    name: 'delete_vectors',
    text: `with codes as (delete from memory_codes where user_id = $1 and memory_id = $2)
      delete from memory_vectors where user_id = $1 and memory_id = $2`,
    values: [userId, memoryId],
  });
}

const nearestName = shapeNames('scan_nearest_codes');

/** Number of the nearest passages that are filtered. */
const SCANNED = 1_000;
/**
 * The clusters that are scanned, as a multiple of the square root of their number: of 20,000 codes a quarter, of 100,000 a sixth. They hold
 * nearly all of the nearest codes (`test/api/search/clusters.test.ts`, docs/decisions/0157). While codes move from one clustering to the
 * next, each adds its own number.
 */
const SCANNED_CELLS = 4;

/**
 * A subquery for the codes in the clusters nearest to a query, and those in no cluster (of a small tenant, all). The tenant of the latter
 * is a subquery, so that the planner assumes an average tenant: otherwise it counts the unclustered codes of others, and reads the whole
 * table.
 */
export const NEAR_CODES = (model: string, code: string) => `(
    select memory_id, code from memory_codes where user_id = (select $1::uuid) and model = ${model} and cell is null
    union all
    select memory_id, code from memory_codes where user_id = $1 and model = ${model} and cell = any (array(
      select cell from memory_cells where user_id = $1 and model = ${model} order by bit_count(code # ${code}::varbit), cell
      limit (
        select ceil(sum(sqrt(cells)) * ${SCANNED_CELLS})
        from (select count(*) as cells from memory_cells where user_id = $1 and model = ${model} group by codes_when_cut) c
      )
    ))
  )`;

/**
 * Finds the memories that match the filter and whose passages have the smallest Hamming distance to a query's vector, nearest first. The
 * filter applies before the cut: where too few of the nearest thousand passages match, the filter is evaluated first.
 * @param where creates the filter, restricted to the tenant, for each statement
 */
export async function findNearest(
  sql: Sql,
  where: () => Where,
  model: string,
  vector: Float32Array,
  limit: number,
): Promise<string[]> {
  const { ids, isComplete } = await scanNearestCodes(sql, where(), model, toBinaryCode(vector), limit);
  if (ids.length === limit || isComplete) return ids;
  return scanFilteredCodes(sql, where(), model, toBinaryCode(vector), limit);
}

/**
 * Filters the memories of the nearest passages, one by one, nearest first, until enough match: `limit 1` keeps the planner from joining all
 * of them first. Returns those that match, nearest first, and whether no other passage can match. With clusters, others may.
 */
async function scanNearestCodes(sql: Sql, where: Where, model: string, code: string, limit: number) {
  const filter = where.text;
  const [name, bits] = [where.value(model), where.value(code)];
  const text = `with near as materialized (
        select memory_id, bit_count(code # ${bits}::varbit) as distance from ${NEAR_CODES(name, bits)} codes
        order by distance limit ${SCANNED}
      )
      select memory_id, (select count(*) from near) < ${SCANNED} and not exists (
          select from memory_cells where user_id = $1 and model = ${name}
        ) as is_complete
      from (
        select memory_id, min(distance) as distance
        from near
        group by memory_id
        order by distance, memory_id
      ) nearest
      cross join lateral (
        select
        from memories
        where ${filter} and id = memory_id
        limit 1
      ) matching
      order by distance, memory_id
      limit ${where.value(limit)}`;
  const result = await sql.query<{ memory_id: string; is_complete: boolean }>({
    ...(where.isCommon && nearestName(text)),
    text,
    values: where.values,
  });
  return { ids: result.rows.map((row) => row.memory_id), isComplete: result.rows[0]?.is_complete ?? false };
}

/** Finds the nearest passages among all memories that match the filter, whatever their clusters. Returns their memories, nearest first. */
async function scanFilteredCodes(
  sql: Sql,
  where: Where,
  model: string,
  code: string,
  limit: number,
): Promise<string[]> {
  const filter = where.text;
  const [name, bits] = [where.value(model), where.value(code)];
  const result = await sql.query<{ memory_id: string }>({
    text: `select memory_id from memory_codes
      where user_id = $1 and model = ${name} and memory_id in (select id from memories where ${filter})
      group by memory_id order by min(bit_count(code # ${bits}::varbit)), memory_id limit ${where.value(limit)}`,
    values: where.values,
  });
  return result.rows.map((row) => row.memory_id);
}

/** The columns of a vector, one of which is null: signed bytes, or floats where a version before stored it. */
export interface StoredVector {
  vector_int8: Buffer | null;
  vector: Buffer | null;
}

/** Decodes a stored vector. */
export function readVector({ vector_int8, vector }: StoredVector): Float32Array {
  return vector_int8 ? decodeVector(vector_int8) : decodeFloats(vector ?? Buffer.alloc(0));
}

/** Finds the vectors of memories, by memory id. */
export async function findVectors(
  sql: Sql,
  userId: string,
  model: string,
  ids: readonly string[],
): Promise<Map<string, VectorRow[]>> {
  const result = await sql.query<StoredVector & { memory_id: string; chunk: number; start: number; end: number }>({
    name: 'find_vectors',
    text: `select memory_id, chunk, first_character as start, last_character as end, vector_int8, vector
      from memory_vectors
      where user_id = $1 and model = $2 and memory_id = any ($3)
      order by memory_id, chunk`,
    values: [userId, model, ids],
  });
  const byMemory = new Map<string, VectorRow[]>();
  for (const { memory_id, chunk, start, end, ...stored } of result.rows) {
    const rows = byMemory.get(memory_id) ?? [];
    rows.push({ chunk, start, end, vector: readVector(stored) });
    byMemory.set(memory_id, rows);
  }
  return byMemory;
}

/** A passage whose tokens are looked up. */
export interface PassageKey {
  id: string;
  chunk: number;
}

/** Finds the codes of the tokens of passages, by memory id. Passages that were embedded without are left out. */
export async function findTokenCodes(
  sql: Sql,
  userId: string,
  model: string,
  passages: readonly PassageKey[],
): Promise<Map<string, Uint8Array[]>> {
  const result = await sql.query<{ memory_id: string; tokens: Buffer }>({
    name: 'find_token_codes',
    text: `select v.memory_id, v.token_codes as tokens
      from unnest($3::uuid[], $4::smallint[]) as p (memory_id, chunk)
      join memory_vectors v on v.user_id = $1 and v.model = $2 and v.memory_id = p.memory_id and v.chunk = p.chunk
      where v.token_codes is not null`,
    values: [userId, model, passages.map(({ id }) => id), passages.map(({ chunk }) => chunk)],
  });
  const byMemory = new Map<string, Uint8Array[]>();
  for (const { memory_id, tokens } of result.rows)
    byMemory.set(memory_id, [...(byMemory.get(memory_id) ?? []), tokens]);
  return byMemory;
}
