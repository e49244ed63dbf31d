import { LIMITS, normalizeName } from '../contracts/fields.ts';
import { invalidField } from '../errors.ts';

/** Tags of memories that consolidation promotes to long-term memories. */
export const PROMOTION_TAGS: readonly string[] = ['heuristic', 'pattern', 'proven', 'decision', 'insight'];

/** Normalizes tags: converts to NFC, trims, lower-cases, replaces inner white space by `_`, and drops empty tags and duplicates, in the order of first use. */
export function normalizeTags(tags: readonly string[]): string[] {
  const normalized = tags.map((tag) => normalizeName(tag.toLowerCase()).replace(/\s+/gu, '_'));
  return [...new Set(normalized.filter((tag) => tag !== ''))];
}

/** Returns the tags after a change. `tags` replaces all of them, and the other fields are ignored; otherwise tags are added, then removed. */
export function changeTags(
  current: readonly string[],
  change: { tags?: string[] | undefined; add_tags?: string[] | undefined; remove_tags?: string[] | undefined },
): string[] {
  if (change.tags) return normalizeTags(change.tags);
  const removed = new Set(normalizeTags(change.remove_tags ?? []));
  return normalizeTags([...current, ...(change.add_tags ?? [])]).filter((tag) => !removed.has(tag));
}

/** Rejects more or longer tags than a memory may have. Takes normalized tags. */
export function requireTags(tags: readonly string[]): void {
  if (tags.length > LIMITS.tags)
    throw invalidField('tags', `must be at most ${LIMITS.tags} tags; this would make ${tags.length}`);
  if (tags.some(isTooLong)) throw invalidField('tags', `each tag must be at most ${LIMITS.tagLength} characters`);
}

/** Returns whether a memory may have these normalized tags. */
export function areValidTags(tags: readonly string[]): boolean {
  return tags.length <= LIMITS.tags && !tags.some(isTooLong);
}

function isTooLong(tag: string): boolean {
  return [...tag].length > LIMITS.tagLength;
}
