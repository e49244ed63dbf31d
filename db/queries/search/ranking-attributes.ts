import type { Sql } from '../../client/sql.ts';

/** The attributes of a memory that ranking uses besides its terms. */
export interface RankingAttributes {
  id: string;
  created_at: Date;
  occurred_at: Date | null;
  /** Minutes east of UTC. */
  occurred_offset_minutes: number;
  updated_at: Date;
  expires_at: Date | null;
  importance: number | null;
  superseded_by: string | null;
  /** The first characters of title and content. */
  title_start: string;
  content_start: string;
}

/** Finds the ranking attributes of memories, with the first `characters` of their texts, unordered. */
export async function findRankingAttributes(
  sql: Sql,
  userId: string,
  ids: readonly string[],
  characters: number,
): Promise<RankingAttributes[]> {
  const result = await sql.query<RankingAttributes>({
    name: 'find_ranking_attributes',
    // The successors come first and together: looked up row by row they cost one index scan for each candidate.
    text: `with successor as materialized (
        select distinct on (supersedes) supersedes, id
        from memories
        where user_id = $1 and supersedes = any ($2) and (status = 'active' or consolidated_into is not null)
        order by supersedes, created_at desc, id desc
      )
      select m.id, created_at, occurred_at, occurred_offset_minutes, updated_at, expires_at, s.id as superseded_by,
        left(title, $3) as title_start, left(content, $3) as content_start,
        case when jsonb_typeof(metadata -> 'importance') = 'number' then (metadata ->> 'importance')::float8 end as importance
      from memories m
      left join successor s on s.supersedes = m.id
      where user_id = $1 and m.id = any ($2)`,
    values: [userId, ids, characters],
  });
  return result.rows;
}
