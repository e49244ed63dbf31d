import { remove } from '../../api/contracts/memories.ts';
import { CHANGE, defineTool } from '../define-tool.ts';

export const deleteMemory = defineTool(remove, {
  title: 'Delete a memory',
  description:
    'Archive a memory, so that searches no longer return it; restore_memory restores it. With `permanent: true` it is deleted and cannot be restored: do that only when the user asked for it.',
  annotations: CHANGE,
  returns: remove.output,
  text: (gone) =>
    gone.status === 'deleted'
      ? `Deleted memory ${gone.id} permanently.`
      : `Archived memory ${gone.id}. Use restore_memory to restore it.`,
});
