import { z } from 'zod';
import { countMemories, listMemories, type MemorySort } from '../../db/queries/memories/lists.ts';
import { findMemory } from '../../db/queries/memories/memories.ts';
import type { MemoryRow } from '../../db/queries/memories/row.ts';
import type { Caller, RequestContext } from '../context.ts';
import { id, moment } from '../contracts/fields.ts';
import type { Memory } from '../contracts/memory.ts';
import { Problem } from '../errors.ts';
import { decodeCursor, encodeCursor } from '../listing/cursor.ts';
import { type FilterInput, toReadFilter } from '../listing/filter.ts';
import { emptyReason } from '../search/search.ts';
import { type LongField, wholeCharacter } from '../tokens/truncate.ts';
import { serializeMemory } from './serialize-memory.ts';

type ListInput = FilterInput & {
  sort: MemorySort;
  order: 'asc' | 'desc';
  limit: number;
  cursor?: string | undefined;
  include?: 'content' | undefined;
  max_tokens?: number | undefined;
};

/** Characters of each content in a list, unless the caller asks for whole ones. */
const EXCERPT_LENGTH = 4_000;
/** No content has as many characters. */
const CONTENT_MAX = 2 ** 29;
/** Bytes of a page, about; a memory that is larger is a page of its own. */
const PAGE_BYTES_MAX = 2_097_152;

type Item = Memory & { truncated?: boolean };

const TITLE_POSITION = z.tuple([z.string(), id]);
const TIME_POSITION = z.tuple([moment, id]);

/** Returns a full page of memories: the pipeline fits it to `max_tokens`. */
export async function list(context: RequestContext, caller: Caller, input: ListInput) {
  const { limit, cursor, include, max_tokens: _budget, ...query } = input;
  const filter = toReadFilter(context, caller, input);
  const after = cursor === undefined ? undefined : decodePosition([query, caller.project], cursor, input.sort);
  const contentLength = include === 'content' ? CONTENT_MAX : EXCERPT_LENGTH;
  const page = { sort: input.sort, order: input.order, limit, contentLength, bytesMax: PAGE_BYTES_MAX };
  const [{ memories: rows, isLast }, total] = await Promise.all([
    listMemories(context.sql, caller.userId, filter, { ...page, ...(after && { after }) }),
    countMemories(context.sql, caller.userId, filter),
  ]);
  const items: Item[] = rows.map((row) => ({ ...serializeMemory(row), ...(row.is_cut && { truncated: true }) }));
  const reason = total === 0 ? await emptyReason(context.sql, caller) : undefined;
  const toResponse = (shown: readonly Item[]) => {
    const last = rows[Math.max(0, shown.length - 1)];
    const more = (!isLast || shown.length < rows.length) && last;
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
