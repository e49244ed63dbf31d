import { setImmediate as nextTurn } from 'node:timers/promises';
import { wholeCharacter } from '../tokens/truncate.ts';
import type { Item } from './item.ts';
import { findContainers } from './repeats.ts';

/** Length of a passage, about 75 tokens, and of a text from which on its passage competes for the budget instead of it. */
const PASSAGE_CHARACTERS = 320;
const LONG_CHARACTERS = 480;
/** A passage starts with its sentence when that begins at most so many characters before. */
const SENTENCE_WITHIN = 200;
const SENTENCE_END = /[.!?…。！？]\s+|\n/gu;

/** At most this many characters of a text are examined per token of the budget. */
export const CHARACTERS_PER_TOKEN = 12;
/** Characters that are examined at any budget. */
const EXAMINED_MIN = 100_000;
/** Characters in which passages are looked for in one turn of the event loop. */
const CHARACTERS_PER_TURN = 50_000;
/** A package that has fewer characters per token of the budget probably fits as it is. */
const FITS_BELOW = 2;

/** Items with passages instead of long texts, and the item of which each passage is a part. */
interface Passages {
  items: Item[];
  wholeOf: Map<Item, Item>;
}

/** Returns how many characters of all texts are examined for a budget: counting tokens and finding passages block the event loop. */
export function charactersExamined(budget: number): number {
  return EXAMINED_MIN + budget * CHARACTERS_PER_TOKEN;
}

/**
 * Finds where the passages of long texts start that {@link toPassages} asks for, a few in each turn of the event loop, so that other calls
 * do not wait for all of them.
 */
export async function findPassages(items: readonly Item[], budget: number): Promise<Item[]> {
  const characters = items.reduce((sum, { text }) => sum + text.length, 0);
  if (characters <= FITS_BELOW * budget) return [...items];
  const found: Item[] = [];
  let inTurn = 0;
  for (const { item, isLong } of markLong(items, charactersExamined(budget))) {
    const start = isLong ? (item.passageStart?.() ?? 0) : undefined;
    found.push(start === undefined ? item : { ...item, passageStart: () => start });
    inTurn += isLong ? item.text.length : 0;
    if (inTurn < CHARACTERS_PER_TURN) continue;
    inTurn = 0;
    await nextTurn();
  }
  return found;
}

/** Marks the relevant items with long texts, among the first `charactersMax` characters. Outdated ones keep their text. */
function markLong(items: readonly Item[], charactersMax: number): { item: Item; isLong: boolean }[] {
  let examined = 0;
  return items.map((item) => {
    examined += item.text.length;
    const isLong = item.text.length > LONG_CHARACTERS && item.score !== undefined && !item.outdated;
    return { item, isLong: isLong && examined <= charactersMax };
  });
}

/**
 * Replaces the long texts of relevant items by their best passages, so that more memories fit. Outdated items keep their text, and so do
 * those after the first `charactersMax` characters.
 */
export function toPassages(items: readonly Item[], charactersMax: number): Passages {
  const wholeOf = new Map<Item, Item>();
  const shown = markLong(items, charactersMax).map(({ item, isLong }) => {
    if (!isLong) return item;
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
