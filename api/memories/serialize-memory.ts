import type { MemoryRow } from '../../db/queries/memories/row.ts';
import type { Memory } from '../contracts/memory.ts';

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
    occurred_at: iso(row.occurred_at),
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
