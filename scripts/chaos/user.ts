import { v7 as uuidv7 } from 'uuid';
import { createUser } from '../../api/accounts/users.ts';
import { issueKey } from '../../api/keys/keys.ts';
import { connect, type Database } from '../../db/client/database.ts';
import { updateOverrides } from '../../db/queries/accounts/users.ts';

/** Limits that a run does not reach. */
const WIDE = { requests_per_minute: 100_000_000, requests_per_day: 100_000_000, storage_bytes: 100_000_000_000 };

/** The account whose keys a run uses. */
export interface ChaosUser {
  userId: string;
  /** A key of all scopes. */
  apiKey: string;
  /** A key that may only read memories. */
  readerKey: string;
}

/** Creates a user with two keys and wide limits, except for `overrides`. */
export async function addChaosUser(database: Database, overrides: { requests_per_minute?: number } = {}) {
  return database.ownerWrite(async (sql): Promise<ChaosUser> => {
    const context = { sql, now: () => new Date(), newId: () => uuidv7() };
    const wanted = {
      email: null,
      plan: 'enterprise',
      keyName: 'chaos',
      keyEnvironment: 'chaos',
      actor: 'chaos',
    } as const;
    const { userId, apiKey } = await createUser(context, wanted);
    await updateOverrides(sql, userId, { ...WIDE, ...overrides }, context.now());
    const reader = {
      name: 'reader',
      scopes: ['memories:read' as const],
      projects: null,
      expiresAt: null,
      rpmLimit: null,
      environment: 'chaos',
    };
    return { userId, apiKey, readerKey: (await issueKey(context, userId, reader)).apiKey };
  });
}

/** Connects to a database, as the role that owns the tables, while `work` runs. */
export async function withDatabase<T>(url: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = connect({ url, onError: () => undefined });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
