import { findHeads, type MemoryHead } from '../../db/queries/memories/heads.ts';
import { countMemories, lockMatching } from '../../db/queries/memories/lists.ts';
import { lockExactDuplicate } from '../../db/queries/memories/memories.ts';
import type { MemoryRow } from '../../db/queries/memories/row.ts';
import { actorOf, audit } from '../audit.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import { toFilter } from '../listing/filter.ts';
import { PROMOTION_TAGS } from '../listing/tags.ts';
import { DAY_MS } from '../time.ts';
import { recordEvent } from '../webhooks/events.ts';
import { bulkLimit } from './bulk-limit.ts';
import { changeState } from './change-state.ts';
import { storeDigest } from './create.ts';
import { type Digest, digestContent, digestTags, planDigests, SOURCE_CHARS } from './digest.ts';

/** The audit action of a consolidation. */
export const CONSOLIDATE_ACTION = 'memories.consolidate';

const CANDIDATES_MAX = 500;

/** A memory whose content an active long-term memory has already. */
interface KnownMemory {
  memory: MemoryHead;
  duplicateOf: string;
}

/**
 * Consolidates active short-term memories that were not edited for `min_age_days`. Those with a promotion tag become long-term
 * memories (an exact duplicate of a long-term memory is archived with a link to it); the others are collected in digests by project and
 * subject, and archived with a link to their digest, as whose passages search still finds them. A dry run returns the same lists and writes
 * nothing.
 */
export async function consolidate(
  context: RequestContext,
  caller: Caller,
  input: {
    dry_run: boolean;
    min_age_days: number;
    project?: string | null | undefined;
  },
  embedders: Embedders,
) {
  const filter = {
    ...toFilter(context, caller, { project: input.project, status: 'active', type: 'short_term' }),
    updatedBefore: new Date(context.now().getTime() - input.min_age_days * DAY_MS + 1),
  };
  const total = await countMemories(context.sql, caller.userId, filter);
  const ids = await lockMatching(context.sql, caller.userId, filter, bulkLimit(caller, CANDIDATES_MAX));
  const candidates = (await findHeads(context.sql, caller.userId, ids, SOURCE_CHARS)).sort(byCreation);
  const { promoted, known } = await planPromotions(context, caller, candidates.filter(isPromoted));
  const digests = await planDigests(
    context.now(),
    candidates.filter((memory) => !isPromoted(memory)),
  );
  if (!input.dry_run && candidates.length > 0) await apply(context, caller, promoted, known, digests, embedders);
  const report = {
    dry_run: input.dry_run,
    promoted: promoted.map(({ id, title }) => ({ id, title })),
    archived: [
      ...digests.flatMap((digest) => digest.sources.map(({ id, title }) => ({ id, title, digest_id: digest.id }))),
      ...known.map(({ memory: { id, title }, duplicateOf }) => ({ id, title, digest_id: duplicateOf })),
    ],
    digests: digests.map(({ id, title }) => ({ id, title })),
    remaining: total - candidates.length,
  };
  return fullReport(report);
}

interface Report {
  digests: object[];
  promoted: object[];
  archived: object[];
}

/** Returns the entries of a report in the order in which a token budget keeps them, and a function that builds the response from the first of them. */
function fullReport<Lists extends Report>(report: Lists) {
  const counts = {
    promoted: report.promoted.length,
    archived: report.archived.length,
    digests: report.digests.length,
  };
  const entries = [...report.digests, ...report.promoted, ...report.archived];
  const toResponse = (shown: readonly object[]) => ({
    ...report,
    digests: report.digests.slice(0, shown.length),
    promoted: report.promoted.slice(0, Math.max(0, shown.length - counts.digests)),
    archived: report.archived.slice(0, Math.max(0, shown.length - counts.digests - counts.promoted)),
    counts,
    truncated: shown.length < entries.length,
  });
  return { items: entries, toResponse };
}

async function apply(
  context: RequestContext,
  caller: Caller,
  promoted: MemoryHead[],
  known: KnownMemory[],
  digests: Digest[],
  embedders: Embedders,
): Promise<void> {
  for (const memory of promoted) {
    await changeState(context, caller, memory, { type: 'long_term' }, memory.updated_at);
  }
  for (const { memory, duplicateOf } of known) {
    const state = { status: 'archived', consolidated_into: duplicateOf } as const;
    await changeState(context, caller, memory, state, memory.updated_at);
  }
  for (const digest of digests) {
    const input = {
      title: digest.title,
      content: digestContent(digest),
      type: 'long_term' as const,
      tags: digestTags(digest),
      metadata: { consolidated_from: digest.sources.length },
      project: digest.project,
    };
    const stored = await storeDigest(context, caller, input, embedders);
    digest.id = stored.id;
    for (const source of digest.sources) {
      const state = { status: 'archived', consolidated_into: stored.id } as const;
      await changeState(context, caller, source, state, source.updated_at);
    }
  }
  await recordEvent(context, caller.userId, 'consolidation.completed', {
    promoted: promoted.length,
    archived: known.length + digests.reduce((sum, { sources }) => sum + sources.length, 0),
    digests: digests.length,
  });
  await audit(context, caller.userId, {
    actor: actorOf(caller),
    action: CONSOLIDATE_ACTION,
    details: { promoted: promoted.length, known: known.length, digests: digests.map(({ id }) => id) },
  });
}

/** Splits memories with a promotion tag into those to promote and exact duplicates of long-term memories. */
async function planPromotions(context: RequestContext, caller: Caller, memories: MemoryHead[]) {
  const promoted: MemoryHead[] = [];
  const known: KnownMemory[] = [];
  for (const memory of memories) {
    const row = { ...memory, type: 'long_term' as const };
    const duplicate = await lockExactDuplicate(context.sql, caller.userId, row);
    if (duplicate) known.push({ memory, duplicateOf: duplicate.id });
    else promoted.push(memory);
  }
  return { promoted, known };
}

function isPromoted(memory: MemoryRow): boolean {
  // A digest whose type was changed stays a digest: another one in its place would hide its sources.
  return memory.is_digest || memory.tags.some((tag) => PROMOTION_TAGS.includes(tag));
}

function byCreation(a: MemoryRow, b: MemoryRow): number {
  return a.created_at.getTime() - b.created_at.getTime() || (a.id < b.id ? -1 : 1);
}
