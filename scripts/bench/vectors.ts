import { LOCAL_DIMENSIONS, LOCAL_MODEL } from '../../api/embeddings/local/model-name.ts';
import { TOKEN_CODE_BYTES } from '../../api/embeddings/token-codes.ts';
import type { Sql } from '../../db/client/sql.ts';
import { replaceVectors } from '../../db/queries/search/vectors.ts';
import { randomNumbers } from '../eval/score.ts';

/** Number of topics: directions that vectors cluster around. */
const TOPICS = 300;

/** Stores vectors of memories under the name of the local model, so that searches scan them. */
export type WriteVectors = (sql: Sql, userId: string, memories: { id: string; content: string }[]) => Promise<void>;

/**
 * Returns a function that stores synthetic vectors, the same in every run: encoding a hundred thousand texts would take an
 * hour, and the cost of a scan does not depend on the content. Each is one of 300 topics plus as much noise, normalized.
 */
export function syntheticVectors(): WriteVectors {
  const random = randomNumbers(2);
  const topics = Array.from({ length: TOPICS }, () => unit(noise(random)));
  const near = () => {
    const topic = topics[Math.floor(random() * TOPICS)] as Float32Array;
    return unit(unit(noise(random)).map((number, k) => number + (topic[k] as number)));
  };
  const codes = (content: string) =>
    new Uint8Array(TOKEN_CODE_BYTES * Math.min(128, Math.ceil(content.length / 10))).map(() => random() * 256);
  return async (sql, userId, memories) => {
    await Promise.all(
      memories.map(({ id, content }) =>
        replaceVectors(sql, userId, id, LOCAL_MODEL, [
          { chunk: 0, start: 0, end: content.length, vector: near(), tokens: codes(content) },
        ]),
      ),
    );
  };
}

function noise(random: () => number): Float32Array {
  return new Float32Array(LOCAL_DIMENSIONS).map(() => random() - 0.5);
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((number) => number / length);
}
