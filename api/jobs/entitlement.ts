import { hasLapsed } from '../billing/still-gone.ts';
import type { TaskContext } from './define-task.ts';

/** Asks Whop whether an account still has no plan, before its data is purged. True where nothing is sold. */
export async function isStillWithoutPlan({ billing }: TaskContext, userId: string): Promise<boolean> {
  return billing === undefined || hasLapsed(billing, userId);
}
