import type { z } from 'zod';
import { exportFile, exportState, requestExport } from '../account/export.ts';
import * as keys from '../account/keys.ts';
import { close, restore } from '../account/lifecycle.ts';
import { me } from '../account/me.ts';
import { usage } from '../account/usage.ts';
import { usageCsv } from '../account/usage-csv.ts';
import { validateLicense } from '../billing/license.ts';
import type { OperationId, OperationOf } from '../contracts/index.ts';
import type { Caller, Deps } from '../domain.ts';
import * as changes from '../memory/change.ts';
import { consolidate } from '../memory/consolidate.ts';
import * as lists from '../memory/list.ts';
import * as many from '../memory/many.ts';
import { create } from '../memory/remember.ts';
import * as statistics from '../memory/stats.ts';
import { versions } from '../memory/versions.ts';
import { context } from '../retrieval/context.ts';
import { search } from '../retrieval/search.ts';

type Handler<Id extends OperationId> = (
  deps: Deps,
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
export function handlerOf(id: string): (deps: Deps, caller: Caller, input: unknown) => Promise<unknown> {
  return handlers[id as OperationId] as (deps: Deps, caller: Caller, input: unknown) => Promise<unknown>;
}
