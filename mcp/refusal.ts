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
    ...(problem.status >= 500 ? [`request_id: ${requestId}`] : []),
  ].join('\n');
}

/** A refusal for a program, under the one prefix that MCP's `_meta` keys need. */
export function refusalMeta(problem: Problem, requestId: string): Record<string, unknown> {
  const facts = { code: problem.code, status: problem.status, request_id: requestId, ...problem.data.extra };
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [`whitemagic/${name.replaceAll('-', '_')}`, value]),
  );
}

function cut(text: string): string {
  return text.length <= LENGTH_MAX ? text : `${text.slice(0, LENGTH_MAX).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
