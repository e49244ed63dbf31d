import { create } from '../../api/contracts/memories.ts';
import { ADD, defineTool } from '../define-tool.ts';
import { shownCreated } from './outputs.ts';

export const createMemory = defineTool(create, {
  title: 'Create a memory',
  description:
    'Store one fact, decision, preference or lesson for later sessions. Make it self-contained: include names, paths and reasons. One idea per memory. It is searchable as soon as this returns; an exact duplicate returns the existing memory. If it replaces an older memory, pass its id as `supersedes`: both are kept, the new one is found. Never store passwords, keys or tokens.',
  annotations: ADD,
  returns: shownCreated,
  text: (memory) =>
    memory.deduplicated
      ? `Already stored as ${memory.id}${memory.changed.length > 0 ? `; added the new ${memory.changed.join(' and ')}` : ''}.`
      : `Stored as ${memory.id}.${nearDuplicates(memory.similar)}`,
});

function nearDuplicates(similar: readonly { id: string; score: number }[]): string {
  if (similar.length === 0) return '';
  const listed = similar.map(({ id, score }) => `${id} (${Math.round(score * 100)} % of words in common)`).join(', ');
  return ` Similar memories: ${listed}. If the new memory replaces one of them, set \`supersedes\` with update_memory.`;
}
