import { LIMITS } from '../contracts/fields.ts';
import { refuse } from '../errors.ts';

/** Tags that make a consolidation keep a memory as long-term knowledge of its own. */
export const PROMOTION_TAGS: readonly string[] = ['heuristic', 'pattern', 'proven', 'decision', 'insight'];

/** Tags by the rule: trimmed, lower-cased, inner white space to `_`, empties and duplicates dropped, first seen first. */
export function normalizeTags(tags: readonly string[]): string[] {
  const normal = tags.map((tag) => tag.trim().toLowerCase().replace(/\s+/gu, '_'));
  return [...new Set(normal.filter((tag) => tag !== ''))];
}

/** The tags after a change: `tags` replaces all and the others are ignored; else additions come first, then removals. */
export function changeTags(
  present: readonly string[],
  change: { tags?: string[] | undefined; add_tags?: string[] | undefined; remove_tags?: string[] | undefined },
): string[] {
  if (change.tags) return normalizeTags(change.tags);
  const removed = new Set(normalizeTags(change.remove_tags ?? []));
  return normalizeTags([...present, ...(change.add_tags ?? [])]).filter((tag) => !removed.has(tag));
}

/** Refuses tags beyond what a memory may carry, counted and measured after the rule was applied. */
export function requireTags(tags: readonly string[]): void {
  if (tags.length > LIMITS.tags)
    throw refuse('tags', `a memory carries at most ${LIMITS.tags} tags, this would make ${tags.length}`);
  const long = tags.find((tag) => [...tag].length > LIMITS.tagLength);
  if (long) throw refuse('tags', `a tag has at most ${LIMITS.tagLength} characters`);
}
