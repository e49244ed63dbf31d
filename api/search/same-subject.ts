import { HOUR_MS } from '../time.ts';
import type { LexicalQuery } from './lexical.ts';
import type { Preference } from './query-intent.ts';
import type { ScoredHit } from './score-candidates.ts';
import { matchedTerms } from './snippet.ts';

/** Best hits that are compared with each other. */
const COMPARED = 10;
/** Cosine similarity from which two memories can be about the same subject. */
const SIMILAR = 0.45;
/** Least score of the preferred memory, as a share of the other one's: it has to answer the query too. */
const SCORE_SHARE_MIN = 0.4;
/** A smaller difference in time does not say which memory is outdated: a batch is stored within minutes. */
const APART_MS = HOUR_MS;
/** A term is rare in at most this many memories, or in the square root of all. */
const RARE_MAX = 5;
/** Puts the preferred memory directly before the other one. */
const ABOVE = 1e-6;

/**
 * Raises the newer (or older) of two memories about one subject directly above the other, among the best hits: a later note often corrects
 * an earlier one without naming it. They are about one subject when their titles share a rare term of the query and they are similar.
 */
export function raisePreferred(hits: readonly ScoredHit[], query: LexicalQuery, preference: Preference): void {
  const current = hits.filter(({ attributes }) => attributes.superseded_by === null);
  const best = current.toSorted((a, b) => b.score - a.score).slice(0, COMPARED);
  const subjects = new Map(best.map((hit) => [hit, rareTitleTerms(hit, query)]));
  const scores = new Map(best.map((hit) => [hit, hit.score]));
  for (const hit of best) {
    for (const other of best) {
      const [score, above] = [scores.get(hit) ?? 0, scores.get(other) ?? 0];
      if (score >= above || score < SCORE_SHARE_MIN * above || !isPreferred(hit, other, preference)) continue;
      const shared = subjects.get(hit)?.find((term) => subjects.get(other)?.includes(term));
      if (shared === undefined || similarity(hit, other) < SIMILAR || hit.score > above) continue;
      hit.score = above + ABOVE;
      hit.raised = { preference, subject: shared };
    }
  }
}

function rareTitleTerms({ attributes }: ScoredHit, query: LexicalQuery): string[] {
  const rareMax = Math.max(RARE_MAX, Math.sqrt(query.memories));
  return matchedTerms(attributes.title_start, query)
    .filter(({ memories }) => memories <= rareMax)
    .map(({ query_term }) => query_term);
}

function isPreferred(hit: ScoredHit, other: ScoredHit, preference: Preference): boolean {
  const later = timeOf(hit) - timeOf(other);
  return preference === 'newer' ? later >= APART_MS : later <= -APART_MS;
}

function timeOf({ attributes: { occurred_at, created_at } }: ScoredHit): number {
  return (occurred_at ?? created_at).getTime();
}

function similarity({ vector: a }: ScoredHit, { vector: b }: ScoredHit): number {
  if (!a || !b || a.length !== b.length) return 0;
  let total = 0;
  for (let i = 0; i < a.length; i++) total += (a[i] as number) * (b[i] as number);
  return total;
}
