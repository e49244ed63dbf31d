import { remove } from '../../api/contracts/memories.ts';
import { DELETE, defineTool } from '../define-tool.ts';

export const deleteMemory = defineTool(remove, {
  title: 'Delete a memory',
  description:
    'Archive a memory, so that searches no longer return it; restore_memory brings it back. `permanent: true` deletes it for good: only when the user asked for that.',
  annotations: DELETE,
  unlisted: ['if_version'],
  searchHint: 'forget remove archive memory',
  returns: remove.output,
  text: (gone) =>
    gone.status === 'deleted'
      ? `Deleted memory ${gone.id} permanently.`
      : `Archived memory ${gone.id}. Use restore_memory to restore it.`,
});
