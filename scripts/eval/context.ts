import { z } from 'zod';
import { countTokens } from '../../api/tokens/count.ts';
import { tenantOf } from './ask.ts';
import { bestPassage, countWords, holdsPassage, type WordCounts } from './best-passage.ts';
import type { EvalSet, Question, Tenants } from './load.ts';
import { mean } from './score.ts';
import type { EvalService } from './service.ts';

const BUDGETS = [250, 500, 1_000, 2_000, 4_000] as const;

/** Means of the context packages of one budget. */
export interface ContextShare {
  budget: number;
  /** Mean share of a question's gold notes of which the package holds the best passage. */
  share: number;
  /** The same by the ids that the package cites, regardless of the text it includes. */
  cited: number;
  tokens: number;
  /** Tokens of notes that answer no question of the set, with their titles and details. */
  unneeded: number;
  /** Number of packages larger than the budget, by their own count or by the evaluation's. */
  overBudget: number;
}

interface PackageResult extends Pick<ContextShare, 'share' | 'cited' | 'tokens' | 'unneeded'> {
  over: boolean;
}

/** Texts and counts to compare packages with. */
interface Expected {
  set: EvalSet;
  textOf: ReadonlyMap<string, string>;
  /** Notes that answer some question. */
  needed: ReadonlySet<string>;
  countsOf: ReadonlyMap<string, WordCounts>;
}

const contextResponse = z.object({ context: z.string(), tokens: z.number(), memory_ids: z.array(z.string()) });

/** Requests a package of every budget for every question with gold notes. */
export async function measureContext(
  service: EvalService,
  set: EvalSet,
  tenants: Tenants,
  questions: readonly Question[],
): Promise<ContextShare[]> {
  const expected: Expected = {
    set,
    textOf: new Map(set.notes.map(({ id, text }) => [id, text])),
    needed: new Set([...set.gold.values()].flatMap((ids) => [...ids])),
    countsOf: countByOwner(set),
  };
  const shares: ContextShare[] = [];
  for (const budget of BUDGETS) {
    const packages: PackageResult[] = [];
    for (const question of questions) {
      if (set.gold.has(question.id)) packages.push(await requestPackage(service, tenants, question, budget, expected));
      service.progress(`${set.name}: ${packages.length} packages of ${budget} tokens`);
    }
    const meanOf = (measure: 'share' | 'cited' | 'tokens' | 'unneeded') => mean(packages.map((one) => one[measure]));
    shares.push({
      budget,
      share: meanOf('share'),
      cited: meanOf('cited'),
      tokens: meanOf('tokens'),
      unneeded: meanOf('unneeded'),
      overBudget: packages.filter(({ over }) => over).length,
    });
  }
  return shares;
}

function countByOwner({ notes }: EvalSet): Map<string, WordCounts> {
  const owners = [...new Set(notes.map(({ owner }) => owner))];
  return new Map(
    owners.map((owner) => [owner, countWords(notes.filter((one) => one.owner === owner).map(({ text }) => text))]),
  );
}

async function requestPackage(
  service: EvalService,
  tenants: Tenants,
  question: Question,
  budget: number,
  { set, textOf, needed, countsOf }: Expected,
): Promise<PackageResult> {
  const tenant = tenantOf(tenants, question);
  const gold = set.gold.get(question.id) ?? new Set();
  const counts = countsOf.get(question.owner) as WordCounts;
  const input = { query: question.query, max_tokens: budget };
  const { body } = await service.call(tenant.apiKey, 'POST', '/context', input);
  const { context, tokens, memory_ids } = contextResponse.parse(body);
  const notes = memory_ids.map((id) => tenant.notesOf[id] ?? []);
  const inside = new Set(notes.flat());
  const cited = [...gold].filter((id) => inside.has(id));
  const included = cited.filter((id) =>
    holdsPassage(context, bestPassage(textOf.get(id) ?? '', question.query, counts)),
  );
  // Stored text is indented: only the line of a memory starts like this. All notes have one type, so the ids have the order of the lines.
  const parts = context.split(/^(?=- \*\*)/m).slice(1);
  const unneeded = parts.filter((_, index) => !notes[index]?.some((id) => needed.has(id)));
  return {
    share: included.length / gold.size,
    cited: cited.length / gold.size,
    tokens,
    unneeded: unneeded.reduce((sum, part) => sum + countTokens(part), 0),
    over: tokens > budget || countTokens(context) > budget,
  };
}
