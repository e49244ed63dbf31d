import { isDeepStrictEqual } from 'node:util';
import { insertMemory } from '../../db/queries/memories/insert-memory.ts';
import { lockExactDuplicate } from '../../db/queries/memories/memories.ts';
import type { NearDuplicateOptions } from '../../db/queries/memories/near-duplicates.ts';
import type { MemoryRow, NewMemoryRow } from '../../db/queries/memories/row.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { NewMemory } from '../contracts/memories.ts';
import { canEmbed, type Embedders } from '../embeddings/embedder.ts';
import { normalizeTags, requireTags } from '../listing/tags.ts';
import { countWords } from '../search/term-frequencies.ts';
import { dateWords, wordsOf } from '../search/tokenizer.ts';
import { contentHash, sizeBytes } from './content-hash.ts';
import { requireRoom } from './storage-quota.ts';
import { present } from './to-response.ts';
import { change, requireSuperseded } from './update.ts';

/** How often a twin may vanish between the look and the lock before we give up. */
const TRIES = 5;
/** Memories that share this part of their words are told of, the most alike ones. */
const SIMILAR_FROM = 0.6;
const SIMILAR_MOST = 3;

/**
 * Stores a memory. An exact repeat of an active one (same project, session, time, title, content, type, expiry and
 * supersedes) answers that one, which takes up the new tags and metadata: nothing of the repeat is lost.
 * @throws Problem `storage_full`, `unprocessable` (`supersedes` names no memory)
 */
export async function store(context: RequestContext, caller: Caller, input: NewMemory, embedders: Embedders) {
  const { similar: _, ...stored } = await storeRow(context, caller, await readyRow(context, caller, input), embedders);
  return stored;
}

/** Stores a memory as {@link store} does, and tells of those that say nearly the same: reported, never refused. */
export async function create(context: RequestContext, caller: Caller, input: NewMemory, embedders: Embedders) {
  const row = await readyRow(context, caller, input);
  return storeRow(context, caller, row, embedders, likeIt(row));
}

/** What says nearly the same as a memory: the date does not count, or all that one day brings would be alike. */
export function likeIt(row: NewMemoryRow): NearDuplicateOptions {
  const ignoredTerms = [...wordsOf(dateWords(row.occurred_at ?? row.created_at))].map(({ word }) => word);
  return { ignoredTerms, scoreMin: SIMILAR_FROM, limit: SIMILAR_MOST };
}

async function readyRow(context: RequestContext, caller: Caller, input: NewMemory): Promise<NewMemoryRow> {
  const row = newRow(context, caller, input);
  requireTags(row.tags);
  await requireSuperseded(context, caller, row.supersedes);
  return row;
}

async function storeRow(
  context: RequestContext,
  caller: Caller,
  row: NewMemoryRow,
  embedders: Embedders,
  nearDuplicates?: NearDuplicateOptions,
) {
  const counts = countWords(row);
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const stored = await insertMemory(context.sql, caller.userId, row, counts, {
      enqueue: canEmbed(embedders),
      nearDuplicates,
    });
    if (stored) {
      requireRoom(caller, stored.storage_bytes, row.size_bytes);
      const similar = stored.similar.map(({ id, score }) => ({ id, score: Math.round(score * 100) / 100 }));
      return { ...present({ ...row, superseded_by: null }), deduplicated: false, changed: [], similar };
    }
    const twin = await lockExactDuplicate(context.sql, caller.userId, row);
    if (twin) return { ...(await mergeRepeat(context, caller, twin, row, embedders)), similar: [] };
  }
  throw new Error('the twin of a memory kept vanishing');
}

/** A row as it is stored, from what a create takes. */
export function newRow(context: RequestContext, caller: Caller, input: NewMemory): NewMemoryRow {
  const now = context.now();
  const said = {
    title: input.title,
    content: input.content,
    tags: normalizeTags(input.tags),
    metadata: input.metadata,
    project: input.project === undefined ? (caller.project ?? null) : input.project,
    session_id: input.session_id ?? null,
    occurred_at: input.occurred_at ?? null,
  };
  return {
    ...said,
    id: context.newId(),
    type: input.type,
    status: 'active',
    expires_at: input.expires_at ?? null,
    supersedes: input.supersedes ?? null,
    consolidated_into: null,
    version: 1,
    content_hash: contentHash(said),
    size_bytes: sizeBytes(said),
    created_at: now,
    updated_at: now,
  };
}

async function mergeRepeat(
  context: RequestContext,
  caller: Caller,
  twin: MemoryRow,
  repeat: NewMemoryRow,
  embedders: Embedders,
) {
  const tags = normalizeTags([...twin.tags, ...repeat.tags]);
  const metadata = { ...twin.metadata, ...repeat.metadata };
  const changed: ('tags' | 'metadata')[] = [];
  if (tags.length > twin.tags.length) changed.push('tags');
  if (!isDeepStrictEqual(metadata, twin.metadata)) changed.push('metadata');
  const memory = changed.length > 0 ? await change(context, caller, twin, { tags, metadata }, embedders) : twin;
  return { ...present(memory), deduplicated: true, changed };
}
