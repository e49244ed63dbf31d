import { findLastAudit } from '../../db/queries/accounts/audit.ts';
import { countByKind, countTags } from '../../db/queries/memories/lists.ts';
import { findTenantEmbedding } from '../../db/queries/search/embedding-backlog.ts';
import { findQuota } from '../../db/queries/usage/quotas.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import { PASSAGES_MAX } from '../embeddings/store-part.ts';
import { CONSOLIDATE_ACTION } from './consolidate.ts';

/** Returns counts by type and status, tags, used storage, the state of embedding and the time of the last consolidation. */
export async function stats(context: RequestContext, caller: Caller, { current }: Embedders) {
  const [kinds, tags, quota, lastConsolidation, embedding] = await Promise.all([
    countByKind(context.sql, caller.userId),
    countTags(context.sql, caller.userId),
    findQuota(context.sql, caller.userId),
    findLastAudit(context.sql, caller.userId, CONSOLIDATE_ACTION),
    findTenantEmbedding(context.sql, caller.userId),
  ]);
  const sum = (field: 'type' | 'status', value: string) =>
    kinds.reduce((total, kind) => total + (kind[field] === value ? kind.count : 0), 0);
  return {
    memories: {
      total: kinds.reduce((total, kind) => total + kind.count, 0),
      active: sum('status', 'active'),
      archived: sum('status', 'archived'),
      short_term: sum('type', 'short_term'),
      long_term: sum('type', 'long_term'),
    },
    tags,
    storage: { bytes: quota.storage_bytes, limit_bytes: caller.limits.storage_bytes },
    embedding: {
      state: current.state,
      model: current.state === 'disabled' ? null : current.model,
      languages: current.reads ? [...current.reads.languages] : null,
      ...embedding,
      passages_max: PASSAGES_MAX,
    },
    last_consolidation_at: lastConsolidation?.toISOString() ?? null,
  };
}
