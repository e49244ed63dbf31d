import { get } from '../../api/contracts/memories.ts';
import type { Memory } from '../../api/contracts/memory.ts';
import { defineTool, READ } from '../define-tool.ts';
import { toolBudget } from './bounds.ts';
import { headline, oneLine } from './format.ts';

export const getMemory = defineTool(get, {
  title: 'Read a memory',
  description: 'Read one memory whole by its id. Of a long one, pass `next_offset` as `offset` to continue.',
  annotations: READ,
  searchHint: 'read a memory by id',
  input: get.input.extend(toolBudget()),
  text: (memory, delimit) => {
    const details = detailsOf(memory);
    const rest =
      memory.next_offset === null
        ? ''
        : `\nThe content is cut here. To continue, call again with offset ${memory.next_offset}.`;
    const truncated = memory.truncated_fields ? `\nTruncated fields: ${memory.truncated_fields.join(', ')}.` : '';
    return `${delimit(`${headline(memory)}${details}\n${memory.content}`)}${rest}${truncated}`;
  },
});

/** Returns a line with the fields that the headline leaves out. */
function detailsOf(memory: Memory): string {
  const { version, expires_at, session_id, supersedes, metadata } = memory;
  const details = [
    `version ${version}`,
    expires_at && `expires ${expires_at}`,
    session_id && `session ${oneLine(session_id)}`,
    supersedes && `supersedes ${supersedes}`,
    Object.keys(metadata).length > 0 && `metadata ${JSON.stringify(metadata)}`,
  ];
  return `\n(${details.filter(Boolean).join('; ')})`;
}
