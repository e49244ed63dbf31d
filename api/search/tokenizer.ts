/** A word of a text, in the form it is looked up by (before stemming), and where it stands. */
export interface Word {
  word: string;
  start: number;
  end: number;
}

/** Longer than any word: what is beyond is noise (keys, encoded data), and is cut. */
const WORD_LENGTH_MAX = 64;

/** Letters and digits with the signs that hold code together: `snake_case`, `api/gates/run.ts`, `v1.2.3`, `a::b`. */
const RUN = /[\p{L}\p{N}_][\p{L}\p{M}\p{N}_]*(?:[./:@\\-]+[\p{L}\p{N}_][\p{L}\p{M}\p{N}_]*)*/gu;
const PART = /[\p{L}\p{N}][\p{L}\p{M}\p{N}]*/gu;
/** Where a camelCase or PascalCase name falls into words: `parseJSONBody` is parse, JSON, Body. */
const CAMEL = /(?<=\p{Ll}|\p{N})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u;
/**
 * Scripts that put no blanks between words, or hang particles on them as Korean does: every pair of neighbours is looked up.
 * `scx`, since signs like the long sound of `サーバー` belong to several scripts; a mark stays with its letter.
 */
const UNSPACED =
  /(?:(?!\p{M})[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]\p{M}*)+/gu;
/** A character as a reader sees it: a syllable that is spelt out in Jamo, or a letter with its marks. */
const CHARACTER = /[\u1100-\u115f][\u1160-\u11a7]+[\u11a8-\u11ff]*|[\s\S]\p{M}*/gu;
const DIACRITICS = /[\u0300-\u036f]/g;

/**
 * The words of a text. Names of code are found whole and by their parts, scripts without blanks by pairs of characters;
 * case, compatibility forms and Latin accents make no difference.
 */
export function* wordsOf(text: string): Generator<Word> {
  for (const run of text.matchAll(RUN)) {
    const parts = [...partsOf(run[0], run.index)];
    const isPart = parts[0] !== undefined && parts[0].end - parts[0].start === run[0].length;
    // As a whole it is looked up when it is a name one could ask for; without blanks it would be a sentence.
    if (parts.length > 0 && !isPart && !hasUnspaced(run[0])) yield form(run[0], run.index);
    yield* parts;
  }
}

function* partsOf(run: string, offset: number): Generator<Word> {
  for (const part of run.matchAll(PART)) {
    const start = offset + part.index;
    if (hasUnspaced(part[0])) yield* pairsOf(part[0], start);
    else yield* camelParts(part[0], start);
  }
}

function* camelParts(part: string, start: number): Generator<Word> {
  const pieces = part.split(CAMEL);
  if (pieces.length > 1) yield form(part, start);
  let at = start;
  for (const piece of pieces) {
    yield form(piece, at);
    at += piece.length;
  }
}

function* pairsOf(part: string, start: number): Generator<Word> {
  let at = 0;
  for (const run of part.matchAll(UNSPACED)) {
    if (run.index > at) yield* camelParts(part.slice(at, run.index), start + at);
    at = run.index + run[0].length;
    const characters = run[0].match(CHARACTER) as string[];
    let offset = start + run.index;
    if (characters.length === 1) yield form(run[0], offset);
    for (let i = 0; i + 1 < characters.length; i++) {
      const [one, two] = [characters[i] as string, characters[i + 1] as string];
      yield form(one + two, offset);
      offset += one.length;
    }
  }
  if (at < part.length) yield* camelParts(part.slice(at), start + at);
}

function hasUnspaced(text: string): boolean {
  return text.search(UNSPACED) >= 0;
}

/** True for a single character of such a script: a word that pairs hold only as a part. */
export function isHalfPair(word: string): boolean {
  return hasUnspaced(word) && [...word].length === 1;
}

function form(text: string, start: number): Word {
  const folded = text
    .slice(0, 4 * WORD_LENGTH_MAX)
    .normalize('NFKD')
    .replace(DIACRITICS, '')
    .normalize('NFC')
    .toLowerCase();
  return { word: [...folded].slice(0, WORD_LENGTH_MAX).join(''), start, end: start + text.length };
}

const MONTHS = 'january february march april may june july august september october november december'.split(' ');
const WEEKDAYS = 'sunday monday tuesday wednesday thursday friday saturday'.split(' ');

/** The words that a question about a day uses: `8 may 2023 monday 2023-05-08`. */
export function dateWords(day: Date): string {
  const iso = day.toISOString().slice(0, 10);
  const words = [day.getUTCDate(), MONTHS[day.getUTCMonth()], day.getUTCFullYear(), WEEKDAYS[day.getUTCDay()], iso];
  return words.join(' ');
}
