import { changeQuota, type QuotaChange } from '../../db/queries/usage/quotas.ts';
import type { Caller, RequestContext } from '../context.ts';
import { Problem } from '../errors.ts';

/**
 * Moves what the tenant stores. Growth beyond the plan's storage is refused, which takes the whole transaction back;
 * what shrinks always passes.
 * @param growth bytes of memories and kept versions together
 * @throws Problem `storage_full`
 */
export async function moveStorage(context: RequestContext, caller: Caller, growth: QuotaChange): Promise<void> {
  const { storage_bytes } = await changeQuota(context.sql, caller.userId, growth);
  requireRoom(caller, storage_bytes, growth.bytes);
}

/**
 * Refuses growth that went beyond the plan's storage.
 * @param stored bytes with the growth in them
 * @throws Problem `storage_full`
 */
export function requireRoom(caller: Caller, stored: number, growth: number): void {
  const limit = caller.limits.storage_bytes;
  if (growth <= 0 || stored <= limit) return;
  throw new Problem('storage_full', {
    detail: `This would take ${stored} bytes; the ${caller.plan} plan stores ${limit}. Delete memories for good, or move to a larger plan.`,
    extra: { storage_bytes: stored - growth, limit_bytes: limit },
  });
}
