import { z } from 'zod';
import type { MemoryFilter } from '../../db/queries/memories/filters.ts';
import { countMemories } from '../../db/queries/memories/lists.ts';
import { countProjects, listProjects } from '../../db/queries/memories/projects.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import { invalidField, Problem } from '../errors.ts';
import { NO_PROJECT, requireProject } from '../listing/bound-projects.ts';
import { decodeCursor, encodeCursor } from '../listing/cursor.ts';
import { findBoundKeys, followRename } from './bound-keys.ts';
import { changeMatching } from './bulk.ts';

const POSITION = z.tuple([z.int().min(0)]);

/** Lists the projects with their counts, largest first. */
export async function projects(
  context: RequestContext,
  caller: Caller,
  input: { limit: number; cursor?: string | undefined },
) {
  const offset = input.cursor === undefined ? 0 : decodeCursor('projects', input.cursor, POSITION)[0];
  const [rows, total] = await Promise.all([
    listProjects(context.sql, caller.userId, input.limit, offset),
    countProjects(context.sql, caller.userId),
  ]);
  const next = offset + rows.length;
  return {
    results: rows.map((row) => ({ ...row, updated_at: row.updated_at.toISOString() })),
    total,
    next_cursor: rows.length > 0 && next < total ? encodeCursor('projects', [next]) : null,
  };
}

/**
 * Moves all memories of a project to another name, which merges it into the project that has that name. Keys that are bound to the
 * project follow.
 * @throws Problem `not_found` for a project without memories, `unprocessable` for its own name or a merge by which a key
 * would gain memories, `storage_full`
 */
export async function updateProject(
  context: RequestContext,
  caller: Caller,
  input: { name: string; new_name: string | null; dry_run: boolean },
  embedders: Embedders,
) {
  const filter = filterOf(input.name);
  if (filter.project === input.new_name) throw invalidField('new_name', 'must differ from the present name');
  const merges = (await countMemories(context.sql, caller.userId, { project: input.new_name })) > 0;
  const rename = { from: input.name, to: input.new_name ?? NO_PROJECT, merges };
  const boundKeys = await findBoundKeys(context, caller, rename);
  const change = { action: 'move', project: input.new_name } as const;
  const { result, moves } = await changeMatching(context, caller, filter, change, input.dry_run, embedders);
  if (result.matched === 0) throw unknownProject(input.name);
  if (!input.dry_run) {
    const isComplete = result.remaining === 0 && result.rejected.length === 0;
    await followRename(context, caller, boundKeys, { ...rename, isComplete });
  }
  return { dry_run: input.dry_run, merges, ...result, duplicates: moves.duplicates, bound_keys: boundKeys };
}

/**
 * Archives the active memories of a project, or deletes all of them for good.
 * @throws Problem `not_found` for a project without memories
 */
export async function deleteProject(
  context: RequestContext,
  caller: Caller,
  input: { name: string; permanent: boolean; dry_run: boolean },
  embedders: Embedders,
) {
  const filter = filterOf(input.name);
  requireProject(caller, filter.project, 'name');
  const change = { action: input.permanent ? 'delete' : 'archive' } as const;
  const { result } = await changeMatching(context, caller, filter, change, input.dry_run, embedders);
  if (result.matched === 0) throw unknownProject(input.name);
  return { dry_run: input.dry_run, ...result };
}

function filterOf(name: string): MemoryFilter & { project: string | null } {
  return { project: name === NO_PROJECT ? null : name };
}

function unknownProject(name: string): Problem {
  const detail = name === NO_PROJECT ? 'Every memory has a project.' : `You have no memory of the project "${name}".`;
  return new Problem('not_found', { detail });
}
