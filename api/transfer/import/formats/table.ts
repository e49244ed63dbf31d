import { MAPPED_FIELDS, type MappedField } from '../../../contracts/import.ts';
import { type Draft, type Format, type FormatOptions, type Parsed, restOf } from '../draft.ts';
import { isObject } from '../record.ts';

/** Names of columns, in lower case without separators, that are taken for a field when there is no mapping. */
const ALIASES: Record<MappedField, readonly string[]> = {
  content: ['content', 'text', 'memory', 'body', 'note', 'fact', 'message', 'value', 'observation', 'description'],
  title: ['title', 'name', 'subject', 'heading'],
  tags: ['tags', 'labels', 'categories', 'keywords', 'tag', 'category'],
  project: ['project'],
  session_id: ['sessionid', 'session', 'threadid', 'runid'],
  type: ['type'],
  occurred_at: ['occurredat', 'eventdate', 'validat'],
  expires_at: ['expiresat', 'expirationdate'],
  created_at: ['createdat', 'created', 'date', 'timestamp', 'creationdate'],
  updated_at: ['updatedat', 'updated', 'modified', 'modifiedat', 'lastmodified'],
  id: ['id', 'uuid'],
  metadata: ['metadata'],
};

/** Returns the field that a column is taken for by its name. */
export function fieldOfColumn(column: string): MappedField | undefined {
  const name = column.toLowerCase().replace(/[^a-z]/g, '');
  return MAPPED_FIELDS.find((field) => ALIASES[field].includes(name));
}

/** CSV: the columns are mapped to fields, the others become metadata. */
export const csv: Format = {
  name: 'csv',
  matches: () => false,
  parse: (value, _list, options) => parseRow(value as Map<string, string>, options),
};

/** JSON lines, or a list of JSON objects: the keys are mapped to fields, the others become metadata. */
export const jsonl: Format = {
  name: 'jsonl',
  matches: () => true,
  parse: (value, _list, options) => parseRow(new Map(Object.entries(value as object)), options),
};

function parseRow(values: Map<string, unknown>, { mapping }: FormatOptions): Parsed {
  const fields = new Map<MappedField, unknown>();
  const used = new Set<string>();
  for (const field of MAPPED_FIELDS) {
    const column = mapping ? mapping[field] : bestColumn(values, field);
    if (column === undefined) continue;
    const value = valueAt(values, column);
    used.add(values.has(column) ? column : (column.split('.')[0] as string));
    if (value !== undefined && value !== null && value !== '') fields.set(field, value);
  }
  if (!fields.has('content')) {
    return { kind: 'rejected', why: 'content: no column or key gives the text; name it in the mapping' };
  }
  // A type of another tool, such as "note", is no type of a memory.
  if (!mapping?.type && fields.has('type') && !['short_term', 'long_term'].includes(String(fields.get('type')))) {
    used.delete(bestColumn(values, 'type') ?? '');
    fields.delete('type');
  }
  const { metadata: given, ...rest } = Object.fromEntries(fields) as Record<MappedField, unknown>;
  const metadata = toMetadata(given);
  if (metadata === undefined) return { kind: 'rejected', why: 'metadata: must be a JSON object' };
  const others = restOf(Object.fromEntries([...values].filter(([name]) => isStorable(name))), [...used]);
  return { kind: 'draft', draft: { ...(rest as Draft), metadata: { ...others, ...metadata } } };
}

/** Returns the column that gives a field: the one whose name comes first in the list of its aliases. */
function bestColumn(values: Map<string, unknown>, field: MappedField): string | undefined {
  const named = [...values.keys()].filter((column) => fieldOfColumn(column) === field);
  const rank = (column: string) => ALIASES[field].indexOf(column.toLowerCase().replace(/[^a-z]/g, ''));
  return named.sort((one, other) => rank(one) - rank(other))[0];
}

/** Returns the value of a column, or of a nested key such as `data.text`. */
function valueAt(values: Map<string, unknown>, column: string): unknown {
  if (values.has(column)) return values.get(column);
  const [first = '', ...path] = column.split('.');
  return path.reduce<unknown>(
    (value, key) => (isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    values.get(first),
  );
}

function toMetadata(given: unknown): Record<string, unknown> | undefined {
  if (given === undefined) return {};
  if (isObject(given)) return given;
  try {
    const parsed: unknown = JSON.parse(String(given));
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Returns whether a column may be a key of metadata. */
function isStorable(name: string): boolean {
  return name !== '' && name !== '__proto__' && !name.includes('\0');
}
