import type { Sql } from '../../client/sql.ts';
import { type MemoryRow, memoryColumns } from '../memories/row.ts';
import type { WeightedTerm } from './bm25.ts';

/** A memory whose `content` may be a part of its content. */
export interface ExcerptRow extends MemoryRow {
  /** Character of the content at which the part starts. */
  excerpt_start: number;
  /** True when the part ends before the content. */
  is_cut_behind: boolean;
  /** Of a long content, hashes of the query's terms that the memory holds; otherwise null. */
  held: string[] | null;
  /** Of a long content, character at which the block with the heaviest terms of the query starts; null where none holds one. */
  block_start: number | null;
}

/** A memory to read, and the character of the content that is near to the query by meaning. */
export interface ExcerptRequest {
  id: string;
  near: number | undefined;
}

/** Characters before the passage that is near to a query: where characters take two code units, it starts earlier than its offset says. */
const BEFORE = 1_000;
/** Blocks of a long text, and a length that only long texts have: see `api/search/long-texts.ts`. */
const BLOCKS = 48;
const LONG_MIN = 8_192;

/**
 * Reads memories, of a long content only a part of about `length` characters: the block with the heaviest terms of the query, else the
 * passage that is near by meaning. The whole content is never loaded. Stops before the memory with which the contents would exceed
 * `bytesMax`, but returns the first.
 * @returns rows in the order of the requests; those that do not exist are left out
 */
export async function findExcerpts(
  sql: Sql,
  userId: string,
  requests: readonly ExcerptRequest[],
  terms: readonly WeightedTerm[],
  { length, bytesMax }: { length: number; bytesMax: number },
): Promise<ExcerptRow[]> {
  const result = await sql.query<ExcerptRow>({
    name: 'find_excerpts',
    // `offset 0`: PostgreSQL would otherwise put each expression in place of its name, and read the content for every use.
    text: `with chosen as materialized (
        select wanted, near, place
        from (
          select wanted, near, place, sum(least(octet_length(content), 4 * $6::bigint)) over (order by place)
            - least(octet_length(content), 4 * $6::bigint) as before
          from unnest($2::uuid[], $3::integer[]) with ordinality as w (wanted, near, place)
          join memories on user_id = $1 and id = wanted
        ) sized
        where before < $7::bigint
      )
      select ${memoryColumns('part')}, start as excerpt_start, held,
        (block::bigint * total / ${BLOCKS})::integer as block_start, start + char_length(part) < coalesce(total, 0) as is_cut_behind
      from chosen
      join memories on user_id = $1 and id = wanted
      cross join lateral (
        select case when octet_length(content) > least($6::integer, ${LONG_MIN}) then char_length(content) end as total
        offset 0
      ) t
      cross join lateral (
        select greatest($6::integer, ${BEFORE} + total / ${BLOCKS}) as size
        offset 0
      ) s
      left join lateral (
        with found as materialized (
          select q.hash, q.weight, p.blocks
          from unnest(terms, term_blocks) as p (hash, blocks)
          join unnest($4::bigint[], $5::float8[]) as q (hash, weight) on q.hash = p.hash
          where total >= ${LONG_MIN}
        )
        select array(select hash::text from found) as held,
          (
            select block
            from found
            cross join generate_series(0, ${BLOCKS} - 1) as g (block)
            where (blocks >> block) & 1 = 1
            group by block
            order by sum(weight) desc, block
            limit 1
          ) as block
      ) f on total >= ${LONG_MIN} and term_blocks <> '{}'
      cross join lateral (
        select greatest(0, least(
          coalesce(block::bigint * total / ${BLOCKS} - ${BEFORE / 2}, near - ${BEFORE}, 0),
          total - size
        ))::integer as start
        offset 0
      ) a
      cross join lateral (
        select case when total > size then substr(content, start + 1, size) else content end as part
        offset 0
      ) c
      order by place`,
    values: [
      userId,
      requests.map(({ id }) => id),
      requests.map(({ near }) => near ?? null),
      terms.map(({ hash }) => hash),
      terms.map(({ weight }) => weight),
      length,
      bytesMax,
    ],
  });
  return result.rows;
}
