import type { Sql } from '../../db/client/sql.ts';
import { type MemoryFilter, type Where, whereMemories } from '../../db/queries/memories/filters.ts';
import {
  type Bm25,
  type CandidateTerms,
  rankByTerms,
  scoreByTerms,
  type WeightedTerm,
} from '../../db/queries/search/bm25.ts';
import {
  type Corpus,
  findCorpus,
  findSimilarTerms,
  findTerms,
  findTermsByCharacter,
  findTermsByPrefix,
  type Term,
} from '../../db/queries/search/lexicon.ts';
import type { Question } from './query-parser.ts';
import { isHalfPair } from './tokenizer.ts';

/** Tuned on mixed lengths (`npm run eval`): full length normalisation, so that long texts do not bury short facts. */
const K1 = 2;
const B = 1;
/** A word that only resembles what was asked counts this much. */
const RESCUED = 0.7;
const RESCUES_MAX = 3;
const PREFIXES_MAX = 10;
const PAIRS_MAX = 50;
const PREFIX_LENGTH_MIN = 3;
const TYPO_LENGTH_MIN = 4;
/** Candidates come from the rarest words until they promise this many; then every word is scored on them. */
const CANDIDATES = 2_000;
/** Even the rarest word may stand in more memories; of so many, not all are scored. */
const CANDIDATES_MAX = 10_000;
/** Of the rarest word with others. */
const PAIRS_OF_WORDS_MAX = 6;

/** A question made ready for a tenant's index. */
export interface LexicalQuery {
  terms: Term[];
  weighed: WeightedTerm[];
  /** How many of the tenant's memories hold each word. */
  frequency: Map<string, number>;
  /** The most that a memory could score: every word, as often as it likes. */
  maximum: number;
  bm25: Bm25;
  question: Question;
  /** The hashes of each word that was asked or excluded. */
  known: Map<string, string[]>;
}

/** Looks a question's words up: what each weighs for this tenant, and what stands in for one that nothing matches. */
export async function prepare(sql: Sql, userId: string, question: Question): Promise<LexicalQuery> {
  const asked = [...new Set([...question.words, ...question.excluded.flat()])];
  const [found, corpus] = await Promise.all([findTerms(sql, userId, asked), findCorpus(sql, userId)]);
  const wanted = new Set(question.words);
  const terms = found.filter(({ query_term }) => wanted.has(query_term));
  const rescued = await Promise.all(
    terms
      .filter(({ memories, lexeme }) => memories === 0 || isHalfPair(lexeme))
      .map((term) => rescue(sql, userId, term, question)),
  );
  const present = terms.filter(({ memories }) => memories > 0);
  const weighed = [
    ...present.map((term) => ({ hash: term.hash, weight: idf(term, corpus) })),
    ...rescued.flat().map((term) => ({ hash: term.hash, weight: RESCUED * idf(term, corpus) })),
  ];
  const best = new Map<string, number>();
  for (const { hash, weight } of weighed) best.set(hash, Math.max(weight, best.get(hash) ?? 0));
  const used = [...present, ...rescued.flat()];
  return {
    terms: used,
    frequency: new Map(used.map(({ hash, memories }) => [hash, memories])),
    weighed: [...best].map(([hash, weight]) => ({ hash, weight })),
    maximum: (K1 + 1) * sum([...new Map(terms.map((term) => [term.hash, idf(term, corpus)])).values()]),
    bm25: { k1: K1, b: B, meanLength: corpus.memories === 0 ? 1 : corpus.words / corpus.memories },
    question,
    known: groupHashes(found),
  };
}

export interface LexicalResult {
  /** Share of the maximum, 0 to 1, best first. */
  hits: Map<string, number>;
  candidates: number;
  /** False when candidates came from some of the words only, so that more may match. */
  complete: boolean;
}

/** The memories that hold any of the words and pass the filter and the question's operators, best first. */
export async function rankLexical(
  sql: Sql,
  userId: string,
  filter: MemoryFilter,
  query: LexicalQuery,
  limit: number,
): Promise<LexicalResult> {
  if (query.weighed.length === 0) return { hits: new Map(), candidates: 0, complete: true };
  const rank = (hashes: readonly string[]) =>
    rankByTerms(sql, narrowed(userId, filter, query), query.weighed, found(query, hashes), query.bm25, limit);
  let candidates = rarest(query);
  let ranked = await rank(candidates);
  // The rarest words may stand only where the filter does not reach: then the common ones are asked too.
  if (ranked.length === 0 && candidates.length < query.weighed.length) {
    candidates = query.weighed.map(({ hash }) => hash);
    ranked = await rank(candidates);
  }
  return {
    hits: new Map(ranked.map(({ id, score }) => [id, score / query.maximum])),
    candidates: ranked[0]?.candidates ?? 0,
    complete: candidates.length === query.weighed.length && !found(query, candidates).cap,
  };
}

/** The lexical score of these memories; those that fail filter or operators are missing. */
export async function scoreLexical(
  sql: Sql,
  userId: string,
  filter: MemoryFilter,
  query: LexicalQuery,
  ids: readonly string[],
): Promise<Map<string, number>> {
  const where = narrowed(userId, filter, query);
  const scored = await scoreByTerms(sql, where, query.weighed, ids, query.bm25);
  return new Map(scored.map(({ id, score }) => [id, query.maximum > 0 ? score / query.maximum : 0]));
}

/** The filter with the question's phrases and exclusions. */
function narrowed(userId: string, filter: MemoryFilter, { question, known }: LexicalQuery): Where {
  const where = whereMemories(userId, filter);
  for (const phrase of question.phrases) {
    const text = "lower(regexp_replace(title || ' ' || content, '\\s+', ' ', 'g'))";
    where.and(`position(${where.value(phrase)} in ${text}) > 0`);
  }
  for (const forms of question.excluded) {
    const hashes = forms.flatMap((form) => known.get(form) ?? []);
    if (hashes.length > 0) where.and(`not (terms @> ${where.value(hashes)}::bigint[])`);
  }
  return where;
}

/** Words that the tenant has and that may be meant: pairs with a single character in them, what begins like the last word, or looks like a mistyped one. */
async function rescue(sql: Sql, userId: string, term: Term, { last }: Question): Promise<Term[]> {
  if (isHalfPair(term.lexeme)) {
    const pairs = await findTermsByCharacter(sql, userId, term.lexeme, PAIRS_MAX);
    return pairs.map((found) => ({ ...found, query_term: term.query_term }));
  }
  if (term.query_term === last && term.lexeme.length >= PREFIX_LENGTH_MIN) {
    const longer = await findTermsByPrefix(sql, userId, term.lexeme, PREFIXES_MAX);
    if (longer.length > 0) return longer.map((found) => ({ ...found, query_term: term.query_term }));
  }
  if (term.lexeme.length < TYPO_LENGTH_MIN) return [];
  const similar = await findSimilarTerms(sql, userId, term.lexeme, RESCUES_MAX);
  return similar.map((found) => ({ ...found, query_term: term.query_term }));
}

/** The rarest words, as many as promise enough candidates; at least one. */
function rarest(query: LexicalQuery): string[] {
  let promised = 0;
  return rareFirst(query).filter((hash, index) => {
    promised += query.frequency.get(hash) ?? 0;
    return index === 0 || promised <= CANDIDATES;
  });
}

/** How memories that hold any of these words are found: all of them, or where they would be too many, those with two words first. */
function found(query: LexicalQuery, hashes: readonly string[]): CandidateTerms {
  const promised = sum(hashes.map((hash) => query.frequency.get(hash) ?? 0));
  if (promised <= CANDIDATES_MAX) return { anyOf: hashes };
  const [first, ...others] = rareFirst(query);
  const pairs = others.slice(0, PAIRS_OF_WORDS_MAX).map((other): [string, string] => [first as string, other]);
  return { anyOf: hashes, cap: { candidates: CANDIDATES_MAX, pairs } };
}

function rareFirst({ weighed, frequency }: LexicalQuery): string[] {
  return weighed.map(({ hash }) => hash).sort((a, b) => (frequency.get(a) ?? 0) - (frequency.get(b) ?? 0));
}

/** Inverse document frequency, never negative. */
function idf({ memories }: Term, corpus: Corpus): number {
  const all = Math.max(corpus.memories, memories);
  return Math.log(1 + (all - memories + 0.5) / (memories + 0.5));
}

function groupHashes(terms: readonly Term[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { query_term, hash } of terms) groups.set(query_term, [...(groups.get(query_term) ?? []), hash]);
  return groups;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
