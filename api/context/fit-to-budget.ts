import { countTokens } from '../tokens/count.ts';
import { cutText, longestFitting, wholeCharacter } from '../tokens/truncate.ts';
import type { Item } from './item.ts';
import { CHARACTERS_PER_TOKEN, charactersExamined, findShownContainers, toPassages } from './passages.ts';
import { renderBody } from './render.ts';

/** A memory that is left out because an included one says the same. */
export interface Repeat {
  id: string;
  repeat_of: string;
}

/** The items that fit a budget, and those that are left out as repeats of them. */
interface Selection {
  items: Item[];
  repeats: Repeat[];
}

/** Counts the tokens of a package. */
export type MeasurePackage = (items: readonly Item[], repeats: readonly Repeat[]) => number;

/** Memories that are tried for the last place: a long title and tags may leave no tokens for the text. */
const CUT_TRIES = 5;
/** A passage of fewer tokens than this is not worth including beside other memories. */
const PASSAGE_MIN = 20;
/** Fewer characters than this are not added before a passage. */
const MORE_MIN = 80;
/** Of English. Tries with other texts start from here. */
const USUAL_CHARACTERS_PER_TOKEN = 4;
const EXTEND_ATTEMPTS = 4;
/** An item whose score is lower by this is worth 1/e of the other. Chosen on the development sets: `npm run eval -- --context`. */
const SCORE_SCALE = 0.2;
/** The length below which the tokens of a text are always counted. */
const SHORT = 4_000;

interface Priced {
  item: Item;
  rank: number;
  /** False when the text alone exceeds the budget. */
  whole: boolean;
  /** Tokens that the item adds to a package. */
  cost: number;
}

/**
 * Selects the items that fill a budget best, in their order. All of them where they fit. Otherwise by value density, long ones by their
 * best passage, which grows while tokens are left; then the passage of one that did not fit, then what is left out before all others:
 * repeats and outdated memories.
 */
export function packItems(given: readonly Item[], budget: number, measure: MeasurePackage): Selection {
  const characters = given.reduce((sum, { text }) => sum + text.length, 0);
  if (characters <= budget * CHARACTERS_PER_TOKEN && measure(given, []) <= budget)
    return { items: [...given], repeats: [] };
  const { items, wholeOf } = toPassages(given, charactersExamined(budget));
  const priced = priceItems(items, budget, measure);
  const best = Math.max(...items.map(({ score }) => score ?? 0));
  const byDensity = [...priced].sort((a, b) => valueDensity(b, best) - valueDensity(a, best) || a.rank - b.rank);
  const current = byDensity.filter(({ item }) => !item.outdated);
  const comparable = current.filter(({ whole }) => whole).map(({ item }) => item);
  const containers = findShownContainers(comparable, wholeOf);
  const selected = selectWhole(current, containers, budget, measure);
  const included = new Set([...selected].map(({ item }) => item));
  const containerOf = (item: Item) => [...(containers.get(item) ?? [])].find((container) => included.has(container));
  const packed = extendToWhole(inOrder(selected), wholeOf, budget, measure);

  const repeated = current.filter((one) => !selected.has(one) && containerOf(one.item));
  const toRepeats = (left: readonly Priced[]) =>
    left.map(({ item }) => ({ id: item.memory.id, repeat_of: (containerOf(item) as Item).memory.id }));
  const fits = (repeats: readonly Repeat[]) => measure(packed, repeats) <= budget;
  const listed = longestFitting(toRepeats(repeated), fits);

  const rest = priced.filter((one) => !selected.has(one) && !one.item.outdated && !containerOf(one.item));
  const measureShown = (shown: readonly Item[]) => measure(shown, listed);
  const withPassages = addPassages(packed, rest.slice(0, CUT_TRIES), budget, measureShown);
  const withCut = extendPassages(withPassages, wholeOf, budget, measureShown);
  const outdated = byDensity.filter(({ item }) => item.outdated);
  const left = [...repeated, ...outdated].filter((one) => isBehindSuccessor(one.item, items, withCut));
  return addWhole(withCut, left, listed, budget, measure);
}

/** Returns whether the memory that supersedes an item is included, or is no candidate. */
function isBehindSuccessor({ memory }: Item, items: readonly Item[], included: readonly Item[]): boolean {
  const isSuccessor = (other: Item) => other.memory.id === memory.superseded_by;
  return (
    memory.superseded_by === null ||
    !items.some((other) => !other.outdated && isSuccessor(other)) ||
    included.some(isSuccessor)
  );
}

function priceItems(items: readonly Item[], budget: number, measure: MeasurePackage): Priced[] {
  const empty = measure([], []);
  let examined = 0;
  return items.map((item, rank) => {
    const clamped = clamp(item, budget);
    examined += item.text.length;
    // Counting tokens blocks the event loop, so of many long texts only the best are counted.
    const affordable = item.text.length <= SHORT || examined <= charactersExamined(budget);
    // Measured as rendered only where it may fit; otherwise it is priced at the whole budget.
    const whole = clamped === item && affordable && mayFit(item.text, budget);
    return { item: clamped, rank, whole, cost: whole ? measure([clamped], []) - empty : budget };
  });
}

/** Selects whole items, densest first. An item that contains selected ones takes their place. */
function selectWhole(
  candidates: readonly Priced[],
  containers: ReadonlyMap<Item, ReadonlySet<Item>>,
  budget: number,
  measure: MeasurePackage,
): Set<Priced> {
  const selected = new Set<Priced>();
  const isContained = (inner: Item, outer: Item) => containers.get(inner)?.has(outer) ?? false;
  // Twice: each section heading is paid once, so the first round leaves more tokens than the sum of its prices says.
  for (let round = 0; round < 2; round++) {
    let left = budget - measure(inOrder(selected), []);
    for (const one of candidates) {
      if (selected.has(one) || !one.whole) continue;
      const containing = containers.get(one.item);
      if (containing && [...selected].some(({ item }) => containing.has(item))) continue;
      const replaced = containers.size === 0 ? [] : [...selected].filter(({ item }) => isContained(item, one.item));
      const cost = one.cost - replaced.reduce((sum, other) => sum + other.cost, 0);
      if (cost > left) continue;
      for (const other of replaced) selected.delete(other);
      selected.add(one);
      left -= cost;
    }
  }
  // Tokens of the parts add up only roughly to those of the whole.
  for (const one of [...selected].reverse()) {
    if (measure(inOrder(selected), []) <= budget) break;
    selected.delete(one);
  }
  return selected;
}

function inOrder(selected: ReadonlySet<Priced>): Item[] {
  return [...selected].sort((a, b) => a.rank - b.rank).map(({ item }) => item);
}

/** Returns whether a text alone takes at most the budget. A token has at least one byte, so a short text is not counted. */
function mayFit(text: string, budget: number): boolean {
  return Buffer.byteLength(text) <= budget || countTokens(text, budget) <= budget;
}

/** Replaces passages by their whole texts while these fit, best first. Measures the package twice, and once for each text that is too much. */
function extendToWhole(
  packed: readonly Item[],
  wholeOf: ReadonlyMap<Item, Item>,
  budget: number,
  measure: MeasurePackage,
): Item[] {
  if (wholeOf.size === 0) return [...packed];
  const shown = [...packed];
  const extended: number[] = [];
  let left = budget - measure(packed, []);
  for (const [at, item] of packed.entries()) {
    const whole = wholeOf.get(item);
    if (!whole || left < PASSAGE_MIN) continue;
    const cost = countTokens(renderBody(item.text));
    const more = countTokens(renderBody(whole.text), cost + left) - cost;
    if (more > left) continue;
    shown[at] = whole;
    extended.push(at);
    left -= more;
  }
  // Tokens of the parts add up only roughly to those of the whole.
  while (extended.length > 0 && measure(shown, []) > budget) {
    const at = extended.pop() as number;
    shown[at] = packed[at] as Item;
  }
  return shown;
}

/** Fills what is left of the budget with more of the best passages. */
function extendPassages(
  packed: readonly Item[],
  wholeOf: ReadonlyMap<Item, Item>,
  budget: number,
  measure: (items: readonly Item[]) => number,
): Item[] {
  let shown = [...packed];
  const cut = shown.filter((item) => wholeOf.has(item)).slice(0, CUT_TRIES);
  for (const item of cut) {
    if (budget - measure(shown) < PASSAGE_MIN) break;
    const others = shown.filter((other) => other !== item);
    const longer = cutToFit(others, clamp(wholeOf.get(item) as Item, budget), budget, measure);
    if (!longer || longer.text.length <= item.text.length) continue;
    const more = shown.map((other) => (other === item ? longer : other));
    if (measure(more) <= budget) shown = more;
  }
  return shown;
}

/** Ranks an item by its score per token: a short one that is slightly less relevant ranks above a long one. */
function valueDensity({ item, rank, cost }: Priced, best: number): number {
  if (item.score === undefined) return -rank;
  return Math.exp((item.score - best) / SCORE_SCALE) / Math.sqrt(Math.max(1, cost));
}

/** Appends the passages of items while enough of them fits. */
function addPassages(
  packed: Item[],
  rest: readonly Priced[],
  budget: number,
  measure: (items: readonly Item[]) => number,
): Item[] {
  let shown = packed;
  for (const { item } of rest) {
    const cut = cutToFit(shown, item, budget, measure);
    if (cut) shown = [...shown, cut];
  }
  return shown;
}

function cutToFit(
  packed: Item[],
  item: Item,
  budget: number,
  measure: (items: readonly Item[]) => number,
): Item | undefined {
  const start = item.passageStart?.() ?? 0;
  const passage = start > 0 ? `… ${item.text.slice(start)}` : item.text;
  const withText = (text: string): Item => ({ ...item, text, cut: item.cut || text !== item.text });
  const used = measure([...packed, withText('')]);
  if (budget - used < (packed.length === 0 ? 1 : PASSAGE_MIN)) return undefined;
  const cost = (cut: string) => measure([...packed, withText(cut)]) - used;
  const text = cutText(passage, budget - used, cost);
  if (text === '') return undefined;
  return withText(text === passage && start > 0 ? extendToFront(item.text, start, budget - used, cost) : text);
}

/** Returns the end of a text from `start`, with as much of the text before it as fits. */
function extendToFront(text: string, start: number, budget: number, cost: (text: string) => number): string {
  const ending = (from: number) => (from > 0 ? `… ${text.slice(from)}` : text);
  let best = ending(start);
  const least = cost(best);
  let more = Math.min(start, (budget - least) * USUAL_CHARACTERS_PER_TOKEN);
  for (let attempt = 0; attempt < EXTEND_ATTEMPTS && more >= MORE_MIN; attempt++) {
    const from = wholeCharacter(text, start - more);
    // A word is not cut, unless it is very long.
    const space = text.slice(from, from + MORE_MIN).search(/\s/);
    const extended = ending(from === 0 || space < 0 ? from : from + space + 1);
    const tokens = cost(extended);
    if (tokens <= budget) best = extended;
    if (tokens <= budget && (from === 0 || tokens > 0.9 * budget)) break;
    more = Math.min(start, Math.floor((0.97 * more * (budget - least)) / Math.max(1, tokens - least)));
  }
  return best;
}

/** Adds whole items to a package while they fit. A repeat that is added is no longer listed as left out. */
function addWhole(
  packed: readonly Item[],
  candidates: readonly Priced[],
  repeats: readonly Repeat[],
  budget: number,
  measure: MeasurePackage,
): Selection {
  let selection: Selection = { items: [...packed], repeats: [...repeats] };
  let left = budget - measure(selection.items, selection.repeats);
  for (const { item, whole, cost } of candidates) {
    if (!whole || cost > left) continue;
    const more = {
      items: [...selection.items, item],
      repeats: selection.repeats.filter(({ id }) => id !== item.memory.id),
    };
    const tokens = measure(more.items, more.repeats);
    if (tokens > budget) continue;
    selection = more;
    left = budget - tokens;
  }
  return selection;
}

function clamp(item: Item, budget: number): Item {
  const most = budget * CHARACTERS_PER_TOKEN;
  if (item.text.length <= most) return item;
  const passage = item.passageStart?.() ?? 0;
  const start = Math.min(passage, item.text.length - most);
  return { ...item, text: item.text.slice(start, start + most), cut: true, passageStart: () => passage - start };
}
