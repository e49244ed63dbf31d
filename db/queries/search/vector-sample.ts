import type { Sql } from '../../client/sql.ts';
import { readVector, type StoredVector } from './vectors.ts';

/** Finds the vectors of a tenant's oldest and newest memories, the first passage of each, at most `limit`. */
export async function sampleVectors(sql: Sql, userId: string, model: string, limit: number): Promise<Float32Array[]> {
  const result = await sql.query<StoredVector>({
    name: 'sample_vectors',
    text: `select vector_int8, vector
      from (
        (
          select memory_id, vector_int8, vector from memory_vectors
          where user_id = $1 and model = $2 and chunk = 0
          order by memory_id
          limit $3
        )
        union
        (
          select memory_id, vector_int8, vector from memory_vectors
          where user_id = $1 and model = $2 and chunk = 0
          order by memory_id desc
          limit $3
        )
      ) ends
      order by memory_id`,
    values: [userId, model, Math.ceil(limit / 2)],
  });
  return result.rows.map(readVector);
}
