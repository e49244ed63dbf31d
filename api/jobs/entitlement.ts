import { hasLapsed } from '../billing/lapse-check.ts';
import type { TaskContext } from './define-task.ts';

/** Checks with Whop that an account still has no plan, before its data is purged. True when billing is off. */
export async function isStillWithoutPlan({ billing }: TaskContext, userId: string): Promise<boolean> {
  return billing === undefined || hasLapsed(billing, userId);
}
