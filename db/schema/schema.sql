-- Written by `npm run schema` from the system catalog of a migrated database; do not edit.

create extension pg_trgm;

CREATE OR REPLACE FUNCTION public.current_projects()
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$ select nullif(current_setting('app.projects', true), '')::text[] $function$;
grant execute on routine current_projects() to public;

CREATE OR REPLACE FUNCTION public.current_tenant()
 RETURNS uuid
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$ select nullif(current_setting('app.user_id', true), '')::uuid $function$;
grant execute on routine current_tenant() to public;

CREATE OR REPLACE FUNCTION public.drop_usage_partition(before date)
 RETURNS text
 LANGUAGE plpgsql
 SET lock_timeout TO '300ms'
AS $function$
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
    end $function$;
grant execute on routine drop_usage_partition(before date) to public;

CREATE OR REPLACE FUNCTION public.enqueue_mail(tenant uuid, mail uuid, recipient text, template text, data jsonb, at timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
    begin
      if current_setting('role') in ('wm_app', 'wm_bound') and current_tenant() is distinct from tenant then
        raise exception 'a mail of another tenant';
      end if;
      insert into outbox (user_id, id, kind, recipient, template, data, created_at) values (tenant, mail, 'mail', recipient, template, data, at);
      perform graphile_worker.add_job('send_mail', json_build_object('user_id', tenant, 'id', mail), job_key := 'mail:' || mail);
    end $function$;
grant execute on routine enqueue_mail(tenant uuid, mail uuid, recipient text, template text, data jsonb, at timestamp with time zone) to wm_app;

CREATE OR REPLACE FUNCTION public.ensure_usage_partitions(first date, last date)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
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
    end $function$;
grant execute on routine ensure_usage_partitions(first date, last date) to public;

CREATE OR REPLACE PROCEDURE public.protect_tenant_table(IN target regclass)
 LANGUAGE plpgsql
AS $procedure$
    begin
      execute format('alter table %s enable row level security', target);
      execute format('alter table %s force row level security', target);
      execute format('create policy tenant on %s to wm_app using (user_id = current_tenant()) with check (user_id = current_tenant())', target);
      execute format('create policy owner on %s to %I using (true) with check (true)', target, current_user);
      execute format('grant select, insert, update, delete on %s to wm_app', target);
    end $procedure$;
grant execute on routine protect_tenant_table(IN target regclass) to public;

create table api_keys (
  user_id uuid not null,
  id uuid not null,
  name text not null,
  prefix text not null,
  last4 text not null,
  scopes text[] not null,
  rpm_limit integer,
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone,
  last_used_at timestamp with time zone,
  created_at timestamp with time zone not null,
  client_id text,
  client_host text,
  projects text[],
  constraint api_keys_pkey PRIMARY KEY (user_id, id),
  constraint api_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint api_keys_check CHECK (((client_id IS NULL) = (client_host IS NULL))),
  constraint api_keys_projects_check CHECK (((cardinality(projects) >= 1) AND (cardinality(projects) <= 20))),
  constraint api_keys_rpm_limit_check CHECK ((rpm_limit > 0))
);
alter table api_keys enable row level security;
alter table api_keys force row level security;
create policy owner on api_keys to owner using (true) with check (true);
create policy projects on api_keys as restrictive to wm_bound using (((( SELECT CURRENT_USER AS "current_user") <> 'wm_bound'::name) OR (projects <@ ( SELECT current_projects() AS current_projects)))) with check (((( SELECT CURRENT_USER AS "current_user") <> 'wm_bound'::name) OR (projects <@ ( SELECT current_projects() AS current_projects))));
create policy tenant on api_keys to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on api_keys to wm_app;

create table audit_log (
  user_id uuid not null,
  id uuid not null,
  at timestamp with time zone not null,
  actor text not null,
  action text not null,
  target text,
  details jsonb default '{}'::jsonb not null,
  constraint audit_log_pkey PRIMARY KEY (user_id, id),
  constraint audit_log_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);
CREATE INDEX audit_log_action ON public.audit_log USING btree (user_id, action, at DESC);
alter table audit_log enable row level security;
alter table audit_log force row level security;
create policy owner on audit_log to owner using (true) with check (true);
create policy tenant on audit_log to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on audit_log to wm_app;

create table backups (
  id uuid not null,
  kind text not null,
  archive text not null,
  started_at timestamp with time zone not null,
  finished_at timestamp with time zone not null,
  bytes bigint not null,
  row_count bigint not null,
  constraint backups_pkey PRIMARY KEY (id),
  constraint backups_kind_check CHECK ((kind = ANY (ARRAY['backup'::text, 'restore_test'::text])))
);

create table claim_lookup (
  token_hash bytea not null,
  user_id uuid not null,
  claim_id uuid not null,
  constraint claim_lookup_pkey PRIMARY KEY (token_hash),
  constraint claim_lookup_user_id_claim_id_fkey FOREIGN KEY (user_id, claim_id) REFERENCES claims(user_id, id) ON DELETE CASCADE
);
CREATE INDEX claim_lookup_id ON public.claim_lookup USING btree (user_id, claim_id);
alter table claim_lookup enable row level security;
alter table claim_lookup force row level security;
create policy owner on claim_lookup to owner using (true) with check (true);
create policy tenant on claim_lookup to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));

create table claims (
  user_id uuid not null,
  id uuid not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  used_at timestamp with time zone,
  key_id uuid,
  constraint claims_pkey PRIMARY KEY (user_id, id),
  constraint claims_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint claims_user_id_key_id_fkey FOREIGN KEY (user_id, key_id) REFERENCES api_keys(user_id, id) ON DELETE SET NULL (key_id)
);
CREATE INDEX claims_expiry ON public.claims USING btree (expires_at) WHERE (key_id IS NULL);
CREATE INDEX claims_key ON public.claims USING btree (user_id, key_id);
alter table claims enable row level security;
alter table claims force row level security;
create policy owner on claims to owner using (true) with check (true);
create policy tenant on claims to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on claims to wm_app;

create table closed_memberships (
  membership_hash bytea not null,
  closed_at timestamp with time zone not null,
  constraint closed_memberships_pkey PRIMARY KEY (membership_hash)
);

create table deletion_receipts (
  user_id uuid not null,
  reason text not null,
  asked_at timestamp with time zone,
  purged_at timestamp with time zone not null,
  counts jsonb not null,
  constraint deletion_receipts_pkey PRIMARY KEY (user_id)
);

create table device_logins (
  device_hash bytea not null,
  user_code text not null,
  name text not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  user_id uuid,
  status text not null,
  constraint device_logins_pkey PRIMARY KEY (device_hash),
  constraint device_logins_user_code_key UNIQUE (user_code),
  constraint device_logins_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint device_logins_check CHECK (((user_id IS NULL) = (status = 'pending'::text))),
  constraint device_logins_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'approved'::text, 'denied'::text])))
);
CREATE INDEX device_logins_expiry ON public.device_logins USING btree (expires_at);
CREATE INDEX device_logins_user ON public.device_logins USING btree (user_id);
alter table device_logins enable row level security;
alter table device_logins force row level security;
create policy owner on device_logins to owner using (true) with check (true);
create policy tenant on device_logins to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));

create table embedding_models (
  model text not null,
  since timestamp with time zone default now() not null,
  constraint embedding_models_pkey PRIMARY KEY (model)
);

create table embedding_queue (
  user_id uuid not null,
  memory_id uuid not null,
  revision bigint default ((pg_current_xact_id())::text)::bigint not null,
  queued_at timestamp with time zone default now() not null,
  leased_until timestamp with time zone,
  renewal boolean default false not null,
  next_character integer default 0 not null,
  next_code_point integer default 0 not null,
  passages smallint default 0 not null,
  attempts smallint default 0 not null,
  failure text,
  constraint embedding_queue_pkey PRIMARY KEY (user_id, memory_id),
  constraint embedding_queue_user_id_memory_id_fkey FOREIGN KEY (user_id, memory_id) REFERENCES memories(user_id, id) ON DELETE CASCADE,
  constraint embedding_queue_failure_check CHECK ((failure = ANY (ARRAY['rejected'::text, 'encoder_stopped'::text, 'not_stored'::text])))
);
CREATE INDEX embedding_queue_age ON public.embedding_queue USING btree (queued_at) WHERE ((NOT renewal) AND (failure IS NULL));
CREATE INDEX embedding_queue_failed ON public.embedding_queue USING btree (user_id) WHERE (failure IS NOT NULL);
CREATE INDEX embedding_queue_retries ON public.embedding_queue USING btree (attempts, leased_until) WHERE ((attempts > 0) AND (failure IS NULL));
CREATE INDEX embedding_queue_turn ON public.embedding_queue USING btree (renewal, user_id, queued_at) WHERE ((attempts = 0) AND (failure IS NULL));
alter table embedding_queue enable row level security;
alter table embedding_queue force row level security;
create policy owner on embedding_queue to owner using (true) with check (true);
create policy tenant on embedding_queue to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on embedding_queue to wm_app;

create table export_chunks (
  user_id uuid not null,
  export_id uuid not null,
  chunk integer not null,
  bytes bytea not null,
  constraint export_chunks_pkey PRIMARY KEY (user_id, export_id, chunk),
  constraint export_chunks_user_id_export_id_fkey FOREIGN KEY (user_id, export_id) REFERENCES exports(user_id, id) ON DELETE CASCADE
);
alter table export_chunks enable row level security;
alter table export_chunks force row level security;
create policy owner on export_chunks to owner using (true) with check (true);
create policy tenant on export_chunks to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on export_chunks to wm_app;

create table exports (
  user_id uuid not null,
  id uuid not null,
  status text not null,
  created_at timestamp with time zone not null,
  ready_at timestamp with time zone,
  expires_at timestamp with time zone,
  bytes bigint,
  chunks integer,
  counts jsonb,
  revision integer default 0 not null,
  constraint exports_pkey PRIMARY KEY (user_id, id),
  constraint exports_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint exports_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'ready'::text, 'failed'::text, 'erased'::text])))
);
CREATE INDEX exports_age ON public.exports USING btree (created_at);
CREATE UNIQUE INDEX exports_pending ON public.exports USING btree (user_id) WHERE (status = 'pending'::text);
alter table exports enable row level security;
alter table exports force row level security;
create policy owner on exports to owner using (true) with check (true);
create policy tenant on exports to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on exports to wm_app;

create table idempotency_keys (
  user_id uuid not null,
  key text not null,
  request_hash bytea not null,
  status smallint,
  body jsonb,
  holds_secret boolean default false not null,
  event_id uuid not null,
  day date not null,
  created_at timestamp with time zone not null,
  constraint idempotency_keys_pkey PRIMARY KEY (user_id, key),
  constraint idempotency_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);
CREATE INDEX idempotency_keys_age ON public.idempotency_keys USING btree (created_at);
alter table idempotency_keys enable row level security;
alter table idempotency_keys force row level security;
create policy owner on idempotency_keys to owner using (true) with check (true);
create policy tenant on idempotency_keys to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on idempotency_keys to wm_app;

create table import_chunks (
  user_id uuid not null,
  import_id uuid not null,
  chunk integer not null,
  bytes bytea not null,
  constraint import_chunks_pkey PRIMARY KEY (user_id, import_id, chunk),
  constraint import_chunks_user_id_import_id_fkey FOREIGN KEY (user_id, import_id) REFERENCES imports(user_id, id) ON DELETE CASCADE
);
alter table import_chunks enable row level security;
alter table import_chunks force row level security;
create policy owner on import_chunks to owner using (true) with check (true);
create policy projects on import_chunks as restrictive to wm_bound using (((( SELECT CURRENT_USER AS "current_user") <> 'wm_bound'::name) OR false)) with check (((( SELECT CURRENT_USER AS "current_user") <> 'wm_bound'::name) OR false));
create policy tenant on import_chunks to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on import_chunks to wm_app;

create table import_findings (
  user_id uuid not null,
  import_id uuid not null,
  finding integer not null,
  line integer not null,
  what text not null,
  code text not null,
  why text not null,
  constraint import_findings_pkey PRIMARY KEY (user_id, import_id, finding),
  constraint import_findings_user_id_import_id_fkey FOREIGN KEY (user_id, import_id) REFERENCES imports(user_id, id) ON DELETE CASCADE
);
alter table import_findings enable row level security;
alter table import_findings force row level security;
create policy owner on import_findings to owner using (true) with check (true);
create policy tenant on import_findings to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on import_findings to wm_app;

create table import_items (
  user_id uuid not null,
  import_id uuid not null,
  item integer not null,
  line integer not null,
  kind text not null,
  label text not null,
  size_bytes integer not null,
  data json not null,
  constraint import_items_pkey PRIMARY KEY (user_id, import_id, item),
  constraint import_items_user_id_import_id_fkey FOREIGN KEY (user_id, import_id) REFERENCES imports(user_id, id) ON DELETE CASCADE
);
alter table import_items enable row level security;
alter table import_items force row level security;
create policy owner on import_items to owner using (true) with check (true);
create policy projects on import_items as restrictive to wm_bound using (((( SELECT CURRENT_USER AS "current_user") <> 'wm_bound'::name) OR false)) with check (((( SELECT CURRENT_USER AS "current_user") <> 'wm_bound'::name) OR false));
create policy tenant on import_items to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on import_items to wm_app;

create table imports (
  user_id uuid not null,
  id uuid not null,
  status text not null,
  name text not null,
  options jsonb not null,
  format text,
  is_run boolean default false not null,
  embeds boolean default false not null,
  uploaded_bytes bigint default 0 not null,
  read_bytes bigint default 0 not null,
  counts jsonb not null,
  reason text,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  finished_at timestamp with time zone,
  constraint imports_pkey PRIMARY KEY (user_id, id),
  constraint imports_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint imports_status_check CHECK ((status = ANY (ARRAY['uploading'::text, 'checking'::text, 'checked'::text, 'importing'::text, 'completed'::text, 'stopped'::text, 'failed'::text])))
);
CREATE INDEX imports_age ON public.imports USING btree (updated_at);
alter table imports enable row level security;
alter table imports force row level security;
create policy owner on imports to owner using (true) with check (true);
create policy tenant on imports to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on imports to wm_app;

create table ip_salts (
  day date not null,
  salt bytea not null,
  constraint ip_salts_pkey PRIMARY KEY (day)
);

create table key_lookup (
  key_hash bytea not null,
  user_id uuid not null,
  key_id uuid not null,
  expires_at timestamp with time zone,
  scopes text[],
  constraint key_lookup_pkey PRIMARY KEY (key_hash),
  constraint key_lookup_user_id_key_id_fkey FOREIGN KEY (user_id, key_id) REFERENCES api_keys(user_id, id) ON DELETE CASCADE
);
CREATE INDEX key_lookup_expiry ON public.key_lookup USING btree (expires_at) WHERE (expires_at IS NOT NULL);
CREATE INDEX key_lookup_key ON public.key_lookup USING btree (user_id, key_id);
alter table key_lookup enable row level security;
alter table key_lookup force row level security;
create policy owner on key_lookup to owner using (true) with check (true);
create policy tenant on key_lookup to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant insert on key_lookup to wm_app;

create table lexicon (
  user_id uuid not null,
  hash bigint not null,
  lexeme text not null,
  memories integer not null,
  constraint lexicon_pkey PRIMARY KEY (user_id, hash),
  constraint lexicon_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);
CREATE INDEX lexicon_lexeme ON public.lexicon USING btree (user_id, lexeme COLLATE "C");
alter table lexicon enable row level security;
alter table lexicon force row level security;
create policy owner on lexicon to owner using (true) with check (true);
create policy tenant on lexicon to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on lexicon to wm_app;

create table memberships (
  user_id uuid not null,
  id text not null,
  status text not null,
  plan_id text,
  product_id text,
  tier text not null,
  period_end timestamp with time zone,
  gave_access boolean not null,
  cancel_at_period_end boolean not null,
  manage_url text,
  license_hash bytea,
  changed_at timestamp with time zone,
  read_at timestamp with time zone not null,
  confirmed boolean not null,
  constraint memberships_pkey PRIMARY KEY (user_id, id),
  constraint memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint memberships_tier_check CHECK ((tier = ANY (ARRAY['free'::text, 'starter'::text, 'pro'::text, 'enterprise'::text])))
);
CREATE INDEX memberships_id ON public.memberships USING btree (id);
alter table memberships enable row level security;
alter table memberships force row level security;
create policy owner on memberships to owner using (true) with check (true);
create policy tenant on memberships to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on memberships to wm_app;

create table memories (
  user_id uuid not null,
  id uuid not null,
  type text not null,
  status text not null,
  title text not null,
  content text not null,
  tags text[] default '{}'::text[] not null,
  metadata jsonb default '{}'::jsonb not null,
  project text,
  session_id text,
  occurred_at timestamp with time zone,
  expires_at timestamp with time zone,
  supersedes uuid,
  consolidated_into uuid,
  version integer default 1 not null,
  content_hash bytea not null,
  size_bytes integer not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  terms bigint[] default '{}'::bigint[] not null,
  frequencies smallint[] default '{}'::smallint[] not null,
  length integer default 0 not null,
  is_digest boolean default false not null,
  occurred_offset_minutes smallint default 0 not null,
  term_blocks bigint[] default '{}'::bigint[] not null,
  constraint memories_pkey PRIMARY KEY (user_id, id),
  constraint memories_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint memories_status_check CHECK ((status = ANY (ARRAY['active'::text, 'archived'::text]))),
  constraint memories_type_check CHECK ((type = ANY (ARRAY['short_term'::text, 'long_term'::text])))
);
CREATE INDEX memories_created ON public.memories USING btree (user_id, status, created_at DESC, id DESC);
CREATE INDEX memories_digests ON public.memories USING btree (user_id) WHERE is_digest;
CREATE UNIQUE INDEX memories_exact_duplicate ON public.memories USING btree (user_id, content_hash, type, expires_at, supersedes) NULLS NOT DISTINCT WHERE (status = 'active'::text);
CREATE INDEX memories_supersedes ON public.memories USING btree (user_id, supersedes) WHERE (supersedes IS NOT NULL);
CREATE INDEX memories_terms ON public.memories USING gin (terms) WITH (fastupdate=off);
CREATE INDEX memories_turns ON public.memories USING btree (user_id, session_id, COALESCE(occurred_at, created_at), id) WHERE (session_id IS NOT NULL);
CREATE INDEX memories_updated ON public.memories USING btree (user_id, status, updated_at DESC, id DESC);
alter table memories enable row level security;
alter table memories force row level security;
create policy owner on memories to owner using (true) with check (true);
create policy projects on memories as restrictive to wm_bound using (((( SELECT CURRENT_USER AS "current_user") <> 'wm_bound'::name) OR (COALESCE(project, 'none'::text) = ANY (( SELECT current_projects() AS current_projects)::text[])))) with check (((( SELECT CURRENT_USER AS "current_user") <> 'wm_bound'::name) OR (COALESCE(project, 'none'::text) = ANY (( SELECT current_projects() AS current_projects)::text[]))));
create policy tenant on memories to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on memories to wm_app;

create table memory_cells (
  user_id uuid not null,
  model text not null,
  cell integer not null,
  code bit varying not null,
  codes_when_cut integer not null,
  constraint memory_cells_pkey PRIMARY KEY (user_id, model, cell),
  constraint memory_cells_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);
alter table memory_cells enable row level security;
alter table memory_cells force row level security;
create policy owner on memory_cells to owner using (true) with check (true);
create policy tenant on memory_cells to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on memory_cells to wm_app;

create table memory_codes (
  user_id uuid not null,
  model text not null,
  memory_id uuid not null,
  chunk smallint not null,
  code bit varying not null,
  cell integer,
  constraint memory_codes_pkey PRIMARY KEY (user_id, memory_id, model, chunk),
  constraint memory_codes_user_id_memory_id_fkey FOREIGN KEY (user_id, memory_id) REFERENCES memories(user_id, id) ON DELETE CASCADE,
  constraint memory_codes_user_id_model_cell_fkey FOREIGN KEY (user_id, model, cell) REFERENCES memory_cells(user_id, model, cell) ON DELETE SET NULL (cell)
);
CREATE INDEX memory_codes_cell ON public.memory_codes USING btree (user_id, model, cell) INCLUDE (memory_id, code);
CREATE INDEX memory_codes_last_passage ON public.memory_codes USING btree (user_id) WHERE (chunk = 511);
alter table memory_codes enable row level security;
alter table memory_codes force row level security;
create policy owner on memory_codes to owner using (true) with check (true);
create policy tenant on memory_codes to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on memory_codes to wm_app;

create table memory_vectors (
  user_id uuid not null,
  memory_id uuid not null,
  model text not null,
  chunk smallint not null,
  first_character integer not null,
  last_character integer not null,
  vector bytea,
  tokens bytea,
  token_codes bytea,
  vector_int8 bytea,
  constraint memory_vectors_pkey PRIMARY KEY (user_id, memory_id, model, chunk),
  constraint memory_vectors_user_id_memory_id_fkey FOREIGN KEY (user_id, memory_id) REFERENCES memories(user_id, id) ON DELETE CASCADE
);
CREATE INDEX memory_vectors_without_token_codes_index ON public.memory_vectors USING btree (user_id, memory_id) WHERE (token_codes IS NULL);
alter table memory_vectors enable row level security;
alter table memory_vectors force row level security;
create policy owner on memory_vectors to owner using (true) with check (true);
create policy tenant on memory_vectors to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on memory_vectors to wm_app;

create table memory_versions (
  user_id uuid not null,
  memory_id uuid not null,
  version integer not null,
  type text not null,
  status text not null,
  title text not null,
  content text not null,
  tags text[] not null,
  metadata jsonb not null,
  project text,
  session_id text,
  occurred_at timestamp with time zone,
  expires_at timestamp with time zone,
  supersedes uuid,
  size_bytes integer not null,
  written_at timestamp with time zone not null,
  occurred_offset_minutes smallint default 0 not null,
  constraint memory_versions_pkey PRIMARY KEY (user_id, memory_id, version),
  constraint memory_versions_user_id_memory_id_fkey FOREIGN KEY (user_id, memory_id) REFERENCES memories(user_id, id) ON DELETE CASCADE
);
alter table memory_versions enable row level security;
alter table memory_versions force row level security;
create policy owner on memory_versions to owner using (true) with check (true);
create policy projects on memory_versions as restrictive to wm_bound using (((( SELECT CURRENT_USER AS "current_user") <> 'wm_bound'::name) OR (EXISTS ( SELECT 1
   FROM memories m
  WHERE ((m.user_id = memory_versions.user_id) AND (m.id = memory_versions.memory_id)))))) with check (((( SELECT CURRENT_USER AS "current_user") <> 'wm_bound'::name) OR (EXISTS ( SELECT 1
   FROM memories m
  WHERE ((m.user_id = memory_versions.user_id) AND (m.id = memory_versions.memory_id))))));
create policy tenant on memory_versions to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on memory_versions to wm_app;

create table oauth_artifacts (
  kind text not null,
  id_hash bytea not null,
  user_id uuid,
  grant_id uuid,
  payload jsonb not null,
  expires_at timestamp with time zone not null,
  consumed_at timestamp with time zone,
  constraint oauth_artifacts_pkey PRIMARY KEY (kind, id_hash),
  constraint oauth_artifacts_user_id_grant_id_fkey FOREIGN KEY (user_id, grant_id) REFERENCES api_keys(user_id, id) ON DELETE CASCADE,
  constraint oauth_artifacts_check CHECK (((user_id IS NULL) = (grant_id IS NULL)))
);
CREATE INDEX oauth_artifacts_expiry ON public.oauth_artifacts USING btree (expires_at);
CREATE INDEX oauth_artifacts_grant ON public.oauth_artifacts USING btree (user_id, grant_id);
alter table oauth_artifacts enable row level security;
alter table oauth_artifacts force row level security;
create policy owner on oauth_artifacts to owner using (true) with check (true);
create policy tenant on oauth_artifacts to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));

create table oauth_clients (
  id text not null,
  metadata jsonb not null,
  created_at timestamp with time zone not null,
  used_at timestamp with time zone,
  constraint oauth_clients_pkey PRIMARY KEY (id)
);
CREATE INDEX oauth_clients_age ON public.oauth_clients USING btree (COALESCE(used_at, created_at));

create table outbox (
  user_id uuid not null,
  id uuid not null,
  kind text not null,
  recipient text not null,
  template text not null,
  data jsonb not null,
  created_at timestamp with time zone not null,
  sent_at timestamp with time zone,
  rejected_at timestamp with time zone,
  last_error text,
  constraint outbox_pkey PRIMARY KEY (user_id, id),
  constraint outbox_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint outbox_kind_check CHECK ((kind = 'mail'::text))
);
CREATE INDEX outbox_newest ON public.outbox USING btree (created_at, id);
alter table outbox enable row level security;
alter table outbox force row level security;
create policy owner on outbox to owner using (true) with check (true);
create policy tenant on outbox to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on outbox to wm_app;

create table quotas (
  user_id uuid not null,
  storage_bytes bigint default 0 not null,
  memories bigint default 0 not null,
  words bigint default 0 not null,
  constraint quotas_pkey PRIMARY KEY (user_id),
  constraint quotas_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint quotas_memories_check CHECK ((memories >= 0)),
  constraint quotas_storage_bytes_check CHECK ((storage_bytes >= 0)),
  constraint quotas_words_check CHECK ((words >= 0))
);
alter table quotas enable row level security;
alter table quotas force row level security;
create policy owner on quotas to owner using (true) with check (true);
create policy tenant on quotas to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on quotas to wm_app;

create table reconciliation_differences (
  user_id uuid not null,
  id uuid not null,
  reconciliation_id uuid not null,
  membership_id text,
  what text not null,
  value_before text,
  value_after text not null,
  constraint reconciliation_differences_pkey PRIMARY KEY (user_id, id),
  constraint reconciliation_differences_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);
CREATE INDEX reconciliation_differences_of ON public.reconciliation_differences USING btree (reconciliation_id, id);
alter table reconciliation_differences enable row level security;
alter table reconciliation_differences force row level security;
create policy owner on reconciliation_differences to owner using (true) with check (true);
create policy tenant on reconciliation_differences to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on reconciliation_differences to wm_app;

create table reconciliations (
  id uuid not null,
  started_at timestamp with time zone not null,
  finished_at timestamp with time zone,
  memberships integer default 0 not null,
  differences integer default 0 not null,
  failed integer default 0 not null,
  error text,
  constraint reconciliations_pkey PRIMARY KEY (id)
);

create table service_days (
  day date not null,
  minutes integer not null,
  first_minute timestamp with time zone not null,
  last_minute timestamp with time zone not null,
  constraint service_days_pkey PRIMARY KEY (day)
);

create table session_lookup (
  token_hash bytea not null,
  user_id uuid not null,
  session_id uuid not null,
  constraint session_lookup_pkey PRIMARY KEY (token_hash),
  constraint session_lookup_user_id_session_id_fkey FOREIGN KEY (user_id, session_id) REFERENCES sessions(user_id, id) ON DELETE CASCADE
);
CREATE INDEX session_lookup_id ON public.session_lookup USING btree (user_id, session_id);
alter table session_lookup enable row level security;
alter table session_lookup force row level security;
create policy owner on session_lookup to owner using (true) with check (true);
create policy tenant on session_lookup to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));

create table sessions (
  user_id uuid not null,
  id uuid not null,
  created_at timestamp with time zone not null,
  last_seen_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  label text default ''::text not null,
  constraint sessions_pkey PRIMARY KEY (user_id, id),
  constraint sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);
CREATE INDEX sessions_expiry ON public.sessions USING btree (expires_at);
alter table sessions enable row level security;
alter table sessions force row level security;
create policy owner on sessions to owner using (true) with check (true);
create policy tenant on sessions to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on sessions to wm_app;

create table sign_in_links (
  token_hash bytea not null,
  user_id uuid,
  email text,
  method text not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  used_at timestamp with time zone,
  constraint sign_in_links_pkey PRIMARY KEY (token_hash),
  constraint sign_in_links_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint sign_in_links_check CHECK (((user_id IS NULL) <> (email IS NULL))),
  constraint sign_in_links_method_check CHECK ((method = ANY (ARRAY['email'::text, 'local'::text])))
);
CREATE INDEX sign_in_links_email ON public.sign_in_links USING btree (lower(email), created_at);
CREATE INDEX sign_in_links_expiry ON public.sign_in_links USING btree (expires_at);
CREATE INDEX sign_in_links_user ON public.sign_in_links USING btree (user_id, created_at);
alter table sign_in_links enable row level security;
alter table sign_in_links force row level security;
create policy owner on sign_in_links to owner using (true) with check (true);
create policy tenant on sign_in_links to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));

create table term_queue (
  user_id uuid not null,
  memory_id uuid not null,
  constraint term_queue_pkey PRIMARY KEY (user_id, memory_id),
  constraint term_queue_user_id_memory_id_fkey FOREIGN KEY (user_id, memory_id) REFERENCES memories(user_id, id) ON DELETE CASCADE
);
alter table term_queue enable row level security;
alter table term_queue force row level security;
create policy owner on term_queue to owner using (true) with check (true);
create policy tenant on term_queue to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on term_queue to wm_app;

create table usage_alerts (
  user_id uuid not null,
  kind text not null,
  threshold smallint not null,
  period text not null,
  at timestamp with time zone not null,
  constraint usage_alerts_pkey PRIMARY KEY (user_id, kind, threshold, period),
  constraint usage_alerts_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint usage_alerts_kind_check CHECK ((kind = ANY (ARRAY['calls'::text, 'storage'::text]))),
  constraint usage_alerts_threshold_check CHECK ((threshold = ANY (ARRAY[80, 100])))
);
alter table usage_alerts enable row level security;
alter table usage_alerts force row level security;
create policy owner on usage_alerts to owner using (true) with check (true);
create policy tenant on usage_alerts to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on usage_alerts to wm_app;

create table usage_daily (
  user_id uuid not null,
  day date not null,
  transport text not null,
  operation text not null,
  calls bigint default 0 not null,
  billable bigint default 0 not null,
  errors bigint default 0 not null,
  duration_ms double precision default 0 not null,
  bytes_in bigint default 0 not null,
  bytes_out bigint default 0 not null,
  units bigint default 0 not null,
  tokens bigint default 0 not null,
  key_id uuid default '00000000-0000-0000-0000-000000000000'::uuid not null,
  client text default ''::text not null,
  last_at timestamp with time zone,
  duration_counts integer[] default '{}'::integer[] not null,
  constraint usage_daily_pkey PRIMARY KEY (user_id, day, transport, operation, key_id, client),
  constraint usage_daily_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);
alter table usage_daily enable row level security;
alter table usage_daily force row level security;
create policy owner on usage_daily to owner using (true) with check (true);
create policy tenant on usage_daily to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on usage_daily to wm_app;

create table usage_events (
  user_id uuid not null,
  day date not null,
  id uuid not null,
  at timestamp with time zone not null,
  api_key_id uuid,
  transport text not null,
  operation text not null,
  method text not null,
  status smallint not null,
  billable boolean not null,
  duration_ms real not null,
  bytes_in integer not null,
  bytes_out integer not null,
  units integer default 0 not null,
  tokens integer,
  client text,
  request_id text,
  code text,
  constraint usage_events_pkey PRIMARY KEY (user_id, day, id),
  constraint usage_events_user_id_api_key_id_fkey FOREIGN KEY (user_id, api_key_id) REFERENCES api_keys(user_id, id) ON DELETE SET NULL (api_key_id),
  constraint usage_events_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint usage_events_transport_check CHECK ((transport = ANY (ARRAY['rest'::text, 'mcp_http'::text, 'mcp_stdio'::text, 'dashboard'::text])))
) partition by RANGE (day);
alter table usage_events enable row level security;
alter table usage_events force row level security;
create policy owner on usage_events to owner using (true) with check (true);
create policy tenant on usage_events to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on usage_events to wm_app;

create table users (
  id uuid not null,
  email text,
  plan text not null,
  status text default 'active'::text not null,
  overrides jsonb default '{}'::jsonb not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  last_seen_at timestamp with time zone,
  whop_user_id text,
  welcomed_at timestamp with time zone,
  read_only_since timestamp with time zone,
  closing_since timestamp with time zone,
  purge_at timestamp with time zone,
  purge_warning smallint,
  is_operator boolean default false not null,
  terms_version text,
  terms_accepted_at timestamp with time zone,
  constraint users_pkey PRIMARY KEY (id),
  constraint users_whop_user_id UNIQUE (whop_user_id),
  constraint users_plan_check CHECK ((plan = ANY (ARRAY['free'::text, 'starter'::text, 'pro'::text, 'enterprise'::text]))),
  constraint users_status_check CHECK ((status = ANY (ARRAY['active'::text, 'read_only'::text, 'closing'::text, 'deleted'::text])))
);
CREATE INDEX users_email ON public.users USING btree (lower(email));
CREATE INDEX users_email_prefix ON public.users USING btree (lower(email) text_pattern_ops);
CREATE INDEX users_purge ON public.users USING btree (purge_at) WHERE (purge_at IS NOT NULL);
CREATE INDEX users_whop_prefix ON public.users USING btree (whop_user_id text_pattern_ops);
alter table users enable row level security;
alter table users force row level security;
create policy owner on users to owner using (true) with check (true);
create policy tenant on users for select to wm_app using ((id = current_tenant()));
grant select on users to wm_app;

create table webhook_deliveries (
  user_id uuid not null,
  webhook_id uuid not null,
  id uuid not null,
  "position" bigint generated as identity not null,
  type text not null,
  subject uuid,
  data jsonb not null,
  occurred_at timestamp with time zone not null,
  state text default 'pending'::text not null,
  attempts integer default 0 not null,
  first_attempt_at timestamp with time zone,
  last_attempt_at timestamp with time zone,
  next_attempt_at timestamp with time zone,
  response_status integer,
  duration_ms integer,
  error text,
  finished_at timestamp with time zone,
  constraint webhook_deliveries_pkey PRIMARY KEY (user_id, webhook_id, id),
  constraint webhook_deliveries_user_id_webhook_id_fkey FOREIGN KEY (user_id, webhook_id) REFERENCES webhooks(user_id, id) ON DELETE CASCADE,
  constraint webhook_deliveries_check CHECK (((state = 'pending'::text) = (next_attempt_at IS NOT NULL))),
  constraint webhook_deliveries_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'delivered'::text, 'failed'::text])))
);
CREATE INDEX webhook_deliveries_age ON public.webhook_deliveries USING btree (occurred_at);
CREATE INDEX webhook_deliveries_due ON public.webhook_deliveries USING btree (user_id, webhook_id, next_attempt_at, "position") WHERE (state = 'pending'::text);
CREATE INDEX webhook_deliveries_newest ON public.webhook_deliveries USING btree (user_id, webhook_id, "position" DESC);
CREATE INDEX webhook_deliveries_subject ON public.webhook_deliveries USING btree (user_id, webhook_id, subject, "position") WHERE (state = 'pending'::text);
alter table webhook_deliveries enable row level security;
alter table webhook_deliveries force row level security;
create policy owner on webhook_deliveries to owner using (true) with check (true);
create policy tenant on webhook_deliveries to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on webhook_deliveries to wm_app;

create table webhook_inbox (
  webhook_id text not null,
  type text not null,
  payload json not null,
  received_at timestamp with time zone not null,
  deliveries integer default 1 not null,
  ignored boolean not null,
  processed_at timestamp with time zone,
  attempts integer default 0 not null,
  last_error text,
  constraint webhook_inbox_pkey PRIMARY KEY (webhook_id)
);
CREATE INDEX webhook_inbox_age ON public.webhook_inbox USING btree (received_at);

create table webhooks (
  user_id uuid not null,
  id uuid not null,
  url text not null,
  description text not null,
  events text[] not null,
  status text not null,
  disabled_reason text,
  secret text not null,
  previous_secret text,
  previous_secret_expires_at timestamp with time zone,
  waiting integer default 0 not null,
  failures integer default 0 not null,
  failing_since timestamp with time zone,
  last_delivered_at timestamp with time zone,
  due_at timestamp with time zone,
  paused_until timestamp with time zone,
  lease_id uuid,
  leased_until timestamp with time zone,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint webhooks_pkey PRIMARY KEY (user_id, id),
  constraint webhooks_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint webhooks_check CHECK (((status = 'disabled'::text) = (disabled_reason IS NOT NULL))),
  constraint webhooks_disabled_reason_check CHECK ((disabled_reason = ANY (ARRAY['owner'::text, 'plan'::text, 'gone'::text, 'failing'::text, 'backlog'::text]))),
  constraint webhooks_status_check CHECK ((status = ANY (ARRAY['enabled'::text, 'disabled'::text])))
);
CREATE INDEX webhooks_due ON public.webhooks USING btree (due_at) WHERE (due_at IS NOT NULL);
alter table webhooks enable row level security;
alter table webhooks force row level security;
create policy owner on webhooks to owner using (true) with check (true);
create policy tenant on webhooks to wm_app using ((user_id = current_tenant())) with check ((user_id = current_tenant()));
grant delete, insert, select, update on webhooks to wm_app;

create view ranked_memories as
 SELECT user_id,
    id,
    type,
    status,
    title,
    content,
    tags,
    metadata,
    project,
    session_id,
    occurred_at,
    expires_at,
    supersedes,
    consolidated_into,
    version,
    content_hash,
    size_bytes,
    created_at,
    updated_at,
    terms,
    frequencies,
    length,
    occurred_offset_minutes
   FROM memories
  WHERE (((user_id = current_tenant()) IS TRUE) AND ((( SELECT current_projects() AS current_projects) IS NULL) OR (COALESCE(project, 'none'::text) = ANY (( SELECT current_projects() AS current_projects)::text[]))));

grant usage on schema public to wm_app;
