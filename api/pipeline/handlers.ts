import type { z } from 'zod';
import { auditLog } from '../accounts/audit-log.ts';
import { close, restore } from '../accounts/lifecycle.ts';
import * as sessions from '../auth/session-list.ts';
import type { Billing } from '../billing/billing.ts';
import { validateLicense } from '../billing/license.ts';
import { me } from '../billing/me.ts';
import { memberships } from '../billing/memberships.ts';
import { context } from '../context/context.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { OperationId, OperationOf } from '../contracts/index.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import * as device from '../keys/device-logins.ts';
import * as keys from '../keys/keys.ts';
import { batch } from '../memories/batch.ts';
import { bulk } from '../memories/bulk.ts';
import { consolidate } from '../memories/consolidate.ts';
import { create } from '../memories/create.ts';
import { createTogether, isShort } from '../memories/create-together.ts';
import * as lists from '../memories/list.ts';
import { nearDuplicates } from '../memories/near-duplicates.ts';
import * as projects from '../memories/projects.ts';
import { stats } from '../memories/stats.ts';
import { storage } from '../memories/storage.ts';
import * as tags from '../memories/tags.ts';
import * as changes from '../memories/update.ts';
import { versions } from '../memories/versions.ts';
import * as apps from '../oauth/apps.ts';
import type { OAuthServer } from '../oauth/consent.ts';
import * as consent from '../oauth/consent.ts';
import type { OutgoingPolicy } from '../outgoing/send-request.ts';
import { overview } from '../overview/overview.ts';
import { search } from '../search/search.ts';
import type { Measure } from '../tokens/truncate.ts';
import { downloadExport, getExport, listExports, requestExport } from '../transfer/export.ts';
import * as imports from '../transfer/import/import.ts';
import { usageCsv } from '../usage/csv.ts';
import { requests } from '../usage/requests.ts';
import { usage } from '../usage/usage.ts';
import * as webhooks from '../webhooks/webhooks.ts';
import { operatorHandlers } from './operator-handlers.ts';
import { type Budget, fitContext, fitList, fitMemory, fitPage, shortenHit, shortenMemory } from './token-budget.ts';

/** Services that only some operations need. The table below passes each to the functions that take it. */
interface Services {
  /** Counts the tokens of a result as the call's transport sends it. */
  measure: Measure;
  /** Embed memories and queries. */
  embedders: Embedders;
  billing?: Billing | undefined;
  oauth?: OAuthServer | undefined;
  /** The `<env>` of new keys. */
  keyEnvironment: string;
  /** Where URLs of customers may lead. */
  outgoing: OutgoingPolicy;
}

type Handler<Id extends OperationId> = (
  context: RequestContext,
  caller: Caller,
  input: z.output<OperationOf<Id>['input']>,
  services: Services,
) => Promise<z.input<OperationOf<Id>['output']>>;

/** The domain function of each operation: the only place where operations meet the domain. */
const handlers: { [Id in OperationId]: Handler<Id> } = {
  'memories.create': withEmbedders(create),
  'memories.list': fitted(lists.list, fitPage(shortenMemory)),
  'memories.batch': withEmbedders(batch),
  'memories.bulk': withEmbedders(bulk),
  'memories.get': fitted(lists.get, fitMemory),
  'memories.replace': withEmbedders(changes.replace),
  'memories.update': withEmbedders(changes.update),
  'memories.delete': withEmbedders(changes.remove),
  'memories.restore': withEmbedders(changes.restore),
  'memories.versions': versions,
  'memories.near_duplicates': nearDuplicates,
  'search.query': fitted(search, fitPage(shortenHit)),
  'search.context': fitted(context, fitContext),
  'memories.consolidate': fitted(consolidate, fitList),
  'tags.list': tags.tags,
  'tags.update': withEmbedders(tags.updateTag),
  'tags.delete': withEmbedders(tags.deleteTag),
  'tags.normalize': withEmbedders(tags.normalizeAllTags),
  'projects.list': projects.projects,
  'projects.update': withEmbedders(projects.updateProject),
  'projects.delete': withEmbedders(projects.deleteProject),
  'imports.start': withEmbedders(imports.start),
  'imports.list': imports.list,
  'imports.get': imports.get,
  'imports.upload': imports.upload,
  'imports.run': withEmbedders(imports.run),
  'imports.report': imports.report,
  'imports.delete': imports.remove,
  'stats.get': (context, caller, _input, { embedders }) => stats(context, caller, embedders),
  'user.me': me,
  'stats.storage': storage,
  'user.overview': overview,
  'user.usage': usage,
  'user.requests': requests,
  'user.memberships': (context, caller, _input, { billing }) => memberships(context, caller, billing),
  'user.audit_log': auditLog,
  'user.usage_csv': usageCsv,
  'keys.list': keys.list,
  'keys.get': keys.get,
  'keys.create': (context, caller, input, { keyEnvironment }) => keys.create(context, caller, input, keyEnvironment),
  'keys.update': keys.update,
  'keys.revoke': keys.revoke,
  'keys.rotate': (context, caller, input, { keyEnvironment }) => keys.rotate(context, caller, input, keyEnvironment),
  'webhooks.list': webhooks.list,
  'webhooks.create': (context, caller, input, { outgoing }) => webhooks.create(context, caller, input, outgoing),
  'webhooks.get': webhooks.get,
  'webhooks.update': (context, caller, input, { outgoing }) => webhooks.update(context, caller, input, outgoing),
  'webhooks.delete': webhooks.remove,
  'webhooks.test': webhooks.test,
  'webhooks.rotate_secret': webhooks.rotateSecret,
  'webhooks.deliveries': webhooks.deliveries,
  'webhooks.replay': webhooks.replay,
  'apps.list': (context, caller, _input, { oauth }) => apps.list(context, caller, oauth ? `${oauth.url()}/mcp` : null),
  'apps.revoke': apps.revoke,
  'apps.get_request': (context, _caller, input, { oauth }) => consent.getRequest(context, input, oauth),
  'apps.decide_request': (context, caller, input, { oauth }) => consent.decide(context, caller, input, oauth),
  'device.get': device.getDeviceLogin,
  'device.decide': device.decide,
  'sessions.list': sessions.list,
  'sessions.revoke': sessions.revoke,
  'sessions.revoke_all': sessions.revokeAll,
  'account.export': requestExport,
  'account.export_state': getExport,
  'account.exports': listExports,
  'account.export_file': downloadExport,
  'account.delete': close,
  'account.restore': restore,
  'license.validate': (context, caller, input, { billing }) => validateLicense(context, caller, input, billing),
  ...operatorHandlers,
};

/** Passes the embedders to a domain function that indexes memories. */
function withEmbedders<Input, Response>(
  act: (context: RequestContext, caller: Caller, input: Input, embedders: Embedders) => Promise<Response>,
) {
  return (context: RequestContext, caller: Caller, input: Input, { embedders }: Services): Promise<Response> =>
    act(context, caller, input, embedders);
}

/** Combines a domain function, which returns a full result, with the step that fits it to the call's `max_tokens`. */
function fitted<Input, Full, Response>(
  act: (context: RequestContext, caller: Caller, input: Input, embedders: Embedders) => Promise<Full>,
  fitResult: (full: Full, budget?: Budget) => Response,
) {
  type Fitted = Input & { max_tokens?: number | undefined };
  return async (
    context: RequestContext,
    caller: Caller,
    input: Fitted,
    { measure, embedders }: Services,
  ): Promise<Response> => {
    const full = await act(context, caller, input, embedders);
    return fitResult(full, input.max_tokens === undefined ? undefined : { maxTokens: input.max_tokens, measure });
  };
}

type AnyHandler = (context: RequestContext, caller: Caller, input: unknown, services: Services) => Promise<unknown>;

/**
 * Returns the function that runs an operation. Its input must have passed the operation's contract.
 */
export function handlerOf(id: string): AnyHandler {
  return handlers[id as OperationId] as AnyHandler;
}

/** Executes several calls of an operation by one account in one transaction. */
interface GroupHandler<Id extends OperationId> {
  /** Returns whether a call can be one of a group. */
  accepts(input: z.output<OperationOf<Id>['input']>): boolean;
  /** Returns the result of each call, in their order. An error rejects all. */
  act(
    context: RequestContext,
    calls: readonly { caller: Caller; input: z.output<OperationOf<Id>['input']> }[],
    services: Pick<Services, 'embedders'>,
  ): Promise<z.input<OperationOf<Id>['output']>[]>;
}

/** The operations whose concurrent calls are executed together. Their results cost nothing beyond the call. */
const groupHandlers: { [Id in OperationId]?: GroupHandler<Id> } = {
  'memories.create': {
    accepts: isShort,
    act: (context, calls, { embedders }) => createTogether(context, calls, embedders),
  },
};

interface AnyGroupHandler {
  accepts(input: unknown): boolean;
  act(
    context: RequestContext,
    calls: readonly { caller: Caller; input: unknown }[],
    services: Pick<Services, 'embedders'>,
  ): Promise<unknown[]>;
}

/** Returns what executes several calls of an operation together; undefined where nothing does. */
export function groupHandlerOf(id: string): AnyGroupHandler | undefined {
  return groupHandlers[id as OperationId] as AnyGroupHandler | undefined;
}
