import type { Memory } from '../../api/contracts/memories.ts';

/** The line that names a memory: title, id and what a reader needs to judge it. */
export function headline(
  memory: Pick<Memory, 'id' | 'title' | 'type' | 'status' | 'tags' | 'project' | 'created_at'>,
): string {
  const facts = [
    memory.type.replace('_', '-'),
    ...(memory.status === 'archived' ? ['archived'] : []),
    ...(memory.project ? [`project ${oneLine(memory.project)}`] : []),
    ...(memory.tags.length > 0 ? [`tags: ${memory.tags.map(oneLine).join(', ')}`] : []),
    memory.created_at.slice(0, 10),
  ];
  return `${oneLine(memory.title)} [${memory.id}] (${facts.join('; ')})`;
}

/** Stored text on one line. */
export function oneLine(text: string): string {
  return text.replace(/\s+/gu, ' ').trim();
}

/** The last line of a page: how to go on. */
export function more(next: string | null): string {
  return next === null ? '' : `\nMore: call again with cursor "${next}".`;
}
