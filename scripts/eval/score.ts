/*
 * Retrieval measures with binary relevance. The random numbers of the confidence intervals are seeded, so the same run
 * always has the same intervals.
 */

const DEPTHS = [1, 5, 10, 20] as const;
export const MEASURES = ['R@1', 'R@5', 'R@10', 'R@20', 'hit@5', 'nDCG@10', 'MRR', 'empty'] as const;
export type Measure = (typeof MEASURES)[number];
/** A value for each measure, from 0 to 1. */
export type Scores = Record<Measure, number>;
export type Interval = [low: number, high: number];

/** The ranking for a question: note ids, best first. */
export interface Ranked {
  id: string;
  category: string;
  ids: readonly string[];
}
export type Scored = Scores & { id: string; category: string };

const NDCG_DEPTH = 10;
const MRR_DEPTH = 100;

/** Scores one ranking. `gold` has at least one id. */
export function scoreRanking(ranked: readonly string[], gold: ReadonlySet<string>): Scores {
  const hits = [...new Set(ranked)].map((id) => (gold.has(id) ? 1 : 0));
  const found = (depth: number) => hits.slice(0, depth).reduce<number>((sum, hit) => sum + hit, 0);
  const [r1 = 0, r5 = 0, r10 = 0, r20 = 0] = DEPTHS.map((depth) => found(depth) / gold.size);
  const first = hits.slice(0, MRR_DEPTH).indexOf(1);
  const ideal = Array.from({ length: Math.min(NDCG_DEPTH, gold.size) }, () => 1);
  return {
    'R@1': r1,
    'R@5': r5,
    'R@10': r10,
    'R@20': r20,
    'hit@5': found(5) > 0 ? 1 : 0,
    'nDCG@10': gain(hits.slice(0, NDCG_DEPTH)) / gain(ideal),
    MRR: first < 0 ? 0 : 1 / (first + 1),
    empty: hits.length > 0 ? 0 : 1,
  };
}

/** Discounted cumulative gain. */
function gain(hits: readonly number[]): number {
  return hits.reduce((sum, hit, index) => sum + hit / Math.log2(index + 2), 0);
}

/** Scores every ranking whose question has gold notes. */
export function scoreAll(rankings: readonly Ranked[], gold: ReadonlyMap<string, ReadonlySet<string>>): Scored[] {
  return rankings.flatMap(({ id, category, ids }) => {
    const relevant = gold.get(id);
    return relevant ? [{ id, category, ...scoreRanking(ids, relevant) }] : [];
  });
}

/** Returns the mean of every measure. */
export function means(scored: readonly Scores[]): Scores {
  return Object.fromEntries(
    MEASURES.map((measure) => [measure, mean(scored.map((one) => one[measure]))]),
  ) as unknown as Scores;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export interface Summary {
  questions: number;
  means: Scores;
  intervals: { 'nDCG@10': Interval; 'R@10': Interval };
}

/** The results of the questions of one category. */
export interface CategoryResult {
  questions: number;
  /** Share of responses with `low_confidence: true`. */
  lowConfidence: number | null;
  /** Absent when no question has gold notes. */
  summary?: Summary;
}

/** Returns means and 95 % confidence intervals. The intervals use `resample` in this order. */
export function summarize(scored: readonly Scores[], resample = bootstrap()): Summary {
  const of = (measure: Measure) => resample(scored.map((one) => one[measure]));
  return {
    questions: scored.length,
    means: means(scored),
    intervals: { 'nDCG@10': of('nDCG@10'), 'R@10': of('R@10') },
  };
}

export type Difference = Record<'nDCG@10' | 'R@10', { mean: number; interval: Interval }>;

/** Returns the mean difference of `scored` and `base` per question. Both have the same questions in the same order. */
export function compare(scored: readonly Scores[], base: readonly Scores[], resample: Resample): Difference {
  const of = (measure: Measure) => {
    const differences = scored.map((one, index) => one[measure] - (base[index]?.[measure] ?? 0));
    return { mean: mean(differences), interval: resample(differences) };
  };
  return { 'nDCG@10': of('nDCG@10'), 'R@10': of('R@10') };
}

type Resample = (values: readonly number[]) => Interval;

const ROUNDS = 2_000;

/** Returns a function for the 95 % confidence interval of a mean, by resampling. Its calls share one sequence of random numbers. */
export function bootstrap(seed = 12_345): Resample {
  const random = randomNumbers(seed);
  return (values) => {
    const drawn = Array.from({ length: ROUNDS }, () => {
      let sum = 0;
      for (let i = 0; i < values.length; i++) sum += values[Math.floor(random() * values.length)] as number;
      return sum / values.length;
    });
    drawn.sort((a, b) => a - b);
    return [drawn[ROUNDS * 0.025] as number, drawn[ROUNDS * 0.975 - 1] as number];
  };
}

/** Returns the mulberry32 generator of random numbers in [0, 1). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Returns the value below which a share of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
