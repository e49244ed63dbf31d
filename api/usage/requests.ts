import { z } from 'zod';
import type { Transport } from '../../db/queries/usage/events.ts';
import { findLastScanned, listRequests, type RequestFilter, type RequestRow } from '../../db/queries/usage/requests.ts';
import type { Caller, RequestContext } from '../context.ts';
import { endpointOf } from '../contracts/endpoint.ts';
import { id } from '../contracts/fields.ts';
import { invalidField } from '../errors.ts';
import { decodeCursor, encodeCursor } from '../listing/cursor.ts';
import { DAY_MS } from '../time.ts';

/** Days that the request log reaches back. */
export const LOG_DAYS = 7;

const POSITION = z.tuple([z.iso.date(), id]);
/** Bounds of the status codes in each class. */
const STATUSES: Record<string, [min: number, max: number]> = {
  ok: [0, 399],
  error: [400, 999],
  client_error: [400, 499],
  server_error: [500, 999],
};

interface LogInput {
  from?: Date | undefined;
  to?: Date | undefined;
  key_id?: string | undefined;
  client?: string | undefined;
  transport?: Transport | undefined;
  operation?: string | undefined;
  status?: 'ok' | 'error' | 'client_error' | 'server_error' | undefined;
  limit: number;
  cursor?: string | undefined;
}

/**
 * Lists the account's calls of the last days, newest first. A page looks through a bounded number of calls: with a filter that matches
 * little, it may be short or empty and still have a next one.
 */
export async function requests(context: RequestContext, caller: Caller, input: LogInput) {
  const { limit, cursor, ...query } = input;
  const after = cursor === undefined ? undefined : decodeCursor(query, cursor, POSITION);
  const filter = toFilter(context.now(), input);
  const rows = await listRequests(context.sql, caller.userId, filter, { after, limit: limit + 1 });
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  if (last && rows.length > limit) return page(shown, encodeCursor(query, [last.day, last.id]), last.at);
  const scanned = await findLastScanned(context.sql, caller.userId, filter, after);
  return page(shown, scanned ? encodeCursor(query, scanned.position) : null, scanned?.at ?? filter.from);
}

function page(rows: readonly RequestRow[], nextCursor: string | null, searchedTo: Date) {
  return { results: rows.map(toResponse), next_cursor: nextCursor, searched_to: searchedTo.toISOString() };
}

/** Serializes a recorded call. */
export function toResponse({ day: _day, units, at, ...row }: RequestRow) {
  return {
    ...row,
    at: at.toISOString(),
    endpoint: endpointOf(row.transport, row.operation),
    duration_ms: Math.round(row.duration_ms * 100) / 100,
    quota_units: units,
  };
}

function toFilter(now: Date, input: LogInput): RequestFilter {
  const oldest = new Date(now.getTime() - LOG_DAYS * DAY_MS);
  // Calls that end in this millisecond are included.
  const newest = new Date(now.getTime() + 1);
  if (input.from && input.to && input.from >= input.to) throw invalidField('from', 'must be before `to`');
  const [statusMin, statusMax] = STATUSES[input.status ?? ''] ?? [];
  return {
    from: input.from && input.from > oldest ? input.from : oldest,
    to: input.to && input.to < newest ? input.to : newest,
    keyId: input.key_id,
    client: input.client,
    transport: input.transport,
    operation: input.operation,
    statusMin,
    statusMax,
  };
}
