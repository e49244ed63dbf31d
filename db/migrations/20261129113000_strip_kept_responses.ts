import type { Knex } from 'knex';

/**
 * Removes stored text from the responses that are kept for repeated requests: it must not outlive its memory. Response headers
 * are computed from the response. Lets the file of an export be erased before it expires.
 */
export async function up(knex: Knex): Promise<void> {
  const withoutTitles = (list: string) =>
    `jsonb_build_object('${list}', (select coalesce(jsonb_agg(item - 'title'), '[]') from jsonb_array_elements(body -> '${list}') item))`;
  await knex.raw(`
    update idempotency_keys
    set body = body - array['title', 'content', 'tags', 'metadata', 'project', 'session_id']
    where jsonb_typeof(body) = 'object' and jsonb_exists(body, 'content')`);
  await knex.raw(`
    update idempotency_keys
    set body = body || ${['promoted', 'archived'].map(withoutTitles).join(' || ')}
    where jsonb_typeof(body) = 'object' and jsonb_exists_all(body, array['promoted', 'archived', 'digests'])`);
  await knex.raw(`
    update idempotency_keys
    set body = null
    where jsonb_exists(body -> 'changed' -> 0, 'before')`);
  await knex.raw('alter table idempotency_keys drop column headers');
  await knex.raw('alter table exports drop constraint exports_status_check');
  await knex.raw(`
    alter table exports
      add constraint exports_status_check check (status in ('pending', 'ready', 'failed', 'erased')),
      add column revision integer not null default 0`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw("update exports set status = 'failed' where status = 'erased'");
  await knex.raw('alter table exports drop constraint exports_status_check');
  await knex.raw(`
    alter table exports
      add constraint exports_status_check check (status in ('pending', 'ready', 'failed')),
      drop column revision`);
  await knex.raw('alter table idempotency_keys add column headers jsonb');
}
