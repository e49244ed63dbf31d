import { type Problem, problemDocument } from '../api/errors.ts';

/** A refusal for a model: what was wrong, in which field, and what to do, in our own words only. */
export function refusalText(problem: Problem, requestId: string, publicUrl: string): string {
  const document = problemDocument(problem, requestId, publicUrl);
  const fields = document.errors.map(({ path, message }) => `- ${path || 'arguments'}: ${message}`);
  return [`${document.title} (${document.code}). ${document.detail}`, ...fields].join('\n');
}
