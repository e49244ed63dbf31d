import type { Knex } from 'knex';

const TABLES = ['usage_events', 'usage_daily'];

/** Renames the `door` of usage events and daily totals to `transport`, and its values to `mcp_http` and `mcp_stdio`. */
export async function up(knex: Knex): Promise<void> {
  await dropCheck(knex, 'usage_events_door_check');
  for (const table of TABLES) {
    await knex.raw(`alter table ${table} rename column door to transport`);
    await knex.raw(`update ${table} set transport = replace(transport, '-', '_') where transport like 'mcp-%'`);
  }
  await knex.raw(`
    alter table usage_events add constraint usage_events_transport_check
      check (transport in ('rest', 'mcp_http', 'mcp_stdio'))`);
}

export async function down(knex: Knex): Promise<void> {
  await dropCheck(knex, 'usage_events_transport_check');
  for (const table of TABLES) {
    await knex.raw(`alter table ${table} rename column transport to door`);
    await knex.raw(`update ${table} set door = replace(door, '_', '-') where door like 'mcp\\_%'`);
  }
  await knex.raw(`
    alter table usage_events add constraint usage_events_door_check
      check (door in ('rest', 'mcp-http', 'mcp-stdio'))`);
}

/** Drops a check of `usage_events` and of its partitions: an attached partition keeps its own copy when the parent's is dropped. */
async function dropCheck(knex: Knex, name: string): Promise<void> {
  await knex.raw(`alter table usage_events drop constraint ${name}`);
  const { rows } = await knex.raw('select conrelid::regclass::text as part from pg_constraint where conname = ?', [
    name,
  ]);
  for (const { part } of rows) await knex.raw(`alter table ${part} drop constraint ${name}`);
}
