import type { Sql } from '../../client/sql.ts';
import type { Where } from '../memories/filters.ts';

/**
 * Lexemes of words with how often each stands, as a CTE named `lexeme`: stemmed by PostgreSQL's English stemmer, which leaves
 * words of other scripts alone; stop words fall out. A lexeme is kept as a hash of tenant and lexeme, so that an index entry belongs
 * to one tenant and the cost of a look-up follows the tenant's own size.
 */
export const lexemesCte = (user: string, words: string, frequencies: string) => `lexeme as (
    select hashtextextended(${user}::uuid::text || l, 0) as hash, l as lexeme, least(sum(frequency), 32767)::smallint as frequency
    from unnest(${words}::text[], ${frequencies}::integer[]) as w (word, frequency),
      unnest(coalesce(ts_lexize('english_stem', word), array[word])) as l
    group by l
  )`;

/** The hashes of the lexemes of words, a column `hash`; a hash may come twice. */
export const lexemeHashesSql = (user: string, words: string) =>
  `select hashtextextended(${user}::uuid::text || l, 0) as hash
    from unnest(${words}::text[]) as w (word), unnest(coalesce(ts_lexize('english_stem', word), array[word])) as l`;

/** How often each word stands in a memory. */
export interface TermFrequencies {
  terms: string[];
  frequencies: number[];
}

/** Writes what a memory's words are looked up by, and counts them in the tenant's lexicon. Answers by how many words the tenant's memories grew. */
export async function indexTerms(
  sql: Sql,
  userId: string,
  id: string,
  { terms, frequencies }: TermFrequencies,
): Promise<number> {
  const result = await sql.query<{ grown: string }>({
    name: 'index_terms',
    text: `with ${lexemesCte('$1', '$3', '$4')},
      former as (select terms, length from memories where user_id = $1 and id = $2),
      indexed as (
        update memories set
          terms = coalesce((select array_agg(hash order by hash) from lexeme), '{}'),
          frequencies = coalesce((select array_agg(frequency order by hash) from lexeme), '{}'),
          length = coalesce((select sum(frequency) from lexeme), 0)
        where user_id = $1 and id = $2
      ),
      gone as (
        update lexicon set memories = memories - 1
        where user_id = $1 and hash in (select unnest(terms) from former except select hash from lexeme)
      ),
      come as (
        insert into lexicon as x (user_id, hash, lexeme, memories)
        select $1, hash, lexeme, 1 from lexeme where hash not in (select unnest(terms) from former) order by hash
        on conflict (user_id, hash) do update set memories = x.memories + 1
      )
      select coalesce((select sum(frequency) from lexeme), 0) - coalesce((select length from former), 0) as grown`,
    values: [userId, id, terms, frequencies],
  });
  return Number(result.rows[0]?.grown ?? 0);
}

/** Takes memories out of the lexicon that are about to be removed. Answers by how many words the tenant's memories shrink. */
export async function removePostings(sql: Sql, userId: string, ids: readonly string[]): Promise<number> {
  const result = await sql.query<{ words: string }>({
    name: 'remove_postings',
    text: `with leaving as (select terms, length from memories where user_id = $1 and id = any ($2)),
      counted as (
        update lexicon x set memories = memories - n
        from (select hash, count(*) as n from leaving, unnest(terms) as hash group by hash order by hash) l
        where x.user_id = $1 and x.hash = l.hash
      )
      select coalesce(sum(length), 0) as words from leaving`,
    values: [userId, ids],
  });
  return Number(result.rows[0]?.words ?? 0);
}

/** A word of a question as the index knows it. */
export interface Term {
  /** The word as it was asked. */
  query_term: string;
  lexeme: string;
  /** A 64-bit number, as text. */
  hash: string;
  /** How many of the tenant's memories hold it. */
  memories: number;
}

/** What the index knows of words; stop words fall out. */
export async function findTerms(sql: Sql, userId: string, words: readonly string[]): Promise<Term[]> {
  const result = await sql.query<Term>({
    name: 'find_terms',
    text: `select word as query_term, l as lexeme, h.hash::text as hash, coalesce(x.memories, 0) as memories
      from unnest($2::text[]) as w (word), unnest(coalesce(ts_lexize('english_stem', word), array[word])) as l,
        lateral (select hashtextextended($1::uuid::text || l, 0) as hash) h
        left join lexicon x on x.user_id = $1 and x.hash = h.hash`,
    values: [userId, words],
  });
  return result.rows;
}

/** A condition that the index of lexemes answers: the last character of Unicode ends what begins with a text. */
const startsWith = (text: string) =>
  `lexeme >= ${text} collate "C" and lexeme < ${text} || chr(1114111) collate "C" and lexeme ^@ ${text}`;

/** The tenant's lexemes that begin with a text, the most used first. */
export async function findTermsByPrefix(sql: Sql, userId: string, prefix: string, limit: number): Promise<Term[]> {
  const result = await sql.query<Term>({
    name: 'find_terms_by_prefix',
    text: `select $2 as query_term, lexeme, hash::text as hash, memories from lexicon
      where user_id = $1 and ${startsWith('$2')} and memories > 0 order by memories desc, lexeme limit $3`,
    values: [userId, prefix, limit],
  });
  return result.rows;
}

/** The tenant's pairs of characters that hold one, the most used first. */
export async function findTermsByCharacter(
  sql: Sql,
  userId: string,
  character: string,
  limit: number,
): Promise<Term[]> {
  const result = await sql.query<Term>({
    name: 'find_terms_by_character',
    text: `select $2 as query_term, lexeme, hash::text as hash, memories from lexicon
      where user_id = $1 and memories > 0 and length(lexeme) = 2 and position($2 in lexeme) > 0
      order by memories desc, lexeme limit $3`,
    values: [userId, character, limit],
  });
  return result.rows;
}

/**
 * The tenant's lexemes that look most like a mistyped word. Most mistakes leave the first character as it is, so these lexemes are
 * looked at first; only where none is like it all of them are that share its second to fourth, middle or last three characters.
 */
export async function findSimilarTerms(sql: Sql, userId: string, word: string, limit: number): Promise<Term[]> {
  const ask = async (name: string, among: string, parts: readonly string[] = []) => {
    const result = await sql.query<Term>({
      name,
      text: `with likely as materialized (
          select lexeme, hash, memories, similarity(lexeme, $2) as likeness from lexicon
          where user_id = $1 and memories > 0 and length(lexeme) between length($2) - 2 and length($2) + 2 and ${among}
        )
        select $2 as query_term, lexeme, hash::text as hash, memories from likely
        where likeness >= 0.35 order by likeness desc, memories desc, lexeme limit $3`,
      values: [userId, word, limit, ...parts],
    });
    return result.rows;
  };
  const near = await ask('find_similar_terms_by_first_character', startsWith('left($2, 1)'));
  if (near.length > 0) return near;
  return ask(
    'find_similar_terms_by_substring',
    '(lexeme like $4 or lexeme like $5 or lexeme like $6)',
    substringPatterns(word),
  );
}

/** Patterns of three characters each that a lexeme shares with a word that is mistyped in one place. */
function substringPatterns(word: string): string[] {
  const characters = [...word];
  const middle = Math.max(0, Math.floor(characters.length / 2) - 1);
  const parts = [characters.slice(1, 4), characters.slice(middle, middle + 3), characters.slice(-3)];
  return parts.map((part) => `%${part.join('').replace(/[\\%_]/g, '\\$&')}%`);
}

export interface Corpus {
  memories: number;
  words: number;
}

/** How many memories the tenant has, and how many words they hold together. */
export async function findCorpus(sql: Sql, userId: string): Promise<Corpus> {
  const result = await sql.query<{ memories: string; words: string }>({
    name: 'find_corpus',
    text: 'select memories, words from quotas where user_id = $1',
    values: [userId],
  });
  return { memories: Number(result.rows[0]?.memories ?? 0), words: Number(result.rows[0]?.words ?? 0) };
}

/** A term of a question and what it weighs. */
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
  /** How many candidates passed the filter. */
  candidates: number;
}

/** How candidates are found. */
export interface CandidateTerms {
  /** A memory that holds any of these is one. */
  anyOf: readonly string[];
  /** So many of them at most; then those that hold two words of the question come first. */
  cap?: { candidates: number; pairs: readonly [string, string][] } | undefined;
}

/**
 * BM25 (Robertson & Zaragoza 2009) over the memories that hold any of the candidate terms and pass the filter, best first.
 * @param where the filter, already narrowed to the tenant
 * @param found terms by which candidates are found: the rarest ones of the question
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
  const holding = [`terms && ${where.value(found.anyOf)}::bigint[]`];
  if (found.cap) {
    const pairs = found.cap.pairs.map((pair) => `terms @> ${where.value(pair)}::bigint[]`);
    if (pairs.length > 0) holding.unshift(`(${pairs.join(' or ')})`);
  }
  const most = found.cap ? `limit ${where.value(found.cap.candidates)}` : '';
  const score = bm25Score(where, hashes, weights, bm25);
  const candidates = holding.map(
    (holds) =>
      `(select id, created_at, ${score} as score from ranked_memories m where ${where.textForTermIndex} and ${holds} ${most})`,
  );
  const result = await sql.query<{ id: string; score: number; candidates: string }>({
    text: `with candidate as materialized (${candidates.join(' union ')})
      select id, score, count(*) over () as candidates from candidate order by score desc, created_at desc, id desc
      limit ${where.value(limit)}`,
    values: where.values,
  });
  return result.rows.map((row) => ({ ...row, candidates: Number(row.candidates) }));
}

/** BM25 of these memories, in no order; those that fail the filter are left out. */
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
      from memories m where ${where.text} and id = any (${where.value(ids)})`,
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
      ) found where f is not null
    ), 0)`;
}

/** What ranking asks of a memory beside its words. */
export interface RankingAttributes {
  id: string;
  created_at: Date;
  updated_at: Date;
  expires_at: Date | null;
  importance: number | null;
  superseded_by: string | null;
}

/** The facts of these memories that ranking asks for, in no order. */
export async function findRankingAttributes(
  sql: Sql,
  userId: string,
  ids: readonly string[],
): Promise<RankingAttributes[]> {
  const result = await sql.query<RankingAttributes>({
    name: 'find_ranking_attributes',
    // The successors first and in one go: looked up row by row they cost as many index scans as there are candidates.
    text: `with successor as materialized (
        select distinct on (supersedes) supersedes, id from memories
        where user_id = $1 and supersedes = any ($2) and status = 'active' order by supersedes, created_at desc, id desc
      )
      select m.id, created_at, updated_at, expires_at, s.id as superseded_by,
        case when jsonb_typeof(metadata -> 'importance') = 'number' then (metadata ->> 'importance')::float8 end as importance
      from memories m left join successor s on s.supersedes = m.id where user_id = $1 and m.id = any ($2)`,
    values: [userId, ids],
  });
  return result.rows;
}
