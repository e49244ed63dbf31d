import type { z } from 'zod';
import { close, restore } from '../accounts/lifecycle.ts';
import { me } from '../accounts/me.ts';
import { validateLicense } from '../billing/license.ts';
import { context } from '../context/context.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { OperationId, OperationOf } from '../contracts/index.ts';
import * as keys from '../keys/keys.ts';
import * as many from '../memories/batch.ts';
import { consolidate } from '../memories/consolidate.ts';
import { create } from '../memories/create.ts';
import * as lists from '../memories/list.ts';
import * as statistics from '../memories/stats.ts';
import * as changes from '../memories/update.ts';
import { versions } from '../memories/versions.ts';
import { search } from '../search/search.ts';
import { exportFile, exportState, requestExport } from '../transfer/export.ts';
import { usageCsv } from '../usage/csv.ts';
import { usage } from '../usage/usage.ts';

type Handler<Id extends OperationId> = (
  context: RequestContext,
  caller: Caller,
  input: z.output<OperationOf<Id>['input']>,
) => Promise<z.input<OperationOf<Id>['output']>>;

/** Which domain function does what: the only place where operations meet the domain. */
const handlers: { [Id in OperationId]: Handler<Id> } = {
  'memories.create': create,
  'memories.list': lists.list,
  'memories.batch': many.batch,
  'memories.bulk': many.bulk,
  'memories.get': lists.get,
  'memories.replace': changes.replace,
  'memories.update': changes.update,
  'memories.delete': changes.remove,
  'memories.restore': changes.restore,
  'memories.versions': versions,
  'search.query': search,
  'search.context': context,
  'memories.consolidate': consolidate,
  'tags.list': statistics.tags,
  'tags.normalize': many.normalizeAllTags,
  'stats.get': statistics.stats,
  'user.me': me,
  'user.usage': usage,
  'user.usage_csv': usageCsv,
  'keys.list': keys.list,
  'keys.create': keys.create,
  'keys.update': keys.update,
  'keys.revoke': keys.revoke,
  'keys.rotate': keys.rotate,
  'account.export': requestExport,
  'account.export_state': exportState,
  'account.export_file': exportFile,
  'account.delete': close,
  'account.restore': restore,
  'license.validate': validateLicense,
};

/** The domain function of an operation. Its input must have passed the operation's contract. */
export function handlerOf(id: string): (context: RequestContext, caller: Caller, input: unknown) => Promise<unknown> {
  return handlers[id as OperationId] as (context: RequestContext, caller: Caller, input: unknown) => Promise<unknown>;
}
