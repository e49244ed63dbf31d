import type { NewMemoryRow } from '../../db/queries/memories/row.ts';
import type { Caller, RequestContext } from '../context.ts';
import { newMemory } from '../contracts/memory.ts';
import { parseInput } from '../contracts/parse.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import { Problem } from '../errors.ts';
import { requireTags } from '../listing/tags.ts';
import { newRow, store } from './create.ts';
import { withItemErrors } from './item-errors.ts';
import { storeRows } from './store-rows.ts';

/**
 * Stores up to 100 memories independently of each other: a rejected item reports its error, and the others are stored. Those without
 * anything special are stored together.
 */
export async function batch(
  context: RequestContext,
  caller: Caller,
  input: { memories: unknown[] },
  embedders: Embedders,
) {
  const rows = input.memories.map((item) => plainRow(context, caller, item));
  const together = rows.filter((row) => row !== undefined);
  const stored = await storeRows(context, caller, together, embedders);
  const results = [];
  for (const [index, item] of input.memories.entries()) {
    const id = rows[index]?.id;
    const isStored = id !== undefined && stored.has(id);
    const result = isStored ? { status: 'created' as const, id } : await storeItem(context, caller, item, embedders);
    results.push({ index, ...result });
  }
  return { results };
}

/** Returns the row of an item that may be stored together with others; undefined for one that is rejected or supersedes a memory. */
function plainRow(context: RequestContext, caller: Caller, item: unknown): NewMemoryRow | undefined {
  try {
    const row = newRow(context, caller, parseInput(newMemory, item));
    requireTags(row.tags);
    return row.supersedes === null ? row : undefined;
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

async function storeItem(context: RequestContext, caller: Caller, item: unknown, embedders: Embedders) {
  return withItemErrors(
    context,
    async () => {
      const memory = await store(context, caller, parseInput(newMemory, item), embedders);
      return { status: memory.deduplicated ? ('deduplicated' as const) : ('created' as const), id: memory.id };
    },
    (problem) => ({
      status: 'rejected' as const,
      id: null,
      error: { code: problem.code, detail: problem.message, errors: problem.data.errors ?? [] },
    }),
  );
}
