import type { z } from 'zod';
import { type FieldIssue, Problem } from '../errors.ts';
import { issueMessage } from './issue-messages.ts';

const DEPTH_MAX = 100;
/** Integers that a number cannot hold exactly arrive as `bigint` (`api/http/parse-json.ts`). */
const UNSAFE_INTEGER = 'must be an integer from -(2^53 - 1) to 2^53 - 1; send larger ones as a string';
const LONE_SURROGATE = /\p{Surrogate}/u;
/** Maximum number of issues in an error. */
const ISSUES_MAX = 100;
/** Codes of issues that are violated rules (422). Every other issue is a wrong type or an unknown field (400). */
const RULES = ['custom', 'too_small', 'too_big', 'not_multiple_of'];

/**
 * Validates an input by its contract and reports all issues at once.
 * @throws Problem `invalid_request` for a wrong type or an unknown field, `unprocessable` for a violated rule
 */
export function parseInput<Input extends z.ZodType>(schema: Input, raw: unknown): z.output<Input> {
  rejectUnstorable(raw);
  const parsed = schema.safeParse(raw ?? {}, { error: issueMessage });
  if (parsed.success) return parsed.data;
  throw issuesProblem(parsed.error.issues);
}

/** Converts issues of a schema to an error. Wrong types and unknown fields are 400, violated rules 422. */
export function issuesProblem(issues: readonly z.core.$ZodIssue[]): Problem {
  const errors = issues.flatMap(fieldIssues).slice(0, ISSUES_MAX);
  const isRule = issues.every(({ code }) => RULES.includes(code));
  return new Problem(isRule ? 'unprocessable' : 'invalid_request', { detail: detailOf(errors), errors });
}

function fieldIssues(issue: z.core.$ZodIssue): FieldIssue[] {
  const path = issue.path.map(String);
  // One issue of zod names all unknown fields.
  const paths = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path];
  return paths.map((names) => ({ path: names.join('.'), message: issue.message }));
}

/** Summarizes errors by the first of them. */
function detailOf([first, ...more]: FieldIssue[]): string {
  const path = first?.path ? `${first.path}: ` : '';
  return `${path}${first?.message}${more.length > 0 ? ` (and ${more.length} more)` : ''}`;
}

/**
 * Rejects what PostgreSQL cannot hold in `text` and `jsonb` (NUL and lone surrogates, also in keys), what JavaScript would
 * lose (`__proto__`, 1e999), and nesting deeper than {@link DEPTH_MAX}. Walks without recursion.
 */
function rejectUnstorable(raw: unknown): void {
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
            message: 'must not be a number beyond the range of a double',
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
