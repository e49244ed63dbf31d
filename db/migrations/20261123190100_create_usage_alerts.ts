import type { Knex } from 'knex';

/** Which alerts were given, and how old usage events go. */
export async function up(knex: Knex): Promise<void> {
  // The key is what makes an alert one: whoever inserts the row writes the mail.
  await knex.raw(`
    create table usage_alerts (
      user_id uuid not null references users (id) on delete cascade,
      kind text not null check (kind in ('calls', 'storage')),
      threshold smallint not null check (threshold in (80, 100)),
      period text not null,
      at timestamptz not null,
      primary key (user_id, kind, threshold, period)
    )`);
  await knex.raw('call protect_tenant_table(?)', ['usage_alerts']);

  // One partition a call: calls wait behind this lock, so each is held for a moment only, and given up when it does not
  // come soon. A plain drop, because detaching first would lock the tables that the partition refers to.
  await knex.raw(`
    create function drop_usage_partition(before date) returns text language plpgsql set lock_timeout = '300ms' as $$
    declare
      part text;
    begin
      select c.relname into part from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'usage_events'::regclass and c.relname ~ '^usage_events_[0-9]{8}$'
          and c.relname < 'usage_events_' || to_char(before, 'YYYYMMDD')
        order by c.relname limit 1;
      if part is not null then
        execute format('drop table if exists %I', part);
      end if;
      return part;
    exception when lock_not_available then
      return null;
    end $$`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop function drop_usage_partition');
  await knex.raw('drop table usage_alerts');
}
