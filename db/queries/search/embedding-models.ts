import type { Sql } from '../../client/sql.ts';

/**
 * Registers the current model, and queues again what could not be embedded by others when it is a new one. Returns the other models that
 * still have vectors, newest first. Runs as the owner role.
 */
export async function registerModel(sql: Sql, model: string): Promise<string[]> {
  await sql.query({
    text: `with added as (
        insert into embedding_models (model)
        values ($1)
        on conflict do nothing
        returning model
      ),
      failed as (
        select q.user_id, q.memory_id
        from embedding_queue q, added
        where q.failure is not null
        for update of q skip locked
      )
      update embedding_queue q
      set attempts = 0, failure = null, renewal = true, leased_until = null
      from failed f
      where q.user_id = f.user_id and q.memory_id = f.memory_id`,
    values: [model],
  });
  const others = await sql.query<{ model: string }>({
    text: 'select model from embedding_models where model <> $1 order by since desc',
    values: [model],
  });
  return others.rows.map((row) => row.model);
}

/** Deletes a model that has no vectors left. Returns false while it has some. Runs as the owner role. */
export async function deleteUnusedModel(sql: Sql, model: string): Promise<boolean> {
  const result = await sql.query({
    text: `delete from embedding_models where model = $1 and not exists (select from memory_codes where model = $1)`,
    values: [model],
  });
  return result.rowCount === 1;
}
