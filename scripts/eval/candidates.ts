import { appendFile, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { fuse, type ScoreComponents } from '../../api/search/score-fusion.ts';
import { tenantOf } from './ask.ts';
import type { EvalSet, Question, Tenants } from './load.ts';
import { table } from './report.ts';
import { bootstrap, compare, scoreAll, summarize } from './score.ts';
import type { EvalClient } from './service.ts';

/*
 * Candidates with the parts of their scores, recorded once through the API. After a change of the weights or of the fusion they are scored
 * anew within seconds, by the code of the service. What orders hits apart from their scores is not repeated: successors before the
 * memories that they supersede, newer before older near-duplicates.
 */

/** The most results that a search returns. */
const CANDIDATES = 200;

const part = z.number().optional();
const explanation = z.object({
  lexical: z.number(),
  semantic: part,
  late_interaction: part,
  session_context: z.number(),
  date: part,
  label: part,
  recency: part,
  importance: part,
});
/** Candidates of a question, as the service ranked them. Exact duplicates share a memory. */
const recorded = z.object({
  set: z.string(),
  id: z.string(),
  candidates: z.array(z.object({ ids: z.array(z.string()), explanation })),
});
type Recorded = z.output<typeof recorded>;
// Not strict: other fields of a response may change.
const searchResponse = z.object({ results: z.array(z.object({ id: z.string(), explanation })) });

/** Searches for every question, and appends its candidates to a file, one line for each question. */
export async function recordCandidates(
  service: EvalClient,
  set: EvalSet,
  tenants: Tenants,
  questions: readonly Question[],
  file: string,
): Promise<void> {
  for (const [index, question] of questions.entries()) {
    const { apiKey, notesOf } = tenantOf(tenants, question);
    const { id, query, exclude, include_superseded } = question;
    const input = { query, exclude, include_superseded, limit: CANDIDATES, explain: true };
    const { results } = searchResponse.parse((await service.call(apiKey, 'POST', '/search', input)).body);
    const candidates = results.map((one) => ({ ids: notesOf[one.id] ?? [], explanation: one.explanation }));
    await appendFile(file, `${JSON.stringify({ set: set.name, id, candidates } satisfies Recorded)}\n`);
    if (index % 10 === 9) service.progress(`${set.name}: recorded ${index + 1} of ${questions.length}`);
  }
}

/** Scores recorded candidates by the present fusion. Returns a table of the measures, and of the differences from the recorded rankings. */
export async function rescore(sets: readonly EvalSet[], file: string): Promise<string> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter(Boolean);
  const all = lines.map((line) => recorded.parse(JSON.parse(line)));
  const rows = sets.flatMap((set) => {
    const questions = all.filter(({ set: name }) => name === set.name);
    return questions.length === 0 ? [] : [rescoreSet(set, questions)];
  });
  return table(['set', 'n', 'nDCG@10', 'R@10', 'minus recorded: nDCG@10', 'R@10'], rows);
}

function rescoreSet(set: EvalSet, questions: readonly Recorded[]): (string | number)[] {
  const ranked = questions.map(({ id, candidates }) => ({ id, category: '', ids: rankAnew(candidates) }));
  const before = questions.map(({ id, candidates }) => ({
    id,
    category: '',
    ids: candidates.flatMap(({ ids }) => ids),
  }));
  const scored = scoreAll(ranked, set.gold);
  const resample = bootstrap();
  const { questions: count, means } = summarize(scored, resample);
  const difference = compare(scored, scoreAll(before, set.gold), resample);
  const shown = (['nDCG@10', 'R@10'] as const).map((measure) => {
    const { mean, interval } = difference[measure];
    return `${percent(mean)} [${interval.map(percent).join(', ')}]`;
  });
  return [set.name, count, percent(means['nDCG@10']), percent(means['R@10']), ...shown];
}

function rankAnew(candidates: Recorded['candidates']): string[] {
  const comparesTokens = candidates.some((one) => one.explanation.late_interaction !== undefined);
  const scored = candidates.map((one) => ({ ...one, score: fuse(toComponents(one.explanation), { comparesTokens }) }));
  return scored.toSorted((a, b) => b.score - a.score).flatMap(({ ids }) => ids);
}

function toComponents(explained: z.output<typeof explanation>): ScoreComponents {
  const { lexical, semantic, date, label, recency, importance } = explained;
  const { late_interaction: lateInteraction, session_context: sessionContext } = explained;
  return { lexical, semantic, lateInteraction, sessionContext, date, label, recency, importance };
}

function percent(share: number): string {
  return (100 * share).toFixed(1);
}
