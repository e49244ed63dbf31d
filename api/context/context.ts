import type { Caller, RequestContext } from '../context.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import { type FilterInput, toReadFilter } from '../listing/filter.ts';
import { emptyReason } from '../search/search.ts';
import { countTokens, TOKENIZER } from '../tokens/count.ts';
import { findForBudget, findForTier } from './candidates.ts';
import type { Repeat } from './fit-to-budget.ts';
import type { Item } from './item.ts';
import { findPassages } from './passages.ts';
import { createCounter, render } from './render.ts';
import { applyCaps, TIERS, type Tier } from './tiers.ts';

const DEFAULT_TIER: Tier = 1;

type ContextInput = FilterInput & {
  query?: string | undefined;
  timezone?: string | undefined;
  tier?: Tier | undefined;
  max_tokens?: number | undefined;
};

/**
 * Creates a Markdown package of active memories: the most relevant to `query`, or the newest. Returns it in full: the pipeline fits
 * it to `max_tokens`. `tokens` are those of the text itself.
 */
export async function context(context: RequestContext, caller: Caller, input: ContextInput, embedders: Embedders) {
  const filter = toReadFilter(context, caller, { ...input, status: 'active' });
  const tier = input.tier ?? (input.max_tokens === undefined ? DEFAULT_TIER : undefined);
  const read = { context, caller, embedders, filter, query: input.query, timezone: input.timezone };
  const {
    items: found,
    hasMore,
    pending,
  } = tier === undefined ? await findForBudget(read, input.max_tokens ?? 0) : await findForTier(read, TIERS[tier]);
  const items = await findPassages(
    tier === undefined ? found : applyCaps(found, TIERS[tier]),
    input.max_tokens ?? Number.POSITIVE_INFINITY,
  );
  const heading = `## Context Package${tier === undefined ? '' : ` (Tier ${tier})`}`;
  const reason = found.length === 0 ? await emptyReason(context.sql, caller) : undefined;
  const details = tier === undefined ? 'short' : 'full';
  const toFrame = (packed: readonly Item[], repeats: readonly Repeat[] = []) => ({
    context: '',
    tokens: 0,
    tokenizer: TOKENIZER as 'o200k_base',
    memory_ids: packed.map(({ memory }) => memory.id),
    // A repeat leaves nothing unsaid.
    truncated: hasMore || packed.length + repeats.length < found.length || packed.some(({ cut }) => cut),
    ...(repeats.length > 0 && { repeats: [...repeats] }),
    ...(reason && { reason }),
    ...(pending && { embedding_pending: true as const }),
  });
  const toResponse = (packed: readonly Item[], repeats: readonly Repeat[] = []) => {
    const text = render(heading, packed, details);
    return { ...toFrame(packed, repeats), context: text, tokens: countTokens(text) };
  };
  return { items, toResponse, toFrame, countText: createCounter(heading, details) };
}

/**
 * A context package in full: its items, the response with a selection of them, that response without its text, and the tokens of the
 * text, which are cheap to ask for many selections.
 */
export type PackedContext = Awaited<ReturnType<typeof context>>;
