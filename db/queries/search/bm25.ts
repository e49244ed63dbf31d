import { shapeNames } from '../../client/shape-names.ts';
import type { Sql } from '../../client/sql.ts';
import { includesTermsSql } from '../memories/terms.ts';
import type { Where } from '../memories/where.ts';

/** A term of a query and its weight. */
export interface WeightedTerm {
  hash: string;
  weight: number;
}

/** A phrase that raises the score of a memory that contains it. */
export interface ScoredPhrase {
  /** The terms of the phrase: only a memory that holds them all is compared with the pattern. */
  hashes: readonly string[];
  /** For `~*`. */
  pattern: string;
  bonus: number;
}

export interface Bm25 {
  k1: number;
  b: number;
  meanLength: number;
}

/** The terms, phrases and parameters of a score. */
export interface Scoring {
  weightedTerms: readonly WeightedTerm[];
  phrases: readonly ScoredPhrase[];
  bm25: Bm25;
}

interface LexicalHit {
  id: string;
  score: number;
  /** Number of candidates that match the filter. */
  candidates: number;
}

/** The terms that make a memory a candidate. */
export interface CandidateTerms {
  /** A memory that holds any of these is a candidate. */
  anyOf: readonly string[];
  /** Limits the number of candidates; those that hold both terms of a pair then come first. */
  cap?: { candidates: number; pairs: readonly [string, string][] } | undefined;
}

const rankName = shapeNames('rank_by_terms');

/**
 * Ranks by BM25 (Robertson & Zaragoza 2009) the memories that hold any of the candidate terms and match the filter, best first.
 * @param where the filter, already restricted to the tenant
 * @param found terms that find candidates: the rarest ones of the query
 */
export async function rankByTerms(
  sql: Sql,
  where: Where,
  scoring: Scoring,
  found: CandidateTerms,
  limit: number,
): Promise<LexicalHit[]> {
  const score = scoreSql(where, scoring);
  const conditions = [`terms && ${where.value(found.anyOf)}::bigint[]`];
  if (found.cap) {
    const pairs = found.cap.pairs.map((pair) => `terms @> ${where.value(pair)}::bigint[]`);
    if (pairs.length > 0) conditions.unshift(`(${pairs.join(' or ')})`);
  }
  const cap = found.cap ? `limit ${where.value(found.cap.candidates)}` : '';
  const candidates = conditions.map(
    (condition) =>
      `(select id, created_at, ${score} as score
          from ranked_memories m
          where ${where.textForTermIndex} and ${condition}
          ${cap})`,
  );
  const text = `with candidate as materialized (${candidates.join(' union ')})
      select id, score, count(*) over () as candidates
      from candidate
      order by score desc, created_at desc, id desc
      limit ${where.value(limit)}`;
  const result = await sql.query<{ id: string; score: number; candidates: string }>({
    ...(where.isCommon && scoring.phrases.length === 0 && !found.cap && rankName(text)),
    text,
    values: where.values,
  });
  return result.rows.map((row) => ({ ...row, candidates: Number(row.candidates) }));
}

/** The score of a memory `m` as an expression. */
export function scoreSql(where: Where, { weightedTerms, phrases, bm25 }: Scoring): string {
  return [bm25Sql(where, weightedTerms, bm25), ...phrases.map((phrase) => phraseSql(where, phrase))].join(' + ');
}

/** The arrays of a candidate, read from TOAST once: each reference to the table's columns would read them anew. */
const storedTerms = `select m.terms || '{}'::bigint[] as terms, m.frequencies || '{}'::smallint[] as frequencies offset 0`;

/**
 * The BM25 score of a candidate. The terms of a memory are stored in ascending order, so that `width_bucket` finds each term of the query
 * by binary search: a memory may hold a hundred thousand.
 */
function bm25Sql(where: Where, terms: readonly WeightedTerm[], { k1, b, meanLength }: Bm25): string {
  const hashes = where.value(terms.map(({ hash }) => hash));
  const weights = where.value(terms.map(({ weight }) => weight));
  const [k, share, mean] = [where.value(k1), where.value(b), where.value(Math.max(1, meanLength))];
  return `coalesce((
      select sum(weight * f * (${k}::float8 + 1) / (f + ${k} * (1 - ${share}::float8 + ${share} * m.length / ${mean}::float8)))
      from (
        select weight, case when stored.terms[place] = hash then stored.frequencies[place]::float8 end as f
        from (${storedTerms}) stored,
          unnest(${hashes}::bigint[], ${weights}::float8[]) as q (hash, weight),
          lateral (select width_bucket(hash, stored.terms) as place) p
      ) found
      where f is not null
    ), 0)`;
}

function phraseSql(where: Where, { hashes, pattern, bonus }: ScoredPhrase): string {
  return `case
      when ${includesTermsSql('m.terms', `${where.value(hashes)}::bigint[]`)} and (m.title || E'\\n' || m.content) ~* ${where.value(pattern)}
      then ${where.value(bonus)}::float8
      else 0
    end`;
}
