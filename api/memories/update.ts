import { isDeepStrictEqual } from 'node:util';
import { deferRows } from '../../db/client/sql.ts';
import { eraseExports } from '../../db/queries/accounts/exports.ts';
import {
  deleteMemories,
  findMemory,
  lockExactDuplicate,
  supersedesTransitively,
} from '../../db/queries/memories/memories.ts';
import type { MemoryRow } from '../../db/queries/memories/row.ts';
import { removePostings } from '../../db/queries/memories/terms.ts';
import { updateMemory } from '../../db/queries/memories/update-memory.ts';
import { findVersion, insertVersion } from '../../db/queries/memories/versions.ts';
import { enqueueEmbedding } from '../../db/queries/search/embedding-enqueue.ts';
import { enqueueFollowersStatement, findFollowers } from '../../db/queries/search/session-leads.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { NewMemory } from '../contracts/memory.ts';
import { canEmbed, type EmbedderStates, type Embedders } from '../embeddings/embedder.ts';
import { invalidField, Problem } from '../errors.ts';
import { projectOfNew, requireProject } from '../listing/bound-projects.ts';
import { changeTags, normalizeTags, requireTags } from '../listing/tags.ts';
import { changeEvent, recordDeletions, recordMemoryEvent } from '../webhooks/events.ts';
import { contentHash, sizeBytes } from './content-hash.ts';
import { updateIndexed } from './index-memory.ts';
import { mergeMetadata } from './merge-metadata.ts';
import { occurrenceColumns, serializeMemory } from './serialize-memory.ts';
import { changeStorage } from './storage-quota.ts';
import { titleOf } from './title.ts';

/** The fields that a change may set. */
export type Changes = Partial<
  Pick<
    MemoryRow,
    | 'type'
    | 'status'
    | 'title'
    | 'content'
    | 'tags'
    | 'metadata'
    | 'project'
    | 'session_id'
    | 'occurred_at'
    | 'occurred_offset_minutes'
    | 'expires_at'
    | 'supersedes'
    | 'consolidated_into'
  >
>;

/** Fields that are indexed for search. */
const SEARCHED_FIELDS = ['title', 'content', 'tags', 'occurred_at', 'occurred_offset_minutes'];

/** Fields that decide of which leads a memory is part, and with which text. */
const LEADING_FIELDS = ['title', 'content', 'session_id', 'occurred_at'];

/** Fields whose change keeps no version: archiving must not use storage. */
const STATUS_FIELDS = ['status', 'consolidated_into'];

/**
 * Updates a memory and keeps its former state as a version. A change to the present values writes nothing.
 * @param memory its present state, locked by this transaction
 * @param updatedAt the time of the change; of one that is not an edit, that of the last edit, by which recency ranks it
 * @throws Problem `duplicate_memory` when it would become an exact duplicate of an active memory; `storage_full`;
 * `unprocessable` when `supersedes` would form a cycle; `project_not_allowed`
 */
export async function change(
  context: RequestContext,
  caller: Caller,
  memory: MemoryRow,
  changes: Changes,
  embedders: EmbedderStates,
  updatedAt = context.now(),
): Promise<MemoryRow> {
  const changed = Object.keys(changes).filter((field) => differs(memory, changes, field as keyof Changes));
  if (changed.length === 0) return memory;
  if (changed.includes('project')) requireProject(caller, changes.project ?? null);
  if (changes.tags) requireTags(changes.tags);
  if (changes.supersedes && changed.includes('supersedes')) {
    await requireNoCycle(context, caller, memory.id, changes.supersedes);
  }
  const isEdited = changed.includes('title') || changed.includes('content');
  const is_digest = memory.is_digest && !isEdited;
  const next = { ...memory, ...changes, is_digest, version: memory.version + 1, updated_at: updatedAt };
  const row = { ...next, size_bytes: sizeBytes(next), content_hash: contentHash(next) };
  if (row.status === 'active') await rejectExactDuplicate(context, caller, row);
  const keepsVersion = changed.some((field) => !STATUS_FIELDS.includes(field));
  const grown = keepsVersion ? await insertVersion(context.sql, caller.userId, memory) : 0;
  const isLeading = changed.some((field) => LEADING_FIELDS.includes(field));
  if (isLeading && memory.session_id !== null) await embedFollowersAgain(context, caller, [memory.id]);
  let words = 0;
  if (!is_digest && changed.some((field) => SEARCHED_FIELDS.includes(field))) {
    words = await updateIndexed(context, caller, row, embedders);
  } else await updateMemory(context.sql, caller.userId, row);
  if (changed.includes('session_id') || changed.includes('occurred_at')) {
    await embedFollowersAgain(context, caller, [memory.id]);
    if (changed.includes('session_id') && canEmbed(embedders))
      await enqueueEmbedding(context.sql, caller.userId, row.id);
  }
  await recordMemoryEvent(context, caller, changeEvent(memory, row), row);
  await changeStorage(context, caller, { bytes: grown + row.size_bytes - memory.size_bytes, words });
  const { content_hash, ...written } = row;
  return written;
}

/** Has the followers of memories embedded again at the end of the transaction: the present lead of each changes, or is deleted. */
async function embedFollowersAgain(context: RequestContext, caller: Caller, ids: readonly string[]): Promise<void> {
  const followers = await findFollowers(context.sql, caller.userId, ids);
  if (followers.length === 0) return;
  const toStatement = (rows: readonly string[]) => enqueueFollowersStatement(caller.userId, rows);
  await deferRows(context.sql, 'followers', toStatement, followers);
}

/** Changes the fields that the input names. */
export async function update(
  context: RequestContext,
  caller: Caller,
  input: {
    id: string;
    if_version?: number;
    add_tags?: string[];
    remove_tags?: string[];
    metadata_merge?: MemoryRow['metadata'];
    occurred_at?: NewMemory['occurred_at'];
  } & Omit<Changes, 'occurred_at' | 'occurred_offset_minutes'>,
  embedders: Embedders,
) {
  const { id, if_version, tags, add_tags, remove_tags, metadata_merge, occurred_at, ...fields } = input;
  if (metadata_merge && fields.metadata) throw invalidField('metadata_merge', 'must not be combined with `metadata`');
  const memory = await lockMemory(context, caller, id, if_version);
  await checkSupersedes(context, caller, memory, fields.supersedes);
  const named = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Changes;
  const next = changeTags(memory.tags, { tags, add_tags, remove_tags });
  if (occurred_at !== undefined) Object.assign(named, occurrenceColumns(occurred_at));
  if (metadata_merge) named.metadata = mergeMetadata(memory.metadata, metadata_merge);
  return serializeMemory(await change(context, caller, memory, { ...named, tags: next }, embedders));
}

/** Replaces all fields: those left out take their defaults, except `type`, which stays. */
export async function replace(
  context: RequestContext,
  caller: Caller,
  input: Omit<NewMemory, 'type'> & { id: string; type?: MemoryRow['type']; if_version?: number },
  embedders: Embedders,
) {
  const memory = await lockMemory(context, caller, input.id, input.if_version);
  await checkSupersedes(context, caller, memory, input.supersedes);
  const next: Changes = {
    type: input.type ?? memory.type,
    title: input.title ?? titleOf(input.content),
    content: input.content,
    tags: normalizeTags(input.tags),
    metadata: input.metadata,
    project: projectOfNew(caller, input.project),
    session_id: input.session_id ?? null,
    ...occurrenceColumns(input.occurred_at ?? null),
    expires_at: input.expires_at ?? null,
    supersedes: input.supersedes ?? null,
  };
  return serializeMemory(await change(context, caller, memory, next, embedders));
}

/** Archives a memory, or deletes it and its versions permanently. */
export async function remove(
  context: RequestContext,
  caller: Caller,
  input: { id: string; permanent: boolean; if_version?: number },
  embedders: Embedders,
) {
  const memory = await lockMemory(context, caller, input.id, input.if_version);
  if (input.permanent) {
    await deletePermanently(context, caller, [memory.id]);
    return { id: memory.id, status: 'deleted' as const, version: null };
  }
  const archived = await change(context, caller, memory, { status: 'archived' }, embedders);
  return { id: memory.id, status: 'archived' as const, version: archived.version };
}

/** Deletes memories and their versions permanently, also from the files of exports and the vectors of others, and frees their storage. */
export async function deletePermanently(
  context: RequestContext,
  caller: Caller,
  ids: readonly string[],
): Promise<void> {
  await embedFollowersAgain(context, caller, ids);
  const words = await removePostings(context.sql, caller.userId, ids);
  const deleted = await deleteMemories(context.sql, caller.userId, ids);
  if (deleted.memories.length > 0) await eraseExports(context.sql, caller.userId);
  await recordDeletions(context, caller, deleted.memories);
  await changeStorage(context, caller, { bytes: -deleted.bytes, memories: -deleted.memories.length, words: -words });
}

/** Makes an archived memory active again, or restores a former version. The type stays unless the input names another. */
export async function restore(
  context: RequestContext,
  caller: Caller,
  input: { id: string; type?: MemoryRow['type']; version?: number },
  embedders: Embedders,
) {
  const memory = await lockMemory(context, caller, input.id);
  const former = await formerState(context, caller, memory, input.version ?? memory.version);
  const type = input.type ?? former.type ?? memory.type;
  return serializeMemory(
    await change(context, caller, memory, { ...former, type, status: 'active', consolidated_into: null }, embedders),
  );
}

async function formerState(
  context: RequestContext,
  caller: Caller,
  memory: MemoryRow,
  version: number,
): Promise<Changes> {
  if (version === memory.version) return {};
  const former = await findVersion(context.sql, caller.userId, memory.id, version, caller.projects);
  if (!former) throw new Problem('not_found', { detail: `Version ${version} of memory ${memory.id} is not kept.` });
  const { version: _version, size_bytes, written_at, status, ...state } = former;
  return state;
}

/**
 * Finds a memory and locks it until the transaction ends.
 * @throws Problem `not_found`; `precondition_failed` when its version is not `ifVersion`
 */
async function lockMemory(context: RequestContext, caller: Caller, id: string, ifVersion?: number): Promise<MemoryRow> {
  const memory = await findMemory(context.sql, caller.userId, id, true);
  if (!memory) throw new Problem('not_found', { detail: `You have no memory ${id}.` });
  if (ifVersion !== undefined && ifVersion !== memory.version) {
    throw new Problem('precondition_failed', {
      detail: `The memory is at version ${memory.version}, not ${ifVersion}. Read it again, then repeat the change.`,
      extra: { current_version: memory.version },
    });
  }
  return memory;
}

/** Rejects a `supersedes` that names no memory of the tenant. */
export async function requireSuperseded(context: RequestContext, caller: Caller, id: string | null): Promise<void> {
  if (id === null || (await findMemory(context.sql, caller.userId, id))) return;
  throw invalidField('supersedes', `you have no memory ${id}`);
}

async function checkSupersedes(
  context: RequestContext,
  caller: Caller,
  memory: MemoryRow,
  supersedes: string | null | undefined,
) {
  if (supersedes === memory.id) throw invalidField('supersedes', 'a memory cannot supersede itself');
  if (supersedes && supersedes !== memory.supersedes) await requireSuperseded(context, caller, supersedes);
}

/** Rejects a `supersedes` that leads back to the memory itself: both would then count as outdated. */
async function requireNoCycle(context: RequestContext, caller: Caller, id: string, supersedes: string): Promise<void> {
  if (!(await supersedesTransitively(context.sql, caller.userId, supersedes, id))) return;
  throw invalidField('supersedes', `would form a cycle: memory ${supersedes} already supersedes this one`);
}

/** Rejects a change that would make a memory an exact duplicate of an active one. @throws Problem `duplicate_memory` */
export async function rejectExactDuplicate(
  context: RequestContext,
  caller: Caller,
  row: Parameters<typeof lockExactDuplicate>[2],
): Promise<void> {
  const duplicate = await lockExactDuplicate(context.sql, caller.userId, row);
  if (!duplicate || duplicate.id === row.id) return;
  throw new Problem('duplicate_memory', {
    detail: `Memory ${duplicate.id} already has exactly this content.`,
    extra: { existing_id: duplicate.id },
  });
}

function differs(memory: MemoryRow, changes: Changes, field: keyof Changes): boolean {
  return !isDeepStrictEqual(memory[field], changes[field]);
}
