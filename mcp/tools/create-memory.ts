import { create } from '../../api/contracts/memories.ts';
import { defineTool, WRITE } from '../define-tool.ts';
import { shownCreated } from './outputs.ts';

export const createMemory = defineTool(create, {
  title: 'Create a memory',
  description:
    'Store one fact, decision, fix or preference that a later session will need, when you learn it. One self-contained idea each, with names, paths and reasons. If it replaces a memory, pass its id as `supersedes`. Never store secrets.',
  annotations: WRITE,
  unlisted: ['session_id'],
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
