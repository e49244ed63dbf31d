import * as account from './account.ts';
import * as admin from './admin.ts';
import * as queues from './admin-queues.ts';
import * as apps from './apps.ts';
import * as billing from './billing.ts';
import * as bulk from './bulk.ts';
import * as consolidate from './consolidate.ts';
import * as device from './device-logins.ts';
import * as imports from './import.ts';
import * as keys from './keys.ts';
import * as leaving from './leaving.ts';
import * as memories from './memories.ts';
import { nearDuplicates } from './near-duplicates.ts';
import type { Operation } from './operation.ts';
import * as plans from './plans.ts';
import * as projects from './projects.ts';
import * as search from './search.ts';
import * as sessions from './sessions.ts';
import * as stats from './stats.ts';
import * as tags from './tags.ts';
import * as usage from './usage.ts';
import * as webhooks from './webhooks.ts';

/** All operations of the API, in the order of its reference. */
export const OPERATIONS = [
  memories.create,
  memories.list,
  bulk.batch,
  bulk.bulk,
  memories.get,
  memories.replace,
  memories.update,
  memories.remove,
  memories.restore,
  memories.versions,
  nearDuplicates,
  search.search,
  search.context,
  consolidate.consolidate,
  tags.tags,
  tags.updateTag,
  tags.deleteTag,
  tags.normalizeTags,
  projects.listProjects,
  projects.updateProject,
  projects.deleteProject,
  imports.startImport,
  imports.listImports,
  imports.getImport,
  imports.uploadChunk,
  imports.runImport,
  imports.importReport,
  imports.deleteImport,
  stats.stats,
  stats.storage,
  account.me,
  account.overview,
  usage.usage,
  usage.usageCsv,
  usage.requests,
  account.memberships,
  account.auditLog,
  keys.listKeys,
  keys.getKey,
  keys.createKey,
  keys.updateKey,
  keys.revokeKey,
  keys.rotateKey,
  webhooks.listWebhooks,
  webhooks.createWebhook,
  webhooks.getWebhook,
  webhooks.updateWebhook,
  webhooks.deleteWebhook,
  webhooks.testWebhook,
  webhooks.rotateSecret,
  webhooks.listDeliveries,
  webhooks.replayDelivery,
  apps.listApps,
  apps.revokeApp,
  apps.getAppRequest,
  apps.decideAppRequest,
  device.getDeviceLogin,
  device.decideDeviceLogin,
  sessions.listSessions,
  sessions.revokeSession,
  sessions.revokeAllSessions,
  leaving.requestExport,
  leaving.exportState,
  leaving.listExports,
  leaving.exportFile,
  leaving.closeAccount,
  leaving.restoreAccount,
  billing.validateLicense,
] as const;

/** Operations of the operator's screens: not in the API reference, the OpenAPI document or MCP. */
export const OPERATOR_OPERATIONS = [
  admin.listUsers,
  admin.getUser,
  admin.auditLog,
  admin.setPlan,
  admin.setOverrides,
  admin.closeAccount,
  admin.restoreAccount,
  admin.revokeKey,
  queues.overview,
  queues.listWebhooks,
  queues.getWebhook,
  queues.replayWebhook,
  queues.listJobs,
  queues.retryJob,
  queues.listMails,
  queues.retryMail,
  queues.getReconciliation,
  queues.runReconciliation,
] as const;

/** Operations that need no key. All others authenticate. */
export const PUBLIC_OPERATIONS = [
  plans.listPlans,
  keys.reportLeakedKey,
  device.startDeviceLogin,
  device.pollDeviceLogin,
] as const;

export type PublicOperationId = (typeof PUBLIC_OPERATIONS)[number]['id'];
/** The declared public operation of an id, with its exact input and output types. */
export type PublicOperationOf<Id extends PublicOperationId> = Extract<(typeof PUBLIC_OPERATIONS)[number], { id: Id }>;

type Declared = (typeof OPERATIONS)[number] | (typeof OPERATOR_OPERATIONS)[number];
export type OperationId = Declared['id'];
/** The declared operation of an id, with its exact input and output types. */
export type OperationOf<Id extends OperationId> = Extract<Declared, { id: Id }>;

const byId = new Map<string, Operation>(
  [...OPERATIONS, ...OPERATOR_OPERATIONS].map((operation: Operation) => [operation.id, operation]),
);

/** Returns the operation of an id, undefined for an unknown id. */
export function findOperation(id: string): Operation | undefined {
  return byId.get(id);
}
