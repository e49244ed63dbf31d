import { type Problem, problemDocument } from '../api/errors.ts';

/** Bounds of an error text: it must not flood a conversation by repeating a long argument. */
const FIELDS_MAX = 10;
const LENGTH_MAX = 300;

/** Renders a problem for a model: what happened, in which field, and what to do. Contains no text of the request but field names. */
export function errorText(problem: Problem, requestId: string, publicUrl: string): string {
  const document = problemDocument(problem, requestId, publicUrl);
  const fields = document.errors.map(({ path, message }) => cut(`${path || 'arguments'}: ${message}`));
  const left = fields.length - FIELDS_MAX;
  return [
    `${document.title} (${document.code}). ${fields.length > 1 ? 'See below.' : cut(document.detail)}`,
    ...(fields.length > 1 ? fields.slice(0, FIELDS_MAX).map((field) => `- ${field}`) : []),
    ...(left > 0 ? [`and ${left} more`] : []),
    ...(document.upgrade_url ? [`Plans: ${document.upgrade_url}`] : []),
    ...(problem.status >= 500 ? [`request_id: ${requestId}`] : []),
  ].join('\n');
}

/** Returns the members of a problem for a program: its code, and what belongs to it, such as `retry_after_seconds` or `remaining`. */
export function errorData(problem: Problem, requestId: string, publicUrl: string): Record<string, unknown> {
  const {
    type: _type,
    title: _title,
    detail: _detail,
    errors: _errors,
    ...members
  } = problemDocument(problem, requestId, publicUrl);
  return members;
}

/** Returns the same members with the prefix that MCP requires for keys of `_meta`. */
export function errorMeta(problem: Problem, requestId: string, publicUrl: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(errorData(problem, requestId, publicUrl)).map(([name, value]) => [
      `whitemagic/${name.replaceAll('-', '_')}`,
      value,
    ]),
  );
}

/** Returns the text, cut at a whole character. */
export function cut(text: string, lengthMax: number = LENGTH_MAX): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
