import type { Sql } from '../../client/sql.ts';
import type { Where } from '../memories/filters.ts';

/** A term of a query and its weight. */
export interface WeightedTerm {
  hash: string;
  weight: number;
}

export interface Bm25 {
  k1: number;
  b: number;
  meanLength: number;
}

export interface LexicalHit {
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

/**
 * Ranks by BM25 (Robertson & Zaragoza 2009) the memories that hold any of the candidate terms and match the filter, best first.
 * @param where the filter, already restricted to the tenant
 * @param found terms that find candidates: the rarest ones of the query
 */
export async function rankByTerms(
  sql: Sql,
  where: Where,
  terms: readonly WeightedTerm[],
  found: CandidateTerms,
  bm25: Bm25,
  limit: number,
): Promise<LexicalHit[]> {
  const hashes = where.value(terms.map(({ hash }) => hash));
  const weights = where.value(terms.map(({ weight }) => weight));
  const conditions = [`terms && ${where.value(found.anyOf)}::bigint[]`];
  if (found.cap) {
    const pairs = found.cap.pairs.map((pair) => `terms @> ${where.value(pair)}::bigint[]`);
    if (pairs.length > 0) conditions.unshift(`(${pairs.join(' or ')})`);
  }
  const cap = found.cap ? `limit ${where.value(found.cap.candidates)}` : '';
  const score = bm25Score(where, hashes, weights, bm25);
  const candidates = conditions.map(
    (condition) =>
      `(select id, created_at, ${score} as score
          from ranked_memories m
          where ${where.textForTermIndex} and ${condition}
          ${cap})`,
  );
  const result = await sql.query<{ id: string; score: number; candidates: string }>({
    text: `with candidate as materialized (${candidates.join(' union ')})
      select id, score, count(*) over () as candidates
      from candidate
      order by score desc, created_at desc, id desc
      limit ${where.value(limit)}`,
    values: where.values,
  });
  return result.rows.map((row) => ({ ...row, candidates: Number(row.candidates) }));
}

/** Computes BM25 of memories by id, unordered; those that do not match the filter are left out. */
export async function scoreByTerms(
  sql: Sql,
  where: Where,
  terms: readonly WeightedTerm[],
  ids: readonly string[],
  bm25: Bm25,
): Promise<{ id: string; score: number }[]> {
  const hashes = where.value(terms.map(({ hash }) => hash));
  const weights = where.value(terms.map(({ weight }) => weight));
  const result = await sql.query<{ id: string; score: number }>({
    text: `select id, ${bm25Score(where, hashes, weights, bm25)} as score
      from memories m
      where ${where.text} and id = any (${where.value(ids)})`,
    values: where.values,
  });
  return result.rows;
}

function bm25Score(where: Where, hashes: string, weights: string, { k1, b, meanLength }: Bm25): string {
  const [k, share, mean] = [where.value(k1), where.value(b), where.value(Math.max(1, meanLength))];
  return `coalesce((
      select sum(weight * f * (${k}::float8 + 1) / (f + ${k} * (1 - ${share}::float8 + ${share} * m.length / ${mean}::float8)))
      from (
        select weight, m.frequencies[array_position(m.terms, hash)]::float8 as f
        from unnest(${hashes}::bigint[], ${weights}::float8[]) as q (hash, weight)
      ) found
      where f is not null
    ), 0)`;
}
