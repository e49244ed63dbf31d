import { z } from 'zod';
import { findHeads, type MemoryHead } from '../../db/queries/memories/heads.ts';
import { findNearDuplicates, listCompared, type NearDuplicate } from '../../db/queries/memories/near-duplicates.ts';
import type { Caller, RequestContext } from '../context.ts';
import { id } from '../contracts/fields.ts';
import { decodeCursor, encodeCursor } from '../listing/cursor.ts';
import { toFilter } from '../listing/filter.ts';
import { ignoredTerms } from './create.ts';

const POSITION = z.tuple([id]);
/** Characters of each content. */
const EXCERPT_LENGTH = 1_000;
/** Memories that one statement compares: a busy service lets a caller wait for a connection before each statement. */
const TOGETHER = 20;
/** The most near-duplicates of a memory that are listed. */
const SIMILAR_MAX = 10;

/**
 * Compares a block of active memories, newest first, with older ones, and returns those that have near-duplicates. Each memory is
 * compared with at most a hundred others.
 */
export async function nearDuplicates(
  context: RequestContext,
  caller: Caller,
  input: { project?: string | null | undefined; min_score: number; limit: number; cursor?: string | undefined },
) {
  const { project } = toFilter(context, caller, { project: input.project });
  const query = ['near-duplicates', project ?? null, project === undefined, input.min_score];
  const before = input.cursor === undefined ? undefined : decodeCursor(query, input.cursor, POSITION)[0];
  const compared = await listCompared(context.sql, caller.userId, { project, before, limit: input.limit });
  const groups: { id: string; similar: NearDuplicate[] }[] = [];
  for (let at = 0; at < compared.length; at += TOGETHER) {
    const some = compared.slice(at, at + TOGETHER).map((one) => ({ ...one, ignoredTerms: ignoredTerms(one) }));
    const options = { scoreMin: input.min_score, limit: SIMILAR_MAX };
    const found = await findNearDuplicates(context.sql, caller.userId, some, options);
    for (const { id } of some) {
      const similar = found.get(id);
      if (similar) groups.push({ id, similar });
    }
  }
  const last = compared.at(-1);
  return {
    results: await toResults(context, caller, groups),
    compared: compared.length,
    next_cursor: last && compared.length === input.limit ? encodeCursor(query, [last.id]) : null,
  };
}

async function toResults(
  context: RequestContext,
  caller: Caller,
  groups: readonly { id: string; similar: readonly NearDuplicate[] }[],
) {
  const ids = new Set(groups.flatMap(({ id, similar }) => [id, ...similar.map((one) => one.id)]));
  const heads = await findHeads(context.sql, caller.userId, [...ids], EXCERPT_LENGTH);
  const summaries = new Map(heads.map((head) => [head.id, summarize(head)]));
  return groups.flatMap((group) => {
    const summary = summaries.get(group.id);
    // A memory may have been deleted since it was compared.
    const similar = group.similar.flatMap(({ id, score }) => {
      const other = summaries.get(id);
      return other ? [{ ...other, score: Math.round(score * 100) / 100 }] : [];
    });
    return summary && similar.length > 0 ? [{ ...summary, similar }] : [];
  });
}

function summarize(head: MemoryHead) {
  const { id, title, type, tags, project, version } = head;
  return {
    id,
    title,
    excerpt: head.content,
    type,
    tags,
    project,
    version,
    created_at: head.created_at.toISOString(),
    updated_at: head.updated_at.toISOString(),
  };
}
