import type { Sql } from '../../client/sql.ts';
import { type MemoryFilter, whereMemories } from './filters.ts';
import type { Where } from './where.ts';

/** A change of many memories. Tags are normalized. */
export type BulkChange =
  | { action: 'archive' | 'restore' | 'delete' }
  | { action: 'add_tags'; tags: readonly string[]; tagsMax: number }
  | { action: 'remove_tags'; tags: readonly string[] }
  | { action: 'replace_tags'; tags: readonly string[]; newTag: string }
  | { action: 'move'; project: string | null };

/**
 * Locks memories of a filter that a bulk change would change, until the transaction ends: first those that it can change, oldest first,
 * then those that will be rejected. So repeated calls reach every memory.
 * @returns the ids, and how many memories of the filter the change can change
 */
export async function lockAffected(
  sql: Sql,
  userId: string,
  filter: MemoryFilter,
  change: BulkChange,
  limit: number,
): Promise<{ ids: string[]; changeable: number }> {
  const counted = whereMemories(userId, filter);
  const { affected, rejected } = conditionsOf(counted, change);
  const count = await sql.query<{ count: string }>({
    text: `select count(*)
      from memories
      where ${counted.and(affected).and(`not (${rejected})`).text}`,
    values: counted.values,
  });
  const where = whereMemories(userId, filter);
  const conditions = conditionsOf(where, change);
  const result = await sql.query<{ id: string }>({
    text: `select id
      from memories
      where ${where.and(conditions.affected).text}
      order by ${conditions.rejected === 'false' ? '' : `${conditions.rejected},`} id
      limit ${where.value(limit)}
      for update`,
    values: where.values,
  });
  return { ids: result.rows.map(({ id }) => id), changeable: Number(count.rows[0]?.count ?? 0) };
}

/** Conditions of the memories that a change affects, and of those among them that it is known to reject. */
function conditionsOf(where: Where, change: BulkChange): { affected: string; rejected: string } {
  switch (change.action) {
    case 'delete':
      return { affected: 'true', rejected: 'false' };
    case 'archive':
      return { affected: "status = 'active'", rejected: 'false' };
    case 'restore':
      return { affected: "status = 'archived'", rejected: HAS_ACTIVE_DUPLICATE };
    case 'add_tags': {
      const tags = `${where.value(change.tags)}::text[]`;
      return {
        affected: `not (tags @> ${tags})`,
        rejected: `(select count(distinct tag) from unnest(tags || ${tags}) tag) > ${where.value(change.tagsMax)}::int`,
      };
    }
    case 'remove_tags':
    case 'replace_tags':
      return { affected: `tags && ${where.value(change.tags)}::text[]`, rejected: 'false' };
    case 'move':
      return { affected: `project is distinct from ${where.value(change.project)}::text`, rejected: 'false' };
  }
}

const HAS_ACTIVE_DUPLICATE = `exists (
        select
        from memories a
        where a.user_id = memories.user_id
          and a.content_hash = memories.content_hash
          and a.type = memories.type
          and a.expires_at is not distinct from memories.expires_at
          and a.supersedes is not distinct from memories.supersedes
          and a.status = 'active'
      )`;
