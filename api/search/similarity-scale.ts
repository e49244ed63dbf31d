import { LRUCache } from 'lru-cache';
import type { Sql } from '../../db/client/sql.ts';
import { sampleVectors } from '../../db/queries/search/vector-sample.ts';
import { BACKGROUND_VECTORS, type Background, backgroundOf, dot } from '../embeddings/background.ts';
import { LOCAL_MODEL } from '../embeddings/local/model-name.ts';

/** A query's vector in one model, and the background of the model, where it is known. */
interface ScaledQuery {
  vector: Float32Array;
  model: string;
  background: Background | undefined;
}

/** The background of the built-in encoder, for which the weights of the ranking and its bounds of confidence were chosen. */
const REFERENCE = { mean: 0.1, spread: 0.115 } as const;

/** How long the background of a tenant is used, and that of one with few memories. */
const KEPT_MS = 600_000;
const KEPT_WHILE_FEW_MS = 20_000;

const tenants = new LRUCache<string, { background: Background | undefined }>({ max: 2_000 });

/**
 * Returns the function that maps a similarity of a query in a model to the scale of the built-in encoder: by how many standard
 * deviations it is above what the query has with any text. The background is that of the tenant's memories, else that of the model.
 */
export async function similarityScale(
  sql: Sql,
  userId: string,
  { model, vector, background }: ScaledQuery,
): Promise<(similarity: number) => number> {
  if (model === LOCAL_MODEL) return (similarity) => similarity;
  const own = (await tenantBackground(sql, userId, model)) ?? background;
  if (!own || own.mean.length !== vector.length) return (similarity) => similarity;
  const mean = dot(own.mean, vector);
  return (similarity) => REFERENCE.mean + (REFERENCE.spread * (similarity - mean)) / own.spread;
}

async function tenantBackground(sql: Sql, userId: string, model: string): Promise<Background | undefined> {
  const key = `${userId} ${model}`;
  const known = tenants.get(key);
  if (known) return known.background;
  const vectors = await sampleVectors(sql, userId, model, BACKGROUND_VECTORS.most);
  const background = backgroundOf(vectors);
  tenants.set(key, { background }, { ttl: vectors.length < BACKGROUND_VECTORS.most ? KEPT_WHILE_FEW_MS : KEPT_MS });
  return background;
}
