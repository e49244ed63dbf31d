import { randomInt } from 'node:crypto';
import type { Sql } from '../../db/client/sql.ts';
import {
  type DeviceLoginRow,
  decideDeviceLogin,
  deleteDeviceLogin,
  deleteOldDeviceLogins,
  findDeviceLogin,
  insertDeviceLogin,
  lockDeviceLogin,
} from '../../db/queries/accounts/device-logins.ts';
import { findUser } from '../../db/queries/accounts/users.ts';
import { actorOf, audit } from '../audit.ts';
import type { Caller, RequestContext } from '../context.ts';
import { DEVICE_LOGIN_SECONDS, DEVICE_POLL_SECONDS } from '../contracts/device-logins.ts';
import { Problem } from '../errors.ts';
import { HOUR_MS } from '../time.ts';
import { announceKeyCreated, issueKey } from './keys.ts';
import { hashToken, newToken } from './secret-token.ts';

/*
 * The device flow of RFC 8628: a program shows a code, a person signed in to the dashboard compares it and approves, and the program,
 * which polls with a secret, gets a new key of the person's account. The key is created when it is fetched, so it is never stored.
 */

/** Consonants without those that are read as others, so that a code is no word. */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ';
const CODE_LENGTH = 8;
const CODE_ATTEMPTS_MAX = 5;
/** Scopes of the key: enough for a client and for the command line, and not for making other keys. */
const DEVICE_SCOPES = ['memories:read', 'memories:write', 'account:read'];

/** Starts a login. Runs as the database owner. */
export async function startDeviceLogin(context: RequestContext & { publicUrl: string }, { name }: { name: string }) {
  const deviceCode = newToken();
  const now = context.now();
  const expiresAt = new Date(now.getTime() + DEVICE_LOGIN_SECONDS * 1_000);
  for (let attempt = 1; attempt <= CODE_ATTEMPTS_MAX; attempt++) {
    const code = newUserCode();
    const login = { user_code: code, name, created_at: now, expires_at: expiresAt };
    if (!(await insertDeviceLogin(context.sql, login, hashToken(deviceCode)))) continue;
    const page = `${context.publicUrl}/app/device`;
    return {
      device_code: deviceCode,
      user_code: written(code),
      verification_uri: page,
      verification_uri_complete: `${page}?code=${written(code)}`,
      expires_in: DEVICE_LOGIN_SECONDS,
      interval: DEVICE_POLL_SECONDS,
    };
  }
  throw new Error('no free code was found');
}

/**
 * Returns the state of a login to its program. The first poll after the approval creates the key; of concurrent polls one gets it.
 * @param context `sql` is a transaction of the database owner
 * @returns the account of a new key beside the response
 */
export async function pollDeviceLogin(
  context: RequestContext,
  { device_code }: { device_code: string },
  environment: string,
) {
  const hash = hashToken(device_code);
  const login = await lockDeviceLogin(context.sql, hash);
  if (!login || login.expires_at <= context.now()) return { response: { status: 'expired' as const, api_key: null } };
  if (login.user_id === null || login.status !== 'approved')
    return { response: { status: login.status, api_key: null } };
  await deleteDeviceLogin(context.sql, hash);
  const user = await findUser(context.sql, login.user_id);
  if (!user || user.status === 'deleted') return { response: { status: 'denied' as const, api_key: null } };
  const permissions = { scopes: DEVICE_SCOPES, projects: null, expiresAt: null, rpmLimit: null };
  const { apiKey, key } = await issueKey(context, user.id, { name: login.name, ...permissions, environment });
  await audit(context, user.id, { actor: 'device_login', action: 'keys.create', target: key.id });
  await announceKeyCreated(context, user.id, key);
  return { response: { status: 'approved' as const, api_key: apiKey }, userId: user.id };
}

/** Returns a login for the page that asks for the decision. @throws Problem `not_found` */
export async function getDeviceLogin(context: RequestContext, caller: Caller, { user_code }: { user_code: string }) {
  const login = await findDeviceLogin(context.sql, user_code);
  const isVisible = login && (login.user_id === null || login.user_id === caller.userId);
  if (!isVisible || login.expires_at <= context.now()) throw loginNotFound(user_code);
  return toResponse(login);
}

/** Approves or denies a login. @throws Problem `not_found` also where it is decided */
export async function decide(
  context: RequestContext,
  caller: Caller,
  { user_code, approve }: { user_code: string; approve: boolean },
) {
  const status = approve ? 'approved' : 'denied';
  const decision = { user_code, user_id: caller.userId, status } as const;
  const login = await decideDeviceLogin(context.sql, decision, context.now());
  if (!login) throw loginNotFound(user_code);
  const entry = { actor: actorOf(caller), action: `device.${status}`, details: { name: login.name } };
  await audit(context, caller.userId, entry);
  return toResponse(login);
}

/** Deletes logins that expired an hour ago and returns their number. Runs as the database owner. */
export function deleteExpiredDeviceLogins(sql: Sql, now: Date): Promise<number> {
  return deleteOldDeviceLogins(sql, new Date(now.getTime() - HOUR_MS));
}

function newUserCode(): string {
  return Array.from({ length: CODE_LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join('');
}

function written(code: string): string {
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}

function toResponse({ user_code, name, status, created_at, expires_at }: DeviceLoginRow) {
  return {
    user_code: written(user_code),
    name,
    status,
    created_at: created_at.toISOString(),
    expires_at: expires_at.toISOString(),
  };
}

function loginNotFound(code: string): Problem {
  return new Problem('not_found', {
    detail: `No login waits with the code ${written(code)}. It may have expired or been decided: run the command again.`,
  });
}
