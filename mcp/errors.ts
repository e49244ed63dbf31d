import { type Problem, problemDocument } from '../api/errors.ts';

/** A refusal says enough with its first fields, and must not flood a conversation by repeating a bad argument. */
const FIELDS_MAX = 10;
const LENGTH_MAX = 300;

/** A refusal for a model: what was wrong, in which field, and what to do, in our own words only. */
export function refusalText(problem: Problem, requestId: string, publicUrl: string): string {
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

/** The facts of a refusal for a program: its code, and what that brings (when to come again, what is left). */
export function refusalFacts(problem: Problem, requestId: string, publicUrl: string): Record<string, unknown> {
  const {
    type: _type,
    title: _title,
    detail: _detail,
    errors: _errors,
    ...facts
  } = problemDocument(problem, requestId, publicUrl);
  return facts;
}

/** The same under the one prefix that MCP's `_meta` keys need. */
export function refusalMeta(problem: Problem, requestId: string, publicUrl: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(refusalFacts(problem, requestId, publicUrl)).map(([name, value]) => [
      `whitemagic/${name.replaceAll('-', '_')}`,
      value,
    ]),
  );
}

function cut(text: string): string {
  return text.length <= LENGTH_MAX ? text : `${text.slice(0, LENGTH_MAX).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
