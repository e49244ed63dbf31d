import type { MemoryType } from '../../db/queries/memories/row.ts';
import { sumStorageByProject, sumStorageByType, sumVersions } from '../../db/queries/memories/storage.ts';
import { findQuota } from '../../db/queries/usage/quotas.ts';
import type { Caller, RequestContext } from '../context.ts';

/** Projects that are listed, largest first. */
const PROJECTS_MAX = 100;

/** Returns what takes the account's storage: by project, by type, and the kept versions. */
export async function storage(context: RequestContext, caller: Caller) {
  const { sql } = context;
  const [quota, projects, types, versions] = await Promise.all([
    findQuota(sql, caller.userId),
    sumStorageByProject(sql, caller.userId, PROJECTS_MAX),
    sumStorageByType(sql, caller.userId),
    sumVersions(sql, caller.userId),
  ]);
  return {
    bytes: quota.storage_bytes,
    limit_bytes: caller.limits.storage_bytes,
    by_project: projects,
    by_type: types.map((row) => ({ ...row, type: row.type as MemoryType })),
    versions,
  };
}
