import { search } from '../../api/contracts/search.ts';
import { READ, tool } from '../tool.ts';
import { toolBudget } from './bounds.ts';
import { headline, more } from './lines.ts';

export const searchMemories = tool(search, {
  title: 'Search memories',
  description:
    'Find memories by what they say: a question, keywords, names, error messages. Answers titles, ids and the matching passages, best first; read a whole memory with get_memory. Search before you assume that something is unknown.',
  annotations: READ,
  input: search.input.extend(toolBudget),
  render: (page, fence) => {
    if (page.total === 0) return page.reason === 'nothing_stored' ? 'Nothing is stored yet.' : 'No memory matches.';
    const items = page.results.map(
      (hit) =>
        `- ${headline(hit)}${hit.superseded_by ? ` replaced by ${hit.superseded_by}` : ''}\n  ${hit.snippet.replace(/\s+/gu, ' ')}`,
    );
    return `${page.results.length} of ${page.total} matches, best first.\n${fence(items.join('\n'))}${more(page.next_cursor)}`;
  },
});
