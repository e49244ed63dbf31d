import { z } from 'zod';
import { countMemories, listMemories, type MemorySort } from '../../db/queries/memories/lists.ts';
import { findMemory, type MemoryRow } from '../../db/queries/memories/memories.ts';
import type { Caller, RequestContext } from '../context.ts';
import { id, moment } from '../contracts/fields.ts';
import type { Memory } from '../contracts/memories.ts';
import { Problem } from '../errors.ts';
import { decodeCursor, encodeCursor } from '../listing/cursor.ts';
import { type FilterInput, toFilter } from '../listing/filter.ts';
import { whyNothing } from '../search/search.ts';
import { capFields, cutText, fillPage, type LongField, tokensAsJson } from '../tokens/truncate.ts';
import { present } from './to-response.ts';

type ListInput = FilterInput & {
  sort: MemorySort;
  order: 'asc' | 'desc';
  limit: number;
  cursor?: string | undefined;
  max_tokens?: number | undefined;
};

type Item = Memory & { truncated?: boolean };

const TITLE_PLACE = z.tuple([z.string(), id]);
const TIME_PLACE = z.tuple([moment, id]);

/** One page of memories. With `max_tokens`, as many as fit, and contents cut so that a long one leaves room for others. */
export async function list(context: RequestContext, caller: Caller, input: ListInput) {
  const { limit, cursor, max_tokens, ...question } = input;
  const filter = toFilter(caller, input);
  const after = cursor === undefined ? undefined : position([question, caller.project], cursor, input.sort);
  const page = { sort: input.sort, order: input.order, limit: limit + 1, ...(after && { after }) };
  const [rows, total] = await Promise.all([
    listMemories(context.sql, caller.userId, filter, page),
    countMemories(context.sql, caller.userId, filter),
  ]);
  const wanted: Item[] = rows.slice(0, limit).map(present);
  const reason = total === 0 ? await whyNothing(context.sql, caller) : undefined;
  const answer = (shown: Item[]) => {
    const last = rows[Math.max(0, shown.length - 1)];
    const more = shown.length < rows.length && last;
    return {
      results: shown,
      total,
      next_cursor: more ? encodeCursor([question, caller.project], [sortValue(last, input.sort), last.id]) : null,
      truncated: shown.length < wanted.length || shown.some((item) => item.truncated),
      ...(reason && { reason }),
    };
  };
  if (max_tokens === undefined) return answer(wanted);
  return answer(fillPage(wanted, max_tokens, context.weigh ?? tokensAsJson, answer, shorten));
}

/** One memory, or the part of its content from `offset` on that fits `max_tokens`. */
export async function get(
  context: RequestContext,
  caller: Caller,
  input: { id: string; offset: number; max_tokens?: number | undefined },
) {
  const row = await findMemory(context.sql, caller.userId, input.id);
  if (!row) throw new Problem('not_found', { detail: `You have no memory ${input.id}.` });
  const memory = present(row);
  const offset = wholeCharacter(memory.content, input.offset);
  const rest = offset > 0 ? memory.content.slice(offset) : memory.content;
  if (input.max_tokens === undefined) return { ...memory, content: rest, truncated: false, next_offset: null };
  const max = input.max_tokens;
  const weigh = context.weigh ?? tokensAsJson;
  const part = (head: Memory & { shortened?: LongField[] }, content: string) => ({
    ...head,
    content,
    truncated: content.length < rest.length,
    next_offset: content.length < rest.length ? offset + content.length : null,
  });
  const everything = part(memory, rest);
  if (weigh(everything) <= max) return everything;
  // The head comes again with every part, so it may take half of the budget, and its long fields their shares of that.
  const whole = weigh(part(memory, ''));
  const head = whole <= max / 2 ? memory : capHead(memory, max - weigh(part(bare(memory), '')));
  const headCost = weigh(part(head, ''));
  const content = cutText(rest, max - headCost, (text) => weigh(part(head, text)) - headCost);
  return part(head, content || rest.slice(0, wholeCharacter(rest, 2) || 1));
}

function capHead(memory: Memory, room: number): Memory & { shortened?: LongField[] } {
  const { item, shortened } = capFields(memory, room);
  return shortened.length > 0 ? { ...item, shortened } : item;
}

/** A list is for choosing: each memory may take half of what is left, so that a long one leaves room for others. */
function shorten(item: Item, room: number, cost: (item: Item) => number, isFirst: boolean): Item | undefined {
  const cut = { ...item, content: '', truncated: true };
  let headCost = cost(cut);
  if (headCost > room / 2 && isFirst) {
    Object.assign(cut, capFields(cut, room - cost({ ...bare(item), truncated: true })).item);
    headCost = cost(cut);
  }
  const content = cutText(item.content, (room - headCost) / 2, (text) => cost({ ...cut, content: text }) - headCost);
  if (content === '' && !isFirst) return undefined;
  const isWhole = content === item.content && cut.title === item.title && cut.tags.length === item.tags.length;
  return isWhole ? item : { ...cut, content };
}

/** A memory without anything that could be long. */
function bare(memory: Memory): Memory {
  return { ...memory, title: '', content: '', tags: [], metadata: {}, project: null, session_id: null };
}

/** The start of the character that a text has at an offset. */
function wholeCharacter(text: string, offset: number): number {
  const isSecondHalf = /^[\uDC00-\uDFFF]/.test(text.slice(offset, offset + 1));
  return isSecondHalf && offset > 0 ? offset - 1 : offset;
}

function position(question: unknown, cursor: string, sort: MemorySort): { value: string; id: string } {
  if (sort === 'title') {
    const [value, id] = decodeCursor(question, cursor, TITLE_PLACE);
    return { value, id };
  }
  const [moment, id] = decodeCursor(question, cursor, TIME_PLACE);
  return { value: moment.toISOString(), id };
}

function sortValue(row: MemoryRow, sort: MemorySort): string {
  if (sort === 'title') return row.title;
  const moment = sort === 'occurred_at' ? (row.occurred_at ?? row.created_at) : row[sort];
  return moment.toISOString();
}
