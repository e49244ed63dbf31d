import { z } from 'zod';
import { findMemory } from '../../db/queries/memories/memories.ts';
import { countVersions, listVersions, type VersionRow } from '../../db/queries/memories/versions.ts';
import type { Caller, RequestContext } from '../context.ts';
import { Problem } from '../errors.ts';
import { decodeCursor, encodeCursor } from '../listing/cursor.ts';
import { formatOccurrence } from './serialize-memory.ts';

const VERSION_POSITION = z.tuple([z.int32().min(1)]);

/** Lists the former versions of a memory, newest first. */
export async function versions(
  context: RequestContext,
  caller: Caller,
  input: { id: string; limit: number; cursor?: string | undefined },
) {
  const before = input.cursor === undefined ? undefined : decodeCursor(input.id, input.cursor, VERSION_POSITION)[0];
  const [memory, rows, total] = await Promise.all([
    findMemory(context.sql, caller.userId, input.id),
    listVersions(context.sql, caller.userId, input.id, input.limit + 1, before),
    countVersions(context.sql, caller.userId, input.id),
  ]);
  if (!memory) throw new Problem('not_found', { detail: `You have no memory ${input.id}.` });
  const page = rows.slice(0, input.limit);
  const last = page.at(-1);
  return {
    results: page.map(serializeVersion),
    total,
    next_cursor: rows.length > page.length && last ? encodeCursor(input.id, [last.version]) : null,
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
