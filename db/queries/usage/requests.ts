import type { Sql } from '../../client/sql.ts';
import type { Transport } from './events.ts';

/** A recorded call. */
export interface RequestRow {
  day: string;
  id: string;
  at: Date;
  /** Null for a call with a session. */
  key_id: string | null;
  key_name: string | null;
  transport: Transport;
  operation: string;
  method: string;
  status: number;
  /** Code of the problem that was returned. */
  code: string | null;
  billable: boolean;
  duration_ms: number;
  bytes_in: number;
  bytes_out: number;
  units: number;
  tokens: number | null;
  /** Product token of the client. */
  client: string | null;
  /** Null for calls before it was recorded. */
  request_id: string | null;
}

/** Position in the record: UTC day and id of an event. */
export type RequestPosition = readonly [day: string, id: string];

/** Which calls are listed. Undefined fields do not filter. */
export interface RequestFilter {
  /** Time of the oldest call, inclusive. */
  from: Date;
  /** Exclusive. */
  to: Date;
  keyId?: string | undefined;
  /** Name of a client without its version. */
  client?: string | undefined;
  /** Undefined: every transport but that of the dashboard. */
  transport?: Transport | undefined;
  operation?: string | undefined;
  statusMin?: number | undefined;
  statusMax?: number | undefined;
}

/** Events that one page looks through at most, so that a filter that matches little costs little. */
export const SCANNED_MAX = 20_000;

const SCANNED = `
  from usage_events e
  where e.user_id = $1
    and e.day between ($2::timestamptz at time zone 'utc')::date and ($3::timestamptz at time zone 'utc')::date
    and (e.day, e.id) < ($4::date, $5::uuid)
    and e.at >= $2
    and e.at < $3
  order by e.day desc, e.id desc`;

/**
 * Lists recorded calls, newest first, among the next {@link SCANNED_MAX} events after a position.
 * @param after undefined for the first page
 */
export async function listRequests(
  sql: Sql,
  userId: string,
  filter: RequestFilter,
  { after, limit }: { after?: RequestPosition | undefined; limit: number },
): Promise<RequestRow[]> {
  const result = await sql.query<RequestRow>({
    name: 'list_requests',
    text: `select
        to_char(e.day, 'YYYY-MM-DD') as day,
        e.id,
        e.at,
        e.api_key_id as key_id,
        (select k.name from api_keys k where k.user_id = $1 and k.id = e.api_key_id) as key_name,
        e.transport,
        e.operation,
        e.method,
        e.status,
        e.code,
        e.billable,
        e.duration_ms,
        e.bytes_in,
        e.bytes_out,
        e.units,
        e.tokens,
        e.client,
        e.request_id
      from (select e.* ${SCANNED} limit ${SCANNED_MAX}) e
      where ($6::uuid is null or e.api_key_id = $6)
        and ($7::text is null or split_part(e.client, '/', 1) = $7)
        and case when $8::text is null then e.transport <> 'dashboard' else e.transport = $8 end
        and ($9::text is null or e.operation = $9)
        and e.status between $10 and $11
      order by e.day desc, e.id desc
      limit $12`,
    values: [
      ...scanValues(userId, filter, after),
      filter.keyId,
      filter.client,
      filter.transport,
      filter.operation,
      filter.statusMin ?? 0,
      filter.statusMax ?? 999,
      limit,
    ],
  });
  return result.rows;
}

/** Returns the position and time of the last of the {@link SCANNED_MAX} events after a position; undefined when there are fewer. */
export async function findLastScanned(
  sql: Sql,
  userId: string,
  filter: RequestFilter,
  after?: RequestPosition,
): Promise<{ position: RequestPosition; at: Date } | undefined> {
  const result = await sql.query<{ day: string; id: string; at: Date }>({
    name: 'find_last_scanned',
    text: `select to_char(e.day, 'YYYY-MM-DD') as day, e.id, e.at ${SCANNED} limit 1 offset ${SCANNED_MAX - 1}`,
    values: scanValues(userId, filter, after),
  });
  const [row] = result.rows;
  return row && { position: [row.day, row.id], at: row.at };
}

function scanValues(userId: string, { from, to }: RequestFilter, after?: RequestPosition): unknown[] {
  return [userId, from, to, ...(after ?? ['infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff'])];
}
