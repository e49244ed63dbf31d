import type { QuestionResult } from './ask.ts';
import type { EvalSet, Question } from './load.ts';
import type { SetResult } from './report.ts';
import {
  bootstrap,
  type CategoryResult,
  compare,
  mean,
  means,
  percentile,
  type Scored,
  scoreAll,
  summarize,
} from './score.ts';

/** Number of unrelated questions for each set. */
const UNRELATED_QUESTIONS = 60;

/** Scores the results of a set's questions, and compares them with an earlier run. */
export function evaluateResults(
  set: EvalSet,
  questions: readonly Question[],
  answers: QuestionResult[],
  base: SetResult | undefined,
): SetResult {
  const scored = scoreAll(answers, set.gold);
  const resample = bootstrap();
  const summary = summarize(scored, resample);
  const before = new Map(base?.answers.map(({ id, ids }) => [id, ids]));
  const earlier = questions.map((question) => ({ ...question, ids: before.get(question.id) ?? [] }));
  const withoutBoosts = answers.map(({ idsWithoutBoosts, ...answer }) => ({ ...answer, ids: idsWithoutBoosts }));
  const latencies = answers.map(({ milliseconds }) => milliseconds);
  return {
    set: set.name,
    summary,
    withoutBoosts: means(scoreAll(withoutBoosts, set.gold)),
    categories: byCategory(answers, scored),
    latency: { p50: percentile(latencies, 0.5), p95: percentile(latencies, 0.95) },
    tokens: mean(answers.map(({ tokens }) => tokens)),
    empty: answers.filter(({ ids }) => ids.length === 0).length,
    lowConfidence: shareOfLow(answers.filter(({ id }) => set.gold.has(id))),
    foreign: answers.reduce((sum, { foreign }) => sum + foreign, 0),
    mcp: {
      asked: answers.filter(({ mcpAgrees }) => mcpAgrees !== undefined).length,
      differing: answers.filter(({ mcpAgrees }) => mcpAgrees === false).map(({ id }) => id),
    },
    retrievers: countRetrievers(answers),
    ...(base && { difference: compare(scored, scoreAll(earlier, set.gold), resample) }),
    answers,
  };
}

/** Summarizes each category, in alphabetical order. Questions without gold notes count for `low_confidence` only. */
export function byCategory(
  answers: readonly Pick<QuestionResult, 'category' | 'lowConfidence'>[],
  scored: readonly Scored[],
): Record<string, CategoryResult> {
  const names = [...new Set(answers.map(({ category }) => category))].sort();
  return Object.fromEntries(
    names.map((name) => {
      const asked = answers.filter(({ category }) => category === name);
      const ranked = scored.filter(({ category }) => category === name);
      return [
        name,
        {
          questions: asked.length,
          lowConfidence: shareOfLow(asked),
          ...(ranked.length > 0 && { summary: summarize(ranked) }),
        },
      ];
    }),
  );
}

function shareOfLow(answers: readonly Pick<QuestionResult, 'lowConfidence'>[]): number | null {
  return answers.length > 0 ? mean(answers.map(({ lowConfidence }) => (lowConfidence ? 1 : 0))) : null;
}

/** Returns questions of other collections, which the notes of this set do not answer. */
export function unrelatedQuestions(set: EvalSet, sets: readonly EvalSet[]): Question[] {
  const others = sets.filter(({ name }) => collectionOf(name) !== collectionOf(set.name));
  const each = Math.ceil(UNRELATED_QUESTIONS / Math.max(1, others.length));
  return others.flatMap(({ questions }) => spread(questions, each));
}

/** Returns the collection of a set: `locomo_turns` and `locomo_obs` have the same questions. */
function collectionOf(name: string): string {
  return /^[a-z]+/i.exec(name)?.[0] ?? name;
}

/** Returns at most `max` of the items, evenly spread. */
export function spread<Item>(items: readonly Item[], max: number): Item[] {
  if (items.length <= max) return [...items];
  return Array.from({ length: max }, (_, index) => items[Math.floor((index * items.length) / max)] as Item);
}

function countRetrievers(answers: readonly QuestionResult[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { retrievers } of answers)
    if (retrievers !== undefined) counts[retrievers] = (counts[retrievers] ?? 0) + 1;
  return counts;
}
