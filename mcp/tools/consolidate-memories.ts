import { consolidate } from '../../api/contracts/consolidate.ts';
import { defineTool, WRITE } from '../define-tool.ts';
import { toolBudget } from './bounds.ts';
import { oneLine } from './format.ts';

export const consolidateMemories = defineTool(consolidate, {
  title: 'Consolidate old memories',
  description:
    'Tidy short-term memories that were not edited for days: some are promoted to long-term, others combined into a digest and archived. A dry run unless `dry_run: false`: show its result to the user first.',
  // Not idempotent: a call consolidates a limited number of memories, and the next call continues.
  annotations: { ...WRITE, idempotentHint: false },
  searchHint: 'tidy compact old memories',
  input: consolidate.input.extend(toolBudget()),
  text: (answer, delimit) => {
    const { promoted, archived, digests } = answer.counts;
    const verb = answer.dry_run ? 'Would promote' : 'Promoted';
    const left = answer.remaining > 0 ? ` ${answer.remaining} more remain for the next call.` : '';
    const summary = `${verb} ${promoted} and ${answer.dry_run ? 'archive' : 'archived'} ${archived} into ${digests} ${digests === 1 ? 'digest' : 'digests'}.${left}`;
    const lines = [
      ...answer.promoted.map(({ id, title }) => `- promote: ${oneLine(title)} [${id}]`),
      ...answer.archived.map(({ id, title }) => `- archive: ${oneLine(title)} [${id}]`),
    ];
    if (lines.length === 0) return summary;
    return `${summary}\n${delimit(lines.join('\n'))}${answer.truncated ? '\nThe list is incomplete.' : ''}`;
  },
});
