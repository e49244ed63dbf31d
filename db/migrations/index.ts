import type { Knex } from 'knex';
import * as createAccounts from './20261123180000_create_accounts.ts';
import * as createMemories from './20261123180100_create_memories.ts';
import * as createRetrieval from './20261123180150_create_retrieval.ts';
import * as createUsage from './20261123180200_create_usage.ts';
import * as createDelivery from './20261123180300_create_delivery.ts';
import * as createUsageUnits from './20261123190000_create_usage_units.ts';
import * as createUsageAlerts from './20261123190100_create_usage_alerts.ts';
import * as createCells from './20261123190200_create_cells.ts';
import * as createRankedMemories from './20261123190300_create_ranked_memories.ts';
import * as createBilling from './20261123200000_create_billing.ts';
import * as createClaimsAndSessions from './20261123200100_create_claims_and_sessions.ts';
import * as createLifecycle from './20261123200200_create_lifecycle.ts';
import * as writeTermsAtOnce from './20261124001000_write_terms_at_once.ts';
import * as renameDoorToTransport from './20261129070000_rename_door_to_transport.ts';
import * as renameExactDuplicateIndex from './20261129100000_rename_exact_duplicate_index.ts';
import * as renameOutboxRefusedAt from './20261129100100_rename_outbox_refused_at.ts';
import * as normalizeNames from './20261129110000_normalize_names.ts';
import * as stripKeptResponses from './20261129113000_strip_kept_responses.ts';
import * as addDigestMarker from './20261129120000_add_digest_marker.ts';
import * as createTermQueue from './20261129130000_create_term_queue.ts';
import * as makeQueueRevisionsUnique from './20261129140000_make_queue_revisions_unique.ts';
import * as addOccurredOffset from './20261129141000_add_occurred_offset.ts';
import * as queueChineseTerms from './20261129142000_queue_chinese_terms.ts';
import * as addEmbeddingAttempts from './20261129150000_add_embedding_attempts.ts';
import * as addTermBlocks from './20261129160000_add_term_blocks.ts';
import * as addOccurredOffsetToRankedMemories from './20261129160100_add_occurred_offset_to_ranked_memories.ts';
import * as addDashboardSessions from './20261129170000_add_dashboard_sessions.ts';
import * as createSignInLinks from './20261129171000_create_sign_in_links.ts';
import * as recordClientsOfCalls from './20261129180000_record_clients_of_calls.ts';
import * as addOperators from './20261129210000_add_operators.ts';
import * as createImports from './20261129220000_create_imports.ts';
import * as createOAuth from './20261129230100_create_oauth.ts';
import * as createDeviceLogins from './20261129231000_create_device_logins.ts';
import * as bindKeysToProjects from './20261129232000_bind_keys_to_projects.ts';
import * as createWebhooks from './20261129233000_create_webhooks.ts';
import * as createBackups from './20261129234000_create_backups.ts';
import * as createIpSalts from './20261130000100_create_ip_salts.ts';
import * as recordAcceptedTerms from './20261130000200_record_accepted_terms.ts';
import * as createServiceDays from './20261130000300_create_service_days.ts';
import * as storeTokenCodes from './20261130001000_store_token_codes.ts';
import * as addTokenCodes from './20261130002000_add_token_codes.ts';
import * as embed512Passages from './20261130002100_embed_512_passages.ts';
import * as storeVectorsAsBytes from './20261130003000_store_vectors_as_bytes.ts';

/** Every migration in its order. A name, once merged, never changes: the database remembers it. */
const migrations: Record<string, Knex.Migration> = {
  '20261123180000_create_accounts': createAccounts,
  '20261123180100_create_memories': createMemories,
  '20261123180150_create_retrieval': createRetrieval,
  '20261123180200_create_usage': createUsage,
  '20261123180300_create_delivery': createDelivery,
  '20261123190000_create_usage_units': createUsageUnits,
  '20261123190100_create_usage_alerts': createUsageAlerts,
  '20261123190200_create_cells': createCells,
  '20261123190300_create_ranked_memories': createRankedMemories,
  '20261123200000_create_billing': createBilling,
  '20261123200100_create_claims_and_sessions': createClaimsAndSessions,
  '20261123200200_create_lifecycle': createLifecycle,
  '20261124001000_write_terms_at_once': writeTermsAtOnce,
  '20261129070000_rename_door_to_transport': renameDoorToTransport,
  '20261129100000_rename_exact_duplicate_index': renameExactDuplicateIndex,
  '20261129100100_rename_outbox_refused_at': renameOutboxRefusedAt,
  '20261129110000_normalize_names': normalizeNames,
  '20261129113000_strip_kept_responses': stripKeptResponses,
  '20261129120000_add_digest_marker': addDigestMarker,
  '20261129130000_create_term_queue': createTermQueue,
  '20261129140000_make_queue_revisions_unique': makeQueueRevisionsUnique,
  '20261129141000_add_occurred_offset': addOccurredOffset,
  '20261129142000_queue_chinese_terms': queueChineseTerms,
  '20261129150000_add_embedding_attempts': addEmbeddingAttempts,
  '20261129160000_add_term_blocks': addTermBlocks,
  '20261129160100_add_occurred_offset_to_ranked_memories': addOccurredOffsetToRankedMemories,
  '20261129170000_add_dashboard_sessions': addDashboardSessions,
  '20261129171000_create_sign_in_links': createSignInLinks,
  '20261129180000_record_clients_of_calls': recordClientsOfCalls,
  '20261129210000_add_operators': addOperators,
  '20261129220000_create_imports': createImports,
  '20261129230100_create_oauth': createOAuth,
  '20261129231000_create_device_logins': createDeviceLogins,
  '20261129232000_bind_keys_to_projects': bindKeysToProjects,
  '20261129233000_create_webhooks': createWebhooks,
  '20261129234000_create_backups': createBackups,
  '20261130000100_create_ip_salts': createIpSalts,
  '20261130000200_record_accepted_terms': recordAcceptedTerms,
  '20261130000300_create_service_days': createServiceDays,
  '20261130001000_store_token_codes': storeTokenCodes,
  '20261130002000_add_token_codes': addTokenCodes,
  '20261130002100_embed_512_passages': embed512Passages,
  '20261130003000_store_vectors_as_bytes': storeVectorsAsBytes,
};

/** Tells knex of the migrations by import rather than by directory, so that sources and build share the names. */
export const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: async () => Object.keys(migrations),
  getMigrationName: (name) => name,
  getMigration: async (name) => {
    const migration = migrations[name];
    if (!migration) throw new Error(`unknown migration ${name}`);
    return migration;
  },
};
