import type { Sql } from '../../client/sql.ts';
import { type MemoryFilter, whereMemories } from './filters.ts';
import { type MemoryRow, memoryColumns } from './row.ts';

export type MemorySort = 'created_at' | 'updated_at' | 'occurred_at' | 'title';

/** The start of a page: after the row with this sort value and id. */
export interface KeysetPosition {
  value: string;
  id: string;
}

interface MemoryPage {
  sort: MemorySort;
  order: 'asc' | 'desc';
  limit: number;
  after?: KeysetPosition;
  /** Characters of the contents that are loaded. */
  contentLength: number;
  /** Bytes of the page, about; the first memory is returned in any case. */
  bytesMax: number;
}

/** A memory of a page. */
export interface ListedRow extends MemoryRow {
  /** True when `content` is only the beginning of its content. */
  is_cut: boolean;
}

// Titles sort by code point (collation "C"), so that the order is the same on every server.
const SORT_COLUMNS: Record<MemorySort, { column: string; cast: string }> = {
  created_at: { column: 'created_at', cast: 'timestamptz' },
  updated_at: { column: 'updated_at', cast: 'timestamptz' },
  occurred_at: { column: 'coalesce(occurred_at, created_at)', cast: 'timestamptz' },
  title: { column: 'title collate "C"', cast: 'text' },
};

/**
 * Lists one page of the memories that match a filter, bounded in number and bytes. Keyset pagination: pages neither repeat nor skip a
 * memory while nothing changes.
 */
export async function listMemories(
  sql: Sql,
  userId: string,
  filter: MemoryFilter,
  page: MemoryPage,
): Promise<{ memories: ListedRow[]; isLast: boolean }> {
  const where = whereMemories(userId, filter);
  const { column, cast } = SORT_COLUMNS[page.sort];
  if (page.after) {
    const operator = page.order === 'asc' ? '>' : '<';
    where.and(
      `(${column}, id) ${operator} (${where.value(page.after.value)}::${cast}, ${where.value(page.after.id)}::uuid)`,
    );
  }
  const order = `${column} ${page.order}, id ${page.order}`;
  const length = `${where.value(page.contentLength)}::bigint`;
  // Without the outer filter PostgreSQL would read the long texts beyond the page.
  const bytes = `least(octet_length(content), 4 * ${length}) + size_bytes - octet_length(content)`;
  const result = await sql.query<ListedRow & { found: string }>({
    text: `select ${memoryColumns(`left(content, ${length}::integer)`)},
        octet_length(content) > ${length} and char_length(content) > ${length} as is_cut,
        found
      from (
        select m.*,
          sum(${bytes}) over (order by ${order} rows unbounded preceding) - (${bytes}) as before,
          count(*) over () as found
        from (
          select *
          from memories
          where ${where.text}
          order by ${order}
          limit ${where.value(page.limit + 1)}
        ) m
      ) memories
      where before < ${where.value(page.bytesMax)}::bigint
      order by ${order}`,
    values: where.values,
  });
  const memories = result.rows.slice(0, page.limit);
  return { memories, isLast: memories.length === Number(result.rows[0]?.found ?? 0) };
}

/** Counts the memories that match a filter. */
export async function countMemories(sql: Sql, userId: string, filter: MemoryFilter): Promise<number> {
  const where = whereMemories(userId, filter);
  const result = await sql.query<{ count: string }>({
    text: `select count(*)
      from memories
      where ${where.text}`,
    values: where.values,
  });
  return Number(result.rows[0]?.count ?? 0);
}

/** Locks the memories that match a filter until the transaction ends, oldest first. Returns their ids. */
export async function lockMatching(sql: Sql, userId: string, filter: MemoryFilter, limit: number): Promise<string[]> {
  const where = whereMemories(userId, filter);
  const result = await sql.query<{ id: string }>({
    text: `select id
      from memories
      where ${where.text}
      order by id
      limit ${where.value(limit)}
      for update`,
    values: where.values,
  });
  return result.rows.map((row) => row.id);
}

interface TagRow {
  tag: string;
  count: number;
  types: string[];
}

/** Lists the tags of active memories with their counts, most used first, then by name. */
export async function listTags(sql: Sql, userId: string, limit: number, offset: number): Promise<TagRow[]> {
  const result = await sql.query<{ tag: string; count: string; types: string[] }>({
    name: 'list_tags',
    text: `select tag, count(*), array_agg(distinct type order by type) as types
      from memories, unnest(tags) as tag
      where user_id = $1 and status = 'active'
      group by tag
      order by count(*) desc, tag collate "C"
      limit $2
      offset $3`,
    values: [userId, limit, offset],
  });
  return result.rows.map((row) => ({ ...row, count: Number(row.count) }));
}

/** Counts the distinct tags of active memories. */
export async function countTags(sql: Sql, userId: string): Promise<number> {
  const result = await sql.query<{ count: string }>({
    name: 'count_tags',
    text: `select count(distinct tag)
      from memories, unnest(tags) as tag
      where user_id = $1 and status = 'active'`,
    values: [userId],
  });
  return Number(result.rows[0]?.count ?? 0);
}

interface MemoryCounts {
  type: string;
  status: string;
  count: number;
}

/** Counts memories by type and status. */
export async function countByKind(sql: Sql, userId: string): Promise<MemoryCounts[]> {
  const result = await sql.query<{ type: string; status: string; count: string }>({
    name: 'count_by_kind',
    text: `select type, status, count(*)
      from memories
      where user_id = $1
      group by type, status`,
    values: [userId],
  });
  return result.rows.map((row) => ({ ...row, count: Number(row.count) }));
}

/** Lists id, title and tags of all memories that have tags, oldest first. */
export async function listTagged(sql: Sql, userId: string): Promise<{ id: string; title: string; tags: string[] }[]> {
  const result = await sql.query<{ id: string; title: string; tags: string[] }>({
    text: `select id, title, tags
      from memories
      where user_id = $1 and tags <> '{}'
      order by id`,
    values: [userId],
  });
  return result.rows;
}
