import type { Sql, Statement } from '../../client/sql.ts';

interface QuotaRow {
  storage_bytes: number;
  memories: number;
}

/** Change of a tenant's stored totals; negative when they shrink. */
export interface QuotaChange {
  bytes: number;
  memories?: number;
  /** Terms in the search index. */
  words?: number;
}

/**
 * Locks a tenant's memories until the transaction ends. Writes of a tenant are serialized, which keeps its storage limit and its
 * lexicon exact and rules out deadlocks between them. The conflicting row is locked although no update passes the condition; a
 * `select for update` in the same statement would not see a row that another transaction inserted meanwhile, and lock nothing.
 */
export function lockTenantStatement(userId: string): Statement {
  return {
    name: 'lock_tenant',
    text: `insert into quotas as q (user_id)
      values ($1)
      on conflict (user_id) do update set storage_bytes = q.storage_bytes
      where false`,
    values: [userId],
  };
}

/**
 * Changes a tenant's stored totals and returns the new ones. Runs in a transaction that has locked the tenant, so the storage
 * limit is exact under concurrent writes.
 */
export async function changeQuota(
  sql: Sql,
  userId: string,
  { bytes, memories = 0, words = 0 }: QuotaChange,
): Promise<QuotaRow> {
  const result = await sql.query<{ storage_bytes: string; memories: string }>({
    name: 'change_quota',
    text: `insert into quotas as q (user_id, storage_bytes, memories, words)
      values ($1, greatest($2::bigint, 0), greatest($3::bigint, 0), greatest($4::bigint, 0))
      on conflict (user_id) do update set
        storage_bytes = q.storage_bytes + $2,
        memories = q.memories + $3,
        words = q.words + $4
      returning storage_bytes, memories`,
    values: [userId, bytes, memories, words],
  });
  return toQuotaRow(result.rows[0]);
}

/** Returns a tenant's stored totals. */
export async function findQuota(sql: Sql, userId: string): Promise<QuotaRow> {
  const result = await sql.query<{ storage_bytes: string; memories: string }>({
    name: 'find_quota',
    text: 'select storage_bytes, memories from quotas where user_id = $1',
    values: [userId],
  });
  return toQuotaRow(result.rows[0]);
}

function toQuotaRow(row: { storage_bytes: string; memories: string } | undefined): QuotaRow {
  return { storage_bytes: Number(row?.storage_bytes ?? 0), memories: Number(row?.memories ?? 0) };
}

/** Counts a tenant's memories and versions: one row. */
const countedQuotaSql = (userId: string) => `select m.bytes + v.bytes as storage_bytes, m.memories, m.words
  from (
      select coalesce(sum(size_bytes), 0) as bytes, count(*) as memories, coalesce(sum(length), 0) as words
      from memories
      where user_id = ${userId}
    ) m,
    (
      select coalesce(sum(size_bytes), 0) as bytes
      from memory_versions
      where user_id = ${userId}
    ) v`;

/**
 * Compares the quotas of tenants with their stored memories, in id order, from the one after `after`. One statement sees one
 * snapshot, so concurrent writes cause no difference. Runs as admin.
 */
export async function compareQuotas(
  sql: Sql,
  after: string,
  limit: number,
): Promise<{ user_id: string; differs: boolean }[]> {
  const result = await sql.query<{ user_id: string; differs: boolean }>({
    text: `select
        u.id as user_id,
        (coalesce(q.storage_bytes, 0), coalesce(q.memories, 0), coalesce(q.words, 0))
          is distinct from (c.storage_bytes, c.memories, c.words) as differs
      from (select id from users where id > $1 order by id limit $2) u
      left join quotas q on q.user_id = u.id
      cross join lateral (${countedQuotaSql('u.id')}) c
      order by u.id`,
    values: [after, limit],
  });
  return result.rows;
}

export interface QuotaRepair {
  before: QuotaRow & { words: number };
  after: QuotaRow & { words: number };
}

/** Sets a tenant's quota to its counted totals; returns undefined when it was right. Runs in a transaction that has locked the tenant. */
export async function repairQuota(sql: Sql, userId: string): Promise<QuotaRepair | undefined> {
  const values = (row: string) =>
    `jsonb_build_object('storage_bytes', ${row}.storage_bytes, 'memories', ${row}.memories, 'words', ${row}.words)`;
  const result = await sql.query<QuotaRepair>({
    text: `with counted as (${countedQuotaSql('$1')}),
        former as (select * from quotas where user_id = $1)
      update quotas q
      set storage_bytes = c.storage_bytes, memories = c.memories, words = c.words
      from counted c, former f
      where q.user_id = f.user_id
        and (f.storage_bytes, f.memories, f.words) is distinct from (c.storage_bytes, c.memories, c.words)
      returning ${values('f')} as before, ${values('q')} as after`,
    values: [userId],
  });
  return result.rows[0];
}
