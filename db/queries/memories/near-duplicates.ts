import type { Sql } from '../../client/sql.ts';
import { whereMemories } from './filters.ts';
import { lexemeHashesSql } from './terms.ts';

/** A memory that says nearly the same as another. */
export interface NearDuplicate {
  id: string;
  /** Jaccard similarity of the two sets of terms, 0 to 1. */
  score: number;
}

export interface NearDuplicateOptions {
  /** Terms that say nothing about the subject of a memory. */
  ignoredTerms: readonly string[];
  /** The lowest score that is reported. */
  scoreMin: number;
  limit: number;
}

/** A memory with more distinct terms than this is not compared. */
const TERMS_MAX = 500;
/** The most memories that share a rare term; a term that more of them hold is not rare. */
const SHARERS_MAX = 40;
/** The newest memories that a text of common terms is compared with. */
const CANDIDATES_MAX = 100;
/** The most terms of a memory that may be among the ignored ones. */
const IGNORED_TERMS_MAX = 10;

/** The terms of a candidate, read from TOAST once. */
const READ_ONCE = "m.terms || '{}'::bigint[]";

/** The number of hashes that the terms of a candidate include. They are stored in ascending order and searched like those of a hit. */
const countIncludedSql = (terms: string, hashes: string) => `(
              select count(*)
              from unnest(${hashes}) as q (hash)
              where ${terms}[width_bucket(q.hash, ${terms})] = q.hash
            )`;

/**
 * CTEs that end in `near_duplicate (id, score)`: the active memories of a project that share most of their terms with another memory.
 * Candidates share one of its rarest terms; for a text with common terms only, the tenant's newest memories are compared, since those of
 * the project may be a few among a million. The CTEs follow `lexeme`, the terms of that memory, and
 * `known`, the rows of the lexicon that counted it.
 *
 * The `is true` conditions keep every index but that of terms out of the first branch: a plan made while little was stored would go on
 * to read another one from end to end.
 * @param project its parameter, as `ignoredTerms` and `scoreMin` are
 * @param eligible condition on the memories that are compared with it
 */
export function nearDuplicateCtes(project: string, ignoredTerms: string, scoreMin: string, eligible = 'true'): string {
  const comparable = `project is not distinct from ${project}
          and cardinality(m.terms) between mine.size * ${scoreMin}::float8 - ${IGNORED_TERMS_MAX}
            and mine.size / ${scoreMin}::float8 + ${IGNORED_TERMS_MAX}`;
  return `ignored as materialized (
        select distinct hash
        from (${lexemeHashesSql('$1', ignoredTerms)}) i
      ),
      term as materialized (
        select hash from lexeme
        except
        select hash from ignored
      ),
      mine as materialized (
        select count(*) as size, array_agg(hash) as hashes
        from term
        having count(*) <= ${TERMS_MAX}
      ),
      rare as materialized (
        select array_agg(hash) as hashes
        from (
          select hash, sum(memories - 1) over (order by memories, hash) as together
          from known
          where memories > 1 and hash in (select hash from term)
          order by memories, hash
          limit 8
        ) r
        where together <= ${SHARERS_MAX}
      ),
      candidate as materialized (
        (select id, ${READ_ONCE} as terms
          from ranked_memories m, mine
          where (user_id = $1) is true
            and m.terms && (select hashes from rare)
            and (status = 'active') is true
            and ${eligible}
            and ${comparable}
          limit ${SHARERS_MAX})
        union all
        (select id, ${READ_ONCE} as terms
          from mine, (
            select *
            from memories
            where user_id = $1 and status = 'active' and (select hashes from rare) is null and ${eligible}
            order by created_at desc, id desc
            limit ${CANDIDATES_MAX}
          ) m
          where ${comparable})
      ),
      near_duplicate as (
        select id, (shared::float8 / nullif(size + own - shared, 0)) as score
        from (
          select c.id,
            mine.size,
            ${countIncludedSql('c.terms', 'mine.hashes')} as shared,
            cardinality(c.terms) - ${countIncludedSql('c.terms', '(select array_agg(hash) from ignored)')} as own
          from candidate c, mine
          offset 0
        ) counted
      )`;
}

/** A memory of a block that is compared with older ones. */
export interface ComparedMemory {
  id: string;
  project: string | null;
  occurred_at: Date | null;
  occurred_offset_minutes: number;
  created_at: Date;
}

/** Lists active memories that none supersedes, newest first: those that {@link findNearDuplicates} compares. Digests have no terms. */
export async function listCompared(
  sql: Sql,
  userId: string,
  { project, before, limit }: { project?: string | null | undefined; before?: string | undefined; limit: number },
): Promise<ComparedMemory[]> {
  const where = whereMemories(userId, {
    status: 'active',
    superseded: false,
    ...(project !== undefined && { project }),
  });
  if (before !== undefined) where.and(`id < ${where.value(before)}::uuid`);
  const result = await sql.query<ComparedMemory>({
    text: `select id, project, occurred_at, occurred_offset_minutes, created_at
      from memories
      where ${where.text} and not is_digest
      order by id desc
      limit ${where.value(limit)}`,
    values: where.values,
  });
  return result.rows;
}

/** A stored memory that is compared with others, and the terms that its comparison ignores. */
export interface ComparedTerms extends Pick<ComparedMemory, 'id' | 'project'> {
  ignoredTerms: readonly string[];
}

/** Finds the older active memories, by id, that are near-duplicates of each of the stored ones. Superseded ones are left out. */
export function findNearDuplicates(
  sql: Sql,
  userId: string,
  memories: readonly ComparedTerms[],
  options: Omit<NearDuplicateOptions, 'ignoredTerms'>,
): Promise<Map<string, NearDuplicate[]>> {
  return findOfEach(sql, userId, memories, options, { name: 'find_near_duplicates', text: FIND_NEAR_DUPLICATES });
}

/**
 * Finds the active memories that are near-duplicates of each of the memories that were just stored together: those that were stored before
 * them, and those before it among them by id.
 */
export function findNearDuplicatesOfStored(
  sql: Sql,
  userId: string,
  stored: readonly ComparedTerms[],
  options: Omit<NearDuplicateOptions, 'ignoredTerms'>,
): Promise<Map<string, NearDuplicate[]>> {
  const statement = { name: 'find_near_duplicates_of_stored', text: FIND_NEAR_DUPLICATES_OF_STORED };
  return findOfEach(sql, userId, stored, options, statement);
}

/** Executes {@link findOfEachSql}. Returns the near-duplicates by the id of the memory they are compared with, most similar first. */
async function findOfEach(
  sql: Sql,
  userId: string,
  memories: readonly ComparedTerms[],
  { scoreMin, limit }: Omit<NearDuplicateOptions, 'ignoredTerms'>,
  statement: { name: string; text: string },
): Promise<Map<string, NearDuplicate[]>> {
  const { rows } = await sql.query<NearDuplicate & { compared_id: string }>({
    ...statement,
    values: [
      userId,
      memories.map(({ id }) => id),
      memories.map(({ project }) => project),
      memories.map(({ ignoredTerms }) => ignoredTerms.join(' ')),
      scoreMin,
      limit,
    ],
  });
  const found = new Map<string, NearDuplicate[]>();
  for (const { compared_id, id, score } of rows) {
    const similar = found.get(compared_id);
    if (similar) similar.push({ id, score });
    else found.set(compared_id, [{ id, score }]);
  }
  return found;
}

/**
 * Returns a statement that finds the near-duplicates of each of several stored memories, `o`.
 * @param eligible condition on the memories that are compared
 * @param reported condition on those that are found
 */
const findOfEachSql = (eligible: string, reported: string) => `select o.id as compared_id, found.id, found.score
  from unnest($2::uuid[], $3::text[], $4::text[]) as o (id, project, ignored),
    lateral (
      with lexeme as materialized (
        select unnest(terms) as hash
        from memories
        where user_id = $1 and id = o.id
      ),
      known as materialized (
        select hash, memories
        from lexicon
        where user_id = $1 and hash in (select hash from lexeme)
      ),
      ${nearDuplicateCtes('o.project', "string_to_array(o.ignored, ' ')", '$5', eligible)}
      select id, score
      from near_duplicate
      where score >= $5::float8 and ${reported}
      order by score desc, id
      limit $6
    ) found
  order by o.id, found.score desc, found.id`;

const FIND_NEAR_DUPLICATES = findOfEachSql(
  'id < o.id',
  `not exists (
        select
        from memories s
        where s.user_id = $1 and s.supersedes = near_duplicate.id and (s.status = 'active') is true
      )`,
);

const FIND_NEAR_DUPLICATES_OF_STORED = findOfEachSql('id <> o.id and (id < o.id or id <> all($2::uuid[]))', 'true');
