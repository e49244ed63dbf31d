import type { Sql } from '../../client/sql.ts';
import { type MemoryRow, memoryColumns } from './row.ts';

/** A memory with only the beginning of its content. */
export type MemoryHead = MemoryRow & { content_hash: Buffer };

/** Finds the tenant's memories by id, unordered, each with the first `length` characters of its content. */
export async function findHeads(
  sql: Sql,
  userId: string,
  ids: readonly string[],
  length: number,
): Promise<MemoryHead[]> {
  const result = await sql.query<MemoryHead>({
    name: 'find_heads',
    text: `select ${memoryColumns('left(content, $3::integer)')}, content_hash
      from memories
      where user_id = $1 and id = any ($2)`,
    values: [userId, ids, length],
  });
  return result.rows;
}

/** Writes type, status, digest, version and time of a memory. Throws like `updateMemory`. */
export async function updateState(sql: Sql, userId: string, head: MemoryHead): Promise<void> {
  const { id, type, status, consolidated_into, version, updated_at } = head;
  await sql.query({
    name: 'update_state',
    text: `update memories set
        type = $3, status = $4, consolidated_into = $5, version = $6, updated_at = $7
      where user_id = $1 and id = $2`,
    values: [userId, id, type, status, consolidated_into, version, updated_at],
  });
}
