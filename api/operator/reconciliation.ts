import { listReconciliationDifferences, listReconciliations } from '../../db/queries/billing/reconciliations.ts';
import { enqueueReconciliation } from '../../db/queries/billing/webhook-inbox.ts';
import { findTaskState } from '../../db/queries/jobs/dead-jobs.ts';
import { reconcileMembershipsJob } from '../../db/queries/jobs/job-types.ts';
import { audit, operatorActor } from '../audit.ts';
import type { Billing } from '../billing/billing.ts';
import type { Caller, RequestContext } from '../context.ts';
import { Problem } from '../errors.ts';
import { redactError } from './redact.ts';

const RUNS_MAX = 10;
const DIFFERENCES_MAX = 100;

/** Returns the last comparisons with Whop, and the differences that they repaired. */
export async function get({ sql }: RequestContext, billing: Billing | undefined) {
  const runs = await listReconciliations(sql, RUNS_MAX);
  const differences = await listReconciliationDifferences(sql, DIFFERENCES_MAX);
  return {
    enabled: billing !== undefined,
    state: await findTaskState(sql, reconcileMembershipsJob.name),
    runs: runs.map((run) => ({
      ...run,
      started_at: run.started_at.toISOString(),
      finished_at: run.finished_at?.toISOString() ?? null,
      error: redactError(run.error),
    })),
    differences: differences.map(({ value_before, value_after, ...row }) => ({
      ...row,
      from: value_before,
      to: value_after,
    })),
  };
}

/** Enqueues a comparison with Whop, unless one waits. @throws Problem `unprocessable` where nothing is sold */
export async function run(context: RequestContext, caller: Caller, billing: Billing | undefined) {
  if (!billing) throw new Problem('unprocessable', { detail: 'This service sells no plans: WHOP_API_KEY is not set.' });
  await enqueueReconciliation(context.sql);
  await audit(context, caller.userId, { actor: operatorActor(caller), action: 'reconciliation.run' });
  return { enqueued: true as const };
}
