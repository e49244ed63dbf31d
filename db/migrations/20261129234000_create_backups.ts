import type { Knex } from 'knex';

/** Creates the record of backups and restore tests, from which their age is measured. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table backups (
      id uuid primary key,
      kind text not null check (kind in ('backup', 'restore_test')),
      archive text not null,
      started_at timestamptz not null,
      finished_at timestamptz not null,
      bytes bigint not null,
      row_count bigint not null
    )`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table backups');
}
