import type { Sql } from '../../client/sql.ts';

/** How long a response is kept for replay. */
export const IDEMPOTENCY_HOURS = 24;

/** The response to the first request with a key. `status` is null while the transaction of that request has not ended. */
interface IdempotencyRow {
  request_hash: Buffer;
  /** Usage event of that request. */
  event_id: string;
  status: number | null;
  /** The kept parts of the response; null if nothing is kept. */
  body: unknown;
  holds_secret: boolean;
}

/**
 * Claims a key for this transaction. Returns undefined when the key was free, otherwise the row of the first request. Waits for a
 * concurrent request with the same key, because the insert blocks on its uncommitted row.
 */
export async function claimIdempotencyKey(
  sql: Sql,
  userId: string,
  claim: { key: string; requestHash: Buffer; eventId: string; day: string; now: Date },
): Promise<IdempotencyRow | undefined> {
  const claimed = await sql.query({
    name: 'claim_idempotency_key',
    text: `insert into idempotency_keys as k (user_id, key, request_hash, event_id, day, created_at)
      values ($1, $2, $3, $4, $5, $6)
      on conflict (user_id, key) do update set
        request_hash = $3,
        event_id = $4,
        day = $5,
        created_at = $6,
        status = null,
        body = null,
        holds_secret = false
      where k.created_at < $6::timestamptz - interval '${IDEMPOTENCY_HOURS} hours'`,
    values: [userId, claim.key, claim.requestHash, claim.eventId, claim.day, claim.now],
  });
  if (claimed.rowCount === 1) return undefined;
  const found = await sql.query<IdempotencyRow>({
    name: 'find_idempotency_key',
    text: `select request_hash, event_id, status, body, holds_secret
      from idempotency_keys
      where user_id = $1 and key = $2`,
    values: [userId, claim.key],
  });
  return found.rows[0];
}

/** Bodies up to this size are bounded by the number of calls. */
const SMALL_BYTES = 1_024;
/** Larger bodies are kept while a tenant's bodies take at most this many bytes. */
const TENANT_BYTES_MAX = 4_194_304;

/**
 * Stores the response of the request that claimed the key.
 * @param response.body JSON to keep; null for a response that is not kept. Larger bodies count against a tenant's limit.
 */
export async function storeIdempotentResponse(
  sql: Sql,
  userId: string,
  key: string,
  response: { status: number; body: string | null; holdsSecret: boolean },
): Promise<void> {
  await sql.query({
    name: 'store_idempotent_response',
    text: `update idempotency_keys
      set
        status = $3,
        body = case
          when octet_length($4::text) <= ${SMALL_BYTES} then $4::jsonb
          when (
            select coalesce(sum(pg_column_size(kept.body)), 0)
            from idempotency_keys kept
            where kept.user_id = $1
          ) <= ${TENANT_BYTES_MAX} then $4::jsonb
        end,
        holds_secret = $5
      where user_id = $1 and key = $2`,
    values: [userId, key, response.status, response.body, response.holdsSecret],
  });
}

/** Deletes keys older than {@link IDEMPOTENCY_HOURS} hours. Returns their number. Runs as admin. */
export async function deleteOldIdempotencyKeys(sql: Sql): Promise<number> {
  const result = await sql.query({
    text: `delete from idempotency_keys where created_at < now() - interval '${IDEMPOTENCY_HOURS} hours'`,
  });
  return result.rowCount ?? 0;
}
