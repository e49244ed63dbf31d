import type { KeyRow } from '../../db/queries/accounts/api-keys.ts';
import { invalidField } from '../errors.ts';

/*
 * A key never grants more than it has: the scopes, projects, expiry and rate limit of every key that it creates, changes or rotates
 * stay within its own. So a leaked key with few permissions, or one that is about to expire, cannot be turned into a better one.
 */

/** The permissions of a key. Null projects, expiry or limit are unlimited. */
export type Permissions = Pick<KeyRow, 'scopes' | 'projects' | 'expires_at' | 'rpm_limit'>;

/** Rejects permissions beyond those of the calling key. @throws Problem `unprocessable` */
export function rejectExcess(wanted: Partial<Permissions>, own: Permissions): void {
  if (wanted.scopes) rejectWiderScopes(wanted.scopes, own.scopes, "the calling key's");
  if (wanted.projects !== undefined && isWider(wanted.projects, own.projects))
    throw invalidField('projects', `must be among the calling key's: ${own.projects?.join(', ')}`);
  if (wanted.expires_at !== undefined && isLater(wanted.expires_at, own.expires_at))
    throw invalidField(
      'expires_at',
      `must not be later than the calling key's expiry, ${own.expires_at?.toISOString()}`,
    );
  if (wanted.rpm_limit !== undefined && isHigher(wanted.rpm_limit, own.rpm_limit))
    throw invalidField('rpm_limit', `must not be higher than the calling key's limit, ${own.rpm_limit}`);
}

/** Rejects scopes that are not among the allowed ones. @throws Problem `unprocessable` */
export function rejectWiderScopes(wanted: readonly string[], allowed: readonly string[], whose: string): void {
  const wider = wanted.filter((scope) => !allowed.includes(scope));
  if (wider.length > 0) throw invalidField('scopes', `${wider.join(', ')} exceeds ${whose} scopes`);
}

/** Returns whether a change makes a key valid for longer, adds projects or raises its limit. Scopes are never extended. */
export function extendsKey(before: Permissions, after: Permissions): boolean {
  return (
    isLater(after.expires_at, before.expires_at) ||
    isHigher(after.rpm_limit, before.rpm_limit) ||
    isWider(after.projects, before.projects)
  );
}

function isWider(projects: readonly string[] | null, than: readonly string[] | null): boolean {
  return than !== null && (projects === null || projects.some((project) => !than.includes(project)));
}

function isLater(expiry: Date | null, than: Date | null): boolean {
  return than !== null && (expiry === null || expiry > than);
}

function isHigher(limit: number | null, than: number | null): boolean {
  return than !== null && (limit === null || limit > than);
}
