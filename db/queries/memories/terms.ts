import type { Sql } from '../../client/sql.ts';
import type { MemoryRow } from './row.ts';

/**
 * A CTE named `lexeme` with the lexemes of terms and their frequencies: stemmed by PostgreSQL's English stemmer, which leaves words of
 * other scripts alone; stop words are dropped. A lexeme is stored as a hash of tenant and lexeme, so that an index entry belongs to one
 * tenant and the cost of a look-up follows that tenant's size. `block` is null where no blocks are given.
 */
export const lexemesCte = (user: string, terms: string, frequencies: string, blocks: string) => `lexeme as (
    select hashtextextended(${user}::uuid::text || l, 0) as hash,
      l as lexeme,
      least(sum(frequency), 32767)::smallint as frequency,
      bit_or(block) as block
    from unnest(${terms}::text[], ${frequencies}::integer[], ${blocks}::bigint[]) as w (word, frequency, block),
      unnest(coalesce(ts_lexize('english_stem', word), array[word])) as l
    group by l
  )`;

/** A query for the lexeme hashes of terms, in a column `hash`; a hash may occur twice. */
export const lexemeHashesSql = (user: string, terms: string) =>
  `select hashtextextended(${user}::uuid::text || l, 0) as hash
    from unnest(${terms}::text[]) as w (word),
      unnest(coalesce(ts_lexize('english_stem', word), array[word])) as l`;

/**
 * A condition: the terms of a memory include all these hashes. The terms are stored in ascending order, so that `width_bucket` finds each
 * by binary search, where `@>` compares each with each; and they are read from TOAST once. For conditions that no index serves.
 */
export const includesTermsSql = (terms: string, hashes: string) => `(
      select coalesce(bool_and(coalesce(stored.terms[width_bucket(hash, stored.terms)] = hash, false)), true)
      from (select ${terms} || '{}'::bigint[] as terms offset 0) stored, unnest(${hashes}) as q (hash)
    )`;

/** The terms of a memory and the frequency of each. */
export interface TermFrequencies {
  terms: string[];
  frequencies: number[];
  /** Bits of the blocks of a long text that hold each term; empty for a short text. */
  blocks: string[];
}

/** The columns of a memory's terms, ordered by hash so that they can be searched, as SQL that selects from `lexeme`. */
export const TERM_COLUMNS = {
  terms: "coalesce((select array_agg(hash order by hash) from lexeme), '{}')",
  frequencies: "coalesce((select array_agg(frequency order by hash) from lexeme), '{}')",
  term_blocks: "coalesce((select array_agg(block order by hash) from lexeme having count(block) > 0), '{}')",
  length: 'coalesce((select sum(frequency) from lexeme), 0)',
} as const;

/** The parameters of the terms in {@link indexSql}, and what else it changes in the memory. */
interface IndexSql {
  terms: string;
  frequencies: string;
  blocks: string;
  /** Assignments to other columns, each followed by a comma. */
  set: string;
  /** A further condition. */
  where: string;
}

/** A statement that replaces the search terms of memory $2 of tenant $1 and updates the lexicon, and returns how much the terms have `grown`. */
export const indexSql = ({
  terms,
  frequencies,
  blocks,
  set,
  where,
}: IndexSql) => `with ${lexemesCte('$1', terms, frequencies, blocks)},
      former as (
        select terms, length
        from memories
        where user_id = $1 and id = $2
      ),
      indexed as (
        update memories set
          ${set}
          terms = ${TERM_COLUMNS.terms},
          frequencies = ${TERM_COLUMNS.frequencies},
          term_blocks = ${TERM_COLUMNS.term_blocks},
          length = ${TERM_COLUMNS.length}
        where user_id = $1 and id = $2 ${where}
      ),
      removed as (
        update lexicon
        set memories = memories - 1
        where user_id = $1 and hash in (select unnest(terms) from former except select hash from lexeme)
      ),
      added as (
        insert into lexicon as x (user_id, hash, lexeme, memories)
        select $1, hash, lexeme, 1
        from lexeme
        where hash not in (select unnest(terms) from former)
        order by hash
        on conflict (user_id, hash) do update set memories = x.memories + 1
      )
      select coalesce((select sum(frequency) from lexeme), 0) - coalesce((select length from former), 0) as grown`;

/** Replaces the search terms of a memory and updates the tenant's lexicon. Returns the change of the tenant's total term count. */
export async function indexTerms(
  sql: Sql,
  userId: string,
  id: string,
  { terms, frequencies, blocks }: TermFrequencies,
): Promise<number> {
  const result = await sql.query<{ grown: string }>({
    name: 'index_terms',
    text: indexSql({ terms: '$3', frequencies: '$4', blocks: '$5', set: '', where: '' }),
    values: [userId, id, terms, frequencies, blocks],
  });
  return Number(result.rows[0]?.grown ?? 0);
}

/** A memory whose terms were made by older rules of the tokenizer. */
type OutdatedTerms = Pick<
  MemoryRow,
  'id' | 'is_digest' | 'title' | 'content' | 'tags' | 'occurred_at' | 'occurred_offset_minutes' | 'created_at'
>;

/** Returns the next tenant with outdated terms, in the order of ids. Runs as the owner role. */
export async function findTenantWithOutdatedTerms(sql: Sql, after: string): Promise<string | undefined> {
  const result = await sql.query<{ user_id: string }>({
    text: `select user_id
      from term_queue
      where user_id > $1
      order by user_id
      limit 1`,
    values: [after],
  });
  return result.rows[0]?.user_id;
}

/** Removes memories of a tenant from the queue of outdated terms, and returns them. Digests have no terms. */
export async function takeOutdatedTerms(sql: Sql, userId: string, limit: number): Promise<OutdatedTerms[]> {
  const result = await sql.query<OutdatedTerms>({
    text: `with taken as (
        delete from term_queue
        where user_id = $1 and memory_id in (select memory_id from term_queue where user_id = $1 order by memory_id limit $2)
        returning memory_id
      )
      select id, is_digest, title, content, tags, occurred_at, occurred_offset_minutes, created_at
      from memories
      where user_id = $1 and id in (select memory_id from taken) and not is_digest`,
    values: [userId, limit],
  });
  return result.rows;
}

/** Removes memories that are about to be deleted from the lexicon. Returns how many terms they held together. */
export async function removePostings(sql: Sql, userId: string, ids: readonly string[]): Promise<number> {
  const result = await sql.query<{ words: string }>({
    name: 'remove_postings',
    text: `with leaving as (
        select terms, length
        from memories
        where user_id = $1 and id = any ($2)
      ),
      counted as (
        update lexicon x
        set memories = memories - n
        from (select hash, count(*) as n from leaving, unnest(terms) as hash group by hash order by hash) l
        where x.user_id = $1 and x.hash = l.hash
      )
      select coalesce(sum(length), 0) as words
      from leaving`,
    values: [userId, ids],
  });
  return Number(result.rows[0]?.words ?? 0);
}
