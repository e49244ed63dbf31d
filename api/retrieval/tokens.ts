import { countTokens as count, decode, encode } from 'gpt-tokenizer/encoding/o200k_base';

/** The tokenizer that every budget is counted by. */
export const TOKENIZER = 'o200k_base';

// What looks like a control token in a memory is text.
const AS_TEXT = { disallowedSpecial: new Set<string>() };

/**
 * Merging a run that the tokenizer cannot split takes the square of its length (100,000 letters: 7 s to 54 s), so runs longer
 * than any word are counted in windows.
 */
const WINDOW = 400;
const LONG_RUN = /[\p{L}\p{M}]{401,}|\s{401,}|[^\s\p{L}\p{M}\p{N}]{401,}/gu;

/** No o200k token of ordinary text is longer than this, so no more of a text than this many characters a token needs a look. */
const CHARACTERS_PER_TOKEN = 12;

/** Tokens (o200k_base) of a text. */
export function countTokens(text: string): number {
  return windows(text).reduce((sum, part) => sum + count(part, AS_TEXT), 0);
}

/** The longest beginning of a text that takes at most `max` tokens, cut between words where there are any. */
export function cutToTokens(text: string, max: number): string {
  if (max <= 0) return '';
  if (Buffer.byteLength(text) <= max) return text;
  const candidate = wholeCharacters(text.slice(0, max * CHARACTERS_PER_TOKEN));
  const tokens = windows(candidate).flatMap((part) => encode(part, AS_TEXT));
  if (tokens.length <= max) return candidate;
  let length = decode(tokens.slice(0, max)).replace(/\uFFFD+$/u, '').length;
  for (;;) {
    const cut = atWord(wholeCharacters(candidate.slice(0, length)));
    if (countTokens(cut) <= max) return cut;
    length = Math.floor(cut.length * 0.95);
  }
}

function windows(text: string): string[] {
  const parts: string[] = [];
  let from = 0;
  for (const run of text.matchAll(LONG_RUN)) {
    parts.push(text.slice(from, run.index));
    const characters = [...run[0]];
    for (let at = 0; at < characters.length; at += WINDOW) parts.push(characters.slice(at, at + WINDOW).join(''));
    from = run.index + run[0].length;
  }
  parts.push(text.slice(from));
  return parts;
}

function atWord(text: string): string {
  const space = text.search(/\s\S*$/u);
  return space > text.length - 40 && space > text.length / 2 ? text.slice(0, space) : text;
}

function wholeCharacters(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text;
}
