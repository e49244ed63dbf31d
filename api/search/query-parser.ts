import { invalidField, tooComplex } from '../errors.ts';
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
/** Distinct terms of a query that are looked up. A stack trace of 10,000 characters has a thousand. */
const TERMS_MAX = 4_000;
/** Terms of all excluded texts together: each is looked up in every candidate. */
const EXCLUDED_TERMS_MAX = 400;

/**
 * Splits a query into terms, and finds the quoted phrases in it.
 * @throws Problem `unprocessable` when it has no term, `query_too_complex` for more than {@link TERMS_MAX}
 */
export function parseQuery(query: string): ParsedQuery {
  const terms = termsOf(query);
  if (terms.length === 0) throw invalidField('query', 'contains no word to search for');
  const distinct = unique([...terms, ...nameTerms(terms)]);
  if (distinct.length > TERMS_MAX) throw tooComplex('query', tooMany(distinct.length, TERMS_MAX));
  const phrases = [...query.matchAll(QUOTED)]
    .map((match) => toPhrase((match[1] as string).slice(0, PHRASE_LENGTH_MAX)))
    .filter((phrase) => phrase.terms.length > 0)
    .slice(0, PHRASES_MAX);
  return {
    terms: distinct,
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
 * @throws Problem `unprocessable` for one without a term, `query_too_complex` for more than {@link EXCLUDED_TERMS_MAX} in all
 */
export function parseExclusions(exclude: readonly string[]): Exclusion[] {
  const exclusions = exclude.map((text, index) => {
    const phrase = toPhrase(text);
    if (phrase.terms.length === 0) throw invalidField(`exclude.${index}`, 'contains no word to exclude');
    return { ...phrase, isPhrase: /\s/u.test(text.trim()) };
  });
  const terms = exclusions.reduce((count, phrase) => count + phrase.terms.length, 0);
  if (terms > EXCLUDED_TERMS_MAX) throw tooComplex('exclude', tooMany(terms, EXCLUDED_TERMS_MAX));
  return exclusions;
}

function tooMany(terms: number, max: number): string {
  return `has ${terms} different words, of at most ${max}`;
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
