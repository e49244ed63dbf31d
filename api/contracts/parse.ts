import type { z } from 'zod';
import { type FieldIssue, Problem } from '../errors.ts';

const DEPTH_MAX = 100;
/** Integers that a number cannot hold exactly arrive as `bigint` (`api/http/parse-json.ts`). */
const UNSAFE_INTEGER = 'must be an integer from -(2^53 - 1) to 2^53 - 1; send larger ones as a string';
const LONE_SURROGATE = /\p{Surrogate}/u;
/** Of a request with a thousand mistakes the first hundred say enough. */
const ISSUES_MAX = 100;

/**
 * An input by its contract, all issues at once.
 * @throws Problem `invalid_request` (unknown field, wrong type) or `unprocessable` (a rule says no)
 */
export function parseInput<Input extends z.ZodType>(schema: Input, raw: unknown): z.output<Input> {
  refuseUnstorable(raw);
  const parsed = schema.safeParse(raw ?? {});
  if (parsed.success) return parsed.data;
  throw issuesProblem(parsed.error.issues);
}

/** Issues of a contract as the one error shape. Wrong types and unknown fields are 400, rules 422. */
export function issuesProblem(issues: readonly z.core.$ZodIssue[]): Problem {
  const fields = issues.flatMap(fieldIssues).slice(0, ISSUES_MAX);
  const malformed = issues.some((issue) => !['custom', 'too_small', 'too_big', 'not_multiple_of'].includes(issue.code));
  const first = fields[0];
  const detail =
    first &&
    `${first.path ? `${first.path}: ` : ''}${first.message}${fields.length > 1 ? ` (and ${fields.length - 1} more)` : ''}`;
  return new Problem(malformed ? 'invalid_request' : 'unprocessable', {
    ...(detail ? { detail } : {}),
    errors: fields,
  });
}

function fieldIssues(issue: z.core.$ZodIssue): FieldIssue[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key].join('.'), message: 'is not a known field' }));
  }
  return [{ path: path.join('.'), message: lowerFirst(issue.message) }];
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

/**
 * Refuses what PostgreSQL cannot hold in `text` and `jsonb` (NUL, lone surrogates, keys included), what JavaScript would
 * lose (`__proto__`, 1e999), and what no parser should walk (nesting deeper than a hundred). Walks without recursion.
 */
function refuseUnstorable(raw: unknown): void {
  const errors: FieldIssue[] = [];
  const rest: { value: unknown; path: string; depth: number }[] = [{ value: raw, path: '', depth: 0 }];
  for (let next = rest.pop(); next && errors.length < ISSUES_MAX; next = rest.pop()) {
    const { value, path, depth } = next;
    if (typeof value === 'string') {
      const message = unstorable(value);
      if (message) errors.push({ path, message });
    } else if (typeof value === 'object' && value !== null) {
      if (depth === DEPTH_MAX) {
        errors.push({ path: path.slice(0, 200), message: `must not be nested deeper than ${DEPTH_MAX}` });
        continue;
      }
      for (const [key, child] of Object.entries(value)) {
        const message = unstorable(key) ?? (key === '__proto__' ? 'must not be a key' : undefined);
        if (message) errors.push({ path: path ? `${path}.(key)` : '(key)', message });
        else if (typeof child === 'bigint') {
          errors.push({ path: path ? `${path}.${key}` : key, message: UNSAFE_INTEGER });
        } else if (typeof child === 'number' && !Number.isFinite(child)) {
          errors.push({
            path: path ? `${path}.${key}` : key,
            message: 'must not be a number beyond what JSON readers keep',
          });
        } else if (typeof child === 'string' || typeof child === 'object') {
          rest.push({ value: child, path: path ? `${path}.${key}` : key, depth: depth + 1 });
        }
      }
    }
  }
  if (errors.length > 0)
    throw new Problem('unprocessable', { detail: `${errors[0]?.path}: ${errors[0]?.message}`, errors });
}

function unstorable(value: string): string | undefined {
  if (value.includes('\0')) return 'must not contain NUL';
  if (LONE_SURROGATE.test(value)) return 'must not contain a lone surrogate';
  return undefined;
}
