import { type Growth, moveQuota } from '../../db/quotas.ts';
import type { Caller, Deps } from '../domain.ts';
import { Problem } from '../errors.ts';

/**
 * Moves what the tenant stores. Growth beyond the plan's storage is refused, which takes the whole transaction back;
 * what shrinks always passes.
 * @param growth bytes of memories and kept versions together
 * @throws Problem `storage_full`
 */
export async function moveStorage(deps: Deps, caller: Caller, growth: Growth): Promise<void> {
  const { bytes } = growth;
  const quota = await moveQuota(deps.sql, caller.userId, growth);
  const limit = caller.limits.storage_bytes;
  if (bytes <= 0 || quota.storage_bytes <= limit) return;
  throw new Problem('storage_full', {
    detail: `This would take ${quota.storage_bytes} bytes; the ${caller.plan} plan stores ${limit}. Delete memories for good, or move to a larger plan.`,
    extra: { storage_bytes: quota.storage_bytes - bytes, limit_bytes: limit },
  });
}
