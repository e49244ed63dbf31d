import { update } from '../../api/contracts/memories.ts';
import { CHANGE, defineTool } from '../define-tool.ts';
import { shownMemory } from './outputs.ts';

export const updateMemory = defineTool(update, {
  title: 'Change a memory',
  description:
    'Correct or extend a memory; only the fields you name change, and the former state is kept. `tags` replaces all tags; `add_tags` and `remove_tags` change some. For a fact that became outdated, create a new memory with `supersedes` instead.',
  annotations: CHANGE,
  returns: shownMemory,
  text: (memory) => `Memory ${memory.id} is now at version ${memory.version}.`,
});
