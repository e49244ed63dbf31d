import type { Caller, RequestContext } from '../context.ts';
import { newMemory } from '../contracts/memory.ts';
import { parseInput } from '../contracts/parse.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import { store } from './create.ts';
import { withItemErrors } from './item-errors.ts';

/** Stores up to 100 memories independently of each other: a rejected item reports its error, and the others are stored. */
export async function batch(
  context: RequestContext,
  caller: Caller,
  input: { memories: unknown[] },
  embedders: Embedders,
) {
  const results = [];
  for (const [index, item] of input.memories.entries()) {
    results.push({ index, ...(await storeItem(context, caller, item, embedders)) });
  }
  return { results };
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
