import type { Term } from '../../db/queries/search/lexicon.ts';
import type { LexicalQuery } from './lexical.ts';
import { displayTerm, type Token, tokenize } from './tokenizer.ts';

/** Length of a snippet in tokens. */
const TOKENS = 40;
/** Approximate limits in characters, for texts of very long words: of a snippet, and of the text between two matches. */
const CHARACTERS = 1_000;
const UNMARKED_CHARACTERS = 500;
/** A passage starts at the start of its line when that is not farther away than this. */
const LINE_START_WITHIN = 200;

interface Snippet {
  /** A passage of the text as it is stored, with its line breaks. */
  snippet: string;
  /** The matched words in the passage, in order, as offsets in UTF-16 code units. */
  highlights: Range[];
  /** Terms of the query that occur anywhere in the text. */
  matched: string[];
}

type SnippetQuery = Pick<LexicalQuery, 'terms' | 'weightedTerms'>;

/** A range of characters. */
interface Range {
  start: number;
  end: number;
}

/** Sides on which a text is cut, being a part of a longer one. */
interface Cuts {
  before: boolean;
  behind: boolean;
}

/**
 * Cuts the passage with the most query terms out of a text, rare terms first. Takes time in proportion to the text: of a long one, pass
 * the part that matched.
 * @param near the passage found by the semantic retriever, which is used when no term occurs
 */
export function createSnippet(text: string, query: SnippetQuery, near?: Range, cuts?: Cuts): Snippet {
  const { tokens, lexemes, from } = findPassage(text, query, near);
  const held = new Set(lexemes);
  const matched = termsOf(query, ({ lexeme }) => held.has(lexeme));
  const passage =
    tokens.length === 0
      ? { snippet: text.slice(0, 300).trim(), highlights: [] }
      : excerpt(text, tokens, lexemes, from, cuts);
  return { ...passage, matched };
}

/** Returns the query's terms that a short text holds, inflections included. */
export function matchedTerms(text: string, { terms }: Pick<LexicalQuery, 'terms'>): Term[] {
  const lexemes = new Map(terms.map(({ lexeme }) => [lexeme, 1]));
  const held = new Set(Array.from(tokenize(text), ({ term }) => findLexeme(term, lexemes)));
  return terms.filter(({ lexeme }) => held.has(lexeme));
}

/** Returns the query's terms of these hashes, as the query has them. */
export function termsOfHashes(query: SnippetQuery, hashes: readonly string[]): string[] {
  const held = new Set(hashes);
  return termsOf(query, ({ hash }) => held.has(hash));
}

function termsOf({ terms }: SnippetQuery, isHeld: (term: Term) => boolean): string[] {
  return [...new Set(terms.filter(isHeld).map(({ query_term }) => displayTerm(query_term)))];
}

/** Returns the offset at which a text's best passage for a query starts, or the start of its line if that is near. */
export function findPassageStart(text: string, query: SnippetQuery, near?: Range): number {
  const { tokens, from } = findPassage(text, query, near);
  const start = tokens[from]?.start ?? 0;
  const line = text.lastIndexOf('\n', start) + 1;
  return start - line < LINE_START_WITHIN ? line : start;
}

/** Tokenizes a text. Returns with each token the lexeme of the query that it matches, and the index at which the best passage starts. */
function findPassage(text: string, query: SnippetQuery, near: Range | undefined) {
  const weightOf = new Map(query.weightedTerms.map(({ hash, weight }) => [hash, weight]));
  const weights = new Map(query.terms.map(({ lexeme, hash }) => [lexeme, weightOf.get(hash) ?? 0]));
  const tokens = [...tokenize(text)];
  const known = new Map<string, string | undefined>();
  const lexemes = tokens.map(({ term }) => {
    if (!known.has(term)) known.set(term, findLexeme(term, weights));
    return known.get(term);
  });
  return { tokens, lexemes, from: findBestWindow(lexemes, weights) ?? firstTokenOf(tokens, near) };
}

/** Cuts the passage out of a text that starts at a token. `…` stands for what is left out before and after it. */
function excerpt(
  text: string,
  tokens: readonly Token[],
  lexemes: readonly (string | undefined)[],
  from: number,
  cuts: Cuts = { before: false, behind: false },
): Omit<Snippet, 'matched'> {
  const to = Math.min(tokens.length, from + TOKENS);
  const isStart = from === 0 && !cuts.before;
  const isEnd = to === tokens.length && !cuts.behind;
  const highlights: Range[] = [];
  let at = isStart ? text.length - text.trimStart().length : (tokens[from]?.start ?? 0);
  let snippet = isStart ? '' : '… ';
  for (let i = from; i < to; i++) {
    const token = tokens[i] as Token;
    // An identifier and its parts overlap: the first match counts.
    if (lexemes[i] === undefined || token.start < at) continue;
    if (snippet.length > CHARACTERS) return { snippet: `${snippet.trimEnd()} …`, highlights };
    snippet += shorten(text, at, token.start);
    const start = snippet.length;
    snippet += shorten(text, token.start, token.end);
    highlights.push({ start, end: snippet.length });
    at = token.end;
  }
  const end = isEnd ? text.length : Math.max(at, tokens[to - 1]?.end ?? at);
  snippet += shorten(text, at, end);
  return { snippet: `${snippet.trimEnd()}${isEnd ? '' : ' …'}`, highlights };
}

/** Returns a part of a text, without its middle where it is long: encoded data without spaces is one word. */
function shorten(text: string, from: number, to: number): string {
  if (to - from <= UNMARKED_CHARACTERS) return text.slice(from, to);
  const half = UNMARKED_CHARACTERS / 2;
  // A cut must not leave half of a surrogate pair.
  const head = text.slice(from, from + half).replace(/[\ud800-\udbff]$/, '');
  const tail = text.slice(to - half, to).replace(/^[\udc00-\udfff]/, '');
  return `${head} … ${tail}`;
}

/** Finds the window with the heaviest set of distinct terms. Returns where it starts, a few tokens before the first of them. */
function findBestWindow(
  lexemes: readonly (string | undefined)[],
  weights: ReadonlyMap<string, number>,
): number | undefined {
  let best: { from: number; weight: number } | undefined;
  const inside = new Map<string, number>();
  let weight = 0;
  for (let to = 0; to < lexemes.length; to++) {
    const entering = lexemes[to];
    if (entering !== undefined) {
      const count = inside.get(entering) ?? 0;
      if (count === 0) weight += weights.get(entering) ?? 0;
      inside.set(entering, count + 1);
    }
    const leaving = lexemes[to - TOKENS];
    if (leaving !== undefined) {
      const count = (inside.get(leaving) ?? 1) - 1;
      if (count === 0) weight -= weights.get(leaving) ?? 0;
      inside.set(leaving, count);
    }
    if (weight > 0 && weight > (best?.weight ?? 0) + 1e-9) best = { from: Math.max(0, to - TOKENS + 1), weight };
  }
  if (!best) return undefined;
  const first = lexemes.findIndex((lexeme, index) => lexeme !== undefined && index >= (best?.from ?? 0));
  return Math.max(best.from, Math.min(first - 8, lexemes.length - TOKENS), 0);
}

function firstTokenOf(tokens: readonly Token[], range: Range | undefined): number {
  if (!range) return 0;
  const index = tokens.findIndex(({ start }) => start >= range.start);
  return index < 0 ? 0 : index;
}

/** Returns the lexeme of the query that a term inflects, by the way English stems are cut: an ending less, or `y` written `i`. */
function findLexeme(term: string, lexemes: ReadonlyMap<string, number>): string | undefined {
  if (lexemes.has(term)) return term;
  for (const lexeme of lexemes.keys()) {
    const root = lexeme.endsWith('i') ? lexeme.slice(0, -1) : lexeme;
    if (root.length >= 3 && term.startsWith(root) && term.length <= lexeme.length + 5) return lexeme;
  }
  return undefined;
}
