import { restore } from '../../api/contracts/memories.ts';
import { CHANGE, defineTool } from '../define-tool.ts';
import { shownMemory } from './outputs.ts';

export const restoreMemory = defineTool(restore, {
  title: 'Bring back a memory',
  description: 'Make an archived memory active again, or, with `version`, undo edits by taking back a former version.',
  annotations: CHANGE,
  returns: shownMemory,
  text: (memory) => `Memory ${memory.id} is active, at version ${memory.version}.`,
});
