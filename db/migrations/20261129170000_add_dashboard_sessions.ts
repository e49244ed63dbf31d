import type { Knex } from 'knex';

const TRANSPORTS = "'rest', 'mcp_http', 'mcp_stdio'";

/** Adds the transport `dashboard` and, to sessions, a label of the browser. */
export async function up(knex: Knex): Promise<void> {
  await replaceCheck(knex, `${TRANSPORTS}, 'dashboard'`);
  await knex.raw("alter table sessions add column label text not null default ''");
}

/** Counts the calls of the dashboard as calls over REST, which they are to the former version. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table sessions drop column label');
  await knex.raw("update usage_events set transport = 'rest' where transport = 'dashboard'");
  await knex.raw(`
    with moved as (
      delete from usage_daily
      where transport = 'dashboard'
      returning *
    )
    insert into usage_daily as d (
      user_id, day, transport, operation,
      calls, billable, errors, duration_ms, bytes_in, bytes_out, units, tokens
    )
    select
      user_id, day, 'rest', operation,
      calls, billable, errors, duration_ms, bytes_in, bytes_out, units, tokens
    from moved
    on conflict (user_id, day, transport, operation) do update set
      calls = d.calls + excluded.calls,
      billable = d.billable + excluded.billable,
      errors = d.errors + excluded.errors,
      duration_ms = d.duration_ms + excluded.duration_ms,
      bytes_in = d.bytes_in + excluded.bytes_in,
      bytes_out = d.bytes_out + excluded.bytes_out,
      units = d.units + excluded.units,
      tokens = d.tokens + excluded.tokens`);
  await replaceCheck(knex, TRANSPORTS);
}

/** Replaces the check of the transport. An attached partition keeps its own copy when the parent's is dropped. */
async function replaceCheck(knex: Knex, transports: string): Promise<void> {
  const name = 'usage_events_transport_check';
  await knex.raw(`alter table usage_events drop constraint ${name}`);
  const { rows } = await knex.raw('select conrelid::regclass::text as part from pg_constraint where conname = ?', [
    name,
  ]);
  for (const { part } of rows) await knex.raw(`alter table ${part} drop constraint ${name}`);
  await knex.raw(`alter table usage_events add constraint ${name} check (transport in (${transports}))`);
}
