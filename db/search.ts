import type { MemoryRow } from './memories.ts';
import type { Where } from './memory-filters.ts';
import type { Sql } from './sql.ts';

/** A word of the question and the form in which the index holds it. */
export interface QueryWord {
  token: string;
  lexeme: string;
}

/** Splits a question into words by the rules of the index. Stop words fall out. */
export async function parseQuery(sql: Sql, query: string): Promise<QueryWord[]> {
  const result = await sql.query<QueryWord>({
    name: 'parse_query',
    text: `select distinct lower(d.token) as token, l.lexeme
      from ts_debug('english', $1) d, unnest(d.lexemes) as l (lexeme)`,
    values: [query],
  });
  return result.rows;
}

export interface Ranked {
  id: string;
  score: number;
}

/** `any word matches` as a tsquery: the words joined by OR. */
function orQuery(lexemes: readonly string[]): string {
  return lexemes.map((lexeme) => `'${lexeme.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`).join(' | ');
}

/**
 * The best memories that the filter lets through and that hold any of the words, best first, newest first among equals.
 * `ts_rank` with normalisation 1 divides by 1 + the logarithm of the length. What another active memory supersedes, and
 * what has expired, counts half, so that it comes behind what replaced it.
 * @param where the filter, already narrowed to the tenant
 */
export async function rankMemories(
  sql: Sql,
  where: Where,
  lexemes: readonly string[],
  limit: number,
): Promise<Ranked[]> {
  const query = where.value(orQuery(lexemes));
  const result = await sql.query<Ranked>({
    text: `select id, (ts_rank(words, ${query}::tsquery, 1) *
          case when expires_at <= now() or exists (
            select 1 from memories s where s.user_id = m.user_id and s.supersedes = m.id and s.status = 'active'
          ) then 0.5 else 1 end)::float8 as score
      from memories m where ${where.text} and words @@ ${query}::tsquery
      order by score desc, created_at desc, id desc limit ${where.value(limit)}`,
    values: where.values,
  });
  return result.rows;
}

/** How many memories a filter lets through hold any of the words. */
export async function countMatching(sql: Sql, where: Where, lexemes: readonly string[]): Promise<number> {
  const result = await sql.query<{ count: string }>({
    text: `select count(*) from memories where ${where.text} and words @@ ${where.value(orQuery(lexemes))}::tsquery`,
    values: where.values,
  });
  return Number(result.rows[0]?.count ?? 0);
}

export type Hit = Omit<MemoryRow, 'content' | 'metadata'> & {
  score: number;
  snippet: string;
  lexemes: string[];
};

/** What surrounds a matched word in a snippet. */
export const MARK = { start: '**', stop: '**' };

/**
 * The memories of these ids as search results: score, the passage around the hit with the words marked, and which of
 * the words it holds. Answers only what still passes the filter, in no order.
 */
export async function describeHits(
  sql: Sql,
  where: Where,
  ids: readonly string[],
  lexemes: readonly string[],
): Promise<Hit[]> {
  const query = where.value(orQuery(lexemes));
  const list = where.value(lexemes);
  const result = await sql.query<Hit>({
    text: `select id, type, status, title, tags, project, session_id, occurred_at, expires_at, supersedes, consolidated_into,
        version, size_bytes, created_at, updated_at,
        ts_rank(words, ${query}::tsquery, 1)::float8 as score,
        ts_headline('english', left(content, 200000), ${query}::tsquery,
          'StartSel=${MARK.start}, StopSel=${MARK.stop}, MaxWords=45, MinWords=20, MaxFragments=0') as snippet,
        array(select l from unnest(${list}::text[]) l where l = any (tsvector_to_array(words))) as lexemes,
        (select s.id from memories s where s.user_id = m.user_id and s.supersedes = m.id and s.status = 'active'
          order by s.created_at desc limit 1) as superseded_by
      from memories m where ${where.text} and id = any (${where.value(ids)})`,
    values: where.values,
  });
  return result.rows;
}
