import type { MemoryRow } from '../../db/queries/memories/row.ts';
import type { Memory, NewMemory } from '../contracts/memory.ts';
import { formatWithOffset } from '../time.ts';

type Occurrence = Pick<MemoryRow, 'occurred_at' | 'occurred_offset_minutes'>;

/** Returns the columns of the time of an event. */
export function occurrenceColumns(occurred: NewMemory['occurred_at'] | null): Occurrence {
  return { occurred_at: occurred?.instant ?? null, occurred_offset_minutes: occurred?.offsetMinutes ?? 0 };
}

/** Formats the time of an event in the offset in which it was given. */
export function formatOccurrence({ occurred_at, occurred_offset_minutes }: Occurrence): string | null {
  return occurred_at && formatWithOffset(occurred_at, occurred_offset_minutes);
}

const iso = (moment: Date | null) => moment?.toISOString() ?? null;

/** Converts a stored memory to the form that every transport returns. */
export function serializeMemory(row: MemoryRow): Memory {
  return {
    id: row.id,
    type: row.type,
    status: row.status,
    title: row.title,
    content: row.content,
    tags: row.tags,
    metadata: row.metadata,
    project: row.project,
    session_id: row.session_id,
    occurred_at: formatOccurrence(row),
    expires_at: iso(row.expires_at),
    supersedes: row.supersedes,
    superseded_by: row.superseded_by,
    consolidated_into: row.consolidated_into,
    version: row.version,
    size_bytes: row.size_bytes,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}
