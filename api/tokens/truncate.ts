import { countTokens, cutToTokens } from './count.ts';

/** Tokens of an answer as it is sent. */
export type Weigh = (answer: unknown) => number;

/** What an answer weighs where it is sent as its own JSON. */
export const tokensAsJson: Weigh = (answer) => countTokens(JSON.stringify(answer));

/**
 * The items of a page that fit a budget, from the first on. The first is always among them, however small it has to be
 * made, so that a cursor moves on.
 * @param answer the whole answer with these items, as it would be sent
 * @param shorten an item in at most `room` tokens; undefined when what is left of it would tell nothing
 * @param plain the answer without what it holds beside its items, where that is long: items are priced in it
 */
export function fillPage<Item, Answer>(
  items: readonly Item[],
  max: number,
  weigh: Weigh,
  answer: (shown: Item[]) => Answer,
  shorten: (item: Item, room: number, cost: (item: Item) => number, isFirst: boolean) => Item | undefined,
  plain: (shown: Item[]) => unknown = answer,
): Item[] {
  const empty = weigh(plain([]));
  const cost = (item: Item) => weigh(plain([item])) - empty;
  const shown: Item[] = [];
  let left = max - weigh(answer([]));
  for (const item of items) {
    const fitted = shorten(item, left, cost, shown.length === 0);
    if (fitted === undefined) break;
    left -= cost(fitted);
    if (left < 0 && shown.length > 0) break;
    shown.push(fitted);
  }
  // The sum of the parts is close to the whole, not equal to it: the whole decides.
  while (shown.length > 1 && weigh(answer(shown)) > max) shown.pop();
  return shown;
}

/** The longest beginning of a list that fits; empty when not even one item does. */
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

/** The longest beginning of a text, cut between words, whose `cost` is at most `max`; empty when none is. */
export function cutText(text: string, max: number, cost: (text: string) => number): string {
  // As JSON a text costs what its quotes and line breaks add: a few per cent of prose, several times that of binary dumps.
  let cut = cutToTokens(text, max);
  for (let weight = cost(cut); weight > max && cut !== ''; weight = cost(cut)) {
    cut = cutToTokens(cut, Math.floor(countTokens(cut) * Math.min(0.97, max / weight)));
  }
  return cut;
}

/** Fields of an item beside its content that may be long, with the share of the room that each may take. */
const SHARES = { title: 0.2, metadata: 0.2, tags: 0.1, matched: 0.1, project: 0.1, session_id: 0.1 };
export type LongField = keyof typeof SHARES;
export type Described = { [Field in LongField]?: unknown };

/** An item whose long fields take at most their shares of `room`; texts that were cut end in `…`. Names what was shortened. */
export function capFields<Item extends Described>(item: Item, room: number): { item: Item; shortened: LongField[] } {
  const capped = { ...item };
  const shortened: LongField[] = [];
  for (const [field, share] of Object.entries(SHARES) as [LongField, number][]) {
    const value = item[field];
    if (value === undefined || value === null || tokensAsJson(value) <= room * share) continue;
    Object.assign(capped, { [field]: capOne(value, Math.floor(room * share)) });
    shortened.push(field);
  }
  return { item: capped, shortened };
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
