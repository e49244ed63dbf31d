import { wholeCharacter } from '../tokens/truncate.ts';
import type { Item } from './item.ts';
import { findContainers } from './repeats.ts';

/** Length of a passage, about 75 tokens, and of a text from which on its passage competes for the budget instead of it. */
const PASSAGE_CHARACTERS = 320;
const LONG_CHARACTERS = 480;
/** A passage starts with its sentence when that begins at most so many characters before. */
const SENTENCE_WITHIN = 200;
const SENTENCE_END = /[.!?…。！？]\s+|\n/gu;

/** Items with passages instead of long texts, and the item of which each passage is a part. */
interface Passages {
  items: Item[];
  wholeOf: Map<Item, Item>;
}

/**
 * Replaces the long texts of relevant items by their best passages, so that more memories fit. Outdated items keep their text, and so do
 * those after the first `charactersMax` characters: finding a passage reads the text.
 */
export function toPassages(items: readonly Item[], charactersMax: number): Passages {
  const wholeOf = new Map<Item, Item>();
  let examined = 0;
  const shown = items.map((item) => {
    examined += item.text.length;
    const isLong = item.text.length > LONG_CHARACTERS && item.score !== undefined && !item.outdated;
    if (!isLong || examined > charactersMax) return item;
    const passage = toPassage(item);
    wholeOf.set(passage, item);
    return passage;
  });
  return { items: shown, wholeOf };
}

function toPassage(item: Item): Item {
  const { text } = item;
  const start = sentenceStart(text, item.passageStart?.() ?? 0);
  const most = Math.min(text.length, start + PASSAGE_CHARACTERS);
  const space = most < text.length ? text.slice(start, most).search(/\s\S*$/u) : -1;
  const end = space > PASSAGE_CHARACTERS / 2 ? start + space : wholeCharacter(text, most);
  const passage = `${start > 0 ? '… ' : ''}${text.slice(start, end).trim()}${end < text.length ? ' …' : ''}`;
  return { ...item, text: passage, cut: true, passageStart: () => 0 };
}

/** Returns where the sentence begins that holds a position, or the position where that is far before. */
function sentenceStart(text: string, position: number): number {
  const from = Math.max(0, position - SENTENCE_WITHIN);
  const last = [...text.slice(from, position).matchAll(SENTENCE_END)].at(-1);
  if (last) return from + last.index + last[0].length;
  return from === 0 ? 0 : position;
}

/** Finds repeats by the whole texts, as {@link findContainers} does; an item that is shown by a passage contains only what it shows. */
export function findShownContainers(items: readonly Item[], wholeOf: ReadonlyMap<Item, Item>): Map<Item, Set<Item>> {
  const shownAs = new Map(items.map((item) => [wholeOf.get(item) ?? item, item]));
  const shown = (whole: Item) => shownAs.get(whole) as Item;
  const containers = new Map<Item, Set<Item>>();
  for (const [whole, outer] of findContainers([...shownAs.keys()])) {
    const inner = shown(whole);
    const holding = [...outer].map(shown).filter((item) => !wholeOf.has(item) || bare(item).includes(bare(inner)));
    if (holding.length > 0) containers.set(inner, new Set(holding));
  }
  return containers;
}

function bare({ text }: Item): string {
  return text.replace(/^… | …$/gu, '').replace(/\s+/gu, ' ');
}
