import type { Sql } from '../../db/client/sql.ts';
import { findTokenCodes } from '../../db/queries/search/vectors.ts';
import { DIMENSIONS_PER_BYTE, LEVEL_OF_CODE, TOKEN_CODE_BYTES } from '../embeddings/token-codes.ts';
import { WEIGHTS } from './score-fusion.ts';
import type { QueryEmbedding, Similarity } from './semantic.ts';
import { tokenize } from './tokenizer.ts';

/** Tokens of a query that are compared, those of its rarest words. */
const QUERY_TOKENS_MAX = 32;

/**
 * A similarity of 1 in the tables. A sum over all bytes of a code is at most 1.72 for an L2-normalized vector (the highest level times √128):
 * 16 bits hold it.
 */
const TABLE_SCALE = 8_192;
const SECOND = 2 ** 16;

/**
 * Two tokens of a query: their weights, and what each value of each byte of a code adds to their similarities. An entry holds both, that of
 * the second times {@link SECOND}, so that one look-up serves two tokens. The weight of a missing second one is 0.
 */
interface TokenPair {
  first: number;
  second: number;
  table: Int32Array;
}

interface WeightedToken {
  weight: number;
  vector: Float32Array;
}

/** The tokens of a query in one model, ready to be compared. */
export interface PreparedTokens {
  model: string;
  pairs: readonly TokenPair[];
  /** Sum of all weights; 0 when nothing can be compared. */
  weights: number;
}

/**
 * Weighs the tokens of a query by the rarity of their words in the tenant's index.
 * @param idf inverse document frequencies of the query's terms. A word's is divided among its tokens; others count nothing
 */
export function prepareTokens(
  { model, words }: Pick<QueryEmbedding, 'model' | 'words'>,
  idf: ReadonlyMap<string, number>,
): PreparedTokens {
  const tokens = words
    .flatMap(({ text, tokens }) => {
      const weight = Math.max(0, ...Array.from(tokenize(text), ({ term }) => idf.get(term) ?? 0)) / tokens.length;
      return tokens.map((vector) => ({ weight, vector }));
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .slice(0, QUERY_TOKENS_MAX);
  const pairs: TokenPair[] = [];
  for (let at = 0; at < tokens.length; at += 2) {
    const [first, second] = [tokens[at] as WeightedToken, tokens[at + 1]];
    const table = new Int32Array(TOKEN_CODE_BYTES * 256);
    addSimilarities(table, first.vector, 1);
    if (second) addSimilarities(table, second.vector, SECOND);
    pairs.push({ first: first.weight, second: second?.weight ?? 0, table });
  }
  return { model, pairs, weights: tokens.reduce((sum, { weight }) => sum + weight, 0) };
}

/**
 * Compares each token of a query with the tokens of each memory's best passages (late interaction, Khattab & Zaharia 2020).
 * @param memories the similarities of the memories to compare
 * @returns scores by memory id; memories that were embedded without codes of tokens are missing
 */
export async function scoreLateInteraction(
  sql: Sql,
  userId: string,
  queries: readonly PreparedTokens[],
  memories: readonly Similarity[],
): Promise<Map<string, number>> {
  const scores = new Map<string, number>();
  const passages = new Map(memories.map((memory) => [memory.id, memory.passages]));
  const keys = memories.flatMap(({ id, best }) => best.map((chunk) => ({ id, chunk })));
  for (const query of queries) {
    if (query.weights === 0 || keys.length === 0) continue;
    for (const [id, codes] of await findTokenCodes(sql, userId, query.model, keys)) {
      const ofPassages = codes.map((code) => maxSimilarity(query, code) - lengthPrice(code, passages.get(id) ?? 1));
      scores.set(id, Math.max(...ofPassages));
    }
  }
  return scores;
}

/** Computes the weighted mean of the highest similarity of each token of a query to the tokens of a passage: an estimate of a cosine. */
export function maxSimilarity({ pairs, weights }: PreparedTokens, codes: Uint8Array): number {
  if (codes.length === 0) return 0;
  let total = 0;
  for (const pair of pairs) total += highestSum(pair, codes);
  return total / (weights * TABLE_SCALE);
}

/** Adds the highest sums of both tokens, each times its weight. */
function highestSum({ first, second, table }: TokenPair, codes: Uint8Array): number {
  let highestFirst = -TABLE_SCALE;
  let highestSecond = -TABLE_SCALE;
  for (let at = 0; at < codes.length; at += TOKEN_CODE_BYTES) {
    let sums = 0;
    // Four bytes at a time, which takes half the time of a byte at a time.
    for (let byte = 0; byte < TOKEN_CODE_BYTES; byte += 4) {
      const row = byte * 256;
      sums +=
        (table[row + (codes[at + byte] as number)] as number) +
        (table[row + 256 + (codes[at + byte + 1] as number)] as number) +
        (table[row + 512 + (codes[at + byte + 2] as number)] as number) +
        (table[row + 768 + (codes[at + byte + 3] as number)] as number);
    }
    const sumOfFirst = (sums << 16) >> 16;
    const sumOfSecond = (sums - sumOfFirst) >> 16;
    if (sumOfFirst > highestFirst) highestFirst = sumOfFirst;
    if (sumOfSecond > highestSecond) highestSecond = sumOfSecond;
  }
  return first * highestFirst + second * highestSecond;
}

function lengthPrice(codes: Uint8Array, passages: number): number {
  const { perLogToken, perLogPassage } = WEIGHTS.length;
  return perLogToken * Math.log(1 + codes.length / TOKEN_CODE_BYTES) + perLogPassage * Math.log(passages);
}

/**
 * Adds to a table, for each value of each byte of a code, what it adds to the dot product with a vector, times the scale and `place`. The
 * lower half of a byte is the code of two dimensions, the upper half that of the next two: 16 sums of each make the 256 of a byte.
 */
function addSimilarities(table: Int32Array, vector: Float32Array, place: number): void {
  for (let byte = 0; byte < TOKEN_CODE_BYTES; byte++) {
    const dimension = byte * DIMENSIONS_PER_BYTE;
    const lower = sumsOfHalf(vector, dimension, place);
    const upper = sumsOfHalf(vector, dimension + 2, place);
    let at = byte * 256;
    for (const sum of upper) {
      for (let half = 0; half < 16; half++, at++) table[at] = (table[at] as number) + sum + (lower[half] as number);
    }
  }
}

function sumsOfHalf(vector: Float32Array, dimension: number, place: number): Int32Array {
  const [first, second] = [vector[dimension] as number, vector[dimension + 1] as number];
  const sums = new Int32Array(16);
  for (let half = 0; half < 16; half++) {
    const sum = first * (LEVEL_OF_CODE[half & 3] as number) + second * (LEVEL_OF_CODE[half >> 2] as number);
    sums[half] = Math.round(sum * TABLE_SCALE) * place;
  }
  return sums;
}
