import type { Sql } from '../../db/client/sql.ts';
import { type MemoryFilter, whereMemories } from '../../db/queries/memories/filters.ts';
import {
  type Bm25,
  type CandidateTerms,
  rankByTerms,
  type ScoredPhrase,
  type WeightedTerm,
} from '../../db/queries/search/bm25.ts';
import { type Corpus, findTerms, type Term } from '../../db/queries/search/lexicon.ts';
import type { ParsedQuery } from './query-parser.ts';
import { EXPANDED_TERMS_MAX, expandTerms, isShortId } from './term-expansion.ts';
import { isName, isSingleUnspaced } from './tokenizer.ts';

/** Tuned on texts of mixed lengths (`npm run eval`): full length normalization, so that long texts do not bury short facts. */
const K1 = 2;
const B = 1;
/** Weight of a term that only resembles a term of the query, relative to an exact match. */
const EXPANSION_WEIGHT = 0.7;
/** Added to the share of the maximum for a memory that contains all quoted phrases: it then exceeds every memory that contains none. */
const PHRASE_WEIGHT = 1;
/** Terms of a query that are scored, the rarest first: a pasted stack trace has a thousand, most of which say nothing. */
const TERMS_MAX = 64;
/** Candidates hold one of the rarest terms, of which as many are used as promise this many; all terms are scored on them. */
const CANDIDATES = 1_000;
/** The most candidates that are scored; more memories than that may hold even the rarest term. */
const CANDIDATES_MAX = 10_000;
/** Bounds candidates times terms, the work of one ranking. */
const SCORED_TERMS_MAX = 200_000;
/** Pairs of the rarest term with another. */
const PAIRS_MAX = 6;

/** A query prepared for one tenant's index. */
export interface LexicalQuery {
  /** Terms of the tenant that match terms of the query, expansions included. */
  terms: Term[];
  weightedTerms: WeightedTerm[];
  phrases: ScoredPhrase[];
  /** All terms of the query, as it has them. */
  queryTerms: ReadonlySet<string>;
  /** Inverse document frequency of each term of the query that is no stop word, as the query has it. */
  idf: ReadonlyMap<string, number>;
  /** Number of the tenant's memories. */
  memories: number;
  /** Whether the tenant has a memory that an active one supersedes. */
  hasSuperseded: boolean;
  /** Number of the tenant's memories that hold each term, by hash. */
  frequency: Map<string, number>;
  /** The highest possible score without phrases: each term at any frequency. */
  maximum: number;
  bm25: Bm25;
}

/** Looks up the terms of a query: their weights for this tenant, and replacements for terms that match nothing. */
export async function prepareLexicalQuery(sql: Sql, userId: string, parsed: ParsedQuery): Promise<LexicalQuery> {
  const { terms: all, corpus } = await findTerms(sql, userId, parsed.terms);
  // A capitalized stop word that no memory has as a name is just a stop word.
  const found = all.filter(({ memories, lexeme }) => memories > 0 || !isName(lexeme));
  const isLong = new Set(found.map(({ hash }) => hash)).size > TERMS_MAX;
  const present = rarestFirst(found.filter(({ memories }) => memories > 0)).slice(0, isLong ? TERMS_MAX : undefined);
  const unmatched = found.filter(
    ({ memories, lexeme, query_term }) => memories === 0 || isSingleUnspaced(lexeme) || isShortId(query_term),
  );
  const expanded = await expandTerms(sql, userId, unmatched, parsed.lastTerm);
  // The terms of a long query that match nothing would make every score look low.
  const scored = isLong ? [...present, ...unmatched.slice(0, EXPANDED_TERMS_MAX)] : found;
  const maximum = (K1 + 1) * sum([...new Map(scored.map((term) => [term.hash, idf(term, corpus)])).values()]);
  const weights = new Map<string, number>();
  const addWeight = (hash: string, weight: number) => weights.set(hash, Math.max(weight, weights.get(hash) ?? 0));
  for (const term of present) addWeight(term.hash, idf(term, corpus));
  for (const term of expanded) addWeight(term.hash, EXPANSION_WEIGHT * idf(term, corpus));
  const terms = [...present, ...expanded];
  return {
    terms,
    weightedTerms: [...weights].map(([hash, weight]) => ({ hash, weight })),
    phrases: scorePhrases(parsed, found, PHRASE_WEIGHT * maximum),
    queryTerms: new Set(parsed.terms),
    idf: new Map(found.map((term) => [term.query_term, idf(term, corpus)])),
    memories: corpus.memories,
    hasSuperseded: corpus.hasSuperseded,
    frequency: new Map(terms.map(({ hash, memories }) => [hash, memories])),
    maximum,
    bm25: { k1: K1, b: B, meanLength: corpus.memories === 0 ? 1 : corpus.words / corpus.memories },
  };
}

interface LexicalResult {
  /** Scores as shares of the maximum, by memory id, best first. More than 1 only with a phrase. */
  hits: Map<string, number>;
  candidates: number;
  /** False when candidates were found by some of the terms only, so that more memories may match. */
  complete: boolean;
}

/** Ranks the memories that hold any term of the query and match the filter, best first. */
export async function rankLexical(
  sql: Sql,
  userId: string,
  filter: MemoryFilter,
  query: LexicalQuery,
  limit: number,
): Promise<LexicalResult> {
  if (query.weightedTerms.length === 0) return { hits: new Map(), candidates: 0, complete: true };
  const rank = (hashes: readonly string[]) =>
    rankByTerms(sql, whereMemories(userId, filter), query, candidateTerms(query, hashes), limit);
  let hashes = rarestTerms(query);
  let ranked = await rank(hashes);
  // The filter may exclude all memories that hold the rarest terms: then the frequent terms are used too.
  if (ranked.length === 0 && hashes.length < query.weightedTerms.length) {
    hashes = query.weightedTerms.map(({ hash }) => hash);
    ranked = await rank(hashes);
  }
  return {
    hits: new Map(ranked.map(({ id, score }) => [id, score / query.maximum])),
    candidates: ranked[0]?.candidates ?? 0,
    complete: hashes.length === query.weightedTerms.length && !candidateTerms(query, hashes).cap,
  };
}

/** Divides a bonus among the phrases that a memory of the tenant can contain: those whose terms all occur. */
function scorePhrases({ phrases }: ParsedQuery, found: readonly Term[], bonus: number): ScoredPhrase[] {
  return phrases.flatMap(({ terms, pattern }) => {
    const lexemes = found.filter(({ query_term }) => terms.includes(query_term));
    if (lexemes.length === 0 || lexemes.some(({ memories }) => memories === 0)) return [];
    return [{ hashes: lexemes.map(({ hash }) => hash), pattern, bonus: bonus / phrases.length }];
  });
}

/** Returns the rarest terms, as many as promise enough candidates; at least one. */
function rarestTerms(query: LexicalQuery): string[] {
  let promised = 0;
  return byRarity(query).filter((hash, index) => {
    promised += query.frequency.get(hash) ?? 0;
    return index === 0 || promised <= CANDIDATES;
  });
}

/** Selects candidates by any of these terms; where those would be too many, memories with two of the terms come first. */
function candidateTerms(query: LexicalQuery, hashes: readonly string[]): CandidateTerms {
  const promised = sum(hashes.map((hash) => query.frequency.get(hash) ?? 0));
  const affordable = Math.floor(SCORED_TERMS_MAX / query.weightedTerms.length);
  const candidates = Math.min(CANDIDATES_MAX, Math.max(CANDIDATES, affordable));
  if (promised <= candidates) return { anyOf: hashes };
  const [first, ...others] = byRarity(query);
  const pairs = others.slice(0, PAIRS_MAX).map((other): [string, string] => [first as string, other]);
  return { anyOf: hashes, cap: { candidates, pairs } };
}

function byRarity({ weightedTerms, frequency }: LexicalQuery): string[] {
  return weightedTerms.map(({ hash }) => hash).sort((a, b) => (frequency.get(a) ?? 0) - (frequency.get(b) ?? 0));
}

function rarestFirst(terms: readonly Term[]): Term[] {
  return [...terms].sort((a, b) => a.memories - b.memories);
}

/** Computes the inverse document frequency, never negative. */
function idf({ memories }: Term, corpus: Corpus): number {
  const all = Math.max(corpus.memories, memories);
  return Math.log(1 + (all - memories + 0.5) / (memories + 0.5));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
