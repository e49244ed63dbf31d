import { countTokens as count, decode, encode } from 'gpt-tokenizer/encoding/o200k_base';
import { O200K_TOKEN_SPLIT_REGEX } from 'gpt-tokenizer/encodingParams/constants';
import { countMerged } from './byte-pairs.ts';

/** The tokenizer that every token budget is counted by. */
export const TOKENIZER = 'o200k_base';

// Control tokens in a memory are plain text.
const AS_TEXT = { disallowedSpecial: new Set<string>() };

/**
 * For a run that the tokenizer does not split the library takes time quadratic in its length (100,000 letters: 7 s to 54 s), so
 * pieces longer than any word are counted by {@link countMerged}.
 */
const WORD_LENGTH_MAX = 400;
const LONG_RUN = /[\p{L}\p{M}]{401}|\s{401}|[^\s\p{L}\p{N}]{401}/u;

/** No o200k token of ordinary text is longer than this, so at most this many characters per token are examined. */
const CHARACTERS_PER_TOKEN = 12;

/** Counts the tokens (o200k_base) of a text. */
export function countTokens(text: string): number {
  if (!LONG_RUN.test(text)) return count(text, AS_TEXT);
  let tokens = 0;
  let from = 0;
  for (const { 0: piece, index } of text.matchAll(O200K_TOKEN_SPLIT_REGEX)) {
    if (piece.length <= WORD_LENGTH_MAX) continue;
    tokens += count(text.slice(from, index), AS_TEXT) + countMerged(piece);
    from = index + piece.length;
  }
  return tokens + count(text.slice(from), AS_TEXT);
}

/** Returns the longest beginning of a text that takes at most `max` tokens, cut between words where possible. */
export function cutToTokens(text: string, max: number): string {
  if (max <= 0) return '';
  if (Buffer.byteLength(text) <= max) return text;
  const candidate = wholeCharacters(text.slice(0, max * CHARACTERS_PER_TOKEN));
  if (countTokens(candidate) <= max) return candidate;
  const tokens = windows(candidate).flatMap((part) => encode(part, AS_TEXT));
  let length = decode(tokens.slice(0, max)).replace(/\uFFFD+$/u, '').length;
  for (;;) {
    const cut = atWord(wholeCharacters(candidate.slice(0, length)));
    if (countTokens(cut) <= max) return cut;
    length = Math.floor(cut.length * 0.95);
  }
}

/** Splits a text into parts that the library encodes quickly. Where a long run is split, the tokens are approximate. */
function windows(text: string): string[] {
  if (!LONG_RUN.test(text)) return [text];
  return text.match(/[\s\S]{1,400}/gu) ?? [];
}

function atWord(text: string): string {
  const space = text.search(/\s\S*$/u);
  return space > text.length - 40 && space > text.length / 2 ? text.slice(0, space) : text;
}

function wholeCharacters(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text;
}
