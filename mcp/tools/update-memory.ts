import { update } from '../../api/contracts/memories.ts';
import { defineTool, WRITE } from '../define-tool.ts';
import { shownMemory } from './outputs.ts';

export const updateMemory = defineTool(update, {
  title: 'Update a memory',
  description:
    'Change fields of a memory; the former version is kept. `"none"` clears a field. For a fact that is outdated, create a new memory with `supersedes` instead.',
  annotations: WRITE,
  unlisted: ['metadata', 'session_id', 'occurred_at', 'type', 'if_version'],
  searchHint: 'edit correct memory tags',
  returns: shownMemory,
  text: (memory) => `Updated memory ${memory.id} to version ${memory.version}.`,
});
