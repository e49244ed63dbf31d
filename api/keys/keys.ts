import { findKey, insertKey, type KeyRow, listKeys, updateKey } from '../../db/queries/accounts/api-keys.ts';
import { findUser } from '../../db/queries/accounts/users.ts';
import { findLastCalls, type LastCallRow, sumCallsByKeyAndDay } from '../../db/queries/usage/key-activity.ts';
import { actorOf, audit } from '../audit.ts';
import type { Caller, RequestContext } from '../context.ts';
import { endpointOf } from '../contracts/endpoint.ts';
import { KEY_ACTIVITY_DAYS } from '../contracts/keys.ts';
import { SCOPES, type Scope } from '../contracts/operation.ts';
import { invalidField, Problem } from '../errors.ts';
import { mailOwner } from '../mail/enqueue.ts';
import { DAY_MS } from '../time.ts';
import { recordEvent } from '../webhooks/events.ts';
import { extendsKey, type Permissions, rejectExcess, rejectWiderScopes } from './delegation.ts';
import { displayParts, generateKey, hashKey } from './key-format.ts';

/** Lists the tenant's keys, newest first, including revoked and expired ones, with their last call and their calls by day. */
export async function list(context: RequestContext, caller: Caller) {
  const now = context.now();
  const [first = '', ...others] = lastDays(now);
  const [keys, lastCalls, days] = await Promise.all([
    listKeys(context.sql, caller.userId),
    findLastCalls(context.sql, caller.userId, first),
    sumCallsByKeyAndDay(context.sql, caller.userId, first),
  ]);
  const last = new Map(lastCalls.map((row) => [row.key_id, row]));
  const calls = new Map(days.map((row) => [`${row.key_id} ${row.day}`, row.calls]));
  const results = keys.map((key) => ({
    ...toResponse(key, now),
    last_call: toLastCall(last.get(key.id)),
    calls_by_day: [first, ...others].map((day) => calls.get(`${key.id} ${day}`) ?? 0),
  }));
  return { results, total: keys.length };
}

/** Returns a key with its last call. */
export async function get(context: RequestContext, caller: Caller, input: { id: string }) {
  const now = context.now();
  const [first = ''] = lastDays(now);
  const [key, [last]] = await Promise.all([
    findKey(context.sql, caller.userId, input.id),
    findLastCalls(context.sql, caller.userId, first, input.id),
  ]);
  if (!key) throw new Problem('not_found', { detail: `You have no API key ${input.id}.` });
  return { ...toResponse(key, now), last_call: toLastCall(last) };
}

/** Returns the UTC days of the calls that a list of keys has, oldest first. */
function lastDays(now: Date): string[] {
  return Array.from({ length: KEY_ACTIVITY_DAYS }, (_, index) =>
    new Date(now.getTime() - (KEY_ACTIVITY_DAYS - 1 - index) * DAY_MS).toISOString().slice(0, 10),
  );
}

function toLastCall(row: LastCallRow | undefined) {
  if (!row) return null;
  const { at, transport, operation, client } = row;
  const endpoint = endpointOf(transport, operation);
  return { at: at.toISOString(), transport, client: client === '' ? null : client, operation, endpoint };
}

/**
 * Creates a key within the calling key's scopes, projects, expiry and limit, which are also the defaults. Only this response contains the key
 * itself.
 */
export async function create(
  context: RequestContext,
  caller: Caller,
  input: {
    name: string;
    scopes?: Scope[];
    projects?: string[] | null;
    expires_at?: Date | null;
    rpm_limit?: number | null;
  },
  environment: string,
) {
  const own = await permissionsOf(context, caller);
  const { scopes = own.scopes, projects = own.projects } = input;
  const { expires_at = own.expires_at, rpm_limit = own.rpm_limit } = input;
  rejectExcess({ scopes, projects, expires_at, rpm_limit }, own);
  rejectPastExpiry(context, input.expires_at);
  const wanted = { name: input.name, scopes, projects, expiresAt: expires_at, rpmLimit: rpm_limit, environment };
  const made = await issueKey(context, caller.userId, wanted);
  await auditKey(context, caller, { action: 'keys.create', target: made.key.id });
  await announceKeyCreated(context, caller.userId, made.key);
  return { ...toResponse(made.key, context.now()), api_key: made.apiKey };
}

/**
 * Changes the name, scopes (never wider), projects, expiry or rate limit of a key that is not revoked. Everything that it sets must be within the
 * calling key's permissions; to extend a key, the whole key must be.
 */
export async function update(
  context: RequestContext,
  caller: Caller,
  input: {
    id: string;
    name?: string;
    scopes?: Scope[];
    projects?: string[] | null;
    expires_at?: Date | null;
    rpm_limit?: number | null;
  },
) {
  const key = await lockLiveKey(context, caller, input.id);
  if (input.scopes) rejectWiderScopes(input.scopes, key.scopes, "the key's present");
  rejectPastExpiry(context, input.expires_at);
  const { id, ...changes } = input;
  const next = { ...key, ...Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) };
  const own = await permissionsOf(context, caller);
  rejectExcess(extendsKey(key, next) ? next : changes, own);
  await updateKey(context.sql, caller.userId, next);
  await auditKey(context, caller, { action: 'keys.update', target: id, details: { fields: Object.keys(changes) } });
  return toResponse(next, context.now());
}

/** Revokes a key permanently. Revoking it again changes nothing. */
export async function revoke(context: RequestContext, caller: Caller, input: { id: string }) {
  const key = await findKey(context.sql, caller.userId, input.id, true);
  if (!key) throw new Problem('not_found', { detail: `You have no API key ${input.id}.` });
  if (key.revoked_at) return toResponse(key, context.now());
  const revoked = { ...key, revoked_at: context.now() };
  await updateKey(context.sql, caller.userId, revoked);
  await recordKeyRevoked(context, caller.userId, key, 'revoked');
  await auditKey(context, caller, { action: 'keys.revoke', target: key.id });
  return toResponse(revoked, context.now());
}

/**
 * Creates a key with the same settings, which must be within the calling key's. The old one keeps working for `grace_seconds`, or until
 * it expires if that is sooner.
 */
export async function rotate(
  context: RequestContext,
  caller: Caller,
  input: { id: string; grace_seconds: number },
  environment: string,
) {
  const key = await lockLiveKey(context, caller, input.id);
  // The new key would have the same expiry and be expired from the start.
  if (key.expires_at && key.expires_at <= context.now()) throw liveKeyNotFound(input.id);
  rejectExcess(key, await permissionsOf(context, caller));
  const graceEnd = new Date(context.now().getTime() + input.grace_seconds * 1000);
  const oldEnd = key.expires_at && key.expires_at < graceEnd ? key.expires_at : graceEnd;
  await updateKey(context.sql, caller.userId, { ...key, expires_at: oldEnd });
  const made = await issueKey(context, caller.userId, {
    name: key.name,
    scopes: key.scopes,
    projects: key.projects,
    expiresAt: key.expires_at,
    rpmLimit: key.rpm_limit,
    environment,
  });
  await auditKey(context, caller, { action: 'keys.rotate', target: key.id, details: { replaced_by: made.key.id } });
  await recordEvent(context, caller.userId, 'key.rotated', {
    ...toEvent(made.key),
    previous_key_id: key.id,
    previous_key_expires_at: oldEnd.toISOString(),
  });
  await mailKeyRotated(context, caller.userId, made.key, key, oldEnd);
  return {
    ...toResponse(made.key, context.now()),
    api_key: made.apiKey,
    previous_key_id: key.id,
    previous_key_expires_at: oldEnd.toISOString(),
  };
}

/** Generates a key and stores its hash. Only the result contains the key itself. */
export async function issueKey(
  context: RequestContext,
  userId: string,
  wanted: {
    name: string;
    scopes: string[];
    /** The projects that the key is bound to; null for all. */
    projects: string[] | null;
    expiresAt: Date | null;
    rpmLimit: number | null;
    /** The `<env>` in the key. */
    environment: string;
  },
): Promise<{ apiKey: string; key: KeyRow }> {
  const apiKey = generateKey(wanted.environment);
  const key: KeyRow = {
    id: context.newId(),
    name: wanted.name,
    ...displayParts(apiKey),
    scopes: wanted.scopes,
    projects: wanted.projects,
    rpm_limit: wanted.rpmLimit,
    expires_at: wanted.expiresAt,
    revoked_at: null,
    last_used_at: null,
    created_at: context.now(),
  };
  await insertKey(context.sql, userId, key, hashKey(apiKey));
  return { apiKey, key };
}

/** Records the event of a key that no longer works, for the account's webhooks. */
export function recordKeyRevoked(
  context: Pick<RequestContext, 'sql' | 'now' | 'newId'>,
  userId: string,
  key: KeyRow,
  reason: 'revoked' | 'leaked' | 'unused',
): Promise<void> {
  return recordEvent(context, userId, 'key.revoked', { ...toEvent(key), reason });
}

function toEvent({ id, name, last4 }: KeyRow) {
  return { id, name, last4 };
}

/** Tells the account of a new key: its webhooks, and its owner by e-mail if it has an address. */
export async function announceKeyCreated(context: RequestContext, userId: string, key: KeyRow): Promise<void> {
  await recordEvent(context, userId, 'key.created', toEvent(key));
  const user = await findUser(context.sql, userId);
  if (user) await mailOwner(context, user, 'key_created', describeKey(key));
}

async function mailKeyRotated(context: RequestContext, userId: string, made: KeyRow, previous: KeyRow, until: Date) {
  const user = await findUser(context.sql, userId);
  const previousKey = { previous_last4: previous.last4, previous_until: until.toISOString() };
  if (user) await mailOwner(context, user, 'key_rotated', { ...describeKey(made), ...previousKey });
}

function describeKey({ name, prefix, last4, created_at }: KeyRow) {
  return { name, prefix, last4, at: created_at.toISOString() };
}

function toResponse(key: KeyRow, now: Date) {
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

async function lockLiveKey(context: RequestContext, caller: Caller, id: string): Promise<KeyRow> {
  const key = await findKey(context.sql, caller.userId, id, true);
  if (!key || key.revoked_at) throw liveKeyNotFound(id);
  return key;
}

/** The permissions of a signed-in person: all, without expiry or limit. */
const UNLIMITED: Permissions = { scopes: [...SCOPES], projects: null, expires_at: null, rpm_limit: null };

/** Returns the permissions of the calling key as they are stored: those in a node's cache may be some seconds old. A session has all. */
async function permissionsOf(context: RequestContext, caller: Caller): Promise<Permissions> {
  if (caller.keyId === null) return UNLIMITED;
  const key = await findKey(context.sql, caller.userId, caller.keyId);
  if (!key || key.revoked_at) throw new Problem('unauthenticated');
  return key;
}

function liveKeyNotFound(id: string): Problem {
  return new Problem('not_found', { detail: `You have no live API key ${id}.` });
}

function rejectPastExpiry(context: RequestContext, expiresAt: Date | null | undefined): void {
  if (expiresAt && expiresAt <= context.now())
    throw invalidField('expires_at', 'must be in the future; to disable a key now, revoke it');
}

function auditKey(
  context: RequestContext,
  caller: Caller,
  entry: { action: string; target: string; details?: Record<string, unknown> },
) {
  return audit(context, caller.userId, { actor: actorOf(caller), ...entry });
}
