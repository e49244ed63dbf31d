import { z } from 'zod';
import { countTokens } from '../../api/tokens/count.ts';
import { tenantOf } from './ask.ts';
import type { EvalSet, Question, Tenants } from './load.ts';
import { mean } from './score.ts';
import type { EvalService } from './service.ts';

const BUDGETS = [250, 500, 1_000, 2_000, 4_000] as const;
/** A note longer than this counts as included when its first 200 characters are. */
const BEGINNING = 200;

/** Share of the gold notes in the context packages of one budget. */
export interface ContextShare {
  budget: number;
  /** Mean share of a question's gold notes whose text is in the package. */
  share: number;
  /** The same by the ids that the package cites, regardless of the text it includes. */
  cited: number;
  tokens: number;
  /** Number of packages larger than the budget, by their own count or by the evaluation's. */
  overBudget: number;
}

interface PackageResult {
  share: number;
  cited: number;
  tokens: number;
  over: boolean;
}

const contextResponse = z.object({ context: z.string(), tokens: z.number(), memory_ids: z.array(z.string()) });

/** Requests a package of every budget for every question with gold notes. */
export async function measureContext(
  service: EvalService,
  set: EvalSet,
  tenants: Tenants,
  questions: readonly Question[],
): Promise<ContextShare[]> {
  const textOf = new Map(set.notes.map(({ id, text }) => [id, text]));
  const shares: ContextShare[] = [];
  for (const budget of BUDGETS) {
    const packages: PackageResult[] = [];
    for (const question of questions) {
      const gold = set.gold.get(question.id);
      if (gold) packages.push(await requestPackage(service, tenants, question, { budget, gold, textOf }));
      service.progress(`${set.name}: ${packages.length} packages of ${budget} tokens`);
    }
    shares.push({
      budget,
      share: mean(packages.map((one) => one.share)),
      cited: mean(packages.map((one) => one.cited)),
      tokens: mean(packages.map((one) => one.tokens)),
      overBudget: packages.filter(({ over }) => over).length,
    });
  }
  return shares;
}

async function requestPackage(
  service: EvalService,
  tenants: Tenants,
  question: Question,
  { budget, gold, textOf }: { budget: number; gold: ReadonlySet<string>; textOf: ReadonlyMap<string, string> },
): Promise<PackageResult> {
  const tenant = tenantOf(tenants, question);
  const input = { query: question.query, max_tokens: budget };
  const { body } = await service.call(tenant.apiKey, 'POST', '/context', input);
  const { context, tokens, memory_ids } = contextResponse.parse(body);
  const inside = new Set(memory_ids.flatMap((id) => tenant.notesOf[id] ?? []));
  const cited = [...gold].filter((id) => inside.has(id));
  const normalized = normalize(context);
  const included = cited.filter((id) => includesNote(normalized, textOf.get(id) ?? ''));
  return {
    share: included.length / gold.size,
    cited: cited.length / gold.size,
    tokens,
    over: tokens > budget || countTokens(context) > budget,
  };
}

/** Returns true when the package includes a note's text, or the beginning of a long one. */
function includesNote(context: string, text: string): boolean {
  return (
    context.includes(normalize(text)) ||
    (text.length > BEGINNING && context.includes(normalize(text.slice(0, BEGINNING))))
  );
}

/** Collapses white space: Markdown has its own line breaks and indents. */
function normalize(text: string): string {
  return text.replace(/\s+/gu, ' ').trim();
}
