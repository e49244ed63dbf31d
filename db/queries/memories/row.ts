export type MemoryType = 'short_term' | 'long_term';
export type MemoryStatus = 'active' | 'archived';

/** A stored memory, without its search terms. Times are UTC; `size_bytes` counts title, content, tags and metadata. */
export interface MemoryRow {
  id: string;
  type: MemoryType;
  status: MemoryStatus;
  title: string;
  content: string;
  tags: string[];
  metadata: Record<string, unknown>;
  project: string | null;
  session_id: string | null;
  occurred_at: Date | null;
  /** Offset of the time zone in which `occurred_at` was given, in minutes east of UTC: it decides the local day. */
  occurred_offset_minutes: number;
  expires_at: Date | null;
  supersedes: string | null;
  /** The newest memory that supersedes this one, active or consolidated. */
  superseded_by: string | null;
  consolidated_into: string | null;
  /** A digest of a consolidation, unedited since: search finds its sources in its place. */
  is_digest: boolean;
  version: number;
  size_bytes: number;
  created_at: Date;
  updated_at: Date;
}

export type NewMemoryRow = Omit<MemoryRow, 'superseded_by'> & { content_hash: Buffer };

/**
 * The columns of a {@link MemoryRow}. The superseding memory is looked up in a form that only the index of `supersedes` matches: with
 * an order that another index provides, or a condition that a partial index is for, a plan made before there were statistics would
 * read all memories of the tenant.
 * @param content SQL of the content, or of a part of it
 */
export const memoryColumns = (content: string) =>
  `id, type, status, title, ${content} as content, tags, metadata, project, session_id, occurred_at, occurred_offset_minutes, expires_at, ` +
  'supersedes, consolidated_into, is_digest, version, size_bytes, created_at, updated_at, ' +
  '(select (array_agg(s.id order by s.created_at desc, s.id desc))[1] from memories s ' +
  "where s.user_id = memories.user_id and s.supersedes = memories.id and (s.status = 'active' or s.consolidated_into is not null) is true) as superseded_by";

/** The columns of a {@link MemoryRow} with its whole content. */
export const MEMORY_COLUMNS = memoryColumns('content');

/** The unique constraint that an exact duplicate of an active memory violates. */
export const EXACT_DUPLICATE_CONSTRAINT = 'memories_exact_duplicate';
