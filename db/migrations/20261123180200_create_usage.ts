import type { Knex } from 'knex';

/** One event a call, range-partitioned by day, and what they add up to. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table usage_events (
      user_id uuid not null references users (id) on delete cascade,
      day date not null,
      id uuid not null,
      at timestamptz not null,
      api_key_id uuid,
      door text not null check (door in ('rest', 'mcp-http', 'mcp-stdio')),
      operation text not null,
      method text not null,
      status smallint not null,
      billable boolean not null,
      duration_ms real not null,
      bytes_in integer not null,
      bytes_out integer not null,
      primary key (user_id, day, id),
      foreign key (user_id, api_key_id) references api_keys (user_id, id) on delete set null (api_key_id)
    ) partition by range (day)`);
  await knex.raw('call protect_tenant_table(?)', ['usage_events']);
  // Without it every metered call fails on a day that has no partition.
  await knex.raw('create table usage_events_default partition of usage_events default');
  await knex.raw('call protect_tenant_table(?)', ['usage_events_default']);

  // One transaction a call, under a lock: the default partition's rows of a day move into that day's own partition.
  await knex.raw(`
    create function ensure_usage_partitions(first date, last date) returns integer language plpgsql as $$
    declare
      d date;
      part text;
      made integer := 0;
    begin
      perform pg_advisory_xact_lock(hashtext('ensure_usage_partitions'));
      for d in select generate_series(first, last, '1 day')::date loop
        part := 'usage_events_' || to_char(d, 'YYYYMMDD');
        continue when to_regclass(part) is not null;
        -- Before looking: a row that comes between the move and the attaching would refuse the latter.
        lock table usage_events_default in access exclusive mode;
        execute format('create table %I (like usage_events including defaults including constraints)', part);
        execute format('with moved as (delete from usage_events_default where day = %L returning *) insert into %I select * from moved', d, part);
        execute format('alter table usage_events attach partition %I for values from (%L) to (%L)', part, d, d + 1);
        call protect_tenant_table(part::regclass);
        made := made + 1;
      end loop;
      return made;
    end $$`);

  await knex.raw(`
    create table usage_daily (
      user_id uuid not null references users (id) on delete cascade,
      day date not null,
      door text not null,
      operation text not null,
      calls bigint not null default 0,
      billable bigint not null default 0,
      errors bigint not null default 0,
      duration_ms double precision not null default 0,
      bytes_in bigint not null default 0,
      bytes_out bigint not null default 0,
      primary key (user_id, day, door, operation)
    )`);
  await knex.raw('call protect_tenant_table(?)', ['usage_daily']);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table usage_daily, usage_events');
  await knex.raw('drop function ensure_usage_partitions');
}
