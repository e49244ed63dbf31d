import type { EmbeddedQuery } from '../embeddings/embedder.ts';
import { type ReadableTexts, readableShare } from '../embeddings/readable-texts.ts';

/**
 * Share of a similarity that counts for a query in a script that the model was not trained on. It is not 0, because the model compares
 * characters then, which finds some other forms of a word. Chosen on the Russian questions of `test/eval/agents`.
 */
const TRUST_MIN = 0.3;

/** Score below which a hit is a poor match where a similarity counts least (one in twenty of the answerable questions in other scripts). */
const LOW_CONFIDENCE_BELOW_MIN = 0.105;

/** How far the similarities of a query can be trusted, {@link TRUST_MIN} to 1, and its words that the model knows. */
export function trustOf(
  text: string,
  words: EmbeddedQuery['words'],
  reads: ReadableTexts | undefined,
): { trust: number; words: EmbeddedQuery['words'] } {
  if (!reads) return { trust: 1, words };
  return {
    trust: TRUST_MIN + (1 - TRUST_MIN) * readableShare(text, reads),
    words: words.filter((word) => readableShare(word.text, reads) > 0.5),
  };
}

/** Weighs a similarity by the trust in it: what is missing counts by words. */
export function weighSimilarity(
  similarity: { score: number; trust: number } | undefined,
  byWords: number,
): number | undefined {
  return similarity && similarity.trust * similarity.score + (1 - similarity.trust) * byWords;
}

/** Lowers a bound of confidence where similarities, which add to every score, are not trusted. */
export function lowerBound(bound: number, trust: number): number {
  const share = (trust - TRUST_MIN) / (1 - TRUST_MIN);
  return Math.min(bound, LOW_CONFIDENCE_BELOW_MIN + share * (bound - LOW_CONFIDENCE_BELOW_MIN));
}
