import type { Sql } from '../../client/sql.ts';

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

/** Looks terms up in the lexicon; stop words are dropped. */
export async function findTerms(sql: Sql, userId: string, terms: readonly string[]): Promise<Term[]> {
  const result = await sql.query<Term>({
    name: 'find_terms',
    text: `select word as query_term, l as lexeme, h.hash::text as hash, coalesce(x.memories, 0) as memories
      from unnest($2::text[]) as w (word),
        unnest(coalesce(ts_lexize('english_stem', word), array[word])) as l,
        lateral (select hashtextextended($1::uuid::text || l, 0) as hash) h
        left join lexicon x on x.user_id = $1 and x.hash = h.hash`,
    values: [userId, terms],
  });
  return result.rows;
}

/** A condition that the index of lexemes serves: the last code point of Unicode ends the range of a prefix. */
const startsWith = (prefix: string) =>
  `lexeme >= ${prefix} collate "C" and lexeme < ${prefix} || chr(1114111) collate "C" and lexeme ^@ ${prefix}`;

/** Finds the tenant's lexemes with a prefix, the most frequent first. */
export async function findTermsByPrefix(sql: Sql, userId: string, prefix: string, limit: number): Promise<Term[]> {
  const result = await sql.query<Term>({
    name: 'find_terms_by_prefix',
    text: `select $2 as query_term, lexeme, hash::text as hash, memories
      from lexicon
      where user_id = $1 and ${startsWith('$2')} and memories > 0
      order by memories desc, lexeme
      limit $3`,
    values: [userId, prefix, limit],
  });
  return result.rows;
}

/** Finds the tenant's two-character lexemes that hold a character, the most frequent first. */
export async function findTermsByCharacter(
  sql: Sql,
  userId: string,
  character: string,
  limit: number,
): Promise<Term[]> {
  const result = await sql.query<Term>({
    name: 'find_terms_by_character',
    text: `select $2 as query_term, lexeme, hash::text as hash, memories
      from lexicon
      where user_id = $1 and memories > 0 and length(lexeme) = 2 and position($2 in lexeme) > 0
      order by memories desc, lexeme
      limit $3`,
    values: [userId, character, limit],
  });
  return result.rows;
}

/**
 * Finds the tenant's lexemes that are most similar to a mistyped term. Most typing errors leave the first character intact, so lexemes
 * that share it are searched first; only without a match are all those searched that share its second to fourth, middle or last three
 * characters.
 */
export async function findSimilarTerms(sql: Sql, userId: string, term: string, limit: number): Promise<Term[]> {
  const findAmong = async (name: string, condition: string, patterns: readonly string[] = []) => {
    const result = await sql.query<Term>({
      name,
      text: `with likely as materialized (
          select lexeme, hash, memories, similarity(lexeme, $2) as likeness
          from lexicon
          where user_id = $1
            and memories > 0
            and length(lexeme) between length($2) - 2 and length($2) + 2
            and ${condition}
        )
        select $2 as query_term, lexeme, hash::text as hash, memories
        from likely
        where likeness >= 0.35
        order by likeness desc, memories desc, lexeme
        limit $3`,
      values: [userId, term, limit, ...patterns],
    });
    return result.rows;
  };
  const similar = await findAmong('find_similar_terms_by_first_character', startsWith('left($2, 1)'));
  if (similar.length > 0) return similar;
  const condition = '(lexeme like $4 or lexeme like $5 or lexeme like $6)';
  return findAmong('find_similar_terms_by_substring', condition, substringPatterns(term));
}

/** Patterns of three characters, one of which a lexeme matches when it differs from the term in one place. */
function substringPatterns(term: string): string[] {
  const characters = [...term];
  const middle = Math.max(0, Math.floor(characters.length / 2) - 1);
  const parts = [characters.slice(1, 4), characters.slice(middle, middle + 3), characters.slice(-3)];
  return parts.map((part) => `%${part.join('').replace(/[\\%_]/g, '\\$&')}%`);
}

export interface Corpus {
  memories: number;
  /** Terms of all memories together. */
  words: number;
}

/** Returns the size of the tenant's corpus. Digests, which have no terms, are not part of it. */
export async function findCorpus(sql: Sql, userId: string): Promise<Corpus> {
  const result = await sql.query<{ memories: string; words: string }>({
    name: 'find_corpus',
    text: `select memories - (select count(*) from memories m where m.user_id = $1 and m.is_digest) as memories, words
      from quotas
      where user_id = $1`,
    values: [userId],
  });
  return { memories: Number(result.rows[0]?.memories ?? 0), words: Number(result.rows[0]?.words ?? 0) };
}
