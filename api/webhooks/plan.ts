import type { PlanName } from '../../db/queries/accounts/users.ts';
import { applyPlanToWebhooks } from '../../db/queries/webhooks/webhooks.ts';
import type { RequestContext } from '../context.ts';
import { PLANS } from '../limits/plans.ts';

/** Disables the webhooks of an account that moves to a plan without them, and enables them again when it moves back. */
export function applyPlan(
  { sql, now }: Pick<RequestContext, 'sql' | 'now'>,
  userId: string,
  plan: PlanName,
): Promise<void> {
  return applyPlanToWebhooks(sql, userId, PLANS[plan].limits.webhooks, now());
}
