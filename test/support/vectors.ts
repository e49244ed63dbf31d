import type { Database } from '../../db/client/database.ts';
import type { Sql } from '../../db/client/sql.ts';
import { countBinaryCodes, insertClusters } from '../../db/queries/search/clusters.ts';
import { enqueueEmbedding } from '../../db/queries/search/embedding-enqueue.ts';
import { toBinaryCode } from '../../db/queries/search/vector-encoding.ts';
import { NEAR_CODES, replaceVectors } from '../../db/queries/search/vectors.ts';

/** Stores a vector of a memory in a cluster and enqueues its embedding, without an encoder. */
export async function fillIndex(database: Database, userId: string, memoryId: string): Promise<void> {
  const vector = new Float32Array(384).map((_, i) => Math.sin(i));
  const index = { userId, model: 'test' };
  if ((await countBinaryCodes(database.owner, index)).atClustering === 0) {
    await insertClusters(database.owner, index, [toBinaryCode(vector)], 1);
  }
  await database.write(userId, async (sql) => {
    await replaceVectors(sql, userId, memoryId, 'test', [
      { chunk: 0, start: 0, end: 1, vector, tokens: new Uint8Array(16) },
    ]);
    await enqueueEmbedding(sql, userId, memoryId);
  });
}

/**
 * Finds the nearest passages in the clusters nearest to a code. Returns their memories, nearest first, one entry per passage.
 * @param code binary code, as text of 0 and 1
 */
export async function findInNearClusters(
  sql: Sql,
  userId: string,
  model: string,
  code: string,
  limit: number,
): Promise<string[]> {
  const result = await sql.query<{ memory_id: string }>({
    text: `select memory_id
      from ${NEAR_CODES('$2', '$3')} codes
      order by bit_count(code # $3::varbit), memory_id
      limit $4`,
    values: [userId, model, code, limit],
  });
  return result.rows.map((row) => row.memory_id);
}
