import type { InputOf } from '../../api/client.ts';

const DAY_MS = 86_400_000;
const DAY = /^\d{4}-\d\d-\d\d$/;

export const GROUPS = ['operation', 'key', 'client', 'transport'] as const;
export type Group = (typeof GROUPS)[number];
const TRANSPORTS = ['rest', 'mcp_http', 'mcp_stdio', 'dashboard'] as const;
const STATUSES = ['ok', 'error', 'client_error', 'server_error'] as const;

/** Which calls are shown. */
export interface CallFilter {
  key?: string;
  client?: string;
  transport?: (typeof TRANSPORTS)[number];
}

/** State of the screen Usage in the URL: a number of days, or a range. */
export interface UsageSearch extends CallFilter {
  days?: number;
  from?: string;
  to?: string;
  by?: Group;
}

/** State of the request log in the URL. */
export interface RequestsSearch extends CallFilter {
  status?: (typeof STATUSES)[number];
  operation?: string;
}

type Raw = Record<string, unknown>;

/** Reads the state of the screen Usage from the URL. */
export function readUsageSearch(raw: Raw): UsageSearch {
  const { days, from, to } = raw;
  const by = oneOf(GROUPS, raw.by);
  return {
    ...readFilter(raw),
    ...(typeof days === 'number' && days >= 1 && days <= 400 && { days: Math.trunc(days) }),
    ...(typeof from === 'string' && DAY.test(from) && { from }),
    ...(typeof to === 'string' && DAY.test(to) && { to }),
    ...(by && { by }),
  };
}

/** Reads the state of the request log from the URL. */
export function readRequestsSearch(raw: Raw): RequestsSearch {
  const status = oneOf(STATUSES, raw.status);
  return {
    ...readFilter(raw),
    ...(status && { status }),
    ...(typeof raw.operation === 'string' && { operation: raw.operation }),
  };
}

function readFilter({ key, client, transport }: Raw): CallFilter {
  const known = oneOf(TRANSPORTS, transport);
  return {
    ...(typeof key === 'string' && { key }),
    ...(typeof client === 'string' && { client }),
    ...(known && { transport: known }),
  };
}

function oneOf<Value extends string>(values: readonly Value[], value: unknown): Value | undefined {
  return values.find((candidate) => candidate === value);
}

/** Returns the first and last UTC day of the range that the screen shows; by default the last 30 days. */
export function rangeOf({ days = 30, from, to }: UsageSearch, now = Date.now()): { from: string; to: string } {
  const last = to ?? new Date(now).toISOString().slice(0, 10);
  return { from: from ?? new Date(Date.parse(last) - (days - 1) * DAY_MS).toISOString().slice(0, 10), to: last };
}

/** Lists the UTC days of a range, oldest first; none for a range that ends before it starts, and 400 at most. */
export function daysOf({ from, to }: { from: string; to: string }): string[] {
  const count = Math.min(400, Math.max(0, (Date.parse(to) - Date.parse(from)) / DAY_MS + 1));
  return Array.from({ length: count }, (_, day) =>
    new Date(Date.parse(from) + day * DAY_MS).toISOString().slice(0, 10),
  );
}

/** Returns the filter as fields of an operation. */
export function toFilterInput({
  key,
  client,
  transport,
}: CallFilter): Pick<InputOf<'user.usage'>, 'key_id' | 'client' | 'transport'> {
  return { ...(key && { key_id: key }), ...(client && { client }), ...(transport && { transport }) };
}
