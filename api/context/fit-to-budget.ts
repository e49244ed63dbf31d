import type { MemoryRow } from '../../db/queries/memories/memories.ts';
import { wordsOf } from '../search/tokenizer.ts';
import { countTokens } from '../tokens/count.ts';
import { cutText } from '../tokens/truncate.ts';

/** A memory as it may stand in a package. */
export interface Item {
  memory: MemoryRow;
  text: string;
  /** True when `text` is less than the memory's content. */
  cut: boolean;
  /** How well it fits the question; undefined where nothing was asked. */
  score?: number | undefined;
  /** Where in `text` the passage begins that fits best; asked for only when the text has to be cut. */
  passageStart?: (() => number) | undefined;
}

/** Tokens that a package of these items takes. */
export type WeighItems = (items: Item[]) => number;

/** How many memories are tried for the last place: one may have a head that leaves no room for its text. */
const CUT_TRIES = 5;
/** A passage of fewer tokens than this tells nobody anything. */
const PASSAGE_MIN = 20;
/** No more of a text than this many characters a token of the budget is ever looked at. */
const CHARACTERS_PER_TOKEN = 12;
/** Characters that are counted at any budget, and texts that are counted in any case. */
const LOOKED_AT = 100_000;
const SHORT = 4_000;
/** Two texts that share this part of their words, and every number, say the same. */
const SAME_WORDS = 0.9;
/** Characters by which two texts are compared. */
const COMPARED = 4_000;

/**
 * The items that fill a budget best: whole ones, by what they are worth for their tokens, none that repeats another; then the best
 * passage of one that did not fit. They come back in the order they were given in.
 */
export function pack(items: readonly Item[], budget: number, weigh: WeighItems): Item[] {
  const bare = weigh([]);
  let looked = 0;
  const priced = items.map((item, rank) => {
    const clamped = clamp(item, budget);
    looked += item.text.length;
    // Counting tokens holds up everybody else, so of many long texts only the best are counted.
    const affordable = item.text.length <= SHORT || looked <= LOOKED_AT + budget * CHARACTERS_PER_TOKEN;
    // Weighed in every form that is sent only where it may fit: what does not is as costly as all there is.
    const whole = clamped === item && affordable && mayFit(item.text, budget);
    return { item: clamped, rank, whole, cost: whole ? weigh([clamped]) - bare : budget };
  });
  const best = Math.max(...items.map(({ score }) => score ?? 0));
  const byWorth = [...priced].sort((a, b) => worth(b, best) - worth(a, best) || a.rank - b.rank);
  const taken = new Set<(typeof priced)[number]>();
  const words = memoized(wordsIn);
  // Of items that say the same, the first that is taken.
  const isNew = ({ item }: { item: Item }) => ![...taken].some((other) => saysTheSame(words(item), words(other.item)));
  const chosen = () => [...taken].sort((a, b) => a.rank - b.rank).map(({ item }) => item);
  // Twice: section headings are paid once, so after the first round the whole tells what is really left.
  for (let round = 0; round < 2; round++) {
    let left = budget - weigh(chosen());
    for (const one of byWorth) {
      if (taken.has(one) || !one.whole || one.cost > left || !isNew(one)) continue;
      taken.add(one);
      left -= one.cost;
    }
  }
  // The sum of the parts is close to the whole, not equal to it: the whole decides.
  for (const one of [...taken].reverse()) {
    if (weigh(chosen()) <= budget) break;
    taken.delete(one);
  }
  const rest: { item: Item }[] = [];
  for (const one of priced) {
    if (rest.length < CUT_TRIES && !taken.has(one) && isNew(one)) rest.push(one);
  }
  return withPassage(chosen(), rest, budget, weigh);
}

/** Whether a text alone takes no more tokens than the budget. A token is a byte at least, so few bytes need no counting. */
function mayFit(text: string, budget: number): boolean {
  return Buffer.byteLength(text) <= budget || countTokens(text) <= budget;
}

/** What an item is worth by its score and its tokens: a short one that fits a little less is worth more than a long one. */
function worth({ item, rank, cost }: { item: Item; rank: number; cost: number }, best: number): number {
  if (item.score === undefined) return -rank;
  // Exponents chosen on the development sets, `npm run eval -- --context`.
  return (Math.max(0, item.score) / (best || 1)) ** 4 / Math.sqrt(Math.max(1, cost));
}

function withPassage(chosen: Item[], rest: { item: Item }[], budget: number, weigh: WeighItems): Item[] {
  for (const { item } of rest) {
    const cut = cutToFit(chosen, item, budget, weigh);
    if (cut) return [...chosen, cut];
  }
  return chosen;
}

function cutToFit(taken: Item[], item: Item, budget: number, weigh: WeighItems): Item | undefined {
  const start = item.passageStart?.() ?? 0;
  const passage = start > 0 ? `… ${item.text.slice(start)}` : item.text;
  const withText = (text: string): Item => ({ ...item, text, cut: item.cut || text !== item.text });
  const bare = weigh([...taken, withText('')]);
  if (budget - bare < PASSAGE_MIN) return undefined;
  const text = cutText(passage, budget - bare, (cut) => weigh([...taken, withText(cut)]) - bare);
  return text === '' ? undefined : withText(text);
}

function clamp(item: Item, budget: number): Item {
  const most = budget * CHARACTERS_PER_TOKEN;
  if (item.text.length <= most) return item;
  const start = Math.min(item.passageStart?.() ?? 0, Math.max(0, item.text.length - most));
  return { ...item, text: item.text.slice(start, start + most), cut: true, passageStart: undefined };
}

function wordsIn({ memory, text }: Item): Set<string> {
  const compared = `${memory.title}\n${text.slice(0, COMPARED)}`;
  return new Set([...wordsOf(compared)].map(({ word }) => word));
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
  // Shared words by all words of the two.
  const needed = (SAME_WORDS / (1 + SAME_WORDS)) * (a.size + b.size);
  if (Math.min(a.size, b.size) < Math.max(1, needed)) return false;
  let shared = a.size;
  for (const word of a) {
    if (b.has(word)) continue;
    // A changed number is a changed fact.
    if (--shared < needed || /\p{N}/u.test(word)) return false;
  }
  return true;
}
