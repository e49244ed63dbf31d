import { restore } from '../../api/contracts/memories.ts';
import { CHANGE, defineTool } from '../define-tool.ts';
import { shownMemory } from './outputs.ts';

export const restoreMemory = defineTool(restore, {
  title: 'Restore a memory',
  description: 'Restore an archived memory, or, with `version`, revert a memory to a previous version.',
  annotations: CHANGE,
  returns: shownMemory,
  text: (memory) => `Restored memory ${memory.id} at version ${memory.version}.`,
});
