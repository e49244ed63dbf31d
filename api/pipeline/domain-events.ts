import type { z } from 'zod';
import type { OperationId, OperationOf } from '../contracts/index.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Call, Outcome } from './call.ts';

/** The name of what happened, and its facts: numbers, ids and words of our own, never a text that a tenant wrote. */
export interface DomainEvent {
  event: string;
  [fact: string]: string | number | boolean | null | undefined;
}

/** The result of an operation, of which a caller without `memories:read` gets only a part. */
type Returned<Id extends OperationId> = Partial<z.output<OperationOf<Id>['output']>>;

type Describe = { [Id in OperationId]?: (returned: Returned<Id>) => DomainEvent | undefined };

function countCreated(
  results: readonly { status: string; memory?: { type?: string } | undefined }[],
  type: string,
): number {
  return results.filter(({ status, memory }) => status === 'created' && memory?.type === type).length;
}

/** Describes what the operations did that people ask about. A dry run did nothing. */
const DESCRIBE: Describe = {
  'memories.create': ({ id, type, tags, deduplicated }) => ({
    event: deduplicated ? 'memory_deduplicated' : 'memory_created',
    memory_id: id,
    type,
    tag_count: tags?.length,
  }),
  'memories.batch': ({ results = [] }) => ({
    event: 'memories_created',
    created: results.filter(({ status }) => status === 'created').length,
    deduplicated: results.filter(({ status }) => status === 'deduplicated').length,
    rejected: results.filter(({ error }) => error).length,
    short_term: countCreated(results, 'short_term'),
    long_term: countCreated(results, 'long_term'),
  }),
  'memories.update': ({ id, version }) => ({ event: 'memory_updated', memory_id: id, version }),
  'memories.replace': ({ id, version }) => ({ event: 'memory_updated', memory_id: id, version }),
  'memories.restore': ({ id, version }) => ({ event: 'memory_restored', memory_id: id, version }),
  'memories.delete': ({ id, status }) => ({
    event: status === 'archived' ? 'memory_archived' : 'memory_deleted',
    memory_id: id,
  }),
  'memories.bulk': ({ dry_run: dryRun, action, changed = [] }) =>
    dryRun ? undefined : { event: 'memories_changed', action, changed: changed.length },
  'memories.consolidate': ({ dry_run: dryRun, promoted = [], archived = [], digests = [] }) =>
    dryRun
      ? undefined
      : {
          event: 'memories_consolidated',
          promoted: promoted.length,
          archived: archived.length,
          digests: digests.length,
        },
  'search.query': ({ results = [], total, low_confidence: lowConfidence }) => ({
    event: 'memories_searched',
    hits: results.length,
    total,
    low_confidence: lowConfidence ?? false,
  }),
  'search.context': ({ memory_ids: ids = [], tokens, truncated }) => ({
    event: 'context_built',
    memories: ids.length,
    tokens,
    truncated,
  }),
  'keys.create': ({ id }) => ({ event: 'key_created', key_id: id }),
  'keys.rotate': ({ id, previous_key_id: previous }) => ({
    event: 'key_rotated',
    key_id: id,
    previous_key_id: previous,
  }),
  'keys.revoke': ({ id }) => ({ event: 'key_revoked', key_id: id }),
};

/** Counts the memories that an operation stored in the metrics. */
export function countStoredMemories(metrics: Pick<Metrics, 'memoriesStored'>, event: DomainEvent): void {
  if (event.event === 'memory_created' && typeof event.type === 'string') metrics.memoriesStored(event.type, 1);
  if (event.event !== 'memories_created') return;
  for (const type of ['short_term', 'long_term']) metrics.memoriesStored(type, Number(event[type] ?? 0));
}

/**
 * Returns the log line of a successful call; undefined for an operation that is not described, for a dry run, and for a replay, which
 * did nothing again.
 */
export function domainEventOf(
  operation: string,
  { caller, requestId }: Call,
  { body, headers, problem }: Outcome,
  seconds: number,
): DomainEvent | undefined {
  if (problem || 'Idempotency-Replayed' in headers) return undefined;
  const describe = DESCRIBE[operation as OperationId] as ((returned: unknown) => DomainEvent | undefined) | undefined;
  const described = describe?.(body);
  if (!described) return undefined;
  return {
    ...described,
    user_id: caller.userId,
    transport: caller.transport,
    request_id: requestId,
    duration_ms: Math.round(seconds * 10_000) / 10,
  };
}
