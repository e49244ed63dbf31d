import { consolidate } from '../../api/contracts/memories.ts';
import { CHANGE, tool } from '../tool.ts';

export const consolidateMemories = tool(consolidate, {
  title: 'Consolidate old memories',
  description:
    'Turn short-term memories that were not edited for some days into long-term knowledge: those tagged heuristic, pattern, proven, decision or insight are promoted, the rest go into a digest and are archived. By default a dry run that only tells; show it to the user before `dry_run: false`.',
  annotations: CHANGE,
  render: (answer) => {
    const verb = answer.dry_run ? 'Would promote' : 'Promoted';
    const left = answer.remaining > 0 ? ` ${answer.remaining} more are left for another call.` : '';
    return `${verb} ${answer.promoted.length} and ${answer.dry_run ? 'archive' : 'archived'} ${answer.archived.length} into ${answer.digests.length} digest(s).${left}`;
  },
});
