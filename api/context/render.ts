import type { MemoryRow } from '../../db/queries/memories/row.ts';
import { wallClock } from '../time.ts';
import type { Item } from './item.ts';

/** Details after the title of a memory: `full` in a package of a tier, `short` for a budget, where each token counts. */
type Details = 'full' | 'short';

/** Renders a package as Markdown: a section for each type. */
export function render(heading: string, items: readonly Item[], details: Details): string {
  const section = (title: string, type: MemoryRow['type']) => {
    const lines = items.filter(({ memory }) => memory.type === type).map((item) => renderItem(item, details));
    return lines.length > 0 ? [`### ${title}\n\n${lines.join('\n\n')}`] : [];
  };
  return [
    heading,
    ...section('Short-Term Memories', 'short_term'),
    ...section('Long-Term Knowledge', 'long_term'),
  ].join('\n\n');
}

function renderItem({ memory, text, hasExpired }: Item, details: Details): string {
  const title = memory.title.replace(/\s+/gu, ' ');
  const shown = [
    ...(details === 'full' ? fullDetails(memory) : shortDetails(memory)),
    ...(memory.superseded_by ? [`superseded by ${memory.superseded_by}`] : []),
    ...(hasExpired && memory.expires_at ? [`expired: ${toSeconds(memory.expires_at)}`] : []),
  ];
  const head = `- **${title}** (${shown.join(', ')})`;
  const body = renderBody(text);
  return body === '' ? head : `${head}\n${body}`;
}

/** Indents a text below the line with its title. */
export function renderBody(text: string): string {
  return text.replace(/^(?=.)/gmu, '  ');
}

function fullDetails({ created_at, tags }: MemoryRow): string[] {
  return [`created: ${toSeconds(created_at)}`, `tags: ${tags.join(', ') || 'none'}`];
}

/** The local day of the event, or else the UTC day on which the memory was stored; tags only where there are some. */
function shortDetails({ created_at, occurred_at, occurred_offset_minutes: offset, tags }: MemoryRow): string[] {
  const time = occurred_at === null ? created_at : wallClock(occurred_at, offset);
  return [time.toISOString().slice(0, 10), ...(tags.length > 0 ? [`tags: ${tags.join(', ')}`] : [])];
}

function toSeconds(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
