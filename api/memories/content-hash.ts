import { createHash } from 'node:crypto';
import type { MemoryRow } from '../../db/queries/memories/row.ts';

type HashedFields = Pick<MemoryRow, 'title' | 'content' | 'project' | 'session_id' | 'occurred_at'>;
type StoredFields = Pick<MemoryRow, 'title' | 'content' | 'tags' | 'metadata'>;

/** Hashes the fields that exact duplicates share: project, session, time of occurrence, title and content. SHA-256. */
export function contentHash(memory: HashedFields): Buffer {
  const fields = [
    memory.project,
    memory.session_id,
    memory.occurred_at?.toISOString() ?? null,
    memory.title,
    memory.content,
  ];
  return createHash('sha256').update(JSON.stringify(fields)).digest();
}

/** Returns how much storage a memory uses: the UTF-8 bytes of title, content, tags and metadata. */
export function sizeBytes(memory: StoredFields): number {
  const texts = [memory.title, memory.content, ...memory.tags];
  // Memories without metadata hold an empty object, which counts as nothing.
  if (Object.keys(memory.metadata).length > 0) texts.push(JSON.stringify(memory.metadata));
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}
