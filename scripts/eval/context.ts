import { z } from 'zod';
import { countTokens } from '../../api/tokens/count.ts';
import { tenantOf } from './ask.ts';
import type { EvalSet, Question, Tenants } from './load.ts';
import { mean } from './score.ts';
import type { EvalService } from './service.ts';

export const BUDGETS = [250, 500, 1_000, 2_000, 4_000] as const;
/** A note longer than this is there when its beginning is. */
const BEGINNING = 200;

/** How much of the gold evidence is in the packages of one budget. */
export interface ContextShare {
  budget: number;
  /** Mean share of a question's gold notes whose text is in the package. */
  share: number;
  /** The same, by the ids that the package cites, however much of the text it holds. */
  cited: number;
  tokens: number;
  /** Packages that are larger than the budget, by their own count or by ours. */
  overBudget: number;
}

interface Packed {
  share: number;
  cited: number;
  tokens: number;
  over: boolean;
}

const package_ = z.object({ context: z.string(), tokens: z.number(), memory_ids: z.array(z.string()) });

/** Asks for a package of every budget for every question that has gold. */
export async function measureContext(
  service: EvalService,
  set: EvalSet,
  tenants: Tenants,
  questions: readonly Question[],
): Promise<ContextShare[]> {
  const textOf = new Map(set.notes.map(({ id, text }) => [id, text]));
  const shares: ContextShare[] = [];
  for (const budget of BUDGETS) {
    const packed: Packed[] = [];
    for (const question of questions) {
      const gold = set.gold.get(question.id);
      if (gold) packed.push(await pack(service, tenants, question, { budget, gold, textOf }));
      service.progress(`${set.name}: ${packed.length} packages of ${budget} tokens`);
    }
    shares.push({
      budget,
      share: mean(packed.map((one) => one.share)),
      cited: mean(packed.map((one) => one.cited)),
      tokens: mean(packed.map((one) => one.tokens)),
      overBudget: packed.filter(({ over }) => over).length,
    });
  }
  return shares;
}

async function pack(
  service: EvalService,
  tenants: Tenants,
  question: Question,
  { budget, gold, textOf }: { budget: number; gold: ReadonlySet<string>; textOf: ReadonlyMap<string, string> },
): Promise<Packed> {
  const tenant = tenantOf(tenants, question);
  const input = { query: question.query, max_tokens: budget };
  const { body } = await service.call(tenant.apiKey, 'POST', '/context', input);
  const { context, tokens, memory_ids } = package_.parse(body);
  const inside = new Set(memory_ids.flatMap((id) => tenant.notesOf[id] ?? []));
  const cited = [...gold].filter((id) => inside.has(id));
  const whole = plain(context);
  const there = cited.filter((id) => holds(whole, textOf.get(id) ?? ''));
  return {
    share: there.length / gold.size,
    cited: cited.length / gold.size,
    tokens,
    over: tokens > budget || countTokens(context) > budget,
  };
}

/** True when the package holds a note's text, or the beginning of a long one. */
function holds(whole: string, text: string): boolean {
  return whole.includes(plain(text)) || (text.length > BEGINNING && whole.includes(plain(text.slice(0, BEGINNING))));
}

/** Text without its line breaks and indents: Markdown sets its own. */
function plain(text: string): string {
  return text.replace(/\s+/gu, ' ').trim();
}
