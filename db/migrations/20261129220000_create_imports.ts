import type { Knex } from 'knex';

/** Creates imports: their state, the uploaded parts, the memories that wait to be stored, and what did not fit. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table imports (
      user_id uuid not null references users (id) on delete cascade,
      id uuid not null,
      status text not null
        check (status in ('uploading', 'checking', 'checked', 'importing', 'completed', 'stopped', 'failed')),
      name text not null,
      options jsonb not null,
      format text,
      is_run boolean not null default false,
      embeds boolean not null default false,
      uploaded_bytes bigint not null default 0,
      read_bytes bigint not null default 0,
      counts jsonb not null,
      reason text,
      created_at timestamptz not null,
      updated_at timestamptz not null,
      finished_at timestamptz,
      primary key (user_id, id)
    )`);
  await knex.raw('create index imports_age on imports (updated_at)');
  await knex.raw('call protect_tenant_table(?)', ['imports']);

  await createPart(knex, 'import_chunks', 'chunk integer not null, bytes bytea not null', 'chunk');
  // Each part is read once, and many are compressed already.
  await knex.raw('alter table import_chunks alter column bytes set storage external');
  await createPart(
    knex,
    'import_items',
    'item integer not null, line integer not null, kind text not null, label text not null, size_bytes integer not null, data json not null',
    'item',
  );
  await createPart(
    knex,
    'import_findings',
    'finding integer not null, line integer not null, what text not null, code text not null, why text not null',
    'finding',
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table import_findings, import_items, import_chunks, imports');
}

async function createPart(knex: Knex, table: string, columns: string, key: string): Promise<void> {
  await knex.raw(`
    create table ${table} (
      user_id uuid not null,
      import_id uuid not null,
      ${columns},
      primary key (user_id, import_id, ${key}),
      foreign key (user_id, import_id) references imports (user_id, id) on delete cascade
    )`);
  await knex.raw('call protect_tenant_table(?)', [table]);
}
