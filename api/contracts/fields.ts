import { z } from 'zod';

/** Sizes that hold on every plan. Lengths are in characters (code points), as JSON Schema counts them. */
export const LIMITS = {
  titleLength: 500,
  tagLength: 100,
  tags: 100,
  projectLength: 200,
  metadataBytes: 65_536,
  queryLength: 10_000,
  page: 200,
  batch: 100,
  bulk: 1_000,
  keyNameLength: 100,
} as const;

/** Text of at least one visible character and at most `max`. */
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

const TIMESTAMP = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/;

function isTimestamp(value: string): boolean {
  const match = TIMESTAMP.exec(value);
  // Years 1 to 9999 in UTC, whatever the offset: the range that ISO 8601 and PostgreSQL write in four digits.
  const year = match && new Date(value).getUTCFullYear();
  if (!match || !year || year < 1 || year > 9999) return false;
  // Date.parse takes 30 February for 2 March.
  return new Date(`${match[1]}T00:00:00Z`).toISOString().startsWith(match[1] as string);
}

/** A moment on the way in: an ISO 8601 date, or date and time with an offset. Kept to the millisecond. */
export const moment = z
  .string()
  .refine(isTimestamp, 'must be an ISO 8601 date (2026-11-02) or date-time with an offset (2026-11-02T09:45:30Z)')
  .transform((value) => new Date(value))
  .meta({ description: 'ISO 8601 date or date-time.' });

/** A moment on the way out: UTC, milliseconds. */
export const instant = z.iso.datetime();

export const id = z.uuid();

/** How a call reaches the service. */
export const transport = z.enum(['rest', 'mcp_http', 'mcp_stdio']);

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
  .meta({ description: 'Any JSON object of yours. `importance` (0 to 1) is a ranking prior.' });

export const project = name(LIMITS.projectLength)
  .refine((value) => value !== '*', 'must not be "*", which means any project')
  .refine((value) => value !== 'none', 'must not be "none", which means no project over MCP')
  .meta({ maxLength: LIMITS.projectLength });

export const sessionId = name(LIMITS.projectLength);

export const limit = (fallback: number, max: number = LIMITS.page) => z.int().min(1).max(max).default(fallback);

export const cursor = z.string().max(8_192).meta({ description: '`next_cursor` of the page before.' });

/** Tokens (o200k_base) that an answer may take. */
export const maxTokens = (max: number, min = 50) => z.int().min(min).max(max);

/** What lists, searches and bulk changes can be narrowed by. */
export const filterFields = {
  type: memoryType.optional(),
  status: z.enum(['active', 'archived', 'all']).default('active'),
  tags: tags.optional(),
  tags_match: z
    .enum(['all', 'any', 'exact'])
    .default('all')
    .meta({ description: '`exact`: these and no others; with no tags, the untagged.' }),
  project: name(LIMITS.projectLength).nullable().optional().meta({
    description: 'Null: of no project. "*": of any. Default: that of the connection, else any.',
  }),
  session_id: sessionId.nullable().optional().meta({ description: 'Null: of no session.' }),
  created_after: moment.optional(),
  created_before: moment.optional(),
  occurred_after: moment.optional(),
  occurred_before: moment.optional(),
};

/** A page of anything. */
export const page = <Item extends z.ZodType>(item: Item) => ({
  results: z.array(item),
  total: z.int(),
  next_cursor: z.string().nullable(),
});
