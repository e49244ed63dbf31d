import { listKeys } from '../../db/queries/accounts/api-keys.ts';
import { findAccountLifecycle } from '../../db/queries/accounts/lifecycle.ts';
import { listMemberships } from '../../db/queries/billing/memberships.ts';
import { type ListedRow, listMemories } from '../../db/queries/memories/lists.ts';
import { findOldestPendingSeconds, findTenantEmbedding } from '../../db/queries/search/embedding-backlog.ts';
import { listRequests } from '../../db/queries/usage/requests.ts';
import { listWebhooks } from '../../db/queries/webhooks/webhooks.ts';
import type { Caller, RequestContext } from '../context.ts';
import { DAY_MS } from '../time.ts';
import { LOG_DAYS, toResponse } from '../usage/requests.ts';
import { planUsage } from '../usage/usage.ts';
import { findAttention } from './attention.ts';

const MEMORIES = 6;
const REQUESTS = 8;
/** Characters of a content that the overview shows. */
const EXCERPT_LENGTH = 200;

/**
 * Returns everything that the first page of the dashboard shows: usage against the plan, the newest memories, the last calls, and what
 * needs attention. A caller that may not read memories gets none of them.
 */
export async function overview(context: RequestContext, caller: Caller) {
  const { sql } = context;
  const { userId } = caller;
  const now = context.now();
  const log = { from: new Date(now.getTime() - LOG_DAYS * DAY_MS), to: new Date(now.getTime() + 1) };
  const [plan, memories, requests, lifecycle, memberships, keys, webhooks, embedding, oldestSeconds] =
    await Promise.all([
      planUsage(context, caller),
      caller.scopes.includes('memories:read') ? newestMemories(context, userId) : null,
      listRequests(sql, userId, log, { limit: REQUESTS }),
      findAccountLifecycle(sql, userId),
      listMemberships(sql, userId),
      listKeys(sql, userId),
      listWebhooks(sql, userId),
      findTenantEmbedding(sql, userId),
      findOldestPendingSeconds(sql, userId),
    ]);
  return {
    plan,
    account: { status: caller.status, purge_at: lifecycle?.purge_at?.toISOString() ?? null },
    memories,
    requests: requests.map(toResponse),
    attention: findAttention({
      now,
      status: caller.status,
      plan: caller.plan,
      dates: lifecycle,
      calls: plan.calls_today,
      storage: plan.storage_bytes,
      memberships,
      keys,
      webhooks,
      embedding: { ...embedding, oldestSeconds },
    }),
  };
}

async function newestMemories({ sql }: RequestContext, userId: string) {
  const page = {
    sort: 'created_at',
    order: 'desc',
    limit: MEMORIES,
    contentLength: EXCERPT_LENGTH,
    bytesMax: 1_048_576,
  } as const;
  const { memories } = await listMemories(sql, userId, { status: 'active' }, page);
  return memories.map(toSummary);
}

function toSummary({ id, title, content, type, project, tags, created_at, updated_at }: ListedRow) {
  return {
    id,
    title,
    excerpt: content,
    type,
    project,
    tags,
    created_at: created_at.toISOString(),
    updated_at: updated_at.toISOString(),
  };
}
