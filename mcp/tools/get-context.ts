import { context } from '../../api/contracts/search.ts';
import { defineTool, READ } from '../define-tool.ts';
import { toolBudget } from './bounds.ts';

export const getContext = defineTool(context, {
  title: 'Get a context package',
  description:
    'Get the memories that matter for a task as one text, at its start: the most relevant to `query`, or the newest without one.',
  annotations: READ,
  unlisted: ['tier', 'timezone', 'session_id', 'tags_match', 'include_superseded', 'include_expired'],
  input: context.input.omit({ metadata: true }).extend(toolBudget(50)),
  text: (answer, delimit) => {
    if (answer.reason === 'nothing_stored') return 'No memories are stored yet.';
    if (answer.reason === 'nothing_matched') return 'No memories match.';
    if (answer.memory_ids.length === 0) return 'No memory fits the token budget. Increase max_tokens.';
    const truncated = answer.truncated ? '\nSome memories were cut or left out.' : '';
    const pending = answer.embedding_pending ? '\nSome memories stored just now are found by keyword only.' : '';
    return `${delimit(answer.context)}${truncated}${pending}${repeatsLine(answer.repeats)}`;
  },
});

/** Names the memories that are left out because an included one says the same. */
function repeatsLine(repeats: { id: string; repeat_of: string }[] = []): string {
  if (repeats.length === 0) return '';
  return `\nLeft out as repeats: ${repeats.map(({ id, repeat_of }) => `${id} (of ${repeat_of})`).join(', ')}.`;
}
