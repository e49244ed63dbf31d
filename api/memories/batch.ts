import { dryRun, withSavepoint } from '../../db/client/sql.ts';
import { countMemories, listTagged, lockMatching } from '../../db/queries/memories/lists.ts';
import { findMemories } from '../../db/queries/memories/memories.ts';
import type { MemoryRow } from '../../db/queries/memories/row.ts';
import type { Caller, RequestContext } from '../context.ts';
import { LIMITS } from '../contracts/fields.ts';
import { newMemory } from '../contracts/memory.ts';
import { parseInput } from '../contracts/parse.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import { invalidField, Problem } from '../errors.ts';
import { type FilterInput, toFilter } from '../listing/filter.ts';
import { changeTags, normalizeTags } from '../listing/tags.ts';
import { store } from './create.ts';
import { type Changes, change, deletePermanently } from './update.ts';

type BulkAction = 'archive' | 'restore' | 'delete' | 'add_tags' | 'remove_tags';

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

/** Applies an action to the memories that match a filter, at most 1,000 per call, oldest first. */
export async function bulk(
  context: RequestContext,
  caller: Caller,
  input: { filter: FilterInput; action: BulkAction; tags?: string[] | undefined; dry_run: boolean },
  embedders: Embedders,
) {
  const tagging = input.action === 'add_tags' || input.action === 'remove_tags';
  if (tagging && !input.tags?.length) throw invalidField('tags', `required for ${input.action}`);
  const filter = toFilter(caller, input.filter);
  const matched = await countMemories(context.sql, caller.userId, filter);
  const ids = await lockMatching(context.sql, caller.userId, filter, LIMITS.bulk);
  const memories = await findMemories(context.sql, caller.userId, ids, true);
  const affected = memories.filter((memory) => affects(memory, input.action, input.tags));
  const summary = { dry_run: input.dry_run, action: input.action, matched, remaining: matched - memories.length };
  const apply = () => changeAll(context, caller, affected, input, embedders);
  return { ...summary, ...(input.dry_run ? await dryRun(context.sql, apply) : await apply()) };
}

async function changeAll(
  context: RequestContext,
  caller: Caller,
  memories: MemoryRow[],
  { action, tags }: { action: BulkAction; tags?: string[] | undefined },
  embedders: Embedders,
) {
  const changed: string[] = [];
  const rejected: { id: string; code: string; detail: string }[] = [];
  if (action === 'delete') {
    const ids = memories.map(({ id }) => id);
    await deletePermanently(context, caller, ids);
    return { changed: ids, rejected };
  }
  for (const memory of memories) {
    await withItemErrors(
      context,
      async () => {
        await change(context, caller, memory, bulkChanges(memory, action, tags), embedders);
        changed.push(memory.id);
      },
      (problem) => {
        rejected.push({ id: memory.id, code: problem.code, detail: problem.message });
      },
    );
  }
  return { changed, rejected };
}

/** Normalizes the tags of all memories of the tenant, 1,000 memories per call. */
export async function normalizeAllTags(
  context: RequestContext,
  caller: Caller,
  input: { dry_run: boolean },
  embedders: Embedders,
) {
  const tagged = await listTagged(context.sql, caller.userId);
  const unnormalized = tagged
    .map(({ id, title, tags }) => ({ id, title, before: tags, after: normalizeTags(tags) }))
    .filter(({ before, after }) => before.join('\0') !== after.join('\0'));
  const changed = unnormalized.slice(0, LIMITS.bulk);
  if (!input.dry_run) {
    const ids = changed.map(({ id }) => id);
    for (const memory of await findMemories(context.sql, caller.userId, ids, true)) {
      await change(context, caller, memory, { tags: normalizeTags(memory.tags) }, embedders);
    }
  }
  return { dry_run: input.dry_run, changed, remaining: unnormalized.length - changed.length };
}

/** Processes one item under a savepoint, so that an error rolls back that item only. `onError` turns the error into its result. */
async function withItemErrors<T, R>(
  context: RequestContext,
  process: () => Promise<T>,
  onError: (problem: Problem) => R,
): Promise<T | R> {
  try {
    return await withSavepoint(context.sql, process);
  } catch (error) {
    if (error instanceof Problem) return onError(error);
    throw error;
  }
}

function affects(memory: MemoryRow, action: BulkAction, tags: string[] | undefined): boolean {
  if (action === 'delete') return true;
  const changes = bulkChanges(memory, action, tags);
  if (changes.status) return changes.status !== memory.status;
  return changes.tags?.join('\0') !== memory.tags.join('\0');
}

function bulkChanges(memory: MemoryRow, action: BulkAction, tags: string[] | undefined): Changes {
  if (action === 'archive') return { status: 'archived' };
  if (action === 'restore') return { status: 'active', consolidated_into: null };
  if (action === 'add_tags') return { tags: changeTags(memory.tags, { add_tags: tags }) };
  return { tags: changeTags(memory.tags, { remove_tags: tags }) };
}
