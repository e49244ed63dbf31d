import type { Sql } from '../../db/client/sql.ts';
import {
  findPrefixesOfTerms,
  findSimilarTerms,
  findTermsByCharacter,
  findTermsByPrefix,
  type Term,
} from '../../db/queries/search/lexicon.ts';
import { isSingleUnspaced } from './tokenizer.ts';

/** Terms of a query that are expanded. */
export const EXPANDED_TERMS_MAX = 8;
const SIMILAR_TERMS_MAX = 3;
const PREFIX_TERMS_MAX = 10;
const PAIRS_MAX = 50;
const PREFIX_LENGTH_MIN = 3;
const SIMILAR_LENGTH_MIN = 4;
/** Commit hashes are abbreviated to seven characters or more. */
const SHORT_ID_LENGTH_MIN = 7;

/** Returns true for what looks like a part of a commit hash, ticket number or generated id. */
function isIdPart(term: string): boolean {
  return /^(?=.*\d)[a-z\d_-]{4,}$/.test(term) || /^[a-f\d]{7,}$/.test(term);
}

/** Returns true for a term that may be an abbreviated id even though a memory holds it as it is: others may hold the whole id. */
export function isShortId(term: string): boolean {
  return term.length >= SHORT_ID_LENGTH_MIN && isIdPart(term) && /[a-f]/.test(term);
}

/**
 * Finds terms of the tenant that may be meant by terms that match nothing: for a single character of a script without spaces the pairs
 * that contain it, for an unfinished last term and for a part of an id those that start with it, for any other the most similar ones.
 * An id also matches its own abbreviation.
 * @param terms at most {@link EXPANDED_TERMS_MAX} are expanded, the most specific ones
 */
export async function expandTerms(
  sql: Sql,
  userId: string,
  terms: readonly Term[],
  lastTerm: string | undefined,
): Promise<Term[]> {
  const chosen = bySpecificity(terms, lastTerm)
    .slice(0, EXPANDED_TERMS_MAX)
    // An id is not an inflected word: its stem may lack the last character.
    .map((term) => (isIdPart(term.query_term) ? { ...term, lexeme: term.query_term } : term));
  const isPrefix = ({ query_term, lexeme }: Term) =>
    isIdPart(query_term) || (query_term === lastTerm && lexeme.length >= PREFIX_LENGTH_MIN);
  const characters = chosen.filter(({ lexeme }) => isSingleUnspaced(lexeme));
  const prefixes = chosen.filter((term) => !characters.includes(term) && isPrefix(term));
  const misspelled = chosen.filter(
    (term) => !characters.includes(term) && term.memories === 0 && term.lexeme.length >= SIMILAR_LENGTH_MIN,
  );
  const ids = prefixes.filter(({ lexeme }) => isShortId(lexeme));
  const [pairs, started, abbreviated, similar] = await Promise.all([
    findFor(characters, (lexemes) => findTermsByCharacter(sql, userId, lexemes, PAIRS_MAX)),
    findFor(prefixes, (lexemes) => findTermsByPrefix(sql, userId, lexemes, PREFIX_TERMS_MAX)),
    findFor(ids, (lexemes) => findPrefixesOfTerms(sql, userId, lexemes, SHORT_ID_LENGTH_MIN)),
    findFor(misspelled, (lexemes) => findSimilarTerms(sql, userId, lexemes, SIMILAR_TERMS_MAX)),
  ]);
  const finished = new Set([...started, ...abbreviated].map(({ query_term }) => query_term));
  return [...pairs, ...started, ...abbreviated, ...similar.filter(({ query_term }) => !finished.has(query_term))];
}

/** The last term first, then the longest ones: they say most about what is meant. */
function bySpecificity(terms: readonly Term[], lastTerm: string | undefined): Term[] {
  const rank = (term: Term) => (term.query_term === lastTerm ? Number.POSITIVE_INFINITY : term.lexeme.length);
  return [...terms].sort((a, b) => (rank(a) === rank(b) ? 0 : rank(b) - rank(a)));
}

/** Runs a statement for the lexemes of terms, and names the query's own term in each result. */
async function findFor(terms: readonly Term[], find: (lexemes: readonly string[]) => Promise<Term[]>): Promise<Term[]> {
  if (terms.length === 0) return [];
  const queryTerms = new Map(terms.map(({ lexeme, query_term }) => [lexeme, query_term]));
  const found = await find([...queryTerms.keys()]);
  return found.map((term) => ({ ...term, query_term: queryTerms.get(term.query_term) ?? term.query_term }));
}
