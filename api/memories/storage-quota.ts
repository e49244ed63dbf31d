import { changeQuota, type QuotaChange } from '../../db/queries/usage/quotas.ts';
import type { Caller, RequestContext } from '../context.ts';
import { Problem } from '../errors.ts';

/**
 * Adds a change of size to the tenant's totals. Growth beyond the plan's storage is rejected, which rolls the transaction back; a
 * change that frees storage always passes.
 * @param growth `bytes` of memories and kept versions together
 * @throws Problem `storage_full`
 */
export async function changeStorage(context: RequestContext, caller: Caller, growth: QuotaChange): Promise<void> {
  const { storage_bytes } = await changeQuota(context.sql, caller.userId, growth);
  requireStorage(caller, storage_bytes, growth.bytes);
}

/**
 * Rejects growth beyond the plan's storage.
 * @param stored bytes, including the growth
 * @throws Problem `storage_full`
 */
export function requireStorage(caller: Caller, stored: number, growth: number): void {
  const limit = caller.limits.storage_bytes;
  if (growth <= 0 || stored <= limit) return;
  throw new Problem('storage_full', {
    detail: `This would use ${stored} bytes; the ${caller.plan} plan stores ${limit}. Delete memories permanently, or upgrade the plan.`,
    extra: { storage_bytes: stored - growth, limit_bytes: limit },
  });
}
