import type { Asked } from './ask.ts';
import type { EvalSet, Question } from './load.ts';
import { byCategory, type SetResult } from './report.ts';
import { bootstrap, compare, mean, means, percentile, scoreAll, summarise } from './score.ts';

/** How many questions of other sets a set is asked. */
const BORROWED = 60;

/** What the answers to a set's questions are worth, by themselves and beside a run before. */
export function judge(
  set: EvalSet,
  questions: readonly Question[],
  answers: Asked[],
  base: SetResult | undefined,
): SetResult {
  const scored = scoreAll(answers, set.gold);
  const resample = bootstrap();
  const summary = summarise(scored, resample);
  const before = new Map(base?.answers.map(({ id, ids }) => [id, ids]));
  const asBefore = questions.map((question) => ({ ...question, ids: before.get(question.id) ?? [] }));
  const withoutPriors = answers.map(({ idsWithoutPriors, ...answer }) => ({ ...answer, ids: idsWithoutPriors }));
  const latencies = answers.map(({ milliseconds }) => milliseconds);
  const saysWeak = answers.some(({ lowConfidence }) => lowConfidence !== undefined);
  return {
    set: set.name,
    summary,
    withoutPriors: means(scoreAll(withoutPriors, set.gold)),
    categories: byCategory(scored),
    latency: { p50: percentile(latencies, 0.5), p95: percentile(latencies, 0.95) },
    tokens: mean(answers.map(({ tokens }) => tokens)),
    empty: answers.filter(({ ids }) => ids.length === 0).length,
    lowConfidence: saysWeak ? mean(answers.map(({ lowConfidence }) => (lowConfidence ? 1 : 0))) : null,
    foreign: answers.reduce((sum, { foreign }) => sum + foreign, 0),
    mcp: {
      asked: answers.filter(({ mcpAlike }) => mcpAlike !== undefined).length,
      differing: answers.filter(({ mcpAlike }) => mcpAlike === false).map(({ id }) => id),
    },
    retrievers: countRetrievers(answers),
    ...(base && { difference: compare(scored, scoreAll(asBefore, set.gold), resample) }),
    answers,
  };
}

/** Questions of sets of another kind, which the notes of this one do not answer. */
export function borrowed(set: EvalSet, sets: readonly EvalSet[]): Question[] {
  const others = sets.filter(({ name }) => kindOf(name) !== kindOf(set.name));
  const each = Math.ceil(BORROWED / Math.max(1, others.length));
  return others.flatMap(({ questions }) => spread(questions, each));
}

/** The collection that a set was made from: `locomo_turns` and `locomo_obs` ask the same. */
function kindOf(name: string): string {
  return /^[a-z]+/i.exec(name)?.[0] ?? name;
}

/** At most `most` of the items, evenly spread. */
export function spread<Item>(items: readonly Item[], most: number): Item[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, index) => items[Math.floor((index * items.length) / most)] as Item);
}

function countRetrievers(answers: readonly Asked[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { retrievers } of answers)
    if (retrievers !== undefined) counts[retrievers] = (counts[retrievers] ?? 0) + 1;
  return counts;
}
