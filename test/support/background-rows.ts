import type pg from 'pg';

/** Statements that insert the rows of background work, which a test service does not do, for existing users and memories. */
const STATEMENTS: Record<string, string> = {
  embedding_queue: 'insert into embedding_queue (user_id, memory_id) select user_id, id from memories',
  term_queue: 'insert into term_queue (user_id, memory_id) select user_id, id from memories',
  memory_vectors: `insert into memory_vectors (user_id, memory_id, model, chunk, first_character, last_character, vector_int8)
    select user_id, id, 'test', 0, 0, 1, '\\x00' from memories`,
  embedding_models: `insert into embedding_models (model) values ('test')`,
  memory_cells: `insert into memory_cells (user_id, model, cell, code, codes_when_cut) select id, 'test', 1, B'01', 1 from users`,
  memory_codes: `insert into memory_codes (user_id, model, memory_id, chunk, code)
    select user_id, 'test', id, 0, B'01' from memories`,
  usage_alerts: `insert into usage_alerts (user_id, kind, threshold, period, at)
    select id, 'calls', 80, '2026-11-02', now() from users`,
  claims: `insert into claims (user_id, id, created_at, expires_at) select id, id, now(), now() from users`,
  claim_lookup: `insert into claim_lookup (token_hash, user_id, claim_id) select sha256(id::text::bytea), user_id, id from claims`,
  sessions: `insert into sessions (user_id, id, created_at, last_seen_at, expires_at) select id, id, now(), now(), now() from users`,
  session_lookup: `insert into session_lookup (token_hash, user_id, session_id)
    select sha256(id::text::bytea), user_id, id from sessions`,
  device_logins: `insert into device_logins (device_hash, user_code, name, created_at, expires_at, user_id, status)
    select sha256('device'), 'BCDFGHJK', 'program', now(), now() + interval '10 minutes', id, 'approved' from users limit 1`,
  sign_in_links: `insert into sign_in_links (token_hash, user_id, method, created_at, expires_at)
    select sha256(id::text::bytea), id, 'email', now(), now() from users`,
  oauth_clients: `insert into oauth_clients (id, metadata, created_at) values ('test', '{}', now())`,
  apps: `insert into api_keys (user_id, id, name, prefix, last4, scopes, expires_at, created_at, client_id, client_host)
    select id, id, 'Claude', '', '', '{memories:read}', now(), now(), 'test', 'claude.ai' from users`,
  access_tokens: `insert into key_lookup (key_hash, user_id, key_id, scopes, expires_at)
    select sha256(('token ' || id)::bytea), id, id, '{memories:read}', now() from users`,
  oauth_artifacts: `insert into oauth_artifacts (kind, id_hash, user_id, grant_id, payload, expires_at)
    select 'Grant', sha256(id::text::bytea), id, id, '{}', now() from users`,
  memberships: `insert into memberships (user_id, id, status, tier, gave_access, cancel_at_period_end, read_at, confirmed)
    select id, 'mem_' || id, 'active', 'pro', true, false, now(), true from users`,
  closed_memberships: `insert into closed_memberships (membership_hash, closed_at) values ('\\x00', now())`,
  webhook_inbox: `insert into webhook_inbox (webhook_id, type, payload, received_at, ignored)
    values ('msg_test', 'membership.activated', '{}', now(), false)`,
  reconciliations: `insert into reconciliations (id, started_at) values ('019ab0c0-0000-7000-8000-000000000001', now())`,
  reconciliation_differences: `insert into reconciliation_differences (user_id, id, reconciliation_id, what, value_after)
    select id, id, '019ab0c0-0000-7000-8000-000000000001', 'plan', 'pro' from users`,
  exports: `insert into exports (user_id, id, status, created_at, chunks)
    select id, id, 'ready', now(), 1 from users`,
  export_chunks: `insert into export_chunks (user_id, export_id, chunk, bytes) select user_id, id, 0, '\\x00' from exports`,
  imports: `insert into imports (user_id, id, status, name, options, counts, created_at, updated_at)
    select id, id, 'checked', 'notes.md', '{}', '{}', now(), now() from users`,
  import_chunks: `insert into import_chunks (user_id, import_id, chunk, bytes) select user_id, id, 0, '\\x00' from imports`,
  import_items: `insert into import_items (user_id, import_id, item, line, kind, label, size_bytes, data)
    select user_id, id, 0, 1, 'memory', 'Notes', 5, '{}' from imports`,
  import_findings: `insert into import_findings (user_id, import_id, finding, line, what, code, why)
    select user_id, id, 1, 1, 'Notes', 'rejected', 'too long' from imports`,
  webhooks: `insert into webhooks (user_id, id, url, description, events, status, secret, created_at, updated_at)
    select id, id, 'https://example.com/', '', '{key.created}', 'enabled', 'whsec_', now(), now() from users`,
  webhook_deliveries: `insert into webhook_deliveries (user_id, webhook_id, id, type, data, occurred_at, next_attempt_at)
    select user_id, id, id, 'key.created', '{}', now(), now() from webhooks`,
  ip_salts: `insert into ip_salts (day, salt) values ('2026-11-30', '\\x00')`,
  service_days: `insert into service_days (day, minutes, first_minute, last_minute) values ('2026-11-30', 1, now(), now())`,
  backups: `insert into backups (id, kind, archive, started_at, finished_at, bytes, row_count)
    values ('019ab0c0-0000-7000-8000-000000000001', 'backup', 'whitemagic.tar.gz', now(), now(), 1, 1)`,
  deletion_receipts: `insert into deletion_receipts (user_id, reason, purged_at, counts)
    values ('019ab0c0-0000-7000-8000-000000000000', 'asked', now(), '{}')`,
};

/** Fills the tables of background work, for every existing user and memory. */
export async function addBackgroundRows(owner: pg.Client): Promise<void> {
  for (const statement of Object.values(STATEMENTS)) await owner.query(`${statement} on conflict do nothing`);
}
