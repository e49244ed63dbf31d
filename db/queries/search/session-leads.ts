import type { Sql, Statement } from '../../client/sql.ts';
import { wholeText } from './embedded-text.ts';

/*
 * The lead of a memory: the ends of the two memories before it in its session, behind which it is embedded. Its followers are the
 * memories whose lead it is part of.
 */

/** Bytes of the largest memory that gets a lead: a longer text nearly fills a passage of the encoder. */
const LED_BYTES_MAX = 1_000;
/** Bytes of the largest memory that is part of a lead. A larger one is no turn of a dialogue, and is not read. */
const LEADING_BYTES_MAX = 16_384;
/** Code points of each of the two memories of a lead, from its end. */
const LEAD_CODE_POINTS = 200;
/** Memories of a session that are looked through for two of one project. */
const WINDOW = 50;

const timeOf = (table: string) => `coalesce(${table}.occurred_at, ${table}.created_at)`;

/** Selects the lead of `m`, from memories of its project; null for a long memory, or one without any before it. */
export const LEAD = `case when m.session_id is not null and m.size_bytes <= ${LED_BYTES_MAX} then (
          select string_agg(right(${wholeText('l')}, ${LEAD_CODE_POINTS}), e'\\n' order by ${timeOf('l')}, l.id)
          from (
            select b.*
            from (
              select n.id, n.title, n.content, n.project, n.size_bytes, n.occurred_at, n.created_at
              from memories n
              where n.user_id = m.user_id and n.session_id = m.session_id
                and (${timeOf('n')}, n.id) < (${timeOf('m')}, m.id)
              order by ${timeOf('n')} desc, n.id desc
              limit ${WINDOW}
            ) b
            where b.project is not distinct from m.project
            order by ${timeOf('b')} desc, b.id desc
            limit 2
          ) l
          where l.size_bytes <= ${LEADING_BYTES_MAX}
        ) end`;

/** Selects the ids of the followers of `m`: the next two of each project, since `m` can have been moved to another one. */
const FOLLOWERS = `(
          select a.id
          from (
            select w.id, row_number() over (partition by w.project order by w.at, w.id) as place
            from (
              select n.id, n.project, ${timeOf('n')} as at
              from memories n
              where n.user_id = m.user_id and n.session_id = m.session_id
                and (${timeOf('n')}, n.id) > (${timeOf('m')}, m.id)
              order by ${timeOf('n')}, n.id
              limit ${WINDOW}
            ) w
          ) a
          where a.place <= 2
        )`;

/** Finds the followers of memories, without those memories. */
export async function findFollowers(sql: Sql, userId: string, ids: readonly string[]): Promise<string[]> {
  const result = await sql.query<{ id: string }>({
    name: 'find_followers',
    text: `select distinct f.id
      from memories m
      cross join lateral ${FOLLOWERS} f
      where m.user_id = $1 and m.id = any ($2) and m.session_id is not null and f.id <> all ($2)`,
    values: [userId, ids],
  });
  return result.rows.map(({ id }) => id);
}

/** Selects those of `follower` whose vectors may hold a lead, and enqueues them behind new writes. */
const ENQUEUE_FOLLOWERS = `led as materialized (
        select m.id
        from follower f
        join memories m on m.user_id = $1 and m.id = f.id
        where exists (
            select
            from memory_vectors v
            where v.user_id = $1 and v.memory_id = m.id and length(coalesce(v.token_codes, v.tokens)) > 0
          )
          or exists (select from embedding_queue q where q.user_id = $1 and q.memory_id = m.id)
        order by m.id
        for key share of m
      )
      insert into embedding_queue as q (user_id, memory_id, renewal)
      select $1, id, true
      from led
      on conflict (user_id, memory_id) do update set
        revision = excluded.revision,
        leased_until = null`;

/**
 * Returns the statement that enqueues followers whose lead changes. A model without vectors of tokens reads no lead: what it embedded is
 * left out. It locks queue entries, so it is the last statement of a transaction that locks memories.
 */
export function enqueueFollowersStatement(userId: string, ids: readonly string[]): Statement {
  return {
    name: 'enqueue_followers',
    text: `with follower as (
        select distinct id
        from unnest($2::uuid[]) as f (id)
      ),
      ${ENQUEUE_FOLLOWERS}`,
    values: [userId, ids],
  };
}

/** Enqueues the followers of a memory without vectors: it was stored between others, and is part of their leads from now on. Runs as the owner role. */
export async function enqueueFollowersOfNew(sql: Sql, userId: string, memoryId: string): Promise<void> {
  await sql.query({
    name: 'enqueue_followers_of_new',
    text: `with follower as (
        select f.id
        from memories m
        cross join lateral ${FOLLOWERS} f
        where m.user_id = $1 and m.id = $2 and m.session_id is not null
          and not exists (select from memory_vectors v where v.user_id = $1 and v.memory_id = $2)
      ),
      ${ENQUEUE_FOLLOWERS}`,
    values: [userId, memoryId],
  });
}
