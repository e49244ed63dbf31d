import { z } from 'zod';
import type { BulkChange } from '../../db/queries/memories/bulk.ts';
import type { MemoryFilter } from '../../db/queries/memories/filters.ts';
import { countMemories, countTags, listTagged, listTags } from '../../db/queries/memories/lists.ts';
import { findMemory } from '../../db/queries/memories/memories.ts';
import type { MemoryType } from '../../db/queries/memories/row.ts';
import type { Caller, RequestContext } from '../context.ts';
import { LIMITS } from '../contracts/fields.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import { invalidField, Problem } from '../errors.ts';
import { decodeCursor, encodeCursor } from '../listing/cursor.ts';
import { areValidTags, normalizeTags, requireTags } from '../listing/tags.ts';
import { changeMatching } from './bulk.ts';
import { bulkLimit } from './bulk-limit.ts';
import { change } from './update.ts';

const TAGS_POSITION = z.tuple([z.int().min(0)]);

/** Lists the tags of active memories, most used first. */
export async function tags(
  context: RequestContext,
  caller: Caller,
  input: { limit: number; cursor?: string | undefined },
) {
  const offset = input.cursor === undefined ? 0 : decodeCursor('tags', input.cursor, TAGS_POSITION)[0];
  const [rows, total] = await Promise.all([
    listTags(context.sql, caller.userId, input.limit, offset),
    countTags(context.sql, caller.userId),
  ]);
  const next = offset + rows.length;
  return {
    results: rows.map((row) => ({ ...row, types: row.types as MemoryType[] })),
    total,
    next_cursor: rows.length > 0 && next < total ? encodeCursor('tags', [next]) : null,
  };
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

/**
 * Renames a tag in all memories, which merges it into a tag of the new name.
 * @throws Problem `not_found` for a tag that no memory has, `unprocessable`, `storage_full`
 */
export async function updateTag(
  context: RequestContext,
  caller: Caller,
  input: { tag: string; new_tag: string; dry_run: boolean },
  embedders: Embedders,
) {
  const tags = storedForms(input.tag);
  const [newTag, ...others] = normalizeTags([input.new_tag]);
  if (newTag === undefined || others.length > 0) throw invalidField('new_tag', 'must not be empty or blank');
  if (tags.every((tag) => tag === newTag)) throw invalidField('new_tag', 'must differ from the present tag');
  requireTags([newTag]);
  const merges = (await countMemories(context.sql, caller.userId, { tags: [newTag] })) > 0;
  const change = { action: 'replace_tags', tags, newTag } as const;
  const result = await changeTagged(context, caller, change, input.dry_run, embedders);
  return { dry_run: input.dry_run, merges, ...result };
}

/**
 * Removes a tag from all memories.
 * @throws Problem `not_found` for a tag that no memory has, `storage_full`
 */
export async function deleteTag(
  context: RequestContext,
  caller: Caller,
  input: { tag: string; dry_run: boolean },
  embedders: Embedders,
) {
  const change = { action: 'remove_tags', tags: storedForms(input.tag) } as const;
  return { dry_run: input.dry_run, ...(await changeTagged(context, caller, change, input.dry_run, embedders)) };
}

async function changeTagged(
  context: RequestContext,
  caller: Caller,
  change: Extract<BulkChange, { action: 'replace_tags' | 'remove_tags' }>,
  isDryRun: boolean,
  embedders: Embedders,
) {
  const filter: MemoryFilter = { tags: [...change.tags], tagsMatch: 'any' };
  const { result } = await changeMatching(context, caller, filter, change, isDryRun, embedders);
  if (result.matched === 0) throw new Problem('not_found', { detail: `No memory has the tag "${change.tags[0]}".` });
  return result;
}

/** Returns a tag as it is stored: normalized, or as it was given before tags were normalized. */
function storedForms(tag: string): string[] {
  return [...new Set([...normalizeTags([tag]), tag])];
}
