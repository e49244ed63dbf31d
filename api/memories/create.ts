import { isDeepStrictEqual } from 'node:util';
import { markDigest } from '../../db/queries/memories/digests.ts';
import { insertMemory } from '../../db/queries/memories/insert-memory.ts';
import { lockExactDuplicate } from '../../db/queries/memories/memories.ts';
import type { NearDuplicate, NearDuplicateOptions } from '../../db/queries/memories/near-duplicates.ts';
import type { MemoryRow, NewMemoryRow } from '../../db/queries/memories/row.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { NewMemory } from '../contracts/memory.ts';
import { canEmbed, type EmbedderStates, type Embedders } from '../embeddings/embedder.ts';
import { projectOfNew } from '../listing/bound-projects.ts';
import { normalizeTags, requireTags } from '../listing/tags.ts';
import { countTermsOf } from '../search/count-in-thread.ts';
import { dayOf } from '../search/term-frequencies.ts';
import { dateTerms, tokenize } from '../search/tokenizer.ts';
import { recordMemoryEvent } from '../webhooks/events.ts';
import { contentHash, sizeBytes } from './content-hash.ts';
import { occurrenceColumns, serializeMemory } from './serialize-memory.ts';
import { requireStorage } from './storage-quota.ts';
import { titleOf } from './title.ts';
import { change, requireSuperseded } from './update.ts';

/** Attempts to lock the exact duplicate that an insert found; concurrent deletes may remove it in between. */
const ATTEMPTS_MAX = 5;
/** The near-duplicates that a create reports. */
export const REPORTED_NEAR_DUPLICATES = { scoreMin: 0.6, limit: 3 };

const NO_TERMS = { terms: [], frequencies: [], blocks: [] };

/**
 * Stores a memory. For an exact duplicate of an active one (same project, session, time, title, content, type, expiry and
 * `supersedes`) it returns that memory, after merging the new tags and metadata into it.
 * @throws Problem `storage_full`, `unprocessable` (`supersedes` names no memory of the tenant)
 */
export async function store(context: RequestContext, caller: Caller, input: NewMemory, embedders: Embedders) {
  const { similar: _, ...stored } = await storeRow(
    context,
    caller,
    await prepareRow(context, caller, input),
    embedders,
  );
  return stored;
}

/** Stores a memory like {@link store}, and reports its near-duplicates. */
export async function create(context: RequestContext, caller: Caller, input: NewMemory, embedders: Embedders) {
  const row = await prepareRow(context, caller, input);
  return storeRow(context, caller, row, embedders, nearDuplicateOptions(row));
}

/** Returns the options for near-duplicates of a new memory. */
export function nearDuplicateOptions(row: NewMemoryRow): NearDuplicateOptions {
  return { ignoredTerms: ignoredTerms(row), ...REPORTED_NEAR_DUPLICATES };
}

/** Returns the terms of a memory's date, which near-duplicate detection ignores: all memories of one day share them. */
export function ignoredTerms(row: Parameters<typeof dayOf>[0]): string[] {
  return [...tokenize(dateTerms(dayOf(row)))].map(({ term }) => term);
}

/** Stores a digest: no terms and no vectors, since search finds its sources in its place. */
export async function storeDigest(context: RequestContext, caller: Caller, input: NewMemory, embedders: Embedders) {
  const row = await prepareRow(context, caller, input);
  const stored = await storeRow(context, caller, { ...row, is_digest: true }, embedders);
  if (!stored.deduplicated) await markDigest(context.sql, caller.userId, stored.id);
  return stored;
}

async function prepareRow(context: RequestContext, caller: Caller, input: NewMemory): Promise<NewMemoryRow> {
  const row = newRow(context, caller, input);
  requireTags(row.tags);
  await requireSuperseded(context, caller, row.supersedes);
  return row;
}

/**
 * Stores the row of a memory like {@link store}. Its id must be new, and what it supersedes is not checked.
 * @throws Problem `storage_full`
 */
export async function storeRow(
  context: RequestContext,
  caller: Caller,
  row: NewMemoryRow,
  embedders: EmbedderStates,
  nearDuplicates?: NearDuplicateOptions,
) {
  const [counts = NO_TERMS] = row.is_digest ? [] : await countTermsOf(caller.userId, [row]);
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const stored = await insertMemory(context.sql, caller.userId, row, counts, {
      enqueue: canEmbed(embedders) && !row.is_digest,
      nearDuplicates,
    });
    if (stored) {
      requireStorage(caller, stored.storage_bytes, row.size_bytes);
      if (stored.has_webhooks) await recordMemoryEvent(context, caller, 'memory.created', row);
      return toCreated(row, stored.similar);
    }
    const duplicate = await lockExactDuplicate(context.sql, caller.userId, row);
    if (duplicate) return { ...(await mergeInto(context, caller, duplicate, row, embedders)), similar: [] };
  }
  throw new Error('the exact duplicate of a memory was deleted on every attempt');
}

/** Builds the response to a create that stored a new memory. */
export function toCreated(row: NewMemoryRow, nearDuplicates: readonly NearDuplicate[]) {
  const similar = nearDuplicates.map(({ id, score }) => ({ id, score: Math.round(score * 100) / 100 }));
  return { ...serializeMemory({ ...row, superseded_by: null }), deduplicated: false, changed: [], similar };
}

/** Builds the row of a new memory from the input of a create. @throws Problem `project_not_allowed` */
export function newRow(context: RequestContext, caller: Caller, input: NewMemory): NewMemoryRow {
  const now = context.now();
  const fields = {
    title: input.title ?? titleOf(input.content),
    content: input.content,
    tags: normalizeTags(input.tags),
    metadata: input.metadata,
    project: projectOfNew(caller, input.project),
    session_id: input.session_id ?? null,
    ...occurrenceColumns(input.occurred_at ?? null),
  };
  return {
    ...fields,
    id: context.newId(),
    type: input.type,
    status: 'active',
    expires_at: input.expires_at ?? null,
    supersedes: input.supersedes ?? null,
    consolidated_into: null,
    is_digest: false,
    version: 1,
    content_hash: contentHash(fields),
    size_bytes: sizeBytes(fields),
    created_at: now,
    updated_at: now,
  };
}

/** Merges the tags and metadata of a repeated create into the memory that is stored. */
async function mergeInto(
  context: RequestContext,
  caller: Caller,
  stored: MemoryRow,
  repeat: NewMemoryRow,
  embedders: EmbedderStates,
) {
  const tags = normalizeTags([...stored.tags, ...repeat.tags]);
  const metadata = { ...stored.metadata, ...repeat.metadata };
  const changed: ('tags' | 'metadata')[] = [];
  if (tags.length > stored.tags.length) changed.push('tags');
  if (!isDeepStrictEqual(metadata, stored.metadata)) changed.push('metadata');
  const memory = changed.length > 0 ? await change(context, caller, stored, { tags, metadata }, embedders) : stored;
  return { ...serializeMemory(memory), deduplicated: true, changed };
}
