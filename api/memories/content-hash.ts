import { createHash } from 'node:crypto';
import type { MemoryRow } from '../../db/queries/memories/row.ts';

type Said = Pick<MemoryRow, 'title' | 'content' | 'project' | 'session_id' | 'occurred_at'>;
type Held = Pick<MemoryRow, 'title' | 'content' | 'tags' | 'metadata'>;

/** SHA-256 of what makes two memories say the same: project, session, time, title and content. */
export function contentHash(memory: Said): Buffer {
  const said = [
    memory.project,
    memory.session_id,
    memory.occurred_at?.toISOString() ?? null,
    memory.title,
    memory.content,
  ];
  return createHash('sha256').update(JSON.stringify(said)).digest();
}

/** What a memory counts for in storage: the UTF-8 bytes of title, content, tags and metadata. */
export function sizeBytes(memory: Held): number {
  const texts = [memory.title, memory.content, ...memory.tags];
  // Empty metadata is no metadata.
  if (Object.keys(memory.metadata).length > 0) texts.push(JSON.stringify(memory.metadata));
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}
