import { dryRun, withSavepoint } from '../../db/client/sql.ts';
import { type BulkChange, lockAffected } from '../../db/queries/memories/bulk.ts';
import { countMemories, listTagged } from '../../db/queries/memories/lists.ts';
import { findMemories } from '../../db/queries/memories/memories.ts';
import type { MemoryRow } from '../../db/queries/memories/row.ts';
import type { Caller, RequestContext } from '../context.ts';
import { LIMITS } from '../contracts/fields.ts';
import { newMemory } from '../contracts/memory.ts';
import { parseInput } from '../contracts/parse.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import { invalidField, Problem } from '../errors.ts';
import { type FilterInput, toFilter } from '../listing/filter.ts';
import { areValidTags, changeTags, normalizeTags, requireTags } from '../listing/tags.ts';
import { bulkLimit } from './bulk-limit.ts';
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

/**
 * Applies an action to the memories that match a filter, oldest first, at most {@link bulkLimit} per call. `remaining` counts those that
 * further calls would change, so that repeating the call reaches every memory and ends.
 * @throws Problem `storage_full` when a full storage rejects all changes
 */
export async function bulk(
  context: RequestContext,
  caller: Caller,
  input: { filter: FilterInput; action: BulkAction; tags?: string[] | undefined; dry_run: boolean },
  embedders: Embedders,
) {
  const wanted = bulkChange(input);
  const filter = toFilter(context, caller, input.filter);
  const limit = bulkLimit(caller, LIMITS.bulk);
  const matched = await countMemories(context.sql, caller.userId, filter);
  const { ids, changeable } = await lockAffected(context.sql, caller.userId, filter, wanted, limit);
  const memories = await findMemories(context.sql, caller.userId, ids, true);
  const remaining = Math.max(0, changeable - memories.length);
  const apply = () => changeAll(context, caller, memories, wanted, embedders);
  const result = input.dry_run ? await dryRun(context.sql, apply) : await apply();
  return { dry_run: input.dry_run, action: input.action, matched, remaining, ...result };
}

function bulkChange({ action, tags = [] }: { action: BulkAction; tags?: string[] | undefined }): BulkChange {
  if (action !== 'add_tags' && action !== 'remove_tags') return { action };
  const normalized = normalizeTags(tags);
  if (normalized.length === 0) throw invalidField('tags', `required for ${action}`);
  if (action === 'remove_tags') return { action, tags: normalized };
  requireTags(normalized);
  return { action, tags: normalized, tagsMax: LIMITS.tags };
}

async function changeAll(
  context: RequestContext,
  caller: Caller,
  memories: MemoryRow[],
  wanted: BulkChange,
  embedders: Embedders,
) {
  const changed: string[] = [];
  let full: Problem | undefined;
  const rejected: { id: string; code: string; detail: string }[] = [];
  if (wanted.action === 'delete') {
    const ids = memories.map(({ id }) => id);
    await deletePermanently(context, caller, ids);
    return { changed: ids, rejected };
  }
  for (const memory of memories) {
    await withItemErrors(
      context,
      async () => {
        await change(context, caller, memory, fieldsOf(wanted, memory), embedders);
        changed.push(memory.id);
      },
      (problem) => {
        if (problem.code === 'storage_full') full = problem;
        rejected.push({ id: memory.id, code: problem.code, detail: problem.message });
      },
    );
  }
  // Repeating the call would not change anything either.
  if (full && changed.length === 0) throw full;
  return { changed, rejected };
}

/** Normalizes the tags of the tenant's memories, at most {@link bulkLimit} per call. Memories whose tags would become invalid are left out. */
export async function normalizeAllTags(
  context: RequestContext,
  caller: Caller,
  input: { dry_run: boolean },
  embedders: Embedders,
) {
  const tagged = await listTagged(context.sql, caller.userId);
  const unnormalized = tagged
    .map(({ id, title, tags }) => ({ id, title, before: tags, after: normalizeTags(tags) }))
    .filter(({ before, after }) => before.join('\0') !== after.join('\0') && areValidTags(after));
  const changed = unnormalized.slice(0, bulkLimit(caller, LIMITS.bulk));
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

function fieldsOf(wanted: BulkChange, { tags }: MemoryRow): Changes {
  switch (wanted.action) {
    case 'archive':
    case 'delete':
      return { status: 'archived' };
    case 'restore':
      return { status: 'active', consolidated_into: null };
    case 'add_tags':
      return { tags: changeTags(tags, { add_tags: [...wanted.tags] }) };
    case 'remove_tags':
      return { tags: changeTags(tags, { remove_tags: [...wanted.tags] }) };
  }
}
