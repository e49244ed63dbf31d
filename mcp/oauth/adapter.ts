import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';
import { hashToken } from '../../api/keys/secret-token.ts';
import { disconnect } from '../../api/oauth/apps.ts';
import { DAY_MS } from '../../api/time.ts';
import type { Database } from '../../db/client/database.ts';
import * as artifacts from '../../db/queries/accounts/oauth-artifacts.ts';
import * as clients from '../../db/queries/accounts/oauth-clients.ts';

const SECOND_MS = 1_000;

export interface AdapterOptions {
  database: Database;
  now: () => Date;
  newId: () => string;
}

/**
 * Time in which a refresh token may be used again: a client whose connection broke did not get the new one, and two windows of one
 * client refresh at once. A later second use means that the token was copied, and ends the app's access.
 */
export const REUSE_GRACE_MS = 30 * SECOND_MS;
/** Time for which the second use of a code or a refresh token is noticed. */
const KEPT_USED_MS = 7 * DAY_MS;

/** A client's secret is stored as its digest, which `compareClientSecret` of the provider compares. */
export const digestOf = (secret: string): string => hashToken(secret).toString('base64url');

/** Stores the provider's state in PostgreSQL, so that any node continues what another began, also after a restart. */
export function createAdapters(options: AdapterOptions): AdapterFactory {
  const makers: Record<string, ((options: AdapterOptions) => Partial<Adapter>) | undefined> = {
    Client: clientAdapter,
    // The OAuth server has no sessions: each request needs a decision in the dashboard.
    Session: () => ({ upsert: async () => undefined, find: async () => undefined, destroy: async () => undefined }),
  };
  return (name) => ({ ...artifactAdapter(name, options), ...makers[name]?.(options) });
}

function clientAdapter({ database, now }: AdapterOptions): Partial<Adapter> {
  return {
    async upsert(id, { client_secret, ...metadata }) {
      const secret = client_secret === undefined ? {} : { client_secret: digestOf(client_secret) };
      await clients.upsertClient(database.owner, id, { ...metadata, ...secret }, now());
    },
    find: async (id) => (await clients.findClient(database.owner, id, now())) as AdapterPayload | undefined,
    destroy: (id) => clients.deleteClient(database.owner, id),
  };
}

function artifactAdapter(kind: string, { database, now, newId }: AdapterOptions): Adapter {
  const revoke = async (grantId: string) => {
    const userId = await artifacts.findGrantOwner(database.owner, hashToken(grantId));
    if (!userId) return;
    await database.ownerWrite((sql) => disconnect({ sql, now, newId }, userId, grantId, `app:${grantId}`));
  };
  return {
    async upsert(id, { jti: _id, ...payload }, ttlSeconds) {
      const grant = grantOf(kind, id, payload);
      const expiresAt = new Date(now().getTime() + (ttlSeconds ?? 0) * SECOND_MS);
      const idHash = hashToken(id);
      await database.ownerWrite(async (sql) => {
        await artifacts.upsertArtifact(sql, { kind, idHash, grant, payload, expiresAt });
        if (grant && (kind === 'AccessToken' || kind === 'RefreshToken')) {
          await artifacts.extendGrant(sql, grant, expiresAt);
        }
        if (grant && kind === 'AccessToken') {
          const scopes = payload.scope?.split(' ').filter(Boolean) ?? [];
          await artifacts.insertAccessToken(sql, grant, { hash: idHash, scopes, expiresAt });
        }
      });
    },
    async find(id) {
      const found = await artifacts.findArtifact<AdapterPayload>(database.owner, kind, hashToken(id));
      if (!found) return undefined;
      const usedAt = found.consumed_at?.getTime();
      const isUsed = usedAt !== undefined && !(kind === 'RefreshToken' && now().getTime() - usedAt < REUSE_GRACE_MS);
      return { ...found.payload, jti: id, ...(isUsed && { consumed: Math.floor(usedAt / SECOND_MS) }) };
    },
    consume: (id) =>
      artifacts.consumeArtifact(database.owner, kind, hashToken(id), {
        now: now(),
        keptUntil: new Date(now().getTime() + KEPT_USED_MS),
      }),
    async destroy(id) {
      if (kind === 'Grant') await revoke(id);
      else await artifacts.deleteArtifact(database.owner, kind, hashToken(id));
    },
    revokeByGrantId: revoke,
    // Of the device flow and of sessions, which this server does not have.
    findByUserCode: async () => undefined,
    findByUid: async () => undefined,
  };
}

function grantOf(kind: string, id: string, { accountId, grantId }: AdapterPayload): artifacts.GrantId | null {
  const ofArtifact = kind === 'Grant' ? id : grantId;
  return accountId && ofArtifact ? { userId: accountId, grantId: ofArtifact } : null;
}
