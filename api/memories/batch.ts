import { dryRun, withSavepoint } from '../../db/client/sql.ts';
import { type BulkChange, lockAffected } from '../../db/queries/memories/bulk.ts';
import { findHeads } from '../../db/queries/memories/heads.ts';
import { countMemories, listTagged } from '../../db/queries/memories/lists.ts';
import { findMemory } from '../../db/queries/memories/memories.ts';
import type { Caller, RequestContext } from '../context.ts';
import { LIMITS } from '../contracts/fields.ts';
import { newMemory } from '../contracts/memory.ts';
import { parseInput } from '../contracts/parse.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import { invalidField, Problem } from '../errors.ts';
import { type FilterInput, toFilter } from '../listing/filter.ts';
import { areValidTags, changeTags, normalizeTags, requireTags } from '../listing/tags.ts';
import { bulkLimit } from './bulk-limit.ts';
import { changeState } from './change-state.ts';
import { store } from './create.ts';
import { change, deletePermanently } from './update.ts';

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
  const remaining = Math.max(0, changeable - ids.length);
  const apply = () => changeAll(context, caller, ids, wanted, embedders);
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
  ids: string[],
  wanted: BulkChange,
  embedders: Embedders,
) {
  const changed: string[] = [];
  let full: Problem | undefined;
  const rejected: { id: string; code: string; detail: string }[] = [];
  if (wanted.action === 'delete') {
    await deletePermanently(context, caller, ids);
    return { changed: ids, rejected };
  }
  const changeOne = await changerOf(context, caller, ids, wanted, embedders);
  for (const id of ids) {
    await withItemErrors(
      context,
      async () => {
        await changeOne(id);
        changed.push(id);
      },
      (problem) => {
        if (problem.code === 'storage_full') full = problem;
        rejected.push({ id, code: problem.code, detail: problem.message });
      },
    );
  }
  // Repeating the call would not change anything either.
  if (full && changed.length === 0) throw full;
  return { changed, rejected };
}

/** Returns what changes one of the memories. Contents are loaded only to index them with other tags, one at a time. */
async function changerOf(
  context: RequestContext,
  caller: Caller,
  ids: readonly string[],
  wanted: BulkChange,
  embedders: Embedders,
): Promise<(id: string) => Promise<unknown>> {
  const { sql } = context;
  if (wanted.action === 'add_tags' || wanted.action === 'remove_tags') {
    return async (id) => {
      const memory = await findMemory(sql, caller.userId, id, true);
      if (memory)
        await change(context, caller, memory, { tags: changeTags(memory.tags, toTagChange(wanted)) }, embedders);
    };
  }
  const heads = new Map((await findHeads(sql, caller.userId, ids, 0)).map((head) => [head.id, head]));
  const state =
    wanted.action === 'restore'
      ? { status: 'active' as const, consolidated_into: null }
      : { status: 'archived' as const };
  return async (id) => {
    const head = heads.get(id);
    if (head) await changeState(context, caller, head, state);
  };
}

function toTagChange({ action, tags }: Extract<BulkChange, { tags: readonly string[] }>) {
  return action === 'add_tags' ? { add_tags: [...tags] } : { remove_tags: [...tags] };
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
    // Lowest id first, as every statement that locks several memories.
    for (const { id } of changed) {
      const memory = await findMemory(context.sql, caller.userId, id, true);
      if (memory) await change(context, caller, memory, { tags: normalizeTags(memory.tags) }, embedders);
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
