import { lexemeHashesSql } from '../search/lexical.ts';

/** A memory that says nearly the same. */
export interface NearDuplicate {
  id: string;
  /** Share of the words that the two have in common, 0 to 1. */
  score: number;
}

/** What counts as nearly the same. */
export interface NearDuplicateOptions {
  /** Words that say nothing of what a memory is about. */
  ignoredTerms: readonly string[];
  /** The least score that is told of. */
  scoreMin: number;
  /** So many are told of at most. */
  limit: number;
}

/** What is longer than this many different words is no fact that somebody repeats. */
const COMPARED_TERMS = 500;
/** Memories that are compared at most; a word that more hold is not rare. */
const COMPARED_MEMORIES = 100;
/** Words of a memory that may be among the ignored ones. */
const IGNORED_TERMS = 10;

/**
 * CTEs that end in `alike (id, score)`: the active memories of a project that share most of their words with one that the same
 * statement stores. Candidates share one of its rarest words; for a text that has none but common ones, the tenant's newest memories
 * are compared: those of the project may be a few among a million. They stand behind `lexeme`, the words of the new memory, and
 * `known`, the rows of the lexicon that counted it.
 * No index but that of words fits the conditions of the former, which `is true` sees to: a plan that was made while little was
 * stored would go on to read another one from end to end.
 * @param project its parameter, as `ignoredWords` and `least` are
 */
export function nearDuplicateCtes(project: string, ignoredWords: string, least: string): string {
  const comparable = `project is not distinct from ${project}
      and cardinality(m.terms) between mine.size * ${least}::float8 - ${IGNORED_TERMS} and mine.size / ${least}::float8 + ${IGNORED_TERMS}`;
  return `ignored as materialized (select distinct hash from (${lexemeHashesSql('$1', ignoredWords)}) i),
      term as materialized (select hash from lexeme except select hash from ignored),
      mine as materialized (select count(*) as size from term having count(*) <= ${COMPARED_TERMS}),
      rare as materialized (
        select array_agg(hash) as hashes from (
          select hash, sum(memories - 1) over (order by memories, hash) as together from known
          where memories > 1 and hash in (select hash from term) order by memories, hash limit 8
        ) r where together <= ${COMPARED_MEMORIES}
      ),
      candidate as materialized (
        (select id, m.terms from ranked_memories m, mine
          where (user_id = $1) is true and m.terms && (select hashes from rare) and (status = 'active') is true and ${comparable}
          limit ${COMPARED_MEMORIES})
        union all
        (select id, m.terms from mine, (
            select * from memories where user_id = $1 and status = 'active' and (select hashes from rare) is null
            order by created_at desc, id desc limit ${COMPARED_MEMORIES}
          ) m where ${comparable})
      ),
      alike as (
        select id, (shared::float8 / nullif(size + own - shared, 0)) as score from (
          select c.id, size, count(t.hash) as shared, count(*) - count(i.hash) as own
          from mine, candidate c, unnest(c.terms) as h (hash)
            left join term t on t.hash = h.hash left join ignored i on i.hash = h.hash
          group by c.id, size
        ) counted
      )`;
}
