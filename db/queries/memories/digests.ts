import type { Sql } from '../../client/sql.ts';

/**
 * A condition on `memories` (or `ranked_memories`): the memory was consolidated into an active digest, so that search finds it as a
 * passage of the digest. A scalar subquery, so that the planner looks digests up by key instead of hashing all active memories. The
 * inner names keep `consolidated_into` a column of the outer table.
 * @param user placeholder of the tenant
 */
export const isPassage = (user: string) => `(consolidated_into is not null and coalesce((
      select digest_is_searched_by_passages
      from (
        select user_id as digest_user, id as digest_id, is_digest and status = 'active' as digest_is_searched_by_passages
        from memories
      ) digest
      where digest_user = ${user} and digest_id = consolidated_into
    ), false))`;

/** Marks a memory as a digest: its sources are searched in its place, until its title or content is edited. */
export async function markDigest(sql: Sql, userId: string, id: string): Promise<void> {
  await sql.query({
    name: 'mark_digest',
    text: `update memories
      set is_digest = true
      where user_id = $1 and id = $2`,
    values: [userId, id],
  });
}
