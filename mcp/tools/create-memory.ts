import { create } from '../../api/contracts/memories.ts';
import { ADD, defineTool } from '../define-tool.ts';
import { shownCreated } from './outputs.ts';

export const createMemory = defineTool(create, {
  title: 'Remember something',
  description:
    'Store one fact, decision, preference or lesson so that later sessions find it. Write it so that it makes sense on its own: names, paths and reasons in, "it" and "this" out. One idea a memory. Stored and searchable when this returns; an exact repeat answers the memory that is there. When a fact replaces an older memory, name that in `supersedes`: both stay, the new one ranks first. Never store passwords, keys or tokens.',
  annotations: ADD,
  returns: shownCreated,
  text: (memory) =>
    memory.deduplicated
      ? `Already known as ${memory.id}${memory.changed.length > 0 ? `; added its new ${memory.changed.join(' and ')}` : ''}.`
      : `Remembered as ${memory.id}.${alike(memory.similar)}`,
});

function alike(similar: readonly { id: string; score: number }[]): string {
  if (similar.length === 0) return '';
  const those = similar.map(({ id, score }) => `${id} (${Math.round(score * 100)} % the same words)`).join(', ');
  return ` Nearly the same is stored as ${those}: if this replaces one of them, say so with update_memory and supersedes.`;
}
