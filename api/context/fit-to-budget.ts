import type { MemoryRow } from '../../db/queries/memories/row.ts';
import { tokenize } from '../search/tokenizer.ts';
import { countTokens } from '../tokens/count.ts';
import { cutText } from '../tokens/truncate.ts';

/** A memory as it may be included in a context package. */
export interface Item {
  memory: MemoryRow;
  text: string;
  /** True when `text` is less than the memory's content. */
  cut: boolean;
  /** Relevance to the query; undefined without one. */
  score?: number | undefined;
  /** Returns where in `text` the most relevant passage starts; called only when the text has to be cut. */
  passageStart?: (() => number) | undefined;
}

/** Counts the tokens of a package of these items. */
export type MeasureItems = (items: readonly Item[]) => number;

/** Memories that are tried for the last place: a long title and tags may leave no tokens for the text. */
const CUT_TRIES = 5;
/** A passage of fewer tokens than this is not worth including. */
const PASSAGE_MIN = 20;
/** At most this many characters of a text are examined per token of the budget. */
const CHARACTERS_PER_TOKEN = 12;
/** Characters that are counted at any budget, and the length below which a text is always counted. */
const COUNTED_CHARACTERS_MIN = 100_000;
const SHORT = 4_000;
/** Two texts are near-duplicates when they share this part of their words, and every number. */
const SAME_WORDS = 0.9;
/** Characters by which two texts are compared. */
const COMPARED_CHARACTERS = 4_000;

/**
 * Selects the items that fill a budget best: whole ones by value density, without near-duplicates, then the best passage of
 * one that did not fit. Keeps their order.
 */
export function packItems(items: readonly Item[], budget: number, measure: MeasureItems): Item[] {
  const empty = measure([]);
  let examined = 0;
  const priced = items.map((item, rank) => {
    const clamped = clamp(item, budget);
    examined += item.text.length;
    // Counting tokens blocks the event loop, so of many long texts only the best are counted.
    const affordable = item.text.length <= SHORT || examined <= COUNTED_CHARACTERS_MIN + budget * CHARACTERS_PER_TOKEN;
    // Measured as rendered only where it may fit; otherwise it is priced at the whole budget.
    const whole = clamped === item && affordable && mayFit(item.text, budget);
    return { item: clamped, rank, whole, cost: whole ? measure([clamped]) - empty : budget };
  });
  const best = Math.max(...items.map(({ score }) => score ?? 0));
  const byDensity = [...priced].sort((a, b) => valueDensity(b, best) - valueDensity(a, best) || a.rank - b.rank);
  const selected = new Set<(typeof priced)[number]>();
  const words = memoized(wordsIn);
  // Of near-duplicates only the first is selected.
  const isNew = ({ item }: { item: Item }) =>
    ![...selected].some((other) => saysTheSame(words(item), words(other.item)));
  const packed = () => [...selected].sort((a, b) => a.rank - b.rank).map(({ item }) => item);
  // Twice: each section heading is paid once, so the first round leaves more tokens than the sum of its prices says.
  for (let round = 0; round < 2; round++) {
    let left = budget - measure(packed());
    for (const one of byDensity) {
      if (selected.has(one) || !one.whole || one.cost > left || !isNew(one)) continue;
      selected.add(one);
      left -= one.cost;
    }
  }
  // Tokens of the parts add up only roughly to those of the whole.
  for (const one of [...selected].reverse()) {
    if (measure(packed()) <= budget) break;
    selected.delete(one);
  }
  const rest: { item: Item }[] = [];
  for (const one of priced) {
    if (rest.length < CUT_TRIES && !selected.has(one) && isNew(one)) rest.push(one);
  }
  return withPassage(packed(), rest, budget, measure);
}

/** Returns whether a text alone takes at most the budget. A token has at least one byte, so a short text is not counted. */
function mayFit(text: string, budget: number): boolean {
  return Buffer.byteLength(text) <= budget || countTokens(text) <= budget;
}

/** Ranks an item by its score per token: a short one that is slightly less relevant ranks above a long one. */
function valueDensity({ item, rank, cost }: { item: Item; rank: number; cost: number }, best: number): number {
  if (item.score === undefined) return -rank;
  // Exponents chosen on the development sets: `npm run eval -- --context`.
  return (Math.max(0, item.score) / (best || 1)) ** 4 / Math.sqrt(Math.max(1, cost));
}

function withPassage(packed: Item[], rest: { item: Item }[], budget: number, measure: MeasureItems): Item[] {
  for (const { item } of rest) {
    const cut = cutToFit(packed, item, budget, measure);
    if (cut) return [...packed, cut];
  }
  return packed;
}

function cutToFit(packed: Item[], item: Item, budget: number, measure: MeasureItems): Item | undefined {
  const start = item.passageStart?.() ?? 0;
  const passage = start > 0 ? `… ${item.text.slice(start)}` : item.text;
  const withText = (text: string): Item => ({ ...item, text, cut: item.cut || text !== item.text });
  const used = measure([...packed, withText('')]);
  if (budget - used < PASSAGE_MIN) return undefined;
  const text = cutText(passage, budget - used, (cut) => measure([...packed, withText(cut)]) - used);
  return text === '' ? undefined : withText(text);
}

function clamp(item: Item, budget: number): Item {
  const most = budget * CHARACTERS_PER_TOKEN;
  if (item.text.length <= most) return item;
  const start = Math.min(item.passageStart?.() ?? 0, Math.max(0, item.text.length - most));
  return { ...item, text: item.text.slice(start, start + most), cut: true, passageStart: undefined };
}

function wordsIn({ memory, text }: Item): Set<string> {
  const compared = `${memory.title}\n${text.slice(0, COMPARED_CHARACTERS)}`;
  return new Set([...tokenize(compared)].map(({ term }) => term));
}

function memoized<Key extends object, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new Map<Key, Value>();
  return (key) => {
    const value = made.get(key) ?? make(key);
    made.set(key, value);
    return value;
  };
}

function saysTheSame(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  // Jaccard index: shared words by all words of the two.
  const needed = (SAME_WORDS / (1 + SAME_WORDS)) * (a.size + b.size);
  if (Math.min(a.size, b.size) < Math.max(1, needed)) return false;
  let shared = a.size;
  for (const word of a) {
    if (b.has(word)) continue;
    // Texts with different numbers are never the same.
    if (--shared < needed || /\p{N}/u.test(word)) return false;
  }
  return true;
}
