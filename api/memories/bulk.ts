import { dryRun } from '../../db/client/sql.ts';
import { type BulkChange, lockAffected } from '../../db/queries/memories/bulk.ts';
import type { MemoryFilter } from '../../db/queries/memories/filters.ts';
import { findHeads } from '../../db/queries/memories/heads.ts';
import { countMemories } from '../../db/queries/memories/lists.ts';
import { findMemory } from '../../db/queries/memories/memories.ts';
import type { MemoryRow } from '../../db/queries/memories/row.ts';
import type { Caller, RequestContext } from '../context.ts';
import { LIMITS } from '../contracts/fields.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import { invalidField, type Problem } from '../errors.ts';
import { requireProject } from '../listing/bound-projects.ts';
import { type FilterInput, toFilter } from '../listing/filter.ts';
import { changeTags, normalizeTags, requireTags } from '../listing/tags.ts';
import { bulkLimit } from './bulk-limit.ts';
import { changeState } from './change-state.ts';
import { withItemErrors } from './item-errors.ts';
import { moveMemory } from './move.ts';
import { change, deletePermanently } from './update.ts';

interface BulkInput {
  filter: FilterInput;
  action: 'archive' | 'restore' | 'delete' | 'add_tags' | 'remove_tags' | 'move';
  tags?: string[] | undefined;
  project?: string | null | undefined;
  dry_run: boolean;
}

/** The former project of a moved memory, and the active exact duplicate for which it was archived. */
interface Moved {
  from: string | null;
  duplicateOf: string | undefined;
}

/** Changes one memory. Returns where a moved one comes from. */
type ChangeOne = (id: string) => Promise<Moved | undefined>;

/**
 * Applies an action to the memories that match a filter, see {@link changeMatching}.
 * @throws Problem `storage_full` when a full storage rejects all changes
 */
export async function bulk(context: RequestContext, caller: Caller, input: BulkInput, embedders: Embedders) {
  const wanted = bulkChange(input);
  if (wanted.action === 'move') requireProject(caller, wanted.project);
  const filter = toFilter(context, caller, input.filter);
  const { result, moves } = await changeMatching(context, caller, filter, wanted, input.dry_run, embedders);
  return {
    dry_run: input.dry_run,
    action: input.action,
    ...result,
    ...(input.action === 'move' && moves),
  };
}

/**
 * Changes the memories that match a filter, oldest first, at most {@link bulkLimit} per call. `remaining` counts those that further
 * calls would change, so that repeating the call reaches every memory and ends. A dry run does the same and rolls it back.
 * @throws Problem `storage_full` when a full storage rejects all changes
 */
export async function changeMatching(
  context: RequestContext,
  caller: Caller,
  filter: MemoryFilter,
  wanted: BulkChange,
  isDryRun: boolean,
  embedders: Embedders,
) {
  const limit = bulkLimit(caller, LIMITS.bulk);
  const matched = await countMemories(context.sql, caller.userId, filter);
  const { ids, changeable } = await lockAffected(context.sql, caller.userId, filter, wanted, limit);
  const remaining = Math.max(0, changeable - ids.length);
  const apply = () => changeAll(context, caller, ids, wanted, embedders);
  const { changed, rejected, ...moves } = isDryRun ? await dryRun(context.sql, apply) : await apply();
  return { result: { matched, changed, rejected, remaining }, moves };
}

function bulkChange({ action, tags = [], project }: BulkInput): BulkChange {
  if (action === 'move') {
    if (project === undefined) throw invalidField('project', 'required for move');
    return { action, project };
  }
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
  const duplicates: { id: string; duplicate_of: string }[] = [];
  const movedFrom = new Map<string | null, string[]>();
  if (wanted.action === 'delete') {
    await deletePermanently(context, caller, ids);
    return { changed: ids, rejected, duplicates, moved_from: [] };
  }
  const changeOne = await changerOf(context, caller, ids, wanted, embedders);
  for (const id of ids) {
    await withItemErrors(
      context,
      async () => {
        const moved = await changeOne(id);
        changed.push(id);
        if (!moved) return;
        if (moved.duplicateOf) duplicates.push({ id, duplicate_of: moved.duplicateOf });
        movedFrom.set(moved.from, [...(movedFrom.get(moved.from) ?? []), id]);
      },
      (problem) => {
        if (problem.code === 'storage_full') full = problem;
        rejected.push({ id, code: problem.code, detail: problem.message });
      },
    );
  }
  // Repeating the call would not change anything either.
  if (full && changed.length === 0) throw full;
  const moved_from = [...movedFrom].map(([project, moved]) => ({ project, ids: moved }));
  return { changed, rejected, duplicates, moved_from };
}

/** Returns what changes one of the memories. Contents are loaded only where they are indexed or hashed anew, one at a time. */
async function changerOf(
  context: RequestContext,
  caller: Caller,
  ids: readonly string[],
  wanted: BulkChange,
  embedders: Embedders,
): Promise<ChangeOne> {
  switch (wanted.action) {
    case 'add_tags':
    case 'remove_tags':
    case 'replace_tags': {
      // A new name of a tag is no edit of its memories.
      const updatedAt = (memory: MemoryRow) => (wanted.action === 'replace_tags' ? memory.updated_at : context.now());
      return onWholeMemory(context, caller, async (memory) => {
        const tags = tagsAfter(memory.tags, wanted);
        await change(context, caller, memory, { tags }, embedders, updatedAt(memory));
        return undefined;
      });
    }
    case 'move':
      return onWholeMemory(context, caller, async (memory) => ({
        from: memory.project,
        duplicateOf: await moveMemory(context, caller, memory, wanted.project, embedders),
      }));
    default:
      return changerOfState(context, caller, ids, wanted.action);
  }
}

function onWholeMemory(
  { sql }: RequestContext,
  caller: Caller,
  changeMemory: (memory: MemoryRow) => Promise<Moved | undefined>,
): ChangeOne {
  return async (id) => {
    const memory = await findMemory(sql, caller.userId, id, true);
    return memory && changeMemory(memory);
  };
}

async function changerOfState(
  context: RequestContext,
  caller: Caller,
  ids: readonly string[],
  action: 'archive' | 'restore' | 'delete',
): Promise<ChangeOne> {
  const heads = new Map((await findHeads(context.sql, caller.userId, ids, 0)).map((head) => [head.id, head]));
  const state =
    action === 'restore' ? { status: 'active' as const, consolidated_into: null } : { status: 'archived' as const };
  return async (id) => {
    const head = heads.get(id);
    if (head) await changeState(context, caller, head, state);
    return undefined;
  };
}

function tagsAfter(tags: readonly string[], wanted: Extract<BulkChange, { tags: readonly string[] }>): string[] {
  switch (wanted.action) {
    case 'add_tags':
      return changeTags(tags, { add_tags: [...wanted.tags] });
    case 'remove_tags':
      return changeTags(tags, { remove_tags: [...wanted.tags] });
    case 'replace_tags':
      return normalizeTags(tags.map((tag) => (wanted.tags.includes(tag) ? wanted.newTag : tag)));
  }
}
