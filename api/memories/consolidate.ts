import { countMemories, lockMatching } from '../../db/queries/memories/lists.ts';
import { findMemories, lockExactDuplicate } from '../../db/queries/memories/memories.ts';
import type { MemoryRow } from '../../db/queries/memories/row.ts';
import { audit } from '../audit.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import { toFilter } from '../listing/filter.ts';
import { PROMOTION_TAGS } from '../listing/tags.ts';
import { DAY_MS } from '../time.ts';
import { contentHash } from './content-hash.ts';
import { store } from './create.ts';
import { change } from './update.ts';

/** The audit action of a consolidation. */
export const CONSOLIDATED = 'memories.consolidate';

const MOST_AT_ONCE = 500;
/** Characters of one digest; what is beyond goes into a second one. */
const DIGEST_LENGTH = 200_000;

interface Digest {
  id: string | null;
  title: string;
  sources: MemoryRow[];
}

/** A memory that an active long-term one says already. */
interface Known {
  memory: MemoryRow;
  twinId: string;
}

/**
 * Turns active short-term memories that were not edited for `min_age_days` into long-term knowledge: promoted by their
 * tags (archived with a link where a long-term one says the same already), or gathered in a digest and archived with a
 * link to it. A dry run answers the same lists and writes nothing.
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
    ...toFilter(caller, { project: input.project, status: 'active', type: 'short_term' }),
    updatedBefore: new Date(context.now().getTime() - input.min_age_days * DAY_MS + 1),
  };
  const total = await countMemories(context.sql, caller.userId, filter);
  const ids = await lockMatching(context.sql, caller.userId, filter, MOST_AT_ONCE);
  const candidates = (await findMemories(context.sql, caller.userId, ids)).sort(byCreation);
  const { promoted, known } = await planPromotions(context, caller, candidates.filter(isPromoted));
  const digests = planDigests(
    context,
    candidates.filter((memory) => !isPromoted(memory)),
  );
  if (!input.dry_run && candidates.length > 0) await apply(context, caller, promoted, known, digests, embedders);
  const report = {
    dry_run: input.dry_run,
    promoted: promoted.map(({ id, title }) => ({ id, title })),
    archived: [
      ...digests.flatMap((digest) => digest.sources.map(({ id, title }) => ({ id, title, digest_id: digest.id }))),
      ...known.map(({ memory: { id, title }, twinId }) => ({ id, title, digest_id: twinId })),
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

/** The entries of a report in the order in which a token budget keeps them (digests, then promotions), and the response with the first of them. */
function fullReport<Lists extends Report>(report: Lists) {
  const counts = {
    promoted: report.promoted.length,
    archived: report.archived.length,
    digests: report.digests.length,
  };
  const entries = [...report.digests, ...report.promoted, ...report.archived];
  const toResponse = (told: readonly object[]) => ({
    ...report,
    digests: report.digests.slice(0, told.length),
    promoted: report.promoted.slice(0, Math.max(0, told.length - counts.digests)),
    archived: report.archived.slice(0, Math.max(0, told.length - counts.digests - counts.promoted)),
    counts,
    truncated: told.length < entries.length,
  });
  return { items: entries, toResponse };
}

async function apply(
  context: RequestContext,
  caller: Caller,
  promoted: MemoryRow[],
  known: Known[],
  digests: Digest[],
  embedders: Embedders,
): Promise<void> {
  for (const memory of promoted) await change(context, caller, memory, { type: 'long_term' }, embedders);
  for (const { memory, twinId } of known) {
    await change(context, caller, memory, { status: 'archived', consolidated_into: twinId }, embedders);
  }
  for (const digest of digests) {
    // A digest belongs to no project unless all of its sources share one.
    const projects = new Set(digest.sources.map((source) => source.project));
    const [project] = projects.size === 1 ? projects : [null];
    const stored = await store(
      context,
      caller,
      {
        title: digest.title,
        content: digest.sources.map(describe).join('\n\n'),
        type: 'long_term',
        tags: ['consolidated', 'archive'],
        metadata: { consolidated_from: digest.sources.length },
        project: project ?? null,
      },
      embedders,
    );
    digest.id = stored.id;
    for (const source of digest.sources) {
      await change(context, caller, source, { status: 'archived', consolidated_into: stored.id }, embedders);
    }
  }
  await audit(context, caller.userId, {
    actor: `key:${caller.keyId}`,
    action: CONSOLIDATED,
    details: { promoted: promoted.length, known: known.length, digests: digests.map(({ id }) => id) },
  });
}

/** Which memories become long-term themselves, and which a long-term one makes superfluous. */
async function planPromotions(context: RequestContext, caller: Caller, memories: MemoryRow[]) {
  const promoted: MemoryRow[] = [];
  const known: Known[] = [];
  for (const memory of memories) {
    const row = { ...memory, type: 'long_term' as const, content_hash: contentHash(memory) };
    const twin = await lockExactDuplicate(context.sql, caller.userId, row);
    if (twin) known.push({ memory, twinId: twin.id });
    else promoted.push(memory);
  }
  return { promoted, known };
}

function planDigests(context: RequestContext, sources: MemoryRow[]): Digest[] {
  const title = `Consolidated Insights - ${context.now().toISOString().slice(0, 10)}`;
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
