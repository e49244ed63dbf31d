/** The parts of a hit's score. */
export interface ScoreComponents {
  /** Share of the highest score that the query's terms can give, 0 to 1; more with a quoted phrase. */
  lexical: number;
  /** Cosine similarity of the best passage, reduced a little for each doubling of the passages; undefined without a vector. */
  semantic: number | undefined;
  /**
   * Mean of the highest similarity of each token of the query to the tokens of the best passage, weighted by rarity and reduced by length;
   * undefined where the tokens were not compared: without their codes, or for a memory that is not among the best candidates.
   */
  lateInteraction: number | undefined;
  /** Shares of the scores of adjacent memories of the session, on the scale of `lexical`. */
  sessionContext: number;
  /** 1 for a memory of a time that the query names, else 0; undefined when it names none. */
  date: number | undefined;
  /** 1 for a memory whose text begins with a label that the query names, else 0; undefined for one without a label. */
  label: number | undefined;
  /** Ranking boosts, 0 to 1; undefined when unknown. */
  recency: number | undefined;
  importance: number | undefined;
}

/** Weights chosen on the development halves of the public sets; the same for all of them. */
export const WEIGHTS = {
  lexical: 0.6,
  semantic: 0.4,
  lateInteraction: 0.4,
  /** Reductions of the late interaction: a long text has a token near to anything. */
  length: { perLogToken: 0.03, perLogPassage: 0.06 },
  /** Weight of session context, and in a search that compares tokens, where it stands beside one part more. */
  session: { alone: 0.6, besideTokens: 1 },
  /** Shares of the lexical score of the memories before and after in the session, by distance in turns: an answer follows its question. */
  sessionContext: { before: [0.5, 0.25], after: [0.4, 0.2] },
  /** Shares of the late interaction of the memories before, as far as it exceeds the mean of the candidates. */
  sessionTokens: [0.1, 0.05],
  /** A memory of a time that the query names ranks before one of another time that matches a little better. */
  date: 0.15,
  /** Half of the turns of a dialogue hold the name of one speaker, so that its term weighs little: what this one said ranks higher. */
  label: 0.15,
  /** Factor of the logarithm of the number of passages: the best of many is likely to be good by chance. */
  passages: 0.08,
  /** The largest share by which ranking boosts change a score. */
  boosts: 0.05,
} as const;

/** Mean late interaction of the candidates of a search at a semantic score of 0, and its growth with the score (regression on them). */
const EXPECTED = { base: 0.1, perSimilarity: 0.45 } as const;

interface FusionOptions {
  /** Whether recency and importance count. Default true. */
  boosts?: boolean | undefined;
  /** Whether the search compares tokens. Default false. */
  comparesTokens?: boolean | undefined;
}

/** Computes a score. It mixes calibrated scores instead of ranks, so that a retriever that cannot tell the candidates apart changes little. */
export function fuse(
  components: ScoreComponents,
  { boosts = true, comparesTokens = false }: FusionOptions = {},
): number {
  const relevance = Object.values(scoreParts(components, comparesTokens)).reduce((sum, part) => sum + part, 0);
  return relevance * (boosts ? boost(components) : 1);
}

/** Computes what each part adds to a score, before ranking boosts. */
export function scoreParts(components: ScoreComponents, comparesTokens: boolean) {
  const { lexical, sessionContext, semantic, lateInteraction, date = 0, label = 0 } = components;
  const { session } = WEIGHTS;
  return {
    lexical: WEIGHTS.lexical * lexical,
    sessionContext: (comparesTokens ? session.besideTokens : session.alone) * sessionContext,
    // Without a vector (too new, or no encoder) the lexical score counts for both.
    semantic: WEIGHTS.semantic * (semantic ?? lexical + sessionContext),
    lateInteraction: comparesTokens
      ? WEIGHTS.lateInteraction * (lateInteraction ?? expectedLateInteraction(components))
      : 0,
    date: WEIGHTS.date * date,
    label: WEIGHTS.label * label,
  };
}

/** Estimates the late interaction of a memory whose tokens are not compared, so that it ranks among those whose tokens are. */
function expectedLateInteraction({ lexical, sessionContext, semantic }: ScoreComponents): number {
  if (semantic === undefined) return lexical + sessionContext;
  return EXPECTED.base + EXPECTED.perSimilarity * semantic;
}

/** Returns the share of a score that comes from terms and meaning: a date or a label alone does not make a good match. */
export function matchScore({ score, components }: { score: number; components: ScoreComponents }): number {
  const { date = 0, label = 0 } = components;
  return score - WEIGHTS.date * date - WEIGHTS.label * label;
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
