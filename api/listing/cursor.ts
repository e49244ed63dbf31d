import { createHash } from 'node:crypto';
import { z } from 'zod';
import { parseInput } from '../contracts/parse.ts';
import { Problem } from '../errors.ts';

/**
 * Encodes a position in a list as a cursor. The cursor is bound to its query (filters, sort): with another query it is rejected instead
 * of returning a page of another list.
 */
export function encodeCursor(query: unknown, position: readonly unknown[]): string {
  return Buffer.from(JSON.stringify([digest(query), ...position])).toString('base64url');
}

/**
 * Decodes a cursor that {@link encodeCursor} made for the same query.
 * @param shape schema of the position: cursors are not signed, so a client may have changed it
 * @throws Problem `invalid_request` for a text that is not a cursor of this query
 */
export function decodeCursor(query: unknown, cursor: string): unknown[];
export function decodeCursor<Position>(query: unknown, cursor: string, shape: z.ZodType<Position>): Position;
export function decodeCursor(query: unknown, cursor: string, shape: z.ZodType = z.array(z.unknown())): unknown {
  try {
    const [queryDigest, ...position] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    if (queryDigest === digest(query)) return parseInput(shape, position);
  } catch {
    // Rejected below, like any other text that is not a cursor.
  }
  const message = 'is not a cursor of this list; omit it to start from the first page';
  throw new Problem('invalid_request', { detail: `cursor: ${message}`, errors: [{ path: 'cursor', message }] });
}

function digest(query: unknown): string {
  return createHash('sha256').update(JSON.stringify(query)).digest('base64url').slice(0, 10);
}
