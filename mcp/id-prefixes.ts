import type { JsonSchema } from '../api/contracts/json-schema.ts';
import { invalidField, Problem } from '../api/errors.ts';
import type { Call } from '../api/pipeline/call.ts';
import { findIdsFrom } from '../db/queries/memories/memories.ts';

/** Digits of an id that are enough to look for it. */
const DIGITS_MIN = 6;
const DIGITS = 32;
/** Ids that the error for an ambiguous prefix names. */
const NAMED_MAX = 5;

/** The argument that names the memory of a call; other arguments with ids refer to further ones. */
const MEMORY = 'id';

/**
 * Returns what completes the arguments that hold the beginning of an id instead of an id, as a model copies it; undefined without any.
 * A beginning is at least six hexadecimal digits, with or without hyphens, that only one memory of the caller has.
 */
export function prefixResolver(schema: JsonSchema, input: Record<string, unknown>): Call['resolve'] {
  const prefixes = Object.entries(schema.properties ?? {}).flatMap(([name, { format }]) => {
    const digits = format === 'uuid' ? prefixDigits(input[name]) : undefined;
    return digits === undefined ? [] : [{ name, digits }];
  });
  if (prefixes.length === 0) return undefined;
  return async (sql, { userId }) => {
    const completed = { ...input };
    for (const { name, digits } of prefixes) {
      const range = [digits.padEnd(DIGITS, '0'), digits.padEnd(DIGITS, 'f')] as const;
      completed[name] = onlyOne(name, await findIdsFrom(sql, userId, range, NAMED_MAX + 1));
    }
    return completed;
  };
}

/** @throws Problem `not_found`, or `unprocessable` for several ids and for an argument besides the memory's own */
function onlyOne(name: string, ids: readonly string[]): string {
  const [only, ...others] = ids;
  if (only === undefined) {
    if (name !== MEMORY) throw invalidField(name, 'you have no memory whose id begins like that');
    throw new Problem('not_found', { detail: 'You have no memory whose id begins like that.' });
  }
  if (others.length === 0) return only;
  const count = ids.length > NAMED_MAX ? `more than ${NAMED_MAX}` : ids.length;
  const listed = ids.slice(0, NAMED_MAX).join(', ');
  throw invalidField(name, `the ids of ${count} memories begin like that: ${listed}. Copy more of the id`);
}

/** Returns the digits of the beginning of an id; undefined for anything else, such as a whole id. */
function prefixDigits(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const digits = value.trim().replaceAll('-', '').toLowerCase();
  return digits.length >= DIGITS_MIN && digits.length < DIGITS && /^[0-9a-f]+$/.test(digits) ? digits : undefined;
}
