import { exactlyOne, type Sql } from '../../client/sql.ts';
import { MEMORY_COLUMNS, type MemoryRow, type NewMemoryRow } from './row.ts';

/** Finds one memory of the tenant. `lock` holds it until the transaction ends. */
export async function findMemory(sql: Sql, userId: string, id: string, lock = false): Promise<MemoryRow | undefined> {
  const result = await sql.query<MemoryRow>({
    name: lock ? 'lock_memory' : 'find_memory',
    text: `select ${MEMORY_COLUMNS}
      from memories
      where user_id = $1 and id = $2
      ${lock ? 'for update' : ''}`,
    values: [userId, id],
  });
  return result.rows[0];
}

/** Returns whether a memory supersedes another one, directly or through others, whatever their status. */
export async function supersedesTransitively(
  sql: Sql,
  userId: string,
  id: string,
  superseded: string,
): Promise<boolean> {
  const result = await sql.query({
    name: 'supersedes_transitively',
    text: `with recursive chain as (
        select id, supersedes
        from memories
        where user_id = $1 and id = $2
        union
        select m.id, m.supersedes
        from chain c
        join memories m on m.user_id = $1 and m.id = c.supersedes
      )
      select
      from chain
      where supersedes = $3`,
    values: [userId, id, superseded],
  });
  return result.rows.length > 0;
}

/** Finds and locks the active memory that `row` is an exact duplicate of. */
export async function lockExactDuplicate(sql: Sql, userId: string, row: NewMemoryRow): Promise<MemoryRow | undefined> {
  const result = await sql.query<MemoryRow>({
    name: 'lock_exact_duplicate',
    text: `select ${MEMORY_COLUMNS}
      from memories
      where user_id = $1
        and content_hash = $2
        and type = $3
        and expires_at is not distinct from $4
        and supersedes is not distinct from $5
        and status = 'active'
      for update`,
    values: [userId, row.content_hash, row.type, row.expires_at, row.supersedes],
  });
  return result.rows[0];
}

/** Finds the tenant's memories by id, unordered. `lock` holds them, lowest id first so that two callers cannot deadlock. */
export async function findMemories(
  sql: Sql,
  userId: string,
  ids: readonly string[],
  lock = false,
): Promise<MemoryRow[]> {
  const result = await sql.query<MemoryRow>({
    name: lock ? 'lock_memories' : 'find_memories',
    text: `select ${MEMORY_COLUMNS}
      from memories
      where user_id = $1 and id = any ($2)
      ${lock ? 'order by id for update' : ''}`,
    values: [userId, ids],
  });
  return result.rows;
}

/** Deletes memories and their versions for good. Returns which memories and how many bytes, versions included, were deleted. */
export async function deleteMemories(
  sql: Sql,
  userId: string,
  ids: readonly string[],
): Promise<{ memories: { id: string; version: number }[]; bytes: number }> {
  const result = await sql.query<{ memories: { id: string; version: number }[]; bytes: string }>({
    name: 'delete_memories',
    text: `with versions as (
        select coalesce(sum(size_bytes), 0) as bytes
        from memory_versions
        where user_id = $1 and memory_id = any ($2)
      ),
      deleted as (
        delete from memories
        where user_id = $1 and id = any ($2)
        returning id, version, size_bytes
      )
      select coalesce(jsonb_agg(jsonb_build_object('id', id, 'version', version)), '[]') as memories,
        coalesce(sum(size_bytes), 0) + (select bytes from versions) as bytes
      from deleted`,
    values: [userId, ids],
  });
  const { memories, bytes } = exactlyOne(result);
  return { memories, bytes: Number(bytes) };
}

/** Returns whether the tenant has any memory. */
export async function hasMemories(sql: Sql, userId: string): Promise<boolean> {
  const result = await sql.query({
    name: 'has_memories',
    text: 'select 1 from memories where user_id = $1 limit 1',
    values: [userId],
  });
  return result.rows.length > 0;
}

/** Finds the ids of the tenant's memories, of any status, within two ids, inclusive and in order. */
export async function findIdsFrom(
  sql: Sql,
  userId: string,
  [first, last]: readonly [first: string, last: string],
  limit: number,
): Promise<string[]> {
  const result = await sql.query<{ id: string }>({
    name: 'find_ids_from',
    text: `select id
      from memories
      where user_id = $1 and id between $2::uuid and $3::uuid
      order by id
      limit $4`,
    values: [userId, first, last, limit],
  });
  return result.rows.map(({ id }) => id);
}
