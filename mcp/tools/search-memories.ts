import { search } from '../../api/contracts/search.ts';
import { defineTool, READ } from '../define-tool.ts';
import { toolBudget } from './bounds.ts';
import { headline, more } from './format.ts';
import { shownSearch } from './outputs.ts';

export const searchMemories = defineTool(search, {
  title: 'Search memories',
  description:
    'Find memories by what they say: a question, keywords, names, error messages. Answers titles, ids and the matching passages, best first; read a whole memory with get_memory. Search before you assume that something is unknown.',
  annotations: READ,
  // The numbers behind a ranking and its switches are for people who tune it.
  input: search.input.omit({ explain: true, priors: true }).extend(toolBudget),
  returns: shownSearch,
  text: (page, delimit) => {
    if (page.reason === 'nothing_stored') return 'Nothing is stored yet.';
    // What is off for good is no news.
    const isPartial = page.parts.semantic === 'loading' || page.parts.semantic === 'unavailable';
    const byWords = isPartial ? ' Only words were compared: search by meaning is not there right now.' : '';
    if (page.total === 0) return `No memory matches.${byWords}`;
    const items = page.results.map(
      (hit) =>
        `- ${headline(hit)}${hit.superseded_by ? ` replaced by ${hit.superseded_by}` : ''}\n  ${hit.snippet.replace(/\s+/gu, ' ')}`,
    );
    const remark = page.weak
      ? ' None fits well.'
      : page.relaxed
        ? ' Quotes and minus signs left nothing, so they were ignored.'
        : '';
    const total = `${page.total_relation === 'gte' ? 'at least ' : ''}${page.total}`;
    return `${page.results.length} of ${total} matches, best first.${remark}${byWords}\n${delimit(items.join('\n'))}${more(page.next_cursor)}`;
  },
});
