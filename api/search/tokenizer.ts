/** A term of a text, folded but not stemmed, and its position in UTF-16 code units. */
export interface Token {
  term: string;
  start: number;
  end: number;
}

/** Longer terms (keys, encoded data) are truncated. */
const TERM_LENGTH_MAX = 64;

/** Letters and digits with the characters that join code identifiers: `snake_case`, `api/main.ts`, `v1.2.3`, `a::b`. */
const RUN = /[\p{L}\p{N}_][\p{L}\p{M}\p{N}_]*(?:[./:@\\-]+[\p{L}\p{N}_][\p{L}\p{M}\p{N}_]*)*/gu;
const PART = /[\p{L}\p{N}][\p{L}\p{M}\p{N}]*/gu;
/** The word boundaries of a camelCase or PascalCase identifier: `parseJSONBody` is parse, JSON, Body. */
const CAMEL = /(?<=\p{Ll}|\p{N})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u;
/**
 * Scripts without spaces between words, or with particles attached to them as in Korean: every pair of adjacent characters is a term.
 * `scx`, since characters like the prolonged sound mark of `サーバー` belong to several scripts; a mark stays with its letter.
 */
const UNSPACED =
  /(?:(?!\p{M})[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]\p{M}*)+/gu;
/** A character as a reader sees it: a syllable of conjoining Jamo, or a letter with its marks. */
const CHARACTER = /[\u1100-\u115f][\u1160-\u11a7]+[\u11a8-\u11ff]*|[\s\S]\p{M}*/gu;
const DIACRITICS = /[\u0300-\u036f]/g;

/**
 * Splits a text into terms. Code identifiers yield the whole and their parts, scripts without spaces pairs of characters. Case,
 * compatibility forms and Latin accents are folded.
 */
export function* tokenize(text: string): Generator<Token> {
  for (const run of text.matchAll(RUN)) {
    const parts = [...splitRun(run[0], run.index)];
    const isPart = parts[0] !== undefined && parts[0].end - parts[0].start === run[0].length;
    // In a script without spaces the whole run may be a sentence, which is not a search term.
    if (parts.length > 0 && !isPart && !hasUnspaced(run[0])) yield toToken(run[0], run.index);
    yield* parts;
  }
}

function* splitRun(run: string, offset: number): Generator<Token> {
  for (const part of run.matchAll(PART)) {
    const start = offset + part.index;
    if (hasUnspaced(part[0])) yield* characterPairs(part[0], start);
    else yield* camelParts(part[0], start);
  }
}

function* camelParts(part: string, start: number): Generator<Token> {
  const pieces = part.split(CAMEL);
  if (pieces.length > 1) yield toToken(part, start);
  let at = start;
  for (const piece of pieces) {
    yield toToken(piece, at);
    at += piece.length;
  }
}

function* characterPairs(part: string, start: number): Generator<Token> {
  let at = 0;
  for (const run of part.matchAll(UNSPACED)) {
    if (run.index > at) yield* camelParts(part.slice(at, run.index), start + at);
    at = run.index + run[0].length;
    const characters = run[0].match(CHARACTER) as string[];
    let offset = start + run.index;
    if (characters.length === 1) yield toToken(run[0], offset);
    for (let i = 0; i + 1 < characters.length; i++) {
      const [one, two] = [characters[i] as string, characters[i + 1] as string];
      yield toToken(one + two, offset);
      offset += one.length;
    }
  }
  if (at < part.length) yield* camelParts(part.slice(at), start + at);
}

/** Returns true for a text with a character of a script without spaces between words. */
export function hasUnspaced(text: string): boolean {
  return text.search(UNSPACED) >= 0;
}

/** Returns true for a single character of such a script, which occurs in the index only as a part of pairs. */
export function isSingleUnspaced(word: string): boolean {
  return hasUnspaced(word) && [...word].length === 1;
}

function toToken(text: string, start: number): Token {
  const folded = text
    .slice(0, 4 * TERM_LENGTH_MAX)
    .normalize('NFKD')
    .replace(DIACRITICS, '')
    .normalize('NFC')
    .toLowerCase();
  return { term: [...folded].slice(0, TERM_LENGTH_MAX).join(''), start, end: start + text.length };
}

const MONTHS = 'january february march april may june july august september october november december'.split(' ');
const WEEKDAYS = 'sunday monday tuesday wednesday thursday friday saturday'.split(' ');

/** Returns the terms that queries about a day use: `8 may 2023 monday 2023-05-08`. */
export function dateTerms(day: Date): string {
  const iso = day.toISOString().slice(0, 10);
  const words = [day.getUTCDate(), MONTHS[day.getUTCMonth()], day.getUTCFullYear(), WEEKDAYS[day.getUTCDay()], iso];
  return words.join(' ');
}
