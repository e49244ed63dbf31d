/** The parts of a hit's score. */
export interface ScoreComponents {
  /** Share of the highest score that the query's terms can give, 0 to 1; more with a quoted phrase. */
  lexical: number;
  /** Cosine similarity of the best passage, reduced a little for each doubling of the passages; undefined without a vector. */
  semantic: number | undefined;
  /** Share of the lexical scores of adjacent memories of the session, on the scale of `lexical`. */
  sessionContext: number;
  /** 1 for a memory of a time that the query names, else 0; undefined when it names none. */
  date: number | undefined;
  /** Ranking boosts, 0 to 1; undefined when unknown. */
  recency: number | undefined;
  importance: number | undefined;
}

/** Weights chosen on the development halves of the public sets; the same for all of them. */
export const WEIGHTS = {
  lexical: 0.6,
  semantic: 0.4,
  /** By distance in turns. */
  sessionContext: [0.3, 0.15],
  /** A memory of a time that the query names ranks before one of another time that matches a little better. */
  date: 0.15,
  /** Factor of the logarithm of the number of passages: the best of many is likely to be good by chance. */
  passages: 0.08,
  /** The largest share by which ranking boosts change a score. */
  boosts: 0.05,
} as const;

/**
 * Computes a score. It mixes calibrated scores instead of ranks, so that a retriever that cannot tell the candidates apart changes little.
 * @param withBoosts whether recency and importance count
 */
export function fuse(components: ScoreComponents, withBoosts = true): number {
  const lexical = components.lexical + components.sessionContext;
  // Without a vector (too new, or no encoder) the lexical score counts for both.
  const semantic = components.semantic ?? lexical;
  const relevance = WEIGHTS.lexical * lexical + WEIGHTS.semantic * semantic + WEIGHTS.date * (components.date ?? 0);
  return relevance * (withBoosts ? boost(components) : 1);
}

/** Returns the share of a score that does not come from the date: a date alone does not make a good match. */
export function scoreWithoutDate({ score, components }: { score: number; components: ScoreComponents }): number {
  return score - WEIGHTS.date * (components.date ?? 0);
}

/** Computes the similarity of a text to a query from the cosine similarities of its passages. */
export function passageSimilarity(cosines: readonly number[]): number {
  return Math.max(...cosines) - WEIGHTS.passages * Math.log(cosines.length);
}

function boost({ recency, importance }: ScoreComponents): number {
  const known = [recency, importance].filter((value) => value !== undefined);
  const lean = known.reduce((total, value) => total + (2 * value - 1), 0) / Math.max(1, known.length);
  return 1 + WEIGHTS.boosts * lean;
}
