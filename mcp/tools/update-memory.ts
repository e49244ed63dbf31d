import { update } from '../../api/contracts/memories.ts';
import { CHANGE, defineTool } from '../define-tool.ts';
import { shownMemory } from './outputs.ts';

export const updateMemory = defineTool(update, {
  title: 'Update a memory',
  description:
    'Update fields of a memory. Other fields stay as they are, and the previous version is kept. `tags` replaces all tags; `add_tags` and `remove_tags` change some. `"none"` clears project, session_id, occurred_at, expires_at or supersedes. If a fact is outdated, create a new memory with `supersedes` instead.',
  annotations: CHANGE,
  returns: shownMemory,
  text: (memory) => `Updated memory ${memory.id} to version ${memory.version}.`,
});
