import { z } from 'zod';
import { countMemories, listMemories, type MemorySort } from '../../db/queries/memories/lists.ts';
import { findMemory } from '../../db/queries/memories/memories.ts';
import type { MemoryRow } from '../../db/queries/memories/row.ts';
import type { Caller, RequestContext } from '../context.ts';
import { id, moment } from '../contracts/fields.ts';
import type { Memory } from '../contracts/memory.ts';
import { Problem } from '../errors.ts';
import { decodeCursor, encodeCursor } from '../listing/cursor.ts';
import { type FilterInput, toFilter } from '../listing/filter.ts';
import { emptyReason } from '../search/search.ts';
import { type LongField, wholeCharacter } from '../tokens/truncate.ts';
import { serializeMemory } from './serialize-memory.ts';

type ListInput = FilterInput & {
  sort: MemorySort;
  order: 'asc' | 'desc';
  limit: number;
  cursor?: string | undefined;
  max_tokens?: number | undefined;
};

type Item = Memory & { truncated?: boolean };

const TITLE_POSITION = z.tuple([z.string(), id]);
const TIME_POSITION = z.tuple([moment, id]);

/** Returns a full page of memories: the pipeline fits it to `max_tokens`. */
export async function list(context: RequestContext, caller: Caller, input: ListInput) {
  const { limit, cursor, max_tokens: _budget, ...query } = input;
  const filter = toFilter(context, caller, input);
  const after = cursor === undefined ? undefined : decodePosition([query, caller.project], cursor, input.sort);
  const page = { sort: input.sort, order: input.order, limit: limit + 1, ...(after && { after }) };
  const [rows, total] = await Promise.all([
    listMemories(context.sql, caller.userId, filter, page),
    countMemories(context.sql, caller.userId, filter),
  ]);
  const items: Item[] = rows.slice(0, limit).map(serializeMemory);
  const reason = total === 0 ? await emptyReason(context.sql, caller) : undefined;
  const toResponse = (shown: readonly Item[]) => {
    const last = rows[Math.max(0, shown.length - 1)];
    const more = shown.length < rows.length && last;
    return {
      results: [...shown],
      total,
      next_cursor: more ? encodeCursor([query, caller.project], [sortValue(last, input.sort), last.id]) : null,
      truncated: shown.length < items.length || shown.some((item) => item.truncated),
      ...(reason && { reason }),
    };
  };
  return { items, toResponse };
}

/** Returns one memory, its content from `offset` on: the pipeline fits it to `max_tokens`. */
export async function get(context: RequestContext, caller: Caller, input: { id: string; offset: number }) {
  const row = await findMemory(context.sql, caller.userId, input.id);
  if (!row) throw new Problem('not_found', { detail: `You have no memory ${input.id}.` });
  const memory = serializeMemory(row);
  const offset = wholeCharacter(memory.content, input.offset);
  const rest = offset > 0 ? memory.content.slice(offset) : memory.content;
  const toResponse = (head: Memory & { truncated_fields?: LongField[] }, content: string) => ({
    ...head,
    content,
    truncated: content.length < rest.length,
    next_offset: content.length < rest.length ? offset + content.length : null,
  });
  return { memory, rest, toResponse };
}

function decodePosition(query: unknown, cursor: string, sort: MemorySort): { value: string; id: string } {
  if (sort === 'title') {
    const [value, id] = decodeCursor(query, cursor, TITLE_POSITION);
    return { value, id };
  }
  const [moment, id] = decodeCursor(query, cursor, TIME_POSITION);
  return { value: moment.toISOString(), id };
}

function sortValue(row: MemoryRow, sort: MemorySort): string {
  if (sort === 'title') return row.title;
  const moment = sort === 'occurred_at' ? (row.occurred_at ?? row.created_at) : row[sort];
  return moment.toISOString();
}
