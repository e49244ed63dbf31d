import type Router from '@koa/router';
import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import { connect } from '../../api/oauth/apps.ts';
import { redeemTicket, requestEnded, saveRequest } from '../../api/oauth/consent.ts';
import type { PipelineDependencies } from '../../api/pipeline/dependencies.ts';
import { redirectHost } from './client-metadata.ts';
import { knownScopes } from './parameters.ts';

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;

interface InteractionOptions {
  provider: Provider;
  pipeline: Pick<PipelineDependencies, 'database' | 'now' | 'newId' | 'publicUrl'>;
  /** Canonical address of the MCP server. */
  resource: string;
}

/**
 * Adds the two steps of a request between the authorization server and the dashboard: to the consent screen, and back with its
 * decision. Both need the cookie of the browser in which the app opened the request.
 */
export function interactionRoutes(router: Router, { provider, pipeline, resource }: InteractionOptions): void {
  const { database, now, newId, publicUrl } = pipeline;

  router.get('/interaction/:uid', async (ctx: Context) => {
    const { uid, exp, params } = await interactionOf(provider, ctx);
    const clientId = String(params.client_id);
    const client = await provider.Client.find(clientId);
    const host = redirectHost(String(params.redirect_uri));
    const scopes = knownScopes(String(params.scope));
    const request = { name: client?.clientName ?? host, client_id: clientId, host, scopes };
    await saveRequest({ sql: database.owner, now }, uid, request, new Date(exp * 1000));
    ctx.redirect(`${publicUrl()}/app/authorize/${uid}`);
  });

  router.get('/interaction/:uid/finish', async (ctx: Context) => {
    const { uid, params } = await interactionOf(provider, ctx);
    const { ticket } = ctx.query;
    if (typeof ticket !== 'string') throw requestEnded();
    const { consent, grantId } = await database.ownerWrite(async (sql) => {
      const decided = await redeemTicket({ sql, now }, uid, ticket);
      return { consent: decided, grantId: decided.allowed ? await connect({ sql, now, newId }, decided) : undefined };
    });
    if (grantId === undefined) {
      const result = { error: 'access_denied', error_description: 'The person denied the request.' };
      return ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result));
    }
    const grant = new provider.Grant({ accountId: consent.userId, clientId: String(params.client_id) });
    grant.jti = grantId;
    grant.addResourceScope(resource, consent.scopes.join(' '));
    await grant.save();
    const login = { accountId: consent.userId, remember: false };
    ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, { login, consent: { grantId } }));
  });
}

/** Returns the request that the browser started. @throws Problem `not_found` */
async function interactionOf(provider: Provider, ctx: Context): Promise<Interaction> {
  const found = await provider.interactionDetails(ctx.req, ctx.res).catch((error: unknown) => {
    if (error instanceof Error && error.name === 'SessionNotFound') throw requestEnded();
    throw error;
  });
  if (found.uid !== ctx.params.uid) throw requestEnded();
  return found;
}
