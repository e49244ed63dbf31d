import type { LexicalQuery } from './lexical.ts';
import { type Word, wordsOf } from './tokenizer.ts';

/** What surrounds a matched word in a snippet. */
export const MARK = '**';

/** Words of a snippet. */
const LENGTH = 40;
/** Characters of a snippet, about, however long its words are; and of what stands between two marks. */
const CHARACTERS = 1_000;
const STRETCH = 500;

export interface Snippet {
  /** The passage, the matched words in it between marks. */
  snippet: string;
  /** Words of the question that the whole text holds. */
  matched: string[];
}

/**
 * The passage of a text that holds the most of the wanted words, rare ones first, with those words marked.
 * @param near character range to stay in where no word decides: the passage found by meaning
 */
export function snippetOf(text: string, query: Pick<LexicalQuery, 'terms' | 'weighed'>, near?: Range): Snippet {
  const weights = new Map(query.weighed.map(({ hash, weight }) => [hash, weight]));
  const lexemes = new Map(query.terms.map(({ lexeme, hash }) => [lexeme, weights.get(hash) ?? 0]));
  const words = [...wordsOf(text)];
  const found = words.map(({ word }) => lexemeOf(word, lexemes));
  const held = new Set(found);
  const matched = [
    ...new Set(query.terms.filter(({ lexeme }) => held.has(lexeme)).map(({ query_term }) => query_term)),
  ];
  if (words.length === 0) return { snippet: text.slice(0, 300).trim(), matched };
  const from = bestWindow(found, lexemes) ?? firstWithin(words, near);
  return { snippet: mark(text, words, found, from), matched };
}

/** Where a text's best passage for a question begins: a character offset, at the start of its line where that is near. */
export function passageStart(text: string, query: Pick<LexicalQuery, 'terms' | 'weighed'>, near?: Range): number {
  const weights = new Map(query.weighed.map(({ hash, weight }) => [hash, weight]));
  const lexemes = new Map(query.terms.map(({ lexeme, hash }) => [lexeme, weights.get(hash) ?? 0]));
  const words = [...wordsOf(text)];
  const found = words.map(({ word }) => lexemeOf(word, lexemes));
  const start = words[bestWindow(found, lexemes) ?? firstWithin(words, near)]?.start ?? 0;
  const line = text.lastIndexOf('\n', start) + 1;
  return start - line < LINE_NEAR ? line : start;
}

const LINE_NEAR = 200;

interface Range {
  start: number;
  end: number;
}

function mark(text: string, words: readonly Word[], found: readonly (string | undefined)[], from: number): string {
  const to = Math.min(words.length, from + LENGTH);
  let at = from === 0 ? 0 : (words[from]?.start ?? 0);
  let snippet = '';
  for (let i = from; i < to; i++) {
    const word = words[i] as Word;
    // A name and its parts overlap: the first that matched is marked.
    if (found[i] === undefined || word.start < at) continue;
    if (snippet.length > CHARACTERS) return `${snippet.trim()} …`;
    snippet += `${shortened(text, at, word.start)}${MARK}${shortened(text, word.start, word.end)}${MARK}`;
    at = word.end;
  }
  const end = to === words.length ? text.length : Math.max(at, words[to - 1]?.end ?? at);
  snippet += shortened(text, at, end);
  return `${from > 0 ? '… ' : ''}${snippet.trim()}${to < words.length ? ' …' : ''}`;
}

/** A stretch of a text, its middle left out where it is long: data without blanks is one word. */
function shortened(text: string, from: number, to: number): string {
  if (to - from <= STRETCH) return text.slice(from, to);
  const half = STRETCH / 2;
  // A cut may have gone through a character of two units.
  const head = text.slice(from, from + half).replace(/[\ud800-\udbff]$/, '');
  const tail = text.slice(to - half, to).replace(/^[\udc00-\udfff]/, '');
  return `${head} … ${tail}`;
}

/** Where the window with the heaviest set of different wanted words begins, a few words before the first of them. */
function bestWindow(found: readonly (string | undefined)[], weights: ReadonlyMap<string, number>): number | undefined {
  let best: { from: number; weight: number } | undefined;
  const inside = new Map<string, number>();
  let weight = 0;
  for (let to = 0; to < found.length; to++) {
    const enters = found[to];
    if (enters !== undefined) {
      const count = inside.get(enters) ?? 0;
      if (count === 0) weight += weights.get(enters) ?? 0;
      inside.set(enters, count + 1);
    }
    const leaves = found[to - LENGTH];
    if (leaves !== undefined) {
      const count = (inside.get(leaves) ?? 1) - 1;
      if (count === 0) weight -= weights.get(leaves) ?? 0;
      inside.set(leaves, count);
    }
    if (weight > 0 && weight > (best?.weight ?? 0) + 1e-9) best = { from: Math.max(0, to - LENGTH + 1), weight };
  }
  if (!best) return undefined;
  const first = found.findIndex((lexeme, index) => lexeme !== undefined && index >= (best?.from ?? 0));
  return Math.max(best.from, Math.min(first - 8, found.length - LENGTH), 0);
}

function firstWithin(words: readonly { start: number }[], near?: { start: number }): number {
  if (!near) return 0;
  const index = words.findIndex(({ start }) => start >= near.start);
  return index < 0 ? 0 : index;
}

/** The wanted stem that a word has, by the way English stems are cut: an ending less, or `y` written `i`. */
function lexemeOf(word: string, lexemes: ReadonlyMap<string, number>): string | undefined {
  if (lexemes.has(word)) return word;
  for (const lexeme of lexemes.keys()) {
    const root = lexeme.endsWith('i') ? lexeme.slice(0, -1) : lexeme;
    if (root.length >= 3 && word.startsWith(root) && word.length <= lexeme.length + 5) return lexeme;
  }
  return undefined;
}
