import { z } from 'zod';
import { findMemory } from '../../db/queries/memories/memories.ts';
import { countVersions, listVersions, type VersionRow } from '../../db/queries/memories/versions.ts';
import type { Caller, RequestContext } from '../context.ts';
import { Problem } from '../errors.ts';
import { decodeCursor, encodeCursor } from '../listing/cursor.ts';
import { formatOccurrence } from './serialize-memory.ts';

const VERSION_POSITION = z.tuple([z.int32().min(1)]);
/** Bytes of a page, about; a version that is larger is a page of its own. */
const PAGE_BYTES_MAX = 2_097_152;

/** Lists the former versions of a memory, newest first. */
export async function versions(
  context: RequestContext,
  caller: Caller,
  input: { id: string; limit: number; cursor?: string | undefined },
) {
  const before = input.cursor === undefined ? undefined : decodeCursor(input.id, input.cursor, VERSION_POSITION)[0];
  const page = { limit: input.limit, bytesMax: PAGE_BYTES_MAX, before, projects: caller.projects };
  const [memory, { versions: rows, isLast }, total] = await Promise.all([
    findMemory(context.sql, caller.userId, input.id),
    listVersions(context.sql, caller.userId, input.id, page),
    countVersions(context.sql, caller.userId, input.id, caller.projects),
  ]);
  if (!memory) throw new Problem('not_found', { detail: `You have no memory ${input.id}.` });
  const last = rows.at(-1);
  return {
    results: rows.map(serializeVersion),
    total,
    next_cursor: !isLast && last ? encodeCursor(input.id, [last.version]) : null,
  };
}

function serializeVersion(version: VersionRow) {
  const { occurred_offset_minutes: _shownInTime, ...row } = version;
  return {
    ...row,
    occurred_at: formatOccurrence(version),
    expires_at: row.expires_at?.toISOString() ?? null,
    written_at: row.written_at.toISOString(),
  };
}
