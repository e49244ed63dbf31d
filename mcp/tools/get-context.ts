import { context } from '../../api/contracts/search.ts';
import { defineTool, READ } from '../define-tool.ts';
import { toolBudget } from './bounds.ts';

export const getContext = defineTool(context, {
  title: 'Get a context package',
  description:
    'Get one Markdown package of what is known, within a token budget: with `query` the most relevant to the task at hand, without it the newest. Good at the start of a session. `tier` 0 to 2 caps it from a glimpse to a lot.',
  annotations: READ,
  input: context.input.extend(toolBudget),
  returns: context.output.omit({ tokenizer: true }),
  text: (answer, delimit) => {
    if (answer.reason === 'nothing_stored') return 'Nothing is stored yet.';
    if (answer.reason === 'nothing_matched') return 'No memory matches.';
    if (answer.memory_ids.length === 0) return 'No memory fits this budget: raise max_tokens.';
    return delimit(answer.context);
  },
});
