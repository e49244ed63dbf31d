import { isTimeout, type Sql } from '../../client/sql.ts';

/** A term of a query as the tenant's lexicon knows it. */
export interface Term {
  /** The term as the query has it. */
  query_term: string;
  lexeme: string;
  /** A 64-bit number, as text. */
  hash: string;
  /** Number of the tenant's memories that hold it. */
  memories: number;
}

/** The memories in which the terms of a query are looked for. */
export interface Corpus {
  /** Digests, which have no terms, are not counted. */
  memories: number;
  /** Terms of all memories together. */
  words: number;
  /** Whether an active memory supersedes another one. */
  hasSuperseded: boolean;
}

/** A row of the look-up: the corpus, and one of the terms unless there is none. */
interface TermRow extends Omit<Term, 'lexeme'> {
  corpus_memories: string | null;
  corpus_words: string | null;
  has_superseded: boolean | null;
  lexeme: string | null;
}

/** Looks terms up in the tenant's lexicon, and returns the size of the corpus with them. Stop words are dropped. */
export async function findTerms(
  sql: Sql,
  userId: string,
  terms: readonly string[],
): Promise<{ terms: Term[]; corpus: Corpus }> {
  const result = await sql.query<TermRow>({
    name: 'find_terms',
    text: `with corpus as (
        select words as corpus_words,
          memories - (select count(*) from memories m where m.user_id = $1 and m.is_digest) as corpus_memories,
          exists (
            select
            from memories m
            where m.user_id = $1 and m.supersedes is not null and (m.status = 'active') is true
          ) as has_superseded
        from quotas
        where user_id = $1
      ),
      term as (
        select word as query_term, l as lexeme, h.hash::text as hash, coalesce(x.memories, 0) as memories
        from unnest($2::text[]) as w (word),
          unnest(coalesce(ts_lexize('english_stem', word), array[word])) as l,
          lateral (select hashtextextended($1::uuid::text || l, 0) as hash) h
          left join lexicon x on x.user_id = $1 and x.hash = h.hash
      )
      select *
      from (select) one
      left join corpus on true
      left join term on true`,
    values: [userId, terms],
  });
  const [first] = result.rows;
  const corpus = {
    memories: Number(first?.corpus_memories ?? 0),
    words: Number(first?.corpus_words ?? 0),
    hasSuperseded: first?.has_superseded ?? false,
  };
  const found = result.rows.flatMap(({ query_term, lexeme, hash, memories }) =>
    lexeme === null ? [] : [{ query_term, lexeme, hash, memories }],
  );
  return { terms: found, corpus };
}

/** A condition that the index of lexemes serves: the range of a prefix ends at the last code point of Unicode. */
const startsWith = (prefix: string) =>
  `lexeme >= ${prefix} collate "C" and lexeme < ${prefix} || chr(1114111) collate "C" and lexeme ^@ ${prefix}`;

/** Finds for each prefix the tenant's lexemes that start with it, the most frequent first. `query_term` is the prefix. */
export async function findTermsByPrefix(
  sql: Sql,
  userId: string,
  prefixes: readonly string[],
  limit: number,
): Promise<Term[]> {
  const result = await sql.query<Term>({
    name: 'find_terms_by_prefix',
    text: `select prefix as query_term, x.*
      from unnest($2::text[]) as w (prefix),
        lateral (
          select lexeme, hash::text as hash, memories
          from lexicon
          where user_id = $1 and ${startsWith('prefix')} and memories > 0
          order by memories desc, lexeme
          limit $3
        ) x`,
    values: [userId, prefixes, limit],
  });
  return result.rows;
}

/** Finds for each term the tenant's lexemes that are its beginnings, from a length on. `query_term` is the term. */
export async function findPrefixesOfTerms(
  sql: Sql,
  userId: string,
  terms: readonly string[],
  lengthMin: number,
): Promise<Term[]> {
  const result = await sql.query<Term>({
    name: 'find_prefixes_of_terms',
    text: `select term as query_term, lexeme, hash::text as hash, memories
      from unnest($2::text[]) as w (term)
      cross join lateral generate_series($3::integer, length(term) - 1) as g (n)
      join lexicon on user_id = $1 and lexeme = left(term, n) collate "C"
      where memories > 0`,
    values: [userId, terms, lengthMin],
  });
  return result.rows;
}

/** Finds for each character the tenant's two-character lexemes that hold it, the most frequent first. `query_term` is the character. */
export async function findTermsByCharacter(
  sql: Sql,
  userId: string,
  characters: readonly string[],
  limit: number,
): Promise<Term[]> {
  const result = await sql.query<Term>({
    name: 'find_terms_by_character',
    text: `select character as query_term, x.*
      from unnest($2::text[]) as w (character),
        lateral (
          select lexeme, hash::text as hash, memories
          from lexicon
          where user_id = $1 and memories > 0 and length(lexeme) = 2 and position(character in lexeme) > 0
          order by memories desc, lexeme
          limit $3
        ) x`,
    values: [userId, characters, limit],
  });
  return result.rows;
}

/** The lexicon of a tenant with a million terms takes longer: then the query is searched without similar terms. */
const SIMILAR_TERMS_TIMEOUT_MS = 300;

/**
 * Finds for each misspelled term the tenant's most similar lexemes. `query_term` is the term. Most typing errors leave the first character
 * intact, so lexemes that share it are searched first; only without a match are all those searched that share its second to fourth,
 * middle or last three characters. Returns nothing when that takes longer than {@link SIMILAR_TERMS_TIMEOUT_MS}.
 */
export async function findSimilarTerms(
  sql: Sql,
  userId: string,
  terms: readonly string[],
  limit: number,
): Promise<Term[]> {
  // `case`: PostgreSQL would otherwise compute the similarity of every lexeme, which takes most of the time.
  const similar = (condition: string, shared = 'true') => `
          select lexeme, hash, memories, similarity(lexeme, term) as likeness
          from lexicon
          where user_id = $1
            and ${condition}
            and case
              when memories > 0 and length(lexeme) between length(term) - 2 and length(term) + 2 and (${shared})
              then similarity(lexeme, term) >= 0.35
            end
          order by likeness desc, memories desc, lexeme
          limit $3`;
  const patterns = terms.map(substringPatterns);
  try {
    const result = await sql.query<Term>({
      name: 'find_similar_terms',
      timeoutMs: SIMILAR_TERMS_TIMEOUT_MS,
      text: `select term as query_term, x.lexeme, x.hash::text as hash, x.memories
        from unnest($2::text[], $4::text[], $5::text[], $6::text[]) as w (term, near_start, middle, ending),
          lateral (
            with same_start as materialized (${similar(startsWith('left(term, 1)'))})
            select * from same_start
            union all
            (${similar('not exists (select from same_start)', 'lexeme like near_start or lexeme like middle or lexeme like ending')})
          ) x`,
      values: [userId, terms, limit, ...[0, 1, 2].map((part) => patterns.map((parts) => parts[part]))],
    });
    return result.rows;
  } catch (error) {
    if (isTimeout(error)) return [];
    throw error;
  }
}

/** Returns patterns of three characters, one of which a lexeme matches when it differs from the term in one place. */
function substringPatterns(term: string): string[] {
  const characters = [...term];
  const middle = Math.max(0, Math.floor(characters.length / 2) - 1);
  const parts = [characters.slice(1, 4), characters.slice(middle, middle + 3), characters.slice(-3)];
  return parts.map((part) => `%${part.join('').replace(/[\\%_]/g, '\\$&')}%`);
}
