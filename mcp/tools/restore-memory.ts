import { restore } from '../../api/contracts/memories.ts';
import { defineTool, WRITE } from '../define-tool.ts';
import { shownMemory } from './outputs.ts';

export const restoreMemory = defineTool(restore, {
  title: 'Restore a memory',
  description: 'Restore an archived memory, or with `version` a former version of it.',
  annotations: WRITE,
  unlisted: ['type'],
  searchHint: 'undo unarchive revert memory',
  returns: shownMemory,
  text: (memory) => `Restored memory ${memory.id} at version ${memory.version}.`,
});
