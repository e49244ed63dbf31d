import type { Statement } from '../../client/sql.ts';
import { addDurationCountsSql, countDuration, countDurationsSql } from './durations.ts';

/** The transport of a call: `dashboard` for one over REST with a session cookie instead of a key. */
export type Transport = 'rest' | 'mcp_http' | 'mcp_stdio' | 'dashboard';

/** A metered request. `day` is the UTC day of `at`. The id is globally unique, so inserting an event twice changes nothing. */
export interface UsageEvent {
  userId: string;
  day: string;
  id: string;
  at: Date;
  /** Null for a call of a signed-in browser. */
  keyId: string | null;
  transport: Transport;
  operation: string;
  method: string;
  status: number;
  billable: boolean;
  durationMs: number;
  bytesIn: number;
  bytesOut: number;
  /** Quota units of the day: 0 for a rejected request, the number of items for a batch. */
  units: number;
  /** Tokens of the response that a model reads; null where they are not counted. */
  tokens: number | null;
  /** Product token of the client, such as `claude-code/2.1.328`; null when it did not name itself. */
  client: string | null;
  requestId: string;
  /** Code of the problem that was returned; null for a success. */
  code: string | null;
}

/** `key_id` in the daily totals of calls without an API key. */
export const NO_KEY = '00000000-0000-0000-0000-000000000000';

const EVENT_COLUMNS = `user_id, day, id, at, api_key_id, transport, operation, method, status, billable, duration_ms, bytes_in,
          bytes_out, units, tokens, client, request_id, code`;

const DAILY_COLUMNS = `user_id, day, transport, operation, key_id, client,
        calls, billable, errors, duration_ms, bytes_in, bytes_out, units, tokens, last_at, duration_counts`;

const ADD_TO_DAILY_TOTALS = `on conflict (user_id, day, transport, operation, key_id, client) do update set
        calls = d.calls + excluded.calls,
        billable = d.billable + excluded.billable,
        errors = d.errors + excluded.errors,
        duration_ms = d.duration_ms + excluded.duration_ms,
        bytes_in = d.bytes_in + excluded.bytes_in,
        bytes_out = d.bytes_out + excluded.bytes_out,
        units = d.units + excluded.units,
        tokens = d.tokens + excluded.tokens,
        last_at = greatest(d.last_at, excluded.last_at),
        duration_counts = ${addDurationCountsSql('d.duration_counts', 'excluded.duration_counts')}`;

/** Returns the statement that inserts usage events and adds the new ones to the daily totals. */
export function insertUsageEventsStatement(events: readonly UsageEvent[]): Statement {
  const [event] = events;
  return event && events.length === 1 ? insertUsageEventStatement(event) : insertGroupStatement(events);
}

/** The event of a write, in its transaction: a third of the cost of a group of one, whose aggregates are set up at each execution. */
function insertUsageEventStatement(event: UsageEvent): Statement {
  const { userId, day, id, at, keyId, transport, operation, method, status, billable, durationMs } = event;
  const { bytesIn, bytesOut, units, tokens, client, requestId, code } = event;
  return {
    name: 'insert_usage_event',
    text: `with event as (
        insert into usage_events (${EVENT_COLUMNS})
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
        on conflict do nothing
        returning user_id, day, transport, operation, api_key_id, client, billable, status, duration_ms, bytes_in, bytes_out, units,
          tokens, at
      )
      insert into usage_daily as d (${DAILY_COLUMNS})
      select
        user_id,
        day,
        transport,
        operation,
        coalesce(api_key_id, '${NO_KEY}'),
        coalesce(split_part(client, '/', 1), ''),
        1,
        billable::integer,
        (status >= 400)::integer,
        duration_ms,
        bytes_in,
        bytes_out,
        units,
        coalesce(tokens, 0),
        at,
        $19::integer[]
      from event
      ${ADD_TO_DAILY_TOTALS}`,
    values: [
      userId,
      day,
      id,
      at,
      keyId,
      transport,
      operation,
      method,
      status,
      billable,
      durationMs,
      bytesIn,
      bytesOut,
      units,
      tokens,
      client,
      requestId,
      code,
      // The column is a `real`.
      countDuration(Math.fround(durationMs)),
    ],
  };
}

/** The events of a group commit, in one statement. */
function insertGroupStatement(events: readonly UsageEvent[]): Statement {
  const column = <K extends keyof UsageEvent>(key: K) => events.map((event) => event[key]);
  return {
    name: 'insert_usage_events',
    text: `with event as (
        insert into usage_events (${EVENT_COLUMNS})
        select *
        from unnest(
          $1::uuid[], $2::date[], $3::uuid[], $4::timestamptz[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::smallint[],
          $10::boolean[], $11::real[], $12::integer[], $13::integer[], $14::integer[], $15::integer[], $16::text[], $17::text[],
          $18::text[]
        )
        on conflict do nothing
        returning *
      ), counted as (
        select event.*, coalesce(api_key_id, '${NO_KEY}') as key_id, coalesce(split_part(client, '/', 1), '') as client_name
        from event
      )
      insert into usage_daily as d (${DAILY_COLUMNS})
      select
        user_id,
        day,
        transport,
        operation,
        key_id,
        client_name,
        count(*),
        count(*) filter (where billable),
        count(*) filter (where status >= 400),
        sum(duration_ms),
        sum(bytes_in),
        sum(bytes_out),
        sum(units),
        coalesce(sum(tokens), 0),
        max(at),
        ${countDurationsSql('duration_ms')}
      from counted
      group by user_id, day, transport, operation, key_id, client_name
      order by user_id, day, transport, operation, key_id, client_name
      ${ADD_TO_DAILY_TOTALS}`,
    values: [
      column('userId'),
      column('day'),
      column('id'),
      column('at'),
      column('keyId'),
      column('transport'),
      column('operation'),
      column('method'),
      column('status'),
      column('billable'),
      column('durationMs'),
      column('bytesIn'),
      column('bytesOut'),
      column('units'),
      column('tokens'),
      column('client'),
      column('requestId'),
      column('code'),
    ],
  };
}

/** Sums the quota units recorded for a user and UTC day: one row, `units`. Runs as admin. */
export function sumDayUnitsStatement(userId: string, day: string): Statement {
  return {
    name: 'sum_day_units',
    text: 'select coalesce(sum(units), 0)::float8 as units from usage_daily where user_id = $1 and day = $2',
    values: [userId, day],
  };
}
