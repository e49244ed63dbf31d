import { z } from 'zod';
import { decodeCursor, encodeCursor } from '../listing/cursor.ts';

/** Lexical candidates that are ranked by all scores. */
export const LEXICAL_CANDIDATES = { min: 40, max: 200 };

/** Where a page of a search starts, and the results that the first page reported for the whole search. */
export interface SearchPosition {
  /** Ranked results on earlier pages. */
  done: number;
  /** Ranked results of the whole search. */
  ranked: number;
  total: number;
  isExact: boolean;
  lowConfidence: boolean;
  /** Lexical candidates of the first page that were ranked by all scores. */
  candidates: number;
  /** When the results were ranked, in milliseconds since 1970. */
  rankedAt: number;
  /** Ids of the next results, in order. Empty where the token budget was too small for them. */
  pinned: string[];
}

const POSITION = z.tuple(
  [z.int().min(0), z.int().min(0), z.int().min(0), z.int().min(0).max(3), z.int().min(0).max(8.64e15), z.string()],
  z.int().min(LEXICAL_CANDIDATES.min).max(LEXICAL_CANDIDATES.max),
);
const EXACT = 1;
const LOW_CONFIDENCE = 2;

/** Encodes a position as a cursor, bound to its search. */
export function encodeSearchCursor(search: unknown, position: SearchPosition): string {
  const { done, ranked, total, isExact, lowConfidence, rankedAt, pinned, candidates } = position;
  const flags = (isExact ? EXACT : 0) + (lowConfidence ? LOW_CONFIDENCE : 0);
  // Left out at the minimum, as in the cursors of a version before 0163.
  const others = candidates === LEXICAL_CANDIDATES.min ? [] : [candidates];
  return encodeCursor(search, [done, ranked, total, flags, rankedAt, encodeIds(pinned), ...others]);
}

/**
 * Decodes a cursor of the same search.
 * @throws Problem `invalid_request` for any other text
 */
export function decodeSearchCursor(search: unknown, cursor: string): SearchPosition {
  const [done, ranked, total, flags, rankedAt, ids, candidates = LEXICAL_CANDIDATES.min] = decodeCursor(
    search,
    cursor,
    POSITION,
  );
  const pinned = decodeIds(ids);
  return {
    done,
    ranked,
    total,
    isExact: (flags & EXACT) > 0,
    lowConfidence: (flags & LOW_CONFIDENCE) > 0,
    candidates,
    rankedAt,
    pinned,
  };
}

/** Encodes ids in few characters, since a model pays for a cursor by the token. */
function encodeIds(ids: readonly string[]): string {
  return Buffer.from(ids.join('').replaceAll('-', ''), 'hex').toString('base64url');
}

function decodeIds(text: string): string[] {
  const digits = Buffer.from(text, 'base64url').toString('hex').match(/.{32}/g) ?? [];
  return digits.map((hex) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'));
}
