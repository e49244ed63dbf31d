import { get } from '../../api/contracts/memories.ts';
import { READ, tool } from '../tool.ts';
import { toolBudget } from './bounds.ts';
import { headline } from './lines.ts';

export const getMemory = tool(get, {
  title: 'Read a memory',
  description:
    'Read one memory whole, by the id that a search or list answered. A long one comes in parts: go on with `offset`.',
  annotations: READ,
  input: get.input.extend(toolBudget),
  render: (memory, fence) => {
    const rest = memory.next_offset === null ? '' : `\nCut here: go on with offset ${memory.next_offset}.`;
    const replaced = memory.superseded_by ? `\nReplaced by ${memory.superseded_by}.` : '';
    return `${fence(`${headline(memory)}\n${memory.content}`)}${rest}${replaced}`;
  },
});
