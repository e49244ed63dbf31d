import type { Database } from '../../db/client/database.ts';
import { countBinaryCodes, insertClusters } from '../../db/queries/search/clusters.ts';
import { enqueueEmbedding } from '../../db/queries/search/embedding-queue.ts';
import { replaceVectors, toBinaryCode } from '../../db/queries/search/vectors.ts';

/** Stores a vector of a memory in a cluster and enqueues its embedding, without an encoder. */
export async function fillIndex(database: Database, userId: string, memoryId: string): Promise<void> {
  const vector = new Float32Array(384).map((_, i) => Math.sin(i));
  const index = { userId, model: 'test' };
  if ((await countBinaryCodes(database.owner, index)).atClustering === 0) {
    await insertClusters(database.owner, index, [toBinaryCode(vector)], 1);
  }
  await database.write(userId, async (sql) => {
    await replaceVectors(sql, userId, memoryId, 'test', [{ chunk: 0, start: 0, end: 1, vector }]);
    await enqueueEmbedding(sql, userId, memoryId);
  });
}
