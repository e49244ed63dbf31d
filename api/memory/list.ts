import { findMemory, hasMemories, type MemoryRow } from '../../db/memories.ts';
import { countMemories, listMemories, type MemorySort } from '../../db/memory-lists.ts';
import type { Memory } from '../contracts/memories.ts';
import type { Caller, Deps } from '../domain.ts';
import { Problem } from '../errors.ts';
import { countTokens, cutToTokens } from '../retrieval/tokens.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { type FilterInput, toFilter } from './filter.ts';
import { present } from './present.ts';

type ListInput = FilterInput & {
  sort: MemorySort;
  order: 'asc' | 'desc';
  limit: number;
  cursor?: string | undefined;
  max_tokens?: number | undefined;
};

type Item = Memory & { truncated?: boolean };

/** One page of memories. With `max_tokens`, as many as fit, and the first one cut when not even that fits. */
export async function list(deps: Deps, caller: Caller, input: ListInput) {
  const { limit, cursor, max_tokens, ...question } = input;
  const filter = toFilter(caller, input);
  const after = cursor === undefined ? undefined : position(decodeCursor([question, caller.project], cursor));
  const page = { sort: input.sort, order: input.order, limit: limit + 1, ...(after && { after }) };
  const [rows, total] = await Promise.all([
    listMemories(deps.sql, caller.userId, filter, page),
    countMemories(deps.sql, caller.userId, filter),
  ]);
  const wanted = rows.slice(0, limit);
  const { items, truncated } = fitBudget(wanted.map(present), max_tokens);
  const last = wanted[items.length - 1];
  const more = items.length < rows.length && last;
  return {
    results: items,
    total,
    next_cursor: more ? encodeCursor([question, caller.project], [sortValue(last, input.sort), last.id]) : null,
    truncated,
    ...(total === 0 && {
      reason: (await hasMemories(deps.sql, caller.userId)) ? ('nothing_matched' as const) : ('nothing_stored' as const),
    }),
  };
}

/** One memory, or the part of its content from `offset` on that fits `max_tokens`. */
export async function get(
  deps: Deps,
  caller: Caller,
  input: { id: string; offset: number; max_tokens?: number | undefined },
) {
  const row = await findMemory(deps.sql, caller.userId, input.id);
  if (!row) throw new Problem('not_found', { detail: `You have no memory ${input.id}.` });
  const memory = present(row);
  const rest = input.offset > 0 ? memory.content.slice(input.offset) : memory.content;
  if (input.max_tokens === undefined) return { ...memory, content: rest, truncated: false, next_offset: null };
  const budget = input.max_tokens - countTokens(JSON.stringify({ ...memory, content: '' }));
  const content = cutToTokens(rest, Math.max(10, budget));
  const truncated = content.length < rest.length;
  return { ...memory, content, truncated, next_offset: truncated ? input.offset + content.length : null };
}

function fitBudget(memories: Memory[], maxTokens: number | undefined): { items: Item[]; truncated: boolean } {
  if (maxTokens === undefined) return { items: memories, truncated: false };
  const items: Item[] = [];
  let left = maxTokens;
  for (const memory of memories) {
    const head = countTokens(JSON.stringify({ ...memory, content: '' }));
    // A list is for choosing: each memory may take half of what is left, so that a long one leaves room for others.
    const content = cutToTokens(memory.content, Math.floor((left - head) / 2));
    const cost = head + countTokens(content);
    if (cost > left || (content === '' && items.length > 0)) break;
    items.push(content.length < memory.content.length ? { ...memory, content, truncated: true } : memory);
    left -= cost;
  }
  return { items, truncated: items.length < memories.length || items.some((item) => item.truncated) };
}

function position(place: unknown[]): { value: string; id: string } {
  const [value, id] = place;
  return { value: String(value), id: String(id) };
}

function sortValue(row: MemoryRow, sort: MemorySort): string {
  if (sort === 'title') return row.title;
  const moment = sort === 'occurred_at' ? (row.occurred_at ?? row.created_at) : row[sort];
  return moment.toISOString();
}
