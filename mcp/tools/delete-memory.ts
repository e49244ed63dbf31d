import { remove } from '../../api/contracts/memories.ts';
import { CHANGE, defineTool } from '../define-tool.ts';

export const deleteMemory = defineTool(remove, {
  title: 'Forget a memory',
  description:
    'Archive a memory, so that it is no longer found; restore_memory brings it back. With `permanent: true` it is gone for good: only when the user asked for that.',
  annotations: CHANGE,
  text: (gone) =>
    gone.status === 'deleted'
      ? `Memory ${gone.id} is deleted for good.`
      : `Memory ${gone.id} is archived; restore_memory brings it back.`,
});
