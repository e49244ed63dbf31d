import type { Memory } from '../../api/contracts/memories.ts';

/** Returns the line that names a memory: title, id, type, project, tags and date. */
export function headline(
  memory: Pick<Memory, 'id' | 'title' | 'type' | 'status' | 'tags' | 'project' | 'created_at'>,
): string {
  const details = [
    memory.type.replace('_', '-'),
    ...(memory.status === 'archived' ? ['archived'] : []),
    ...(memory.project ? [`project ${oneLine(memory.project)}`] : []),
    ...(memory.tags.length > 0 ? [`tags: ${memory.tags.map(oneLine).join(', ')}`] : []),
    memory.created_at.slice(0, 10),
  ];
  return `${oneLine(memory.title)} [${memory.id}] (${details.join('; ')})`;
}

/** Returns stored text on one line. */
export function oneLine(text: string): string {
  return text.replace(/\s+/gu, ' ').trim();
}

/** Returns the last line of a page, which tells how to get the next. */
export function more(next: string | null): string {
  return next === null ? '' : `\nFor more results, call again with cursor "${next}".`;
}
