import { invalidField } from '../errors.ts';
import { hasUnspaced, nameTerms, tokenize } from './tokenizer.ts';

/** A query as the lexical retriever uses it. Queries are natural language: no character in them is an operator. */
export interface ParsedQuery {
  /** Distinct terms of the whole query. */
  terms: string[];
  /** The last term, where the query ends with it: it may be unfinished. */
  lastTerm: string | undefined;
  /** Quoted texts. A memory that contains one scores higher; no memory has to. */
  phrases: Phrase[];
}

/** A text and the terms that a memory must hold to contain it. */
export interface Phrase {
  terms: string[];
  /** PostgreSQL regular expression (ARE) that matches the text, whatever its white space; for `~*`. */
  pattern: string;
}

const QUOTED = /["“”„«]([^"“”„«»]+)["“”„»]/gu;
/** Phrases of a query that are compared with memories; pasted JSON or logs hold hundreds of quotes. */
const PHRASES_MAX = 4;
const PHRASE_LENGTH_MAX = 200;

/**
 * Splits a query into terms, and finds the quoted phrases in it.
 * @throws Problem `unprocessable` when it has no term
 */
export function parseQuery(query: string): ParsedQuery {
  const terms = termsOf(query);
  if (terms.length === 0) throw invalidField('query', 'contains no word to search for');
  const phrases = [...query.matchAll(QUOTED)]
    .map((match) => toPhrase((match[1] as string).slice(0, PHRASE_LENGTH_MAX)))
    .filter((phrase) => phrase.terms.length > 0)
    .slice(0, PHRASES_MAX);
  return {
    terms: unique([...terms, ...nameTerms(terms)]),
    lastTerm: /[\p{L}\p{N}]$/u.test(query) ? terms.at(-1) : undefined,
    phrases,
  };
}

/** A text that no result may contain. */
interface Exclusion extends Phrase {
  /** True for several words, which count only in this order; a single word counts in any inflection. */
  isPhrase: boolean;
}

/**
 * Parses the texts of the `exclude` field.
 * @throws Problem `unprocessable` for one without a term
 */
export function parseExclusions(exclude: readonly string[]): Exclusion[] {
  return exclude.map((text, index) => {
    const phrase = toPhrase(text);
    if (phrase.terms.length === 0) throw invalidField(`exclude.${index}`, 'contains no word to exclude');
    return { ...phrase, isPhrase: /\s/u.test(text.trim()) };
  });
}

function toPhrase(text: string): Phrase {
  const trimmed = text.trim();
  const escaped = trimmed.replace(/[^\p{L}\p{M}\p{N}\s]/gu, '\\$&').replace(/\s+/gu, '\\s+');
  // Scripts without spaces have no boundaries between words.
  const start = isWordCharacter(trimmed.at(0)) ? '(?:^|[^[:alnum:]])' : '';
  const end = isWordCharacter(trimmed.at(-1)) ? '(?:[^[:alnum:]]|$)' : '';
  return { terms: unique(termsOf(trimmed)), pattern: `${start}${escaped}${end}` };
}

function isWordCharacter(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\p{N}]/u.test(character) && !hasUnspaced(character);
}

function termsOf(text: string): string[] {
  return [...tokenize(text)].map(({ term }) => term);
}

function unique(terms: readonly string[]): string[] {
  return [...new Set(terms)];
}
