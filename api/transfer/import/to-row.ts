import { v5 } from 'uuid';
import { z } from 'zod';
import type { ImportedVersion } from '../../../db/queries/memories/imported.ts';
import type { NewMemoryRow } from '../../../db/queries/memories/row.ts';
import type { Caller, RequestContext } from '../../context.ts';
import * as f from '../../contracts/fields.ts';
import { memory, newMemory } from '../../contracts/memory.ts';
import { parseInput } from '../../contracts/parse.ts';
import { invalidField } from '../../errors.ts';
import { requireTags } from '../../listing/tags.ts';
import { newRow } from '../../memories/create.ts';
import { DAY_MS } from '../../time.ts';
import type { Draft } from './draft.ts';
import { sourceTime } from './source-time.ts';

/** Most bytes of a content: what a request can store. */
const CONTENT_BYTES_MAX = 1_048_576;
/** Namespace of the ids that are derived from those of other tools. */
const ID_NAMESPACE = '8f4b1c52-7f0e-4c38-9d51-3d1f2f6f7c0a';

/** Options that apply to every memory of an import. */
export interface RowOptions {
  project?: string | undefined;
  type?: 'short_term' | 'long_term' | undefined;
  tags: readonly string[];
  format: string;
}

const exportedFields = {
  version: z.int().min(1),
  status: f.memoryStatus,
  type: f.memoryType,
};
const exportedMemory = z.object({
  id: f.id,
  ...exportedFields,
  consolidated_into: f.id.nullable().default(null),
  is_digest: z.boolean().default(false),
  created_at: f.moment,
  updated_at: f.moment,
});
const exportedVersion = z.object({ memory_id: f.id, ...exportedFields, written_at: f.moment });

/** Fields of a memory that an export has beside those of a create. */
const STORED_FIELDS = Object.keys(memory.shape).filter((field) => !Object.hasOwn(newMemory.shape, field));

/**
 * Converts a draft of another tool to the row of a memory.
 * @throws Problem `invalid_request`, `unprocessable` for a draft that does not fit
 */
export function draftToRow(
  context: RequestContext,
  caller: Caller,
  draft: Draft,
  { project, type, tags, format }: RowOptions,
): NewMemoryRow {
  const { id, status = 'active', created_at, updated_at, ...fields } = draft;
  const input = {
    ...fields,
    title: fields.title ?? undefined,
    type: fields.type ?? type ?? 'long_term',
    tags: [...toList(fields.tags), ...tags],
    project: fields.project ?? project ?? null,
    occurred_at: toTime('occurred_at', fields.occurred_at),
    expires_at: toTime('expires_at', fields.expires_at),
  };
  const row = newRow(context, caller, parseInput(newMemory, input));
  const created = toPast(context, 'created_at', created_at) ?? row.created_at;
  const updated = toPast(context, 'updated_at', updated_at) ?? created;
  return checked({
    ...row,
    id: toId(format, id) ?? row.id,
    status,
    created_at: created,
    updated_at: updated < created ? created : updated,
  });
}

/**
 * Converts a memory of an account export to its row, with the id, dates and version that it had.
 * @throws Problem `invalid_request`, `unprocessable` for one that does not fit
 */
export function exportToRow(
  context: RequestContext,
  caller: Caller,
  raw: Record<string, unknown>,
  { project, tags }: RowOptions,
): NewMemoryRow {
  const stored = parseInput(exportedMemory, raw);
  const row = newRow(context, caller, parseInput(newMemory, toInput(raw, project, tags)));
  toPast(context, 'created_at', raw.created_at);
  toPast(context, 'updated_at', raw.updated_at);
  return checked({ ...row, ...stored });
}

/**
 * Converts a former version of an account export to its row.
 * @throws Problem `invalid_request`, `unprocessable` for one that does not fit
 */
export function exportToVersion(
  context: RequestContext,
  caller: Caller,
  raw: Record<string, unknown>,
): ImportedVersion {
  const { memory_id, written_at, ...stored } = parseInput(exportedVersion, raw);
  const input = toInput(raw, undefined, []);
  const { id, created_at, updated_at, consolidated_into, is_digest, content_hash, ...row } = checked(
    newRow(context, caller, parseInput(newMemory, input)),
  );
  return { ...row, ...stored, memory_id, written_at };
}

/** Returns the fields of a create out of a row of an export. */
function toInput(raw: Record<string, unknown>, project: string | undefined, tags: readonly string[]) {
  const without = new Set([...STORED_FIELDS, 'memory_id', 'written_at', 'is_digest']);
  const fields = Object.fromEntries(Object.entries(raw).filter(([field]) => !without.has(field)));
  return { ...fields, project: fields.project ?? project ?? null, tags: [...toList(fields.tags), ...tags] };
}

/** Checks what only the whole row shows. */
function checked(row: NewMemoryRow): NewMemoryRow {
  if (Buffer.byteLength(row.content) > CONTENT_BYTES_MAX) {
    throw invalidField('content', `must be at most ${CONTENT_BYTES_MAX} bytes`);
  }
  requireTags(row.tags);
  if (row.supersedes === row.id) throw invalidField('supersedes', 'a memory cannot supersede itself');
  return row;
}

function toList(tags: unknown): unknown[] {
  if (Array.isArray(tags)) return tags.filter((tag) => typeof tag !== 'string' || tag.trim() !== '');
  if (typeof tags === 'string') return tags.split(/[,;]/).filter((tag) => tag.trim() !== '');
  return tags === undefined || tags === null ? [] : [tags];
}

/** Returns the id of a memory: a UUID as it is, otherwise one derived from it; undefined where the source has none. */
function toId(format: string, id: unknown): string | undefined {
  if ((typeof id !== 'string' && typeof id !== 'number') || id === '') return undefined;
  const text = String(id);
  return f.id.safeParse(text).success ? text.toLowerCase() : v5(`${format}:${text}`, ID_NAMESPACE);
}

function toTime(field: string, value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const time = sourceTime(value);
  if (time === undefined) throw invalidField(field, 'must be a date or a time, such as 2026-11-02T09:45:30Z');
  return time;
}

/** Returns a time that must not lie in the future: it would rank as the newest for years. */
function toPast(context: RequestContext, field: string, value: unknown): Date | undefined {
  const time = toTime(field, value);
  if (time === undefined) return undefined;
  const moment = new Date(time);
  if (moment.getTime() > context.now().getTime() + DAY_MS) throw invalidField(field, 'must not be in the future');
  return moment;
}
