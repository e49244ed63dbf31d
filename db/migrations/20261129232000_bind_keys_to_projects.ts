import type { Knex } from 'knex';

const VIEW_COLUMNS = `user_id, id, type, status, title, content, tags, metadata, project, session_id, occurred_at, expires_at, supersedes,
  consolidated_into, version, content_hash, size_bytes, created_at, updated_at, terms, frequencies, length, occurred_offset_minutes`;

/** Whether the current projects include that of a memory; "none" stands for no project. */
const IN_PROJECTS = `coalesce(project, 'none') = any ((select current_projects())::text[])`;

/** Conditions on the rows that a key bound to projects sees and writes, by table. */
const CONDITIONS = {
  memories: IN_PROJECTS,
  memory_versions: `exists (
    select 1
    from memories m
    where m.user_id = memory_versions.user_id and m.id = memory_versions.memory_id
  )`,
  // An import concerns the whole account.
  import_items: 'false',
  import_chunks: 'false',
  api_keys: 'projects <@ (select current_projects())::text[]',
};

/**
 * Adds the projects that a key is bound to, and the role that the statements of such a key run as. Its restrictive policies leave only the
 * rows of those projects; the role of all other tenant statements has no further condition, and its plans stay as they are.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table api_keys add column projects text[] check (cardinality(projects) between 1 and 20)');
  await knex.raw(`
    do $$ begin
      create role wm_bound nologin in role wm_app;
    exception when duplicate_object or unique_violation then null;
    end $$`);
  // Whatever login may become the tenants' role may become this one too.
  await knex.raw(`
    do $$
    declare
      login regrole;
      -- PostgreSQL 15 has no such options, and its members of the role evaluate the first part of the policies.
      options text := case
        when current_setting('server_version_num')::integer >= 160000 then ' with inherit false, set true'
        else ''
      end;
    begin
      for login in
        select distinct m.member::regrole
        from pg_auth_members m
        where m.roleid = 'wm_app'::regrole and m.member <> 'wm_bound'::regrole
      loop
        begin
          execute format('grant wm_bound to %s', login) || options;
        exception when unique_violation then null;
        end;
      end loop;
    end $$`);
  await knex.raw(`
    create function current_projects() returns text[] language sql stable parallel safe
    as $$ select nullif(current_setting('app.projects', true), '')::text[] $$`);
  for (const [table, visible] of Object.entries(CONDITIONS)) {
    // A login that may become the role may be its member, and so have its policies: the owner of the tables is one.
    const condition = `(select current_user) <> 'wm_bound' or ${visible}`;
    await knex.raw(
      `create policy projects on ${table} as restrictive to wm_bound using (${condition}) with check (${condition})`,
    );
  }
  await createView(knex, ` and ((select current_projects()) is null or ${IN_PROJECTS})`);
  await createMailFunction(knex, `current_setting('role') in ('wm_app', 'wm_bound')`);
}

export async function down(knex: Knex): Promise<void> {
  await createMailFunction(knex, `current_setting('role') = 'wm_app'`);
  await createView(knex, '');
  for (const table of Object.keys(CONDITIONS)) await knex.raw(`drop policy projects on ${table}`);
  await knex.raw('drop function current_projects');
  // The role stays: it belongs to the cluster, and another database may use it.
  await knex.raw('alter table api_keys drop column projects');
}

/** The view runs as its owner, so it repeats the condition of the policies. */
async function createView(knex: Knex, condition: string): Promise<void> {
  await knex.raw('drop view ranked_memories');
  await knex.raw(
    `create view ranked_memories as select ${VIEW_COLUMNS} from memories where (user_id = current_tenant()) is true${condition}`,
  );
  await knex.raw('grant select on ranked_memories to wm_app');
}

async function createMailFunction(knex: Knex, isTenant: string): Promise<void> {
  await knex.raw(`
    create or replace function enqueue_mail(tenant uuid, mail uuid, recipient text, template text, data jsonb, at timestamptz)
    returns void language plpgsql security definer set search_path = public, pg_temp as $$
    begin
      if ${isTenant} and current_tenant() is distinct from tenant then
        raise exception 'a mail of another tenant';
      end if;
      insert into outbox (user_id, id, kind, recipient, template, data, created_at) values (tenant, mail, 'mail', recipient, template, data, at);
      perform graphile_worker.add_job('send_mail', json_build_object('user_id', tenant, 'id', mail), job_key := 'mail:' || mail);
    end $$`);
}
