import { search } from '../../api/contracts/search.ts';
import { defineTool, READ } from '../define-tool.ts';
import { toolBudget } from './bounds.ts';
import { headline, more } from './format.ts';

export const searchMemories = defineTool(search, {
  title: 'Search memories',
  description:
    'Search memories by a question, keywords, names or an error message, before you ask the user or assume that something is unknown. Returns ids and passages, best first.',
  annotations: READ,
  unlisted: ['session_id', 'status', 'tags_match', 'timezone', 'created_after', 'created_before', 'include_expired'],
  // Scores and ranking options are for people who tune the ranking.
  input: search.input.omit({ explain: true, boosts: true, metadata: true }).extend(toolBudget()),
  text: (page, delimit) => {
    if (page.reason === 'nothing_stored') return 'No memories are stored yet.';
    // A semantic search that is disabled by configuration is not worth a remark.
    const isPartial = page.retrievers.semantic === 'loading' || page.retrievers.semantic === 'unavailable';
    const pending = page.embedding_pending ? ' Some memories stored just now are found by keyword only.' : '';
    if (page.total === 0) {
      return isPartial
        ? 'No memories match by keyword. Semantic search is unavailable at the moment.'
        : `No memories match.${pending}`;
    }
    const items = page.results.map((hit) => `- ${headline(hit)}\n  ${hit.snippet.replace(/\r?\n/gu, '\n  ')}`);
    const remarks = [
      page.reachable ? ` Only the best ${page.reachable} can be listed.` : '',
      page.low_confidence
        ? ' None of them is a close match: the answer is probably not stored. Try other words once, then treat it as unknown.'
        : '',
      isPartial ? ' Semantic search is unavailable at the moment, so these are keyword matches.' : '',
      pending,
    ];
    return `${summary(page.results.length, page.total, page.total_relation)}${remarks.join('')}\n${delimit(items.join('\n'))}${more(page.next_cursor)}`;
  },
});

/** States how many of the matches are returned. A total that is a lower bound is not worth stating where all are returned. */
function summary(returned: number, total: number, relation: 'eq' | 'gte'): string {
  if (returned < total) return `${returned} of ${relation === 'gte' ? 'at least ' : ''}${total} matches, best first.`;
  return returned === 1 ? '1 match.' : `${returned} matches, best first.`;
}
