import { z } from 'zod';
import { type KeyRow, listKeys } from '../../db/queries/accounts/api-keys.ts';
import {
  countSessions,
  findUserDetails,
  type ListedUserRow,
  searchUsers,
} from '../../db/queries/accounts/operator-users.ts';
import { listMemberships } from '../../db/queries/billing/memberships.ts';
import { findTenantEmbedding } from '../../db/queries/search/embedding-backlog.ts';
import { sumUsage } from '../../db/queries/usage/totals.ts';
import { auditLog } from '../accounts/audit-log.ts';
import { grantsAccess } from '../billing/tiers.ts';
import type { Caller, RequestContext } from '../context.ts';
import { id } from '../contracts/fields.ts';
import type { Scope } from '../contracts/operation.ts';
import { Problem } from '../errors.ts';
import { limitsOf } from '../limits/plans.ts';
import { decodeCursor, encodeCursor } from '../listing/cursor.ts';
import { DAY_MS } from '../time.ts';
import { utcDay } from '../usage/usage.ts';

const USAGE_DAYS = 30;
const KEYS_MAX = 200;
const HEX_ID = /^[0-9a-f]{1,32}$/i;
const POSITION = z.tuple([id]);

/** Finds accounts by the beginning of an e-mail address, a Whop user id or an account id. */
export async function list(
  context: RequestContext,
  _caller: Caller,
  input: { query?: string | undefined; limit: number; cursor?: string | undefined },
) {
  const query = input.query ?? '';
  const bound = ['admin.users', query];
  const before = input.cursor === undefined ? undefined : decodeCursor(bound, input.cursor, POSITION)[0];
  const search = query === '' ? undefined : { email: query, whopUserId: query, ids: idRange(query) };
  const rows = await searchUsers(context.sql, search, { before, limit: input.limit + 1 });
  const shown = rows.slice(0, input.limit);
  const last = shown.at(-1);
  return {
    results: shown.map(toAccount),
    next_cursor: last && rows.length > shown.length ? encodeCursor(bound, [last.id]) : null,
  };
}

/** Returns an account with its plan, usage, memberships and keys; of its memories only their number. @throws Problem `not_found` */
export async function get(context: RequestContext, _caller: Caller, input: { id: string }) {
  const { sql } = context;
  const now = context.now();
  const user = await findUserDetails(sql, input.id);
  if (!user) throw userNotFound(input.id);
  const today = utcDay(now);
  const days = await sumUsage(sql, user.id, utcDay(new Date(now.getTime() - (USAGE_DAYS - 1) * DAY_MS)), today, 'day');
  const keys = await listKeys(sql, user.id);
  const memberships = await listMemberships(sql, user.id);
  const { pending, failed } = await findTenantEmbedding(sql, user.id);
  const sessions = await countSessions(sql, user.id, now);
  const { requests_per_minute, requests_per_day, storage_bytes } = limitsOf(user.plan, user.overrides);
  const ofToday = days.find(({ day }) => day === today);
  return {
    ...toAccount(user),
    read_only_since: user.read_only_since?.toISOString() ?? null,
    closing_since: user.closing_since?.toISOString() ?? null,
    purge_at: user.purge_at?.toISOString() ?? null,
    overrides: user.overrides,
    limits: { requests_per_minute, requests_per_day, storage_bytes },
    usage: {
      quota_units_today: ofToday?.quota_units ?? 0,
      today: sumOf(ofToday ? [ofToday] : []),
      last_30_days: sumOf(days),
      days: days.map((day) => ({ day: day.day as string, ...sumOf([day]) })),
    },
    embedding: { pending, failed },
    sessions,
    memberships: memberships.map((row) => ({
      id: row.id,
      status: row.status,
      grants_access: grantsAccess(row.status),
      plan: row.tier,
      period_end: row.period_end?.toISOString() ?? null,
      cancel_at_period_end: row.cancel_at_period_end,
      confirmed: row.confirmed,
    })),
    keys: keys.slice(0, KEYS_MAX).map((key) => toKey(key, now)),
  };
}

/** Lists what was done to an account, as its owner sees it. @throws Problem `not_found` */
export async function audit(
  context: RequestContext,
  _caller: Caller,
  { id: userId, ...page }: { id: string; limit: number; cursor?: string | undefined },
) {
  if (!(await findUserDetails(context.sql, userId))) throw userNotFound(userId);
  return auditLog(context, { userId }, page);
}

/** Creates the error of an account that does not exist. */
export function userNotFound(id: string): Problem {
  return new Problem('not_found', { detail: `There is no account ${id}.` });
}

function toAccount(row: ListedUserRow) {
  return {
    id: row.id,
    email: row.email,
    whop_user_id: row.whop_user_id,
    plan: row.plan,
    status: row.status,
    is_operator: row.is_operator,
    created_at: row.created_at.toISOString(),
    last_seen_at: row.last_seen_at?.toISOString() ?? null,
    storage_bytes: row.storage_bytes,
    memories: row.memories,
  };
}

function toKey(key: KeyRow, now: Date) {
  return {
    ...key,
    scopes: key.scopes as Scope[],
    active: !key.revoked_at && (!key.expires_at || key.expires_at > now),
    expires_at: key.expires_at?.toISOString() ?? null,
    revoked_at: key.revoked_at?.toISOString() ?? null,
    last_used_at: key.last_used_at?.toISOString() ?? null,
    created_at: key.created_at.toISOString(),
  };
}

/** Returns the smallest and the largest id that begins with a text; undefined for a text that no id begins with. */
function idRange(text: string): readonly [string, string] | undefined {
  const digits = text.replaceAll('-', '');
  return HEX_ID.test(digits) ? [digits.padEnd(32, '0'), digits.padEnd(32, 'f')] : undefined;
}

function sumOf(rows: readonly { calls: number; billable: number; errors: number }[]) {
  const sum = (field: 'calls' | 'billable' | 'errors') => rows.reduce((total, row) => total + row[field], 0);
  return { calls: sum('calls'), billable: sum('billable'), errors: sum('errors') };
}
