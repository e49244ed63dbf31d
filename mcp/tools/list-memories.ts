import { z } from 'zod';
import { list } from '../../api/contracts/memories.ts';
import { defineTool, READ } from '../define-tool.ts';
import { toolBudget } from './bounds.ts';
import { headline, more } from './format.ts';

export const listMemories = defineTool(list, {
  title: 'List memories',
  description: 'List memories by filter, newest first by default. To find something, use search_memories.',
  annotations: READ,
  unlisted: [
    'session_id',
    'tags_match',
    'created_after',
    'created_before',
    'occurred_after',
    'occurred_before',
    'include_superseded',
    'include_expired',
    'sort',
    'order',
  ],
  searchHint: 'list browse memories tags project',
  // Not by title: a cursor contains the sort value, and a long title would use up the token budget.
  input: list.input.omit({ include: true, metadata: true }).extend({
    ...toolBudget(),
    sort: z.enum(['created_at', 'updated_at', 'occurred_at']).default('created_at'),
  }),
  text: (page, delimit) => {
    if (page.total === 0)
      return page.reason === 'nothing_stored' ? 'No memories are stored yet.' : 'No memories match this filter.';
    const items = page.results.map(
      (memory) => `- ${headline(memory)}\n${memory.content}${memory.truncated ? ' […]' : ''}`,
    );
    return `${page.results.length < page.total ? `${page.results.length} of ` : ''}${page.total} ${page.total === 1 ? 'memory' : 'memories'}.\n${delimit(items.join('\n'))}${more(page.next_cursor)}`;
  },
});
