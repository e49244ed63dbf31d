import { encodedRanges } from '../embeddings/encoded-data.ts';
import { STOP_WORDS } from '../embeddings/stop-words.ts';
import { fold } from './fold.ts';

/** A term of a text, folded but not stemmed, and its position in UTF-16 code units. */
export interface Token {
  term: string;
  start: number;
  end: number;
}

/** Longer terms (keys, encoded data) are truncated. */
const TERM_LENGTH_MAX = 64;

/** Characters that continue a word: letters, marks, digits, and characters that folding ignores. */
const WORD = '[\\p{L}\\p{N}_][\\p{L}\\p{M}\\p{N}_\\u00ad\\u200c\\u200d\\u2060]*';
/**
 * Matches the pieces of a text. `emoji`: one emoji with its modifiers. `number`: digits in groups of three. `dotted`: a name that starts with
 * a dot. `run`: letters and digits with the characters that join code identifiers (`snake_case`, `api/main.ts`, `v1.2.3`, `a::b`), and the
 * signs of `C++` and `C#`.
 */
const PIECE = new RegExp(
  [
    '(?<emoji>\\p{RI}{2}|(?![\\u00a9\\u00ae\\u2122])\\p{ExtPict}\\ufe0f?\\p{EMod}?(?:\\u200d\\p{ExtPict}\\ufe0f?\\p{EMod}?)*)',
    "(?<number>(?<![\\p{L}\\p{N}_.,])\\d{1,3}(?<separator>[,.'’_ \\u00a0\\u2009\\u202f])\\d{3}(?:\\k<separator>\\d{3}){0,6}(?!\\d|[,./:@\\\\_-]\\d{1,2}(?!\\d)[./:@\\\\-])(?:[.,]\\d+(?!\\d))?(?![./:@\\\\_-]*[\\p{L}\\p{N}_]))",
    `(?<dotted>(?<![\\p{L}\\p{N}_./\\\\)\\]])\\.(?=\\p{L})${WORD}(?:[./:@\\\\-]+${WORD})*)`,
    `(?<run>${WORD}(?:[./:@\\\\-]+${WORD})*)(?<sign>\\+\\+|#(?![\\p{L}\\p{N}_]))?`,
  ].join('|'),
  'gu',
);
const RUN = new RegExp(`${WORD}(?:[./:@\\\\-]+${WORD})*`, 'gu');
const PART = /[\p{L}\p{N}][\p{L}\p{M}\p{N}\u00ad\u200c-\u200d\u2060]*/gu;
const EMOJI_MODIFIERS = /[\ufe0f\p{EMod}]/gu;
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

/** A word of ASCII letters as most texts consist of, with nothing behind it that could continue a code identifier. */
const PLAIN_WORD = /[ \n]*([A-Za-z][a-z]*|[A-Z]+)(?=[ \n,;!?)]|\.(?:[ \n]|$)|$)/y;
/** Longer runs (sentences of scripts without spaces, paths without an end) are split in parts of this length. */
const RUN_LENGTH_MAX = 4_096;

/**
 * Splits a text into terms. Code identifiers yield the whole and their parts, scripts without spaces pairs of characters, numbers in groups
 * of three also their digits without separators, names that are stop words also a term of their own ({@link nameTerm}). Encoded data yields
 * one term, see {@link encodedRanges}. Each step of the generator takes bounded time, whatever the text.
 */
export function* tokenize(text: string): Generator<Token> {
  let at = 0;
  for (const { start, end, isContinued } of encodedRanges(text)) {
    yield* tokenizeWords(text, at, start);
    if (!isContinued) yield toToken(text.slice(start, end), start);
    at = end;
  }
  yield* tokenizeWords(text, at, text.length);
}

/** Yields the terms of a part of a text without encoded data. */
function* tokenizeWords(whole: string, from: number, to: number): Generator<Token> {
  const text = to < whole.length ? whole.slice(0, to) : whole;
  for (let at = from; at < to; ) {
    PLAIN_WORD.lastIndex = at;
    const word = PLAIN_WORD.exec(text)?.[1];
    if (word !== undefined) {
      at = PLAIN_WORD.lastIndex;
      const start = at - word.length;
      const name = nameTerm(text, word, start);
      if (name) yield { term: name, start, end: at };
      yield { term: word.slice(0, TERM_LENGTH_MAX).toLowerCase(), start, end: at };
      continue;
    }
    PIECE.lastIndex = at;
    const piece = PIECE.exec(text);
    if (!piece) return;
    at = PIECE.lastIndex;
    yield* tokenizePiece(text, piece);
  }
}

function* tokenizePiece(text: string, piece: RegExpExecArray): Generator<Token> {
  const { emoji, number, dotted, run, sign } = piece.groups as Partial<Record<string, string>>;
  if (emoji) yield { term: emoji.replace(EMOJI_MODIFIERS, ''), start: piece.index, end: piece.index + emoji.length };
  else if (number) yield* splitNumber(number, piece.index);
  else if (dotted) {
    yield toToken(dotted, piece.index);
    yield* splitIdentifiers(dotted.slice(1), piece.index + 1);
  } else if (run && sign) yield* splitSigned(run, sign, piece.index);
  else if (run) {
    const name = nameTerm(text, run, piece.index);
    if (name) yield { term: name, start: piece.index, end: piece.index + run.length };
    yield* splitIdentifiers(run, piece.index);
  }
}

/** Yields a run and its parts. A long one is split into several, which share a character, so that every pair of characters is found. */
function* splitIdentifiers(run: string, offset: number): Generator<Token> {
  for (let at = 0; at === 0 || at + 1 < run.length; ) {
    const end = Math.min(run.length, at + RUN_LENGTH_MAX);
    yield* splitIdentifier(run.slice(at, end), offset + at);
    if (end === run.length) return;
    at = /[\udc00-\udfff]/.test(run.charAt(end - 1)) ? end - 2 : end - 1;
  }
}

/** Yields a run as a whole, and its parts. */
function* splitIdentifier(run: string, offset: number): Generator<Token> {
  const parts = [...splitRun(run, offset)];
  const isPart = parts[0] !== undefined && parts[0].end - parts[0].start === run.length;
  // In a script without spaces the whole run may be a sentence, which is not a search term.
  if (parts.length > 0 && !isPart && !hasUnspaced(run)) yield toToken(run, offset);
  yield* parts;
}

/** Yields `1499.50` and `1499` for `1,499.50`, and the groups as they are written. */
function* splitNumber(number: string, start: number): Generator<Token> {
  const end = start + number.length;
  const [, grouped = number, fraction = ''] =
    /^(\d{1,3}(?:(\D)\d{3})(?:\2\d{3})*)(.*)$/su.exec(number)?.toSpliced(2, 1) ?? [];
  const digits = grouped.replace(/\D/gu, '');
  yield { term: digits, start, end: start + grouped.length };
  if (fraction) yield { term: `${digits}.${fraction.slice(1)}`, start, end };
  for (const run of number.matchAll(RUN)) yield* splitIdentifier(run[0], start + run.index);
}

/** Yields `c#`, and for longer names also the name without its sign: `C` is another language. */
function* splitSigned(run: string, sign: string, start: number): Generator<Token> {
  yield toToken(run + sign, start);
  const last = [...run.matchAll(PART)].at(-1);
  if (!last) return;
  const isLetter = last[0].length === 1;
  if (isLetter && last.index > 0) yield toToken(last[0] + sign, start + last.index);
  if (!isLetter || last.index > 0) {
    const end = start + last.index;
    for (const token of splitIdentifier(run, start)) if (!isLetter || token.start < end) yield token;
  }
}

const SENTENCE_START = /(?:^|[.!?:;…•*#>"“«([–—-]|\n)[^\S\n]*$/u;
/** Stop words that are names also at the start of a sentence. */
const COMMON_NAMES = new Set(['will', 'can', 'don']);

/**
 * Returns the term of a stop word that is written as a name: `==it` for all capitals, `=will` for a capital that does not start a sentence.
 * PostgreSQL drops stop words, but knows neither of these forms.
 */
function nameTerm(text: string, run: string, start: number): string | undefined {
  if (run.length > 10 || run === 'I' || !/^\p{Lu}/u.test(run)) return undefined;
  const word = run.toLowerCase();
  if (!STOP_WORDS.has(word)) return undefined;
  if (run.length > 1 && run === run.toUpperCase()) return `==${word}`;
  const isAlone = text.trim() === run;
  const startsSentence = SENTENCE_START.test(text.slice(Math.max(0, start - 10), start));
  return isAlone || !startsSentence || COMMON_NAMES.has(word) ? `=${word}` : undefined;
}

/** Returns the terms of a query of nothing but stop words: the names among them. */
export function nameTerms(terms: readonly string[]): string[] {
  if (!terms.every((term) => STOP_WORDS.has(term) || term.startsWith('='))) return [];
  return terms.flatMap((term) => (term.startsWith('=') ? [] : [`=${term}`, `==${term}`]));
}

/** Returns true for a term made by {@link nameTerm}. */
export function isName(term: string): boolean {
  return term.startsWith('=');
}

/** Returns a term as the query has it. */
export function displayTerm(term: string): string {
  return term.replace(/^=+/u, '');
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
  const folded = fold(text.slice(0, 4 * TERM_LENGTH_MAX));
  const term = folded.length <= TERM_LENGTH_MAX ? folded : [...folded].slice(0, TERM_LENGTH_MAX).join('');
  return { term, start, end: start + text.length };
}

const MONTHS = 'january february march april may june july august september october november december'.split(' ');
const WEEKDAYS = 'sunday monday tuesday wednesday thursday friday saturday'.split(' ');

/** Returns the terms that queries about a day use: `8 may 2023 monday 2023-05-08`. */
export function dateTerms(day: Date): string {
  const iso = day.toISOString().slice(0, 10);
  const words = [day.getUTCDate(), MONTHS[day.getUTCMonth()], day.getUTCFullYear(), WEEKDAYS[day.getUTCDay()], iso];
  return words.join(' ');
}
