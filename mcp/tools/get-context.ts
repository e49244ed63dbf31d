import { context } from '../../api/contracts/search.ts';
import { READ, tool } from '../tool.ts';
import { toolBudget } from './bounds.ts';

export const getContext = tool(context, {
  title: 'Get a context package',
  description:
    'Get one Markdown package of what is known, within a token budget: with `query` the most relevant to the task at hand, without it the newest. Good at the start of a session. `tier` 0 to 2 caps it from a glimpse to a lot.',
  annotations: READ,
  input: context.input.extend(toolBudget),
  render: (answer, fence) => {
    if (answer.memory_ids.length === 0)
      return answer.reason === 'nothing_stored' ? 'Nothing is stored yet.' : 'No memory fits.';
    return fence(answer.context);
  },
});
