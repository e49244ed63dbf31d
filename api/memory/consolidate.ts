import { insertAudit } from '../../db/audit.ts';
import { findMemories, type MemoryRow } from '../../db/memories.ts';
import { countMemories, lockMatching } from '../../db/memory-lists.ts';
import type { Caller, Deps } from '../domain.ts';
import { Problem } from '../errors.ts';
import { change } from './change.ts';
import { toFilter } from './filter.ts';
import { create } from './remember.ts';
import { PROMOTION_TAGS } from './tags.ts';

/** The audit action of a consolidation. */
export const CONSOLIDATED = 'memories.consolidate';

const DAY_MS = 86_400_000;
const MOST_AT_ONCE = 500;
/** Characters of one digest; what is beyond goes into a second one. */
const DIGEST_LENGTH = 200_000;

interface Digest {
  id: string | null;
  title: string;
  sources: MemoryRow[];
}

/**
 * Turns active short-term memories that were not edited for `min_age_days` into long-term knowledge: promoted by their
 * tags, or gathered in a digest and archived with a link to it. A dry run answers the same lists and writes nothing.
 */
export async function consolidate(
  deps: Deps,
  caller: Caller,
  input: { dry_run: boolean; min_age_days: number; project?: string | null | undefined },
) {
  const filter = {
    ...toFilter(caller, { project: input.project, status: 'active', type: 'short_term' }),
    updatedBefore: new Date(deps.now().getTime() - input.min_age_days * DAY_MS + 1),
  };
  const total = await countMemories(deps.sql, caller.userId, filter);
  const ids = await lockMatching(deps.sql, caller.userId, filter, MOST_AT_ONCE);
  const candidates = (await findMemories(deps.sql, caller.userId, ids)).sort(byCreation);
  const promoted = candidates.filter(isPromoted);
  const digests = planDigests(
    deps,
    candidates.filter((memory) => !isPromoted(memory)),
  );
  if (!input.dry_run && candidates.length > 0) await apply(deps, caller, promoted, digests);
  return {
    dry_run: input.dry_run,
    promoted: promoted.map(({ id, title }) => ({ id, title })),
    archived: digests.flatMap((digest) => digest.sources.map(({ id, title }) => ({ id, title, digest_id: digest.id }))),
    digests: digests.map(({ id, title }) => ({ id, title })),
    remaining: total - candidates.length,
  };
}

async function apply(deps: Deps, caller: Caller, promoted: MemoryRow[], digests: Digest[]): Promise<void> {
  for (const memory of promoted) await promote(deps, caller, memory);
  for (const digest of digests) {
    // A digest belongs to no project unless all of its sources share one.
    const projects = new Set(digest.sources.map((source) => source.project));
    const [project] = projects.size === 1 ? projects : [null];
    const stored = await create(deps, caller, {
      title: digest.title,
      content: digest.sources.map(describe).join('\n\n'),
      type: 'long_term',
      tags: ['consolidated', 'archive'],
      metadata: { consolidated_from: digest.sources.length },
      project: project ?? null,
    });
    digest.id = stored.id;
    for (const source of digest.sources) {
      await change(deps, caller, source, { status: 'archived', consolidated_into: stored.id });
    }
  }
  await insertAudit(deps.sql, caller.userId, {
    id: deps.newId(),
    at: deps.now(),
    actor: `key:${caller.keyId}`,
    action: CONSOLIDATED,
    details: { promoted: promoted.length, digests: digests.map(({ id }) => id) },
  });
}

/** Makes a memory long-term; where a long-term one says the same already, it is archived with a link to that. */
async function promote(deps: Deps, caller: Caller, memory: MemoryRow): Promise<void> {
  try {
    await change(deps, caller, memory, { type: 'long_term' });
  } catch (error) {
    const twin = error instanceof Problem && error.code === 'duplicate_memory' && error.data.extra?.existing_id;
    if (typeof twin !== 'string') throw error;
    await change(deps, caller, memory, { status: 'archived', consolidated_into: twin });
  }
}

function planDigests(deps: Deps, sources: MemoryRow[]): Digest[] {
  const title = `Consolidated Insights - ${deps.now().toISOString().slice(0, 10)}`;
  const digests: Digest[] = [];
  let room = 0;
  for (const source of sources) {
    const length = describe(source).length;
    if (length > room) {
      digests.push({ id: null, title: digests.length === 0 ? title : `${title} (${digests.length + 1})`, sources: [] });
      room = DIGEST_LENGTH;
    }
    digests.at(-1)?.sources.push(source);
    room -= length;
  }
  return digests;
}

function describe(memory: MemoryRow): string {
  const when = (memory.occurred_at ?? memory.created_at).toISOString();
  const tags = memory.tags.join(', ') || 'none';
  return `## ${memory.title}\n\nDate: ${when}\nTags: ${tags}\nSource: ${memory.id}\n\n${memory.content}`;
}

function isPromoted(memory: MemoryRow): boolean {
  return memory.tags.some((tag) => PROMOTION_TAGS.includes(tag));
}

function byCreation(a: MemoryRow, b: MemoryRow): number {
  return a.created_at.getTime() - b.created_at.getTime() || (a.id < b.id ? -1 : 1);
}
