import type { PackedContext } from '../context/context.ts';
import { type MeasurePackage, packItems } from '../context/fit-to-budget.ts';
import type { Memory } from '../contracts/memory.ts';
import type { SearchResult } from '../contracts/search.ts';
import {
  capFields,
  cutText,
  fillPage,
  type LongField,
  longestFitting,
  type Measure,
  wholeCharacter,
} from '../tokens/truncate.ts';

/** The tokens that a result may take, and how many one takes as the transport sends it. */
export interface Budget {
  maxTokens: number;
  measure: Measure;
}

/** The result of a domain function to which `max_tokens` applies: all items, and a response with the first of them. */
interface Full<Item, Response> {
  items: readonly Item[];
  toResponse(items: readonly Item[]): Response;
}

/** A page whose response without a cursor is shorter: its items are priced in that. */
interface FullPage<Item, Response> extends Full<Item, Response> {
  toResponseWithoutCursor?(items: readonly Item[]): Response;
}

/** A memory whose content is read from an offset on. */
interface FullMemory<Response> {
  memory: Memory;
  /** The content from the offset on. */
  rest: string;
  toResponse(head: Memory & { truncated_fields?: LongField[] }, content: string): Response;
}

type Shorten<Item> = (
  item: Item,
  remaining: number,
  cost: (item: Item) => number,
  isFirst: boolean,
) => Item | undefined;

/** Fits a page: as many items as the budget holds, the first in any case. */
export function fitPage<Item>(shorten: Shorten<Item>) {
  return <Response>(page: FullPage<Item, Response>, budget?: Budget): Response => {
    if (!budget) return page.toResponse(page.items);
    const { maxTokens, measure } = budget;
    const toResponse = (items: readonly Item[]) => page.toResponse(items);
    const priced = (items: readonly Item[]) => (page.toResponseWithoutCursor ?? page.toResponse)(items);
    return page.toResponse(fillPage(page.items, maxTokens, measure, toResponse, shorten, priced));
  };
}

/** Fits a list to its longest beginning. */
export function fitList<Item, Response>({ items, toResponse }: Full<Item, Response>, budget?: Budget): Response {
  if (!budget) return toResponse(items);
  return toResponse(
    longestFitting(items, (shown) => budget.measure(toResponse(shown), budget.maxTokens) <= budget.maxTokens),
  );
}

/** Fits a context package by value density. */
export function fitContext({ items, toResponse, toFrame, countText }: PackedContext, budget?: Budget) {
  if (!budget) return toResponse(items);
  const { measure, maxTokens } = budget;
  const estimate: MeasurePackage = (shown, repeats) => countText(shown) + measure(toFrame(shown, repeats));
  for (let left = maxTokens; ; ) {
    const packed = packItems(items, left, estimate);
    const response = toResponse(packed.items, packed.repeats);
    // The estimate may miss a token where the text ends.
    const excess = measure(response) - maxTokens;
    if (excess <= 0 || packed.items.length === 0) return response;
    left -= excess;
  }
}

/** Fits one memory: its content is cut, and long fields are shortened where they would take half of the budget. */
export function fitMemory<Response>({ memory, rest, toResponse }: FullMemory<Response>, budget?: Budget): Response {
  const whole = toResponse(memory, rest);
  if (!budget || budget.measure(whole, budget.maxTokens) <= budget.maxTokens) return whole;
  const { maxTokens, measure } = budget;
  // Every part of a long memory repeats the fields, so they may take half of the budget.
  const headTokens = measure(toResponse(memory, ''));
  const head =
    headTokens <= maxTokens / 2 ? memory : capHead(memory, maxTokens - measure(toResponse(skeleton(memory), '')));
  const headCost = measure(toResponse(head, ''));
  const content = cutText(rest, maxTokens - headCost, (text) => measure(toResponse(head, text)) - headCost);
  return toResponse(head, content || rest.slice(0, wholeCharacter(rest, 2) || 1));
}

function capHead(memory: Memory, max: number): Memory & { truncated_fields?: LongField[] } {
  const { item, truncatedFields } = capFields(memory, max);
  return truncatedFields.length > 0 ? { ...item, truncated_fields: truncatedFields } : item;
}

/** Shortens a memory of a list to half of the remaining tokens, so that a long one does not crowd out the others. */
export function shortenMemory<Item extends Memory & { truncated?: boolean }>(
  item: Item,
  remaining: number,
  cost: (item: Item) => number,
  isFirst: boolean,
): Item | undefined {
  const cut = { ...item, content: '', truncated: true };
  let headCost = cost(cut);
  if (headCost > remaining / 2 && isFirst) {
    Object.assign(cut, capFields(cut, remaining - cost({ ...skeleton(item), truncated: true })).item);
    headCost = cost(cut);
  }
  const max = (remaining - headCost) / 2;
  const content = cutText(item.content, max, (text) => cost({ ...cut, content: text }) - headCost);
  if (content === '' && !isFirst) return undefined;
  const isWhole = content === item.content && cut.title === item.title && cut.tags.length === item.tags.length;
  return isWhole ? item : { ...cut, content };
}

/** Shortens a search result where it is the first: a response with hits is never empty. */
export function shortenHit(
  hit: SearchResult,
  remaining: number,
  cost: (hit: SearchResult) => number,
  isFirst: boolean,
): SearchResult | undefined {
  if (cost(hit) <= remaining) return hit;
  if (!isFirst) return undefined;
  const empty = { snippet: '', highlights: [], matched: [], tags: [], project: null, session_id: null };
  const head = { ...capFields(hit, remaining - cost({ ...hit, title: '', ...empty })).item, ...withSnippet(hit, '') };
  const headCost = cost(head);
  const costOf = (text: string) => cost({ ...head, ...withSnippet(hit, text) }) - headCost;
  return { ...head, ...withSnippet(hit, cutText(hit.snippet, remaining - headCost, costOf)) };
}

/** Returns the beginning of a hit's snippet with the highlights in it. */
function withSnippet({ highlights }: SearchResult, snippet: string): Pick<SearchResult, 'snippet' | 'highlights'> {
  return { snippet, highlights: highlights.filter(({ end }) => end <= snippet.length) };
}

/** A memory without the fields that could be long. */
function skeleton<Item extends Memory>(memory: Item): Item {
  return { ...memory, title: '', content: '', tags: [], metadata: {}, project: null, session_id: null };
}
