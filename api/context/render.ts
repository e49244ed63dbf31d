import type { MemoryRow } from '../../db/queries/memories/row.ts';
import type { Item } from './item.ts';

/** Renders a package as Markdown: a section for each type. */
export function render(heading: string, items: readonly Item[]): string {
  const section = (title: string, type: MemoryRow['type']) => {
    const lines = items.filter(({ memory }) => memory.type === type).map(renderItem);
    return lines.length > 0 ? [`### ${title}\n\n${lines.join('\n\n')}`] : [];
  };
  return [
    heading,
    ...section('Short-Term Memories', 'short_term'),
    ...section('Long-Term Knowledge', 'long_term'),
  ].join('\n\n');
}

function renderItem({ memory, text, hasExpired }: Item): string {
  const title = memory.title.replace(/\s+/gu, ' ');
  const details = [
    `created: ${toSeconds(memory.created_at)}`,
    `tags: ${memory.tags.join(', ') || 'none'}`,
    ...(memory.superseded_by ? [`superseded by ${memory.superseded_by}`] : []),
    ...(hasExpired && memory.expires_at ? [`expired: ${toSeconds(memory.expires_at)}`] : []),
  ];
  const head = `- **${title}** (${details.join(', ')})`;
  const body = text
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n');
  return body === '' ? head : `${head}\n${body}`;
}

function toSeconds(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
