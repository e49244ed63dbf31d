import { type AppRow, findAppOwner, insertApp, listApps, revokeApp } from '../../db/queries/accounts/apps.ts';
import { findUser } from '../../db/queries/accounts/users.ts';
import { actorOf, audit } from '../audit.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { AppScope } from '../contracts/apps.ts';
import { Problem } from '../errors.ts';
import { mailOwner } from '../mail/enqueue.ts';
import { MINUTE_MS } from '../time.ts';
import type { Consent } from './consent.ts';

/** Apps in a list. */
const APPS_MAX = 100;
/** Time for an app to fetch its first token. Its access ends with it, and each token extends it. */
const FIRST_TOKEN_MS = 10 * MINUTE_MS;

type Context = Pick<RequestContext, 'sql' | 'now' | 'newId'>;

/** Lists the caller's connected apps, newest first. `mcpUrl` is the address at which apps connect. */
export async function list(context: RequestContext, caller: Caller, mcpUrl: string | null) {
  const apps = await listApps(context.sql, caller.userId, context.now(), APPS_MAX);
  const results = apps.map(({ client_host, scopes, created_at, last_used_at, expires_at, ...app }) => ({
    ...app,
    host: client_host,
    scopes: scopes as AppScope[],
    created_at: created_at.toISOString(),
    last_used_at: last_used_at?.toISOString() ?? null,
    expires_at: expires_at.toISOString(),
  }));
  return { results, total: results.length, mcp_url: mcpUrl };
}

/** Ends the access of an app at once. @throws Problem `not_found` */
export async function revoke(context: RequestContext, caller: Caller, { id }: { id: string }) {
  if (!(await disconnect(context, caller.userId, id, actorOf(caller)))) {
    throw new Problem('not_found', { detail: `You have no connected app ${id}. It may have been disconnected.` });
  }
  return { revoked: true as const };
}

/** Ends the access of any user's app, for the operator. @throws Error when there is none */
export async function revokeAny(context: RequestContext, id: string, actor: string) {
  const userId = await findAppOwner(context.sql, id);
  if (userId === undefined) throw new Error(`There is no connected app ${id}.`);
  await disconnect(context, userId, id, actor);
  return { user_id: userId, app_id: id, revoked: true as const };
}

/** Ends the access of an app at once. Returns whether it had any. */
export async function disconnect(context: Context, userId: string, id: string, actor: string): Promise<boolean> {
  const app = await revokeApp(context.sql, userId, id, context.now());
  if (!app) return false;
  await audit(context, userId, { actor, action: 'apps.revoke', target: id, details: describe(app) });
  return true;
}

/**
 * Connects an app as a person allowed, and e-mails the owner of the account. The app has no token yet.
 * @param context `sql` is a transaction of the database owner
 * @returns the id of its access
 * @throws Problem `account_closing` when the account was closed in the meantime
 */
export async function connect(
  context: Context,
  { userId, sessionId, request, scopes, projects }: Consent,
): Promise<string> {
  const user = await findUser(context.sql, userId, true);
  if (!user || user.status === 'closing' || user.status === 'deleted') throw new Problem('account_closing');
  const now = context.now();
  const app: AppRow = {
    id: context.newId(),
    name: request.name,
    client_id: request.client_id,
    client_host: request.host,
    scopes,
    projects,
    expires_at: new Date(now.getTime() + FIRST_TOKEN_MS),
    last_used_at: null,
    created_at: now,
  };
  await insertApp(context.sql, userId, app);
  const actor = `session:${sessionId}`;
  await audit(context, userId, { actor, action: 'apps.connect', target: app.id, details: describe(app) });
  await mailOwner(context, user, 'app_connected', {
    name: app.name,
    host: app.client_host,
    scopes: app.scopes,
    at: now.toISOString(),
  });
  return app.id;
}

function describe({ name, client_host, scopes, projects }: AppRow) {
  return { name, host: client_host, scopes, projects };
}
