import type { Memory } from '../../api/contracts/memory.ts';

type Headline = Pick<
  Memory,
  'id' | 'title' | 'type' | 'status' | 'tags' | 'project' | 'created_at' | 'expires_at' | 'superseded_by'
> &
  Partial<Pick<Memory, 'occurred_at' | 'consolidated_into'>>;

/** Returns the line that names a memory: title, id, type, project, tags, dates, and whether it is outdated. */
export function headline(memory: Headline): string {
  const details = [
    memory.type.replace('_', '-'),
    ...(memory.status === 'archived' ? ['archived'] : []),
    ...(memory.project ? [`project ${oneLine(memory.project)}`] : []),
    ...(memory.tags.length > 0 ? [`tags: ${memory.tags.map(oneLine).join(', ')}`] : []),
    memory.created_at.slice(0, 10),
    ...(memory.occurred_at ? [`occurred ${memory.occurred_at.slice(0, 10)}`] : []),
    ...(memory.superseded_by ? [`superseded by ${memory.superseded_by}`] : []),
    ...(memory.consolidated_into ? [`part of digest ${memory.consolidated_into}`] : []),
    ...(hasExpired(memory.expires_at) ? [`expired ${memory.expires_at}`] : []),
  ];
  return `${oneLine(memory.title)} [${memory.id}] (${details.join('; ')})`;
}

function hasExpired(expiresAt: string | null): boolean {
  return expiresAt !== null && Date.parse(expiresAt) <= Date.now();
}

/** Returns stored text on one line. */
export function oneLine(text: string): string {
  return text.replace(/\s+/gu, ' ').trim();
}

/** Returns the last line of a page, which tells how to get the next. */
export function more(next: string | null): string {
  return next === null ? '' : `\nFor more results, call again with cursor "${next}".`;
}
