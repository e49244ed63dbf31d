import type { Database } from '../../db/connect.ts';
import { enqueueEmbedding } from '../../db/embedding-queue.ts';
import { replaceVectors } from '../../db/vectors.ts';

/** Gives a memory a vector and a place in the queue, where no encoder runs. */
export async function fillIndex(database: Database, userId: string, memoryId: string): Promise<void> {
  const vector = new Float32Array(384).map((_, i) => Math.sin(i));
  await database.write(userId, async (sql) => {
    await replaceVectors(sql, userId, memoryId, 'test', [{ chunk: 0, start: 0, end: 1, vector }]);
    await enqueueEmbedding(sql, userId, memoryId);
  });
}
