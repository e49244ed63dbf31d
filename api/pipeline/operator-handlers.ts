import type { z } from 'zod';
import type { Billing } from '../billing/billing.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { OPERATOR_OPERATIONS, OperationOf } from '../contracts/index.ts';
import * as acts from '../operator/acts.ts';
import * as queues from '../operator/queues.ts';
import * as reconciliation from '../operator/reconciliation.ts';
import * as users from '../operator/users.ts';
import * as webhooks from '../operator/webhooks.ts';

type OperatorOperationId = (typeof OPERATOR_OPERATIONS)[number]['id'];

type Handler<Id extends OperatorOperationId> = (
  context: RequestContext,
  caller: Caller,
  input: z.output<OperationOf<Id>['input']>,
  services: { billing?: Billing | undefined },
) => Promise<z.input<OperationOf<Id>['output']>>;

/** The domain function of each operation of the operator. */
export const operatorHandlers: { [Id in OperatorOperationId]: Handler<Id> } = {
  'admin.users.list': users.list,
  'admin.users.get': users.get,
  'admin.users.audit': users.audit,
  'admin.users.set_plan': acts.setPlan,
  'admin.users.set_overrides': acts.setOverrides,
  'admin.users.close': acts.close,
  'admin.users.restore': acts.restore,
  'admin.keys.revoke': acts.revokeKey,
  'admin.overview': queues.overview,
  'admin.webhooks.list': webhooks.list,
  'admin.webhooks.get': webhooks.get,
  'admin.webhooks.replay': webhooks.replay,
  'admin.jobs.list': queues.listJobs,
  'admin.jobs.retry': queues.retryJob,
  'admin.mails.list': queues.listMails,
  'admin.mails.retry': queues.retryMail,
  'admin.reconciliation.get': (context, _caller, _input, { billing }) => reconciliation.get(context, billing),
  'admin.reconciliation.run': (context, caller, _input, { billing }) => reconciliation.run(context, caller, billing),
};
