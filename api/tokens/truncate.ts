import { countTokens, cutToTokens } from './count.ts';

/**
 * Counts the tokens of a response as it is sent; beyond `atMost` it stops and returns any greater number, and up to `atMost` it may return
 * a greater number that is not beyond it either.
 */
export type Measure = (response: unknown, atMost?: number) => number;

/** Counts the tokens of a value as JSON. */
export const tokensAsJson: Measure = (value, atMost) => countTokens(JSON.stringify(value), atMost);

/**
 * Selects the items of a page that fit a budget, from the first on. The first is always selected, however much it has to
 * be shortened, so that a cursor advances.
 * @param toResponse creates the complete response with these items
 * @param shorten returns an item in at most `remaining` tokens; undefined when too little of it would be left
 * @param toPricedResponse creates the response that items are priced in: without parts that are long and change with the items
 */
export function fillPage<Item>(
  items: readonly Item[],
  max: number,
  measure: Measure,
  toResponse: (shown: readonly Item[]) => unknown,
  shorten: (item: Item, remaining: number, cost: (item: Item) => number, isFirst: boolean) => Item | undefined,
  toPricedResponse = toResponse,
): Item[] {
  const empty = measure(toPricedResponse([]));
  const cost = (item: Item) => measure(toPricedResponse([item])) - empty;
  const shown: Item[] = [];
  const available = max - measure(toResponse([]));
  let left = available;
  for (const item of items) {
    const fitted = shorten(item, left, cost, shown.length === 0);
    if (fitted === undefined) break;
    left -= cost(fitted);
    if (left < 0 && shown.length > 0) break;
    shown.push(fitted);
  }
  // Tokens of the parts add up only roughly to those of the whole.
  const excess = () => measure(toResponse(shown)) - max;
  let over = excess();
  for (; shown.length > 1 && over > 0; over = excess()) shown.pop();
  // The first item is shown in any case, so it is shortened until the whole fits.
  for (let remaining = available; shown.length === 1 && over > 0 && remaining > over; over = excess()) {
    remaining -= over;
    shown[0] = shorten(items[0] as Item, remaining, cost, true) ?? (shown[0] as Item);
  }
  return shown;
}

/** Returns the longest beginning of a list that fits; empty when not even one item does. */
export function longestFitting<Item>(
  items: readonly Item[],
  fits: (shown: readonly Item[]) => boolean,
): readonly Item[] {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(items.slice(0, middle))) low = middle;
    else high = middle - 1;
  }
  return items.slice(0, low);
}

/** Returns the longest beginning of a text, cut between words, whose `cost` is at most `max`; empty when none is. */
export function cutText(text: string, max: number, cost: (text: string) => number): string {
  // JSON escapes quotes and line breaks: that adds a few percent to prose, and several times the tokens to binary dumps.
  let cut = cutToTokens(text, max);
  for (let tokens = cost(cut); tokens > max && cut !== ''; tokens = cost(cut)) {
    cut = cutToTokens(cut, Math.floor(countTokens(cut) * Math.min(0.97, max / tokens)));
  }
  return cut;
}

/** Returns `offset`, or the offset before it where that is inside a surrogate pair. */
export function wholeCharacter(text: string, offset: number): number {
  const isSecondHalf = /^[\uDC00-\uDFFF]/.test(text.slice(offset, offset + 1));
  return isSecondHalf && offset > 0 ? offset - 1 : offset;
}

/** Fields beside the content that may be long, with the share of the budget that each may take. */
const SHARES = { title: 0.2, metadata: 0.2, tags: 0.1, matched: 0.1, project: 0.1, session_id: 0.1 };
export type LongField = keyof typeof SHARES;
type Described = { [Field in LongField]?: unknown };

/** Shortens the long fields of an item to their shares of `max` tokens; texts that were cut end in `…`. Returns which were. */
export function capFields<Item extends Described>(
  item: Item,
  max: number,
): { item: Item; truncatedFields: LongField[] } {
  const capped = { ...item };
  const truncatedFields: LongField[] = [];
  for (const [field, share] of Object.entries(SHARES) as [LongField, number][]) {
    const value = item[field];
    if (value === undefined || value === null || tokensAsJson(value, max * share) <= max * share) continue;
    Object.assign(capped, { [field]: capOne(value, Math.floor(max * share)) });
    truncatedFields.push(field);
  }
  return { item: capped, truncatedFields };
}

function capOne(value: unknown, max: number): unknown {
  if (typeof value === 'string') return `${cutText(value, max - 1, tokensAsJson)}…`;
  if (!Array.isArray(value)) return {};
  const kept: unknown[] = [];
  let left = max;
  for (const one of value) {
    left -= tokensAsJson(one) + 1;
    if (left < 0) break;
    kept.push(one);
  }
  return kept;
}
