import { v7 as uuidv7 } from 'uuid';
import { findOperation, type OPERATIONS } from '../../api/contracts/index.ts';
import { connect } from '../../api/oauth/apps.ts';
import { saveRequest } from '../../api/oauth/consent.ts';
import { writeExport } from '../../api/transfer/export.ts';
import type { ApiResponse, Client, Json } from './client.ts';
import type { TestUser } from './service.ts';

/** A call of an operation over REST. */
export interface SampleCall {
  method: string;
  path: string;
  body?: Json;
}

/** An operation of the API; those of the operator have tests of their own. */
type OperationId = (typeof OPERATIONS)[number]['id'];

let count = 0;
const note = () => ({ title: `Sample ${++count}`, content: `Content ${count}`, tags: ['sample'] });

async function memoryOf(user: TestUser): Promise<string> {
  return (await user.api.post('/memories', note())).body.id;
}

async function archivedOf(user: TestUser): Promise<string> {
  const id = await memoryOf(user);
  await user.api.delete(`/memories/${id}`);
  return id;
}

async function tagOf(user: TestUser): Promise<string> {
  const tag = `tag_${++count}`;
  await user.api.post('/memories', { ...note(), tags: [tag] });
  return tag;
}

async function projectOf(user: TestUser): Promise<string> {
  const project = `project ${++count}`;
  await user.api.post('/memories', { ...note(), project });
  return encodeURIComponent(project);
}

async function keyOf(user: TestUser): Promise<string> {
  return (await user.api.post('/user/keys', { name: `Sample ${++count}` })).body.id;
}

/** Returns a webhook that leads nowhere: no job delivers to it. An account may have few, so it is created once. */
async function webhookOf(user: TestUser): Promise<string> {
  const [present] = (await user.api.get('/webhooks')).body.results;
  if (present) return present.id;
  const made = await user.api.post('/webhooks', { url: 'https://example.com/', events: ['key.created'] });
  return made.body.id;
}

/** Returns a webhook and one of its deliveries, as they stand in a path. */
async function deliveryOf(user: TestUser): Promise<string> {
  const id = await webhookOf(user);
  return `${id}/deliveries/${(await user.api.post(`/webhooks/${id}/test`)).body.id}`;
}

async function sessionOf(user: TestUser): Promise<string> {
  return (await (await user.signIn()).get('/user/me')).body.session.id;
}

/** Connects an app to a user's account and returns its id. */
export async function appOf({ userId, database }: TestUser): Promise<string> {
  const request = { name: 'Claude', client_id: 'client', host: 'claude.ai', scopes: ['memories:read' as const] };
  const consent = {
    requestId: 'request',
    userId,
    sessionId: uuidv7(),
    allowed: true,
    request,
    scopes: request.scopes,
    projects: null,
  };
  return database.ownerWrite((sql) => connect({ sql, now: () => new Date(), newId: () => uuidv7() }, consent));
}

/** Stores a request of an app and returns its id. */
export async function appRequestOf({ database }: TestUser): Promise<string> {
  const id = `sample-request-${uuidv7()}`;
  const request = { name: 'Claude', client_id: 'client', host: 'claude.ai', scopes: ['memories:read' as const] };
  await saveRequest({ sql: database.owner, now: () => new Date() }, id, request, new Date(Date.now() + 3_600_000));
  return id;
}

async function exportOf(user: TestUser): Promise<void> {
  const { id } = (await user.api.post('/account/export', {})).body;
  const clock = { now: () => new Date(), newId: () => uuidv7() };
  await writeExport(user.database, clock, user.userId, id);
}

async function importOf(user: TestUser): Promise<string> {
  return (await user.api.post('/import', { name: `sample-${++count}.md` })).body.id;
}

async function uploadedImportOf(user: TestUser): Promise<string> {
  return (await user.api.post('/import', { name: `sample-${++count}.md`, content: `Sample ${count}` })).body.id;
}

async function deviceLoginOf(user: TestUser): Promise<string> {
  return (await user.api.post('/device/code', { name: `Sample ${++count}` })).body.user_code;
}

const UNKNOWN_DELIVERY = '019ab0c0-0000-7000-8000-000000000000';

interface Sample {
  /** Creates the object that the path's parameter names. */
  id?: (user: TestUser) => Promise<string>;
  body?: () => Json;
  /** Creates the state that the call needs, if its path has no parameter. */
  prepare?: (user: TestUser) => Promise<unknown>;
  query?: (user: TestUser) => string;
}

const SAMPLES: Record<OperationId, Sample> = {
  'memories.create': { body: note },
  'memories.list': {},
  'memories.batch': { body: () => ({ memories: [note(), { title: 'no content' }] }) },
  'memories.bulk': { body: () => ({ filter: { tags: ['sample'] }, action: 'add_tags', tags: ['x'] }) },
  'memories.get': { id: memoryOf },
  'memories.replace': { id: memoryOf, body: note },
  'memories.update': { id: memoryOf, body: () => ({ title: `Changed ${++count}` }) },
  'memories.delete': { id: memoryOf },
  'memories.restore': { id: archivedOf, body: () => ({ type: 'long_term' }) },
  'memories.versions': { id: memoryOf },
  'search.query': { body: () => ({ query: 'sample' }) },
  'search.context': { body: () => ({ query: 'sample', max_tokens: 200 }) },
  'memories.consolidate': { body: () => ({ min_age_days: 1 }) },
  'tags.list': {},
  'tags.update': { id: tagOf, body: () => ({ new_tag: 'renamed', dry_run: false }) },
  'tags.delete': { id: tagOf },
  'projects.list': {},
  'projects.update': { id: projectOf, body: () => ({ new_name: 'renamed', dry_run: false }) },
  'projects.delete': { id: projectOf },
  'memories.near_duplicates': {},
  'tags.normalize': { body: () => ({ dry_run: true }) },
  'imports.start': { body: () => ({ name: 'sample.md', content: `Sample ${++count}` }) },
  'imports.list': {},
  'imports.get': { id: importOf },
  'imports.upload': { id: importOf, body: () => ({ data: 'U2FtcGxl' }) },
  'imports.run': { id: uploadedImportOf, body: () => ({ dry_run: false }) },
  'imports.report': { id: importOf },
  'imports.delete': { id: importOf },
  'stats.get': {},
  'user.me': {},
  'stats.storage': {},
  'user.overview': {},
  'user.requests': {},
  'user.memberships': {},
  'user.audit_log': {},
  'keys.get': { id: keyOf },
  'user.usage': {},
  'user.usage_csv': {},
  'keys.list': {},
  'keys.create': { body: () => ({ name: 'sample' }) },
  'keys.update': { id: keyOf, body: () => ({ name: 'sample' }) },
  'keys.revoke': { id: keyOf },
  'webhooks.list': {},
  'webhooks.create': { body: () => ({ url: 'https://example.com/' }) },
  'webhooks.get': { id: webhookOf },
  'webhooks.update': { id: webhookOf, body: () => ({ description: 'sample' }) },
  'webhooks.delete': { id: webhookOf },
  'webhooks.test': { id: webhookOf, body: () => ({}) },
  'webhooks.rotate_secret': { id: webhookOf, body: () => ({}) },
  'webhooks.deliveries': { id: webhookOf },
  'webhooks.replay': { id: deliveryOf, body: () => ({}) },
  'apps.list': {},
  'apps.revoke': { id: appOf },
  'apps.get_request': { id: appRequestOf },
  'apps.decide_request': { id: appRequestOf, body: () => ({ allowed: true }) },
  'device.get': { id: deviceLoginOf },
  'device.decide': { id: deviceLoginOf, body: () => ({ approve: true }) },
  'sessions.list': {},
  'sessions.revoke': { id: sessionOf },
  'sessions.revoke_all': {},
  'account.export': { body: () => ({}) },
  'account.export_state': { prepare: (user) => user.api.post('/account/export', {}) },
  'account.exports': {},
  'account.export_file': { prepare: exportOf },
  'account.delete': { query: ({ userId }) => `?confirm=${userId}` },
  'account.restore': { body: () => ({}) },
  'license.validate': { body: () => ({ license_key: 'WM-0000' }) },
  'keys.rotate': { id: keyOf, body: () => ({ grace_seconds: 5 }) },
};

/** Returns a call of an operation that succeeds for this user; with `id`, a call about that object. */
export async function sampleCall(operationId: OperationId, user: TestUser, id?: string): Promise<SampleCall> {
  const { method, path } = operationOf(operationId).http;
  const sample = SAMPLES[operationId];
  await sample.prepare?.(user);
  const named = id ?? (await sample.id?.(user));
  // Of a delivery, the name has the ids of both.
  const located = named?.includes('/deliveries/')
    ? path.replace('{id}/deliveries/{delivery}', named)
    : path.replace('{delivery}', UNKNOWN_DELIVERY).replace(/\{\w+\}/, named ?? '');
  const address = located.replace('{n}', '0') + (sample.query?.(user) ?? '');
  return { method, path: address, ...(sample.body && { body: sample.body() }) };
}

/** Returns the client that may call an operation for a user: with the key, or where a person must be signed in with a session. */
export async function clientOf(operationId: OperationId, user: TestUser): Promise<Client> {
  return operationOf(operationId).access.sessionOnly ? user.signIn() : user.api;
}

/** Creates the object that the operation's path names, for this user. */
export function sampleId(operationId: OperationId, user: TestUser): Promise<string> {
  const make = SAMPLES[operationId].id;
  if (!make) throw new Error(`the path of ${operationId} has no id`);
  return make(user);
}

export function sendSample(
  api: Client,
  call: SampleCall,
  headers?: Record<string, string>,
): Promise<ApiResponse<Json>> {
  return api.request(call.method, call.path, call.body, headers);
}

function operationOf(id: OperationId) {
  const operation = findOperation(id);
  if (!operation) throw new Error(`no operation ${id}`);
  return operation;
}
