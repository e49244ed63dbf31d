import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sql } from '../../db/client/sql.ts';
import { findUsersByEmail, type UserRow } from '../../db/queries/accounts/users.ts';
import type { RequestContext } from '../context.ts';
import { SCOPES } from '../contracts/operation.ts';
import { issueKey } from '../keys/keys.ts';
import { createUser } from './users.ts';

/** E-mail address of the account that a service with an embedded database creates for the person who started it. */
const LOCAL_OWNER = 'owner@localhost';

interface LocalCredentials {
  url: string;
  api_key: string;
}

/**
 * Ensures that the user of this machine has an account on the enterprise plan and a key, which `credentials.json` keeps readable
 * by them alone. Returns the key and whether it is new.
 * @param context `sql` is a transaction of the database owner
 */
export async function ensureLocalOwner(
  context: RequestContext,
  dataDir: string,
  keyEnvironment: string,
): Promise<{ apiKey: string; isNew: boolean }> {
  const kept = await readCredentials(dataDir);
  const owner = await findLocalOwner(context.sql);
  if (kept && owner) return { apiKey: kept.api_key, isNew: false };
  if (!owner) {
    const wanted = {
      email: LOCAL_OWNER,
      plan: 'enterprise',
      keyName: 'Local key',
      keyEnvironment,
      actor: 'start',
    } as const;
    return { apiKey: (await createUser(context, wanted)).apiKey, isNew: true };
  }
  const wanted = {
    name: 'Local key',
    scopes: [...SCOPES],
    projects: null,
    expiresAt: null,
    rpmLimit: null,
    environment: keyEnvironment,
  };
  return { apiKey: (await issueKey(context, owner.id, wanted)).apiKey, isNew: true };
}

/** Returns the account of the person who runs the service; undefined where there is none. Runs as the database owner. */
export async function findLocalOwner(sql: Sql): Promise<UserRow | undefined> {
  return (await findUsersByEmail(sql, LOCAL_OWNER))[0];
}

/** Reads the credentials that `npm start` wrote for the bridge; undefined when they are missing or unreadable. */
export async function readCredentials(dataDir: string): Promise<LocalCredentials | undefined> {
  try {
    const kept = JSON.parse(await readFile(fileIn(dataDir), 'utf8'));
    return typeof kept.api_key === 'string' && typeof kept.url === 'string' ? kept : undefined;
  } catch {
    return undefined;
  }
}

/** Writes URL and key for the bridge, atomically and with mode 0600. */
export async function writeCredentials(dataDir: string, credentials: LocalCredentials): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  const part = `${fileIn(dataDir)}.part`;
  await writeFile(part, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
  await chmod(part, 0o600);
  await rename(part, fileIn(dataDir));
}

function fileIn(dataDir: string): string {
  return join(dataDir, 'credentials.json');
}
