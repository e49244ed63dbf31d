import { defer, type Sql } from '../../client/sql.ts';
import { columnValues } from './insert-memory.ts';
import type { NewMemoryRow } from './row.ts';
import { indexSql, type TermFrequencies } from './terms.ts';

const SET_COLUMNS = `type = $3, status = $4, title = $5, content = $6, tags = $7, metadata = $8, project = $9, session_id = $10,
        occurred_at = $11, occurred_offset_minutes = $20, expires_at = $12, supersedes = $13,
        consolidated_into = $14, version = $15, content_hash = $16, size_bytes = $17, updated_at = $19,
        is_digest = is_digest and title = $5 and content = $6`;

/** Gives the parameter of the creation time, which stays, a type. */
const CREATED_AT = '$18::timestamptz is not null';

/**
 * Replaces every column of a memory but its creation time and its search terms. An edited digest is an ordinary memory from then on.
 * Sent with the next statement of the transaction, which throws a violation of `EXACT_DUPLICATE_CONSTRAINT` when it would become an
 * exact duplicate of an active one.
 */
export async function updateMemory(sql: Sql, userId: string, row: NewMemoryRow): Promise<void> {
  await defer(sql, {
    name: 'update_memory',
    text: `update memories set
        ${SET_COLUMNS}
      where user_id = $1 and id = $2 and ${CREATED_AT}`,
    values: columnValues(userId, row),
  });
}

/**
 * Replaces the columns of a memory like {@link updateMemory} and its search terms in one statement, so that its row and the entries of
 * its indexes are written once. Returns the change of the tenant's total term count.
 */
export async function updateIndexedMemory(
  sql: Sql,
  userId: string,
  row: NewMemoryRow,
  { terms, frequencies, blocks }: TermFrequencies,
): Promise<number> {
  const result = await sql.query<{ grown: string }>({
    name: 'update_indexed_memory',
    text: indexSql({
      terms: '$21',
      frequencies: '$22',
      blocks: '$23',
      set: `${SET_COLUMNS},`,
      where: `and ${CREATED_AT}`,
    }),
    values: [...columnValues(userId, row), terms, frequencies, blocks],
  });
  return Number(result.rows[0]?.grown ?? 0);
}
