import type { Passage, Word } from '../chunks.ts';
import type { QueryWord } from '../embedder.ts';
import { encodeTokens } from '../token-codes.ts';
import { projectToken } from './token-projection.ts';

/** Most tokens of a passage whose codes are stored: about all of a full passage of English, whose stop words are left out. */
export const TOKENS_MAX = 128;

/** Encodes the tokens of a passage that belong to words with a meaning of their own. */
export function tokenCodes({ words }: Passage, states: Float32Array): Uint8Array {
  const tokens = contentWords(words).flatMap(({ word, first }) => word.ids.map((_, index) => first + index));
  return encodeTokens(tokens.slice(0, TOKENS_MAX).map((token) => projectToken(states, token)));
}

/** Returns the words of a query's passage that start at an offset or behind it, and have a meaning of their own. */
export function queryWords(query: string, { words }: Passage, from: number, states: Float32Array): QueryWord[] {
  return contentWords(words)
    .filter(({ word }) => word.start >= from)
    .map(({ word, first }) => ({
      text: query.slice(word.start, word.end),
      tokens: word.ids.map((_, index) => projectToken(states, first + index)),
    }));
}

/** Returns the words with a meaning of their own, each with the place of its first token in the passage. */
function contentWords(words: readonly Word[]): { word: Word; first: number }[] {
  let next = 0;
  const placed = words.map((word) => {
    const first = next;
    next += word.ids.length;
    return { word, first };
  });
  return placed.filter(({ word }) => word.isContent);
}
