import { O200K_TOKEN_SPLIT_REGEX } from 'gpt-tokenizer/encodingParams/constants';
import { mergeBytePairs } from './byte-pairs.ts';

/** The tokenizer that every token budget is counted by. */
export const TOKENIZER = 'o200k_base';

/** Bytes of the longest token: a run of spaces. A text of n bytes has at least n / 128 tokens. */
const TOKEN_BYTES_MAX = 128;
/** Longer pieces, which are no words, are counted in parts of this length in UTF-16 code units: at most a token a part too many. */
const PIECE_LENGTH_MAX = 4_096;
/** Pieces whose counts are remembered: at most so many, and none longer than this. */
const REMEMBERED_MAX = 50_000;
const REMEMBERED_LENGTH_MAX = 32;

/** Longer pieces whose counts are remembered, 1 MB together: a text is counted several times while it is cut to a budget. */
const REMEMBERED_LONG_MAX = 128;

const remembered = new Map<string, number>();
const rememberedLong = new Map<string, number>();

/**
 * Counts the tokens (o200k_base) of a text, in time linear in its length. Control tokens in it are plain text.
 * @param atMost stops counting beyond this number: the result is then greater than it, but not the number of all tokens
 */
export function countTokens(text: string, atMost = Number.POSITIVE_INFINITY): number {
  let tokens = 0;
  for (const piece of pieces(text, atMost)) {
    tokens += countPiece(piece);
    if (tokens > atMost) break;
  }
  return tokens;
}

/** Returns the longest beginning of a text that takes at most `max` tokens, cut between words where possible. */
export function cutToTokens(text: string, max: number): string {
  if (max <= 0) return '';
  let length = longestBeginning(text, max);
  if (length === text.length) return text;
  for (;;) {
    const cut = atWord(wholeCharacters(text.slice(0, length)));
    if (countTokens(cut, max) <= max) return cut;
    length = Math.floor(cut.length * 0.95);
  }
}

/** Returns the length of the pieces of a text that take at most `max` tokens together, and of the beginning of the piece after them. */
function longestBeginning(text: string, max: number): number {
  let [left, length] = [max, 0];
  for (const piece of pieces(text, max)) {
    const tokens = countPiece(piece);
    if (tokens > left) return length + lengthOfTokens(piece, left);
    left -= tokens;
    length += piece.length;
  }
  return length;
}

/**
 * Yields the pieces into which the tokenizer splits a text before it merges bytes, the long ones in parts. Reads no more of the text than
 * `max` tokens can take.
 */
function* pieces(text: string, max: number): Generator<string> {
  const most = (max + 1) * TOKEN_BYTES_MAX;
  const read = text.length > most ? text.slice(0, most) : text;
  for (const [piece] of read.matchAll(O200K_TOKEN_SPLIT_REGEX)) {
    for (let at = 0, end = 0; at < piece.length; at = end) {
      end = partEnd(piece, at + PIECE_LENGTH_MAX);
      yield piece.slice(at, end);
    }
  }
}

/** Returns `end`, or the offset before it where that is inside a surrogate pair. */
function partEnd(piece: string, end: number): number {
  return end < piece.length && /[\udc00-\udfff]/.test(piece.charAt(end)) ? end - 1 : end;
}

function countPiece(piece: string): number {
  const isLong = piece.length > REMEMBERED_LENGTH_MAX;
  const [counts, max] = isLong ? [rememberedLong, REMEMBERED_LONG_MAX] : [remembered, REMEMBERED_MAX];
  const known = counts.get(piece);
  if (known !== undefined) return known;
  const tokens = mergeBytePairs(piece).length;
  if (counts.size >= max) counts.clear();
  // The piece is part of a text, and would keep all of it in memory: its bytes make a string of its own.
  counts.set(Buffer.from(piece).toString(), tokens);
  return tokens;
}

/** Returns the length of the first tokens of a piece, without a character that they end inside of. */
function lengthOfTokens(piece: string, tokens: number): number {
  const end = mergeBytePairs(piece)[tokens - 1] ?? 0;
  return Buffer.from(piece)
    .subarray(0, end)
    .toString()
    .replace(/\uFFFD+$/u, '').length;
}

function atWord(text: string): string {
  const space = text.slice(-39).search(/\s\S*$/u);
  const at = Math.max(0, text.length - 39) + space;
  return space >= 0 && at > text.length / 2 ? text.slice(0, at) : text;
}

function wholeCharacters(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text;
}
