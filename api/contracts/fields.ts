import { z } from 'zod';
import { DAY_MS } from '../time.ts';
import { metadataFilter } from './metadata-filter.ts';

/** Limits on every plan. Lengths are in characters (code points), as in JSON Schema. */
export const LIMITS = {
  titleLength: 500,
  tagLength: 100,
  tags: 100,
  projectLength: 200,
  keyProjects: 20,
  metadataBytes: 65_536,
  queryLength: 10_000,
  page: 200,
  batch: 100,
  bulk: 1_000,
  /** Memories that a bulk operation changes for one quota unit. */
  changesPerUnit: 10,
  keyNameLength: 100,
} as const;

/** A text with at least one visible character and at most `max` characters. */
export const text = (max: number, string: z.ZodString = z.string()) =>
  string
    .refine((value) => value.trim() !== '', 'must not be empty or blank')
    .refine((value) => value.length <= max || [...value].length <= max, `must be at most ${max} characters`)
    .meta({ minLength: 1, maxLength: max });

/**
 * Normalizes a tag, project or session id, so that names that read the same are equal: NFC (file names of macOS are NFD), and no white
 * space at the ends.
 */
export function normalizeName(name: string): string {
  return name.normalize('NFC').trim();
}

/** A name in its normalized form, see {@link normalizeName}. */
const name = (max: number) => text(max, z.string().overwrite(normalizeName));

/** JSON Schema formats of a timestamp in a request. */
const DATE_FORMATS = ['date', 'date-time'];
const DATE = /^\d{4}-\d\d-\d\d$/;
/** A date-time whose "+" became a space, as an unescaped "+" of a query string does. */
const UNESCAPED_OFFSET = /^\d{4}-\d\d-\d\dT[\d:.]+ \d\d:?\d\d$/;
const TIMESTAMP = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/;

function isTimestamp(value: string): boolean {
  const match = TIMESTAMP.exec(value);
  // Years 1 to 9999, in UTC and local: the range that ISO 8601 and PostgreSQL write in four digits.
  const year = match && new Date(value).getUTCFullYear();
  if (!match || !year || year < 1 || year > 9999 || value.startsWith('0000')) return false;
  // Date.parse reads 30 February as 2 March.
  return new Date(`${match[1]}T00:00:00Z`).toISOString().startsWith(match[1] as string);
}

const timestamp = z
  .string()
  .refine((value) => !UNESCAPED_OFFSET.test(value), {
    error: 'has a space in place of "+": write "+" as %2B in a query string',
    abort: true,
  })
  .refine(isTimestamp, 'must be an ISO 8601 date (2026-11-02) or date-time with an offset (2026-11-02T09:45:30Z)')
  .meta({ description: 'ISO 8601 date or date-time.', formats: DATE_FORMATS });

/** A timestamp in a request: an ISO 8601 date, or a date-time with an offset. Precise to the millisecond. */
export const moment = timestamp
  .transform((value) => new Date(value))
  .meta({ description: 'ISO 8601 date or date-time.', formats: DATE_FORMATS });

/** A timestamp whose offset is kept: the time and the offset in minutes east of UTC. */
export const zonedMoment = timestamp
  .transform((value) => ({ instant: new Date(value), offsetMinutes: offsetOf(value) }))
  .meta({ description: 'ISO 8601 date or date-time; its offset is kept.', formats: DATE_FORMATS });

function offsetOf(value: string): number {
  const [, sign, hours, minutes] = /T.*([+-])(\d\d):(\d\d)$/.exec(value) ?? [];
  return sign ? (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) : 0;
}

/** A bound of a range of times that have an offset: a time, or a day that each time is compared with in its own offset. */
export const dayOrMoment = timestamp.transform((value) => (DATE.test(value) ? { day: value } : new Date(value)));

/** The exclusive upper bound of a range. A date without a time includes that day, until midnight UTC. */
const before = timestamp
  .transform((value) => (DATE.test(value) ? new Date(Date.parse(value) + DAY_MS) : new Date(value)))
  .meta({ description: 'ISO 8601, exclusive; a date includes that UTC day.', formats: DATE_FORMATS });

function isTimeZone(value: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en-US', { timeZone: value }));
  } catch {
    return false;
  }
}

/** A time zone of the IANA database. */
export const timezone = z
  .string()
  .max(64)
  .refine(isTimeZone, 'must be an IANA time zone, such as Europe/Berlin')
  .meta({ description: 'IANA time zone for dates in `query`, such as "yesterday". Default: UTC.' });

/** A timestamp in a response: UTC, milliseconds. */
export const instant = z.iso.datetime();

/** A timestamp in a response, in the offset in which it was given. */
export const zonedInstant = z.iso.datetime({ offset: true });

export const id = z.uuid();

/** The transport of a call: `dashboard` for one of a signed-in browser. */
export const transport = z.enum(['rest', 'mcp_http', 'mcp_stdio', 'dashboard']);

export const memoryType = z.enum(['short_term', 'long_term']);
export const memoryStatus = z.enum(['active', 'archived']);

export const tag = text(LIMITS.tagLength);
export const tags = z.array(z.string().max(4 * LIMITS.tagLength)).max(LIMITS.tags);

export const metadata = z
  .record(z.string(), z.unknown())
  .refine(
    (value) => Buffer.byteLength(JSON.stringify(value)) <= LIMITS.metadataBytes,
    `must be at most ${LIMITS.metadataBytes} bytes as JSON`,
  )
  .meta({ description: 'Any JSON object. `importance` (0 to 1) adjusts the ranking.' });

export const project = name(LIMITS.projectLength)
  .refine((value) => value !== '*', 'must not be "*", which means any project')
  .refine((value) => value !== 'none', 'must not be "none", which means no project over MCP')
  .meta({ maxLength: LIMITS.projectLength });

/** A stored project, or "none" for the memories of no project. */
export const projectName = name(LIMITS.projectLength)
  .refine((value) => value !== '*', 'must not be "*", which means any project')
  .meta({ maxLength: LIMITS.projectLength, description: 'A project; "none": the memories of no project.' });

/** Projects that an API key is bound to; "none" stands for the memories of no project. */
export const keyProjects = z
  .array(projectName)
  .min(1)
  .max(LIMITS.keyProjects)
  .transform((names) => [...new Set(names)]);

export const sessionId = name(LIMITS.projectLength);

/** Number of results in a page. Values out of bounds are clamped. */
export const limit = (fallback: number, max: number = LIMITS.page) =>
  z
    .int()
    .overwrite(clamp(1, max))
    .default(fallback)
    .meta({ description: `1 to ${max}; others are clamped.` });

function clamp(min: number, max: number): (value: number) => number {
  return (value) => Math.min(Math.max(value, min), max);
}

export const cursor = z.string().max(8_192).meta({ description: '`next_cursor` of the previous page.' });

/** A token budget (o200k_base). Values out of bounds are clamped. */
export const maxTokens = (max: number, min = 50) => z.int().overwrite(clamp(min, max));

/** Filters of lists, searches and bulk changes. */
export const filterFields = {
  type: memoryType.optional(),
  status: z.enum(['active', 'archived', 'all']).default('active'),
  tags: tags.optional(),
  tags_match: z
    .enum(['all', 'any', 'exact'])
    .default('all')
    .meta({ description: '`exact`: these tags and no others; without `tags`, untagged memories.' }),
  project: name(LIMITS.projectLength).nullable().optional().meta({
    description: 'Null: of none. "*": any. Default: the connection\'s, else any.',
  }),
  session_id: sessionId.nullable().optional().meta({ description: 'Null: no session.' }),
  created_after: moment.optional(),
  created_before: before.optional(),
  occurred_after: dayOrMoment
    .meta({ description: 'ISO 8601, inclusive; a date is the local day.', formats: DATE_FORMATS })
    .optional(),
  occurred_before: dayOrMoment
    .meta({ description: 'ISO 8601, exclusive; a date includes that local day.', formats: DATE_FORMATS })
    .optional(),
  metadata: metadataFilter.optional(),
};

/** Result of a change of many memories. */
export const bulkResult = {
  matched: z.int().meta({ description: 'Number of memories that match the filter.' }),
  changed: z.array(id),
  rejected: z.array(z.strictObject({ id, code: z.string(), detail: z.string() })),
  remaining: z.int().meta({ description: 'Number of memories that further calls would change.' }),
};

/** Memories that a move archived, since their new project has an active exact duplicate. */
export const duplicates = z
  .array(z.strictObject({ id, duplicate_of: id }))
  .meta({ description: 'Moved memories that were archived: the project has an active exact duplicate of each.' });

/** Former projects of the memories that a move changed. */
export const movedFrom = z
  .array(z.strictObject({ project: z.string().nullable(), ids: z.array(id) }))
  .meta({ description: 'The former project of each moved memory, with which the move can be undone.' });

/** Outdated memories are left out of reads unless a caller asks for them. */
export const outdatedFields = {
  include_superseded: z.boolean().default(false).meta({ description: 'Include superseded memories.' }),
  include_expired: z.boolean().default(false).meta({ description: 'Include expired memories.' }),
};

/** Fields of a page of results. */
export const page = <Item extends z.ZodType>(item: Item) => ({
  results: z.array(item),
  total: z.int(),
  next_cursor: z.string().nullable(),
});
