/** What is known of a candidate. */
export interface Parts {
  /** Share of the most that the question's words could score, 0 to 1. */
  lexical: number;
  /** Cosine of the best passage, less a little for each doubling of the passages; undefined without a vector. */
  semantic: number | undefined;
  /** What the turns beside it in its session lend it, in the measure of `lexical`. */
  neighbours: number;
  /** Priors between 0 and 1; undefined where there is nothing to go by. */
  recency: number | undefined;
  importance: number | undefined;
}

/** Weights chosen on the development halves of the public sets; one recipe for all of them. */
export const WEIGHTS = {
  lexical: 0.6,
  semantic: 0.4,
  /** By distance in turns. */
  neighbours: [0.3, 0.15],
  /** Of the logarithm of the number of passages: the best of many is good by luck. */
  passages: 0.08,
  /** Priors move a score by at most this share. */
  priors: 0.05,
} as const;

/**
 * The score of a candidate. Calibrated parts are mixed, not ranks, so that a part that knows nothing changes little.
 * @param withPriors whether recency and importance count
 */
export function fuse(parts: Parts, withPriors = true): number {
  const lexical = parts.lexical + parts.neighbours;
  // Without a vector (too new, or no encoder) the words speak for both.
  const semantic = parts.semantic ?? lexical;
  return (WEIGHTS.lexical * lexical + WEIGHTS.semantic * semantic) * (withPriors ? prior(parts) : 1);
}

/** The similarity of a text to a question, from its passages' cosines. */
export function bestPassage(cosines: readonly number[]): number {
  return Math.max(...cosines) - WEIGHTS.passages * Math.log(cosines.length);
}

function prior({ recency, importance }: Parts): number {
  const known = [recency, importance].filter((value) => value !== undefined);
  const lean = known.reduce((total, value) => total + (2 * value - 1), 0) / Math.max(1, known.length);
  return 1 + WEIGHTS.priors * lean;
}
