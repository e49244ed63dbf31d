import type { Knex } from 'knex';

/** The id in `usage_daily` of calls without a key. */
const NO_KEY = '00000000-0000-0000-0000-000000000000';

/** Upper bounds, in milliseconds, of the ranges in `duration_counts`; the last range has none. */
const BOUNDS = [
  1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000,
  30_000,
];

const COUNTS = [0, ...BOUNDS].map((from, index) => {
  const to = BOUNDS[index] === undefined ? '' : ` and e.duration_ms < ${BOUNDS[index]}`;
  return `(count(*) filter (where e.duration_ms >= ${from}${to}))::integer`;
});

/**
 * Records with each call its client, its request id and the code of its error, and adds the key and the client to the daily totals, with
 * the time of the last call and the number of calls by duration. Totals of days whose events are all kept are made again from them; older
 * ones stay without key and client.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table usage_events add column client text, add column request_id text, add column code text');
  await knex.raw(`
    alter table usage_daily
      add column key_id uuid not null default '${NO_KEY}',
      add column client text not null default '',
      add column last_at timestamptz,
      add column duration_counts integer[] not null default '{}',
      drop constraint usage_daily_pkey,
      add primary key (user_id, day, transport, operation, key_id, client)`);
  await knex.raw(`
    create temporary table kept_totals on commit drop as
      select
        e.user_id,
        e.day,
        e.transport,
        e.operation,
        coalesce(e.api_key_id, '${NO_KEY}') as key_id,
        count(*) as calls,
        sum(count(*)) over same_total as all_calls,
        sum(count(*) filter (where e.billable)) over same_total as all_billable,
        sum(sum(e.units)) over same_total as all_units,
        count(*) filter (where e.billable) as billable,
        count(*) filter (where e.status >= 400) as errors,
        sum(e.duration_ms::float8) as duration_ms,
        sum(e.bytes_in) as bytes_in,
        sum(e.bytes_out) as bytes_out,
        sum(e.units) as units,
        coalesce(sum(e.tokens), 0) as tokens,
        max(e.at) as last_at,
        array[${COUNTS.join(', ')}] as duration_counts
      from usage_events e
      group by e.user_id, e.day, e.transport, e.operation, coalesce(e.api_key_id, '${NO_KEY}')
      window same_total as (partition by e.user_id, e.day, e.transport, e.operation)`);
  await knex.raw(`
    delete from kept_totals k
      where not exists (
        select
        from usage_daily d
        where (d.user_id, d.day, d.transport, d.operation) = (k.user_id, k.day, k.transport, k.operation)
          and (d.calls, d.billable, d.units) = (k.all_calls, k.all_billable, k.all_units)
      )`);
  await knex.raw(`
    delete from usage_daily d
      using kept_totals k
      where (d.user_id, d.day, d.transport, d.operation) = (k.user_id, k.day, k.transport, k.operation)`);
  await knex.raw(`
    insert into usage_daily (
        user_id, day, transport, operation, key_id, calls, billable, errors, duration_ms, bytes_in, bytes_out, units, tokens,
        last_at, duration_counts
      )
      select
        user_id, day, transport, operation, key_id, calls, billable, errors, duration_ms, bytes_in, bytes_out, units, tokens,
        last_at, duration_counts
      from kept_totals`);
  await knex.raw('drop table kept_totals');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    create temporary table former_totals on commit drop as
      select
        user_id,
        day,
        transport,
        operation,
        sum(calls) as calls,
        sum(billable) as billable,
        sum(errors) as errors,
        sum(duration_ms) as duration_ms,
        sum(bytes_in) as bytes_in,
        sum(bytes_out) as bytes_out,
        sum(units) as units,
        sum(tokens) as tokens
      from usage_daily
      group by user_id, day, transport, operation`);
  await knex.raw('delete from usage_daily');
  await knex.raw(`
    alter table usage_daily
      drop constraint usage_daily_pkey,
      drop column key_id,
      drop column client,
      drop column last_at,
      drop column duration_counts,
      add primary key (user_id, day, transport, operation)`);
  await knex.raw(`
    insert into usage_daily (
        user_id, day, transport, operation, calls, billable, errors, duration_ms, bytes_in, bytes_out, units, tokens
      )
      select user_id, day, transport, operation, calls, billable, errors, duration_ms, bytes_in, bytes_out, units, tokens
      from former_totals`);
  await knex.raw('drop table former_totals');
  await knex.raw('alter table usage_events drop column client, drop column request_id, drop column code');
}
