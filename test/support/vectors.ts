import type { Database } from '../../db/client/database.ts';
import { countBinaryCodes, insertClusters } from '../../db/queries/search/clusters.ts';
import { enqueueEmbedding } from '../../db/queries/search/embedding-queue.ts';
import { replaceVectors, toBinaryCode } from '../../db/queries/search/vectors.ts';

/** Gives a memory a vector in a cell and a place in the queue, where no encoder runs. */
export async function fillIndex(database: Database, userId: string, memoryId: string): Promise<void> {
  const vector = new Float32Array(384).map((_, i) => Math.sin(i));
  const cells = { userId, model: 'test' };
  if ((await countBinaryCodes(database.owner, cells)).atClustering === 0) {
    await insertClusters(database.owner, cells, [toBinaryCode(vector)], 1);
  }
  await database.write(userId, async (sql) => {
    await replaceVectors(sql, userId, memoryId, 'test', [{ chunk: 0, start: 0, end: 1, vector }]);
    await enqueueEmbedding(sql, userId, memoryId);
  });
}
