import { shapeNames } from '../../client/shape-names.ts';
import type { Sql } from '../../client/sql.ts';
import type { Where } from '../memories/where.ts';
import { type Scoring, scoreSql } from './bm25.ts';

/** The attributes of a memory that ranking uses, and its lexical score. */
export interface RankingAttributes {
  id: string;
  /** Its BM25 score, with the bonus of phrases. */
  score: number;
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

const scoreName = shapeNames('score_memories');

/**
 * Scores memories by their terms, with the attributes that rank them and the first `characters` of their texts, unordered. Those that do
 * not match the filter are left out.
 * @param where the filter, already restricted to the tenant
 */
export async function scoreMemories(
  sql: Sql,
  where: Where,
  scoring: Scoring,
  ids: readonly string[],
  characters: number,
): Promise<RankingAttributes[]> {
  const score = scoreSql(where, scoring);
  const [wanted, length] = [`${where.value(ids)}::uuid[]`, where.value(characters)];
  // Memory by memory: joined in one, a generic plan takes the list for ten ids, and could read all memories of a large tenant instead.
  // The successors come first and together: looked up one by one they cost an index scan for each memory.
  const text = `with successor as materialized (
        select distinct on (supersedes) supersedes, id
        from memories
        where user_id = $1 and supersedes = any (${wanted}) and (status = 'active' or consolidated_into is not null)
        order by supersedes, created_at desc, id desc
      )
      select matching.*, s.id as superseded_by
      from unnest(${wanted}) as w (id)
      cross join lateral (
        select m.id, ${score} as score, created_at, occurred_at, occurred_offset_minutes, updated_at, expires_at,
          left(title, ${length}) as title_start, left(content, ${length}) as content_start,
          case when jsonb_typeof(metadata -> 'importance') = 'number' then (metadata ->> 'importance')::float8 end as importance
        from memories m
        where ${where.text} and m.id = w.id
        limit 1
      ) matching
      left join successor s on s.supersedes = matching.id`;
  const result = await sql.query<RankingAttributes>({
    ...(where.isCommon && scoring.phrases.length === 0 && scoreName(text)),
    text,
    values: where.values,
  });
  return result.rows;
}
