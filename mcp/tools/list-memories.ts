import { z } from 'zod';
import { list } from '../../api/contracts/memories.ts';
import { defineTool, READ } from '../define-tool.ts';
import { toolBudget } from './bounds.ts';
import { headline, more } from './format.ts';
import { shownList } from './outputs.ts';

export const listMemories = defineTool(list, {
  title: 'List memories',
  description:
    'List memories by filter, newest first unless sorted otherwise. To find something by what it says, use search_memories.',
  annotations: READ,
  // Not by title: a cursor holds the value that it sorts by, and would take the budget.
  input: list.input.extend({
    ...toolBudget,
    sort: z.enum(['created_at', 'updated_at', 'occurred_at']).default('created_at'),
  }),
  returns: shownList,
  text: (page, delimit) => {
    if (page.total === 0)
      return page.reason === 'nothing_stored' ? 'Nothing is stored yet.' : 'No memory passes this filter.';
    const items = page.results.map(
      (memory) => `- ${headline(memory)}\n${memory.content}${memory.truncated ? ' […]' : ''}`,
    );
    return `${page.results.length} of ${page.total} memories.\n${delimit(items.join('\n'))}${more(page.next_cursor)}`;
  },
});
