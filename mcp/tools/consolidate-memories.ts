import { consolidate } from '../../api/contracts/memories.ts';
import { CHANGE, defineTool } from '../define-tool.ts';
import { toolBudget } from './bounds.ts';
import { oneLine } from './format.ts';

export const consolidateMemories = defineTool(consolidate, {
  title: 'Consolidate old memories',
  description:
    'Turn short-term memories that were not edited for some days into long-term knowledge: those tagged heuristic, pattern, proven, decision or insight are promoted, the rest go into a digest and are archived. By default a dry run that only tells; show it to the user before `dry_run: false`.',
  // Not idempotent: where more are due than one call takes, the next call takes the next.
  annotations: { ...CHANGE, idempotentHint: false },
  input: consolidate.input.extend(toolBudget),
  text: (answer, delimit) => {
    const { promoted, archived, digests } = answer.counts;
    const verb = answer.dry_run ? 'Would promote' : 'Promoted';
    const left = answer.remaining > 0 ? ` ${answer.remaining} more are left for another call.` : '';
    const summary = `${verb} ${promoted} and ${answer.dry_run ? 'archive' : 'archived'} ${archived} into ${digests} digest(s).${left}`;
    const lines = [
      ...answer.promoted.map(({ id, title }) => `- promote: ${oneLine(title)} [${id}]`),
      ...answer.archived.map(({ id, title }) => `- archive: ${oneLine(title)} [${id}]`),
    ];
    if (lines.length === 0) return summary;
    return `${summary}\n${delimit(lines.join('\n'))}${answer.truncated ? '\nNot all are listed.' : ''}`;
  },
});
