import { createHash } from 'node:crypto';
import { z } from 'zod';
import { parseInput } from '../contracts/parse.ts';
import { Problem } from '../errors.ts';

/**
 * A place in a list, as text for the caller to hand back. It is bound to the question it belongs to: with other filters
 * it is refused instead of answering a page of something else.
 */
export function encodeCursor(question: unknown, place: readonly unknown[]): string {
  return Buffer.from(JSON.stringify([digest(question), ...place])).toString('base64url');
}

/**
 * The place that {@link encodeCursor} wrote for the same question.
 * @param shape what such a place looks like: a cursor comes from outside, and nobody signed it
 * @throws Problem `invalid_request` for a text that is no cursor of this question
 */
export function decodeCursor(question: unknown, cursor: string): unknown[];
export function decodeCursor<Place>(question: unknown, cursor: string, shape: z.ZodType<Place>): Place;
export function decodeCursor(question: unknown, cursor: string, shape: z.ZodType = z.array(z.unknown())): unknown {
  try {
    const [owner, ...place] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    if (owner === digest(question)) return parseInput(shape, place);
  } catch {
    // Answered below, like any other text that is no cursor.
  }
  const message = 'is not a cursor of this list; leave it out to start anew';
  throw new Problem('invalid_request', { detail: `cursor: ${message}`, errors: [{ path: 'cursor', message }] });
}

function digest(question: unknown): string {
  return createHash('sha256').update(JSON.stringify(question)).digest('base64url').slice(0, 10);
}
