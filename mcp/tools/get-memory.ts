import { get, type Memory } from '../../api/contracts/memories.ts';
import { defineTool, READ } from '../define-tool.ts';
import { toolBudget } from './bounds.ts';
import { headline, oneLine } from './format.ts';

export const getMemory = defineTool(get, {
  title: 'Read a memory',
  description:
    'Read one memory whole, by the id that a search or list answered. A long one comes in parts: go on with `offset`.',
  annotations: READ,
  input: get.input.extend(toolBudget),
  returns: get.output.omit({ size_bytes: true, consolidated_into: true }),
  text: (memory, delimit) => {
    const more = facts(memory);
    const rest = memory.next_offset === null ? '' : `\nCut here: go on with offset ${memory.next_offset}.`;
    const replaced = memory.superseded_by ? `\nReplaced by ${memory.superseded_by}.` : '';
    return `${delimit(`${headline(memory)}${more}\n${memory.content}`)}${rest}${replaced}`;
  },
});

/** What a memory says of itself beside its headline, on a line of its own. */
function facts(memory: Memory): string {
  const { version, occurred_at, expires_at, session_id, supersedes, metadata } = memory;
  const told = [
    `version ${version}`,
    occurred_at && `happened ${occurred_at}`,
    expires_at && `holds until ${expires_at}`,
    session_id && `session ${oneLine(session_id)}`,
    supersedes && `replaces ${supersedes}`,
    Object.keys(metadata).length > 0 && `metadata ${JSON.stringify(metadata)}`,
  ];
  return `\n(${told.filter(Boolean).join('; ')})`;
}
