import type { MemoryRow } from '../../db/queries/memories/row.ts';
import { wallClock } from '../time.ts';
import { countTokens } from '../tokens/count.ts';
import type { Item } from './item.ts';

/** Details after the title of a memory: `full` in a package of a tier, `short` for a budget, where each token counts. */
type Details = 'full' | 'short';

/** The sections of a package, in their order. */
const SECTIONS: readonly { type: MemoryRow['type']; title: string }[] = [
  { type: 'short_term', title: '### Short-Term Memories' },
  { type: 'long_term', title: '### Long-Term Knowledge' },
];

/** Renders a package as Markdown: a section for each type. */
export function render(heading: string, items: readonly Item[], details: Details): string {
  const sections = SECTIONS.flatMap(({ type, title }) => {
    const shown = items.filter(({ memory }) => memory.type === type).map((item) => renderItem(item, details));
    return shown.length > 0 ? [title, ...shown] : [];
  });
  return [heading, ...sections].join('\n\n');
}

/**
 * Returns a function that counts the tokens of a package as {@link render} writes it, counting the text of each item once, however often
 * it is called. The tokenizer joins nothing across an empty line, so the result differs from a count of the text by its end at most.
 */
export function createCounter(heading: string, details: Details): (items: readonly Item[]) => number {
  const counts = new WeakMap<Item, number>();
  const countBlock = (text: string) => countTokens(`${text}\n\n`);
  const ofHeading = countBlock(heading);
  const ofSections = new Map(SECTIONS.map(({ type, title }) => [type, countBlock(title)]));
  const countItem = (item: Item) => {
    const tokens = counts.get(item) ?? countBlock(renderItem(item, details));
    counts.set(item, tokens);
    return tokens;
  };
  return (items) => {
    const types = new Set(items.map(({ memory }) => memory.type));
    const sections = [...types].reduce((sum, type) => sum + (ofSections.get(type) ?? 0), 0);
    return items.reduce((sum, item) => sum + countItem(item), ofHeading + sections);
  };
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
