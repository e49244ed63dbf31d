// Generated from the OpenAPI document by `npm run sdk`; do not edit.

import { type CallOptions, type Operation, Paged, type Transport } from '../transport.ts';
import type * as t from './types.ts';

export class Memories {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Store a memory. Stored durably, and found by the next call. An exact duplicate of an active memory returns that memory with 200 and `deduplicated: true`, and adds its tags and metadata to it. */
  create(input: t.MemoriesCreateInput, options?: CallOptions): Promise<t.StoredMemory> {
    return this.#transport.call(OPERATIONS['memories.create'], input, options);
  }

  /** List memories. A page holds at most `limit` memories and about 2 MB, and `next_cursor` continues it; so a page of fewer memories need not be the last. */
  list(input: t.MemoriesListInput = {}, options?: CallOptions): Paged<t.MemoriesListOutput, t.ListedMemory> {
    return new Paged((cursor) => this.#transport.call(OPERATIONS['memories.list'], cursor ? { ...input, cursor } : input, options));
  }

  /** Store up to 100 memories. Items are stored independently: a rejected one reports its error, and the others are stored. */
  batch(input: t.MemoriesBatchInput, options?: CallOptions): Promise<t.MemoriesBatchOutput> {
    return this.#transport.call(OPERATIONS['memories.batch'], input, options);
  }

  /** Archive, restore, delete, retag or move many memories. Changes at most 1,000 memories per call (fewer on plans with few calls a minute), oldest first. Repeat the call until `remaining` is 0. A dry run returns the result of a real one and changes nothing. Costs one quota unit for every started ten memories that are changed or, in a dry run, would be. `move` changes the project and keeps the time of the last edit; a memory of which the project has an active exact duplicate is archived there. */
  bulk(input: t.MemoriesBulkInput, options?: CallOptions): Promise<t.MemoriesBulkOutput> {
    return this.#transport.call(OPERATIONS['memories.bulk'], input, options);
  }

  /** Read a memory. */
  get(input: t.MemoriesGetInput, options?: CallOptions): Promise<t.Memory> {
    return this.#transport.call(OPERATIONS['memories.get'], input, options);
  }

  /** Replace a memory. Omitted fields get their default, except `type`, which is kept. The previous state is kept as a version. */
  replace(input: t.MemoriesReplaceInput, options?: CallOptions): Promise<t.MemoriesReplaceOutput> {
    return this.#transport.call(OPERATIONS['memories.replace'], input, options);
  }

  /** Change a memory. Changes only the given fields. `tags` replaces all tags, and `add_tags` and `remove_tags` are then ignored; otherwise tags are added first, then removed. */
  update(input: t.MemoriesUpdateInput, options?: CallOptions): Promise<t.MemoriesReplaceOutput> {
    return this.#transport.call(OPERATIONS['memories.update'], input, options);
  }

  /** Archive a memory, or delete it permanently. */
  delete(input: t.MemoriesDeleteInput, options?: CallOptions): Promise<t.MemoriesDeleteOutput> {
    return this.#transport.call(OPERATIONS['memories.delete'], input, options);
  }

  /** Restore an archived memory, or a previous version. */
  restore(input: t.MemoriesRestoreInput, options?: CallOptions): Promise<t.MemoriesReplaceOutput> {
    return this.#transport.call(OPERATIONS['memories.restore'], input, options);
  }

  /** List the previous versions of a memory. A page holds at most `limit` versions and about 2 MB; `next_cursor` continues it. */
  versions(input: t.MemoriesVersionsInput, options?: CallOptions): Paged<t.MemoriesVersionsOutput, t.MemoriesVersionsOutputResults> {
    return new Paged((cursor) => this.#transport.call(OPERATIONS['memories.versions'], cursor ? { ...input, cursor } : input, options));
  }

  /** List memories that say nearly the same. Compares active memories, newest first, with older ones of their project by the words that they share. A call compares `limit` memories, so a page may be empty although `next_cursor` is not null. Superseded memories are left out. */
  nearDuplicates(input: t.MemoriesNearDuplicatesInput = {}, options?: CallOptions): Paged<t.MemoriesNearDuplicatesOutput, t.MemoriesNearDuplicatesOutputResults> {
    return new Paged((cursor) => this.#transport.call(OPERATIONS['memories.near_duplicates'], cursor ? { ...input, cursor } : input, options));
  }

  /** Turn old short-term memories into long-term knowledge. Takes active short-term memories not edited for `min_age_days`. Those tagged heuristic, pattern, proven, decision or insight become long-term; the others go into long-term digests of a few kB, by project and subject, and are archived with a link to their digest. A search still finds them, as passages of the digest. */
  consolidate(input: t.MemoriesConsolidateInput = {}, options?: CallOptions): Promise<t.MemoriesConsolidateOutput> {
    return this.#transport.call(OPERATIONS['memories.consolidate'], input, options);
  }
}

export class Search {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Find memories. By words (any may match; rare ones count more) and by meaning. The query is natural language without operators; a `"quoted phrase"` ranks memories that contain it higher. Filters and `exclude` apply before ranking. */
  query(input: t.SearchQueryInput, options?: CallOptions): Paged<t.SearchQueryOutput, t.SearchHit> {
    return new Paged((cursor) => this.#transport.call(OPERATIONS['search.query'], cursor ? { ...input, cursor } : input, options));
  }

  /** Get a context package that fits a token budget. Markdown of active memories: the most relevant to `query`, or the newest. With neither `tier` nor `max_tokens`: tier 1. With `max_tokens` alone: as much as fits, at most 1,000 memories. With both: the caps of the tier within the budget. */
  context(input: t.SearchContextInput = {}, options?: CallOptions): Promise<t.SearchContextOutput> {
    return this.#transport.call(OPERATIONS['search.context'], input, options);
  }
}

export class Tags {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List the tags of active memories, most used first. */
  list(input: t.TagsListInput = {}, options?: CallOptions): Paged<t.TagsListOutput, t.TagsListOutputResults> {
    return new Paged((cursor) => this.#transport.call(OPERATIONS['tags.list'], cursor ? { ...input, cursor } : input, options));
  }

  /** Rename a tag, or merge it into another. Changes the tag of all memories, archived ones too, at most 1,000 per call, oldest first: repeat the call until `remaining` is 0. Each keeps its former state as a version and the time of its last edit. Costs like a bulk change. */
  update(input: t.TagsUpdateInput, options?: CallOptions): Promise<t.TagsUpdateOutput> {
    return this.#transport.call(OPERATIONS['tags.update'], input, options);
  }

  /** Remove a tag from all memories. Removes it from archived memories too, at most 1,000 memories per call: repeat the call until `remaining` is 0. The memories stay, with their former state as a version. Costs like a bulk change. */
  delete(input: t.TagsDeleteInput, options?: CallOptions): Promise<t.TagsDeleteOutput> {
    return this.#transport.call(OPERATIONS['tags.delete'], input, options);
  }

  /** Normalize the tags of old memories. */
  normalize(input: t.TagsNormalizeInput = {}, options?: CallOptions): Promise<t.TagsNormalizeOutput> {
    return this.#transport.call(OPERATIONS['tags.normalize'], input, options);
  }
}

export class Projects {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List the projects, largest first. Projects of active and archived memories. The entry without a name counts the memories of no project. */
  list(input: t.ProjectsListInput = {}, options?: CallOptions): Paged<t.ProjectsListOutput, t.ProjectsListOutputResults> {
    return new Paged((cursor) => this.#transport.call(OPERATIONS['projects.list'], cursor ? { ...input, cursor } : input, options));
  }

  /** Rename a project, or merge it into another. Moves all memories of the project, archived ones too, at most 1,000 per call, oldest first: repeat the call until `remaining` is 0. Each keeps its former state as a version and the time of its last edit. A memory of which the other project has an active exact duplicate is archived there, with a link to that one. API keys that are bound to the project follow a rename; a merge is rejected while one would gain memories by it. Costs like a bulk change. */
  update(input: t.ProjectsUpdateInput, options?: CallOptions): Promise<t.ProjectsUpdateOutput> {
    return this.#transport.call(OPERATIONS['projects.update'], input, options);
  }

  /** Archive or permanently delete the memories of a project. Archives its active memories, or deletes all of them for good, at most 1,000 per call: repeat the call until `remaining` is 0. Costs like a bulk change. */
  delete(input: t.ProjectsDeleteInput, options?: CallOptions): Promise<t.TagsDeleteOutput> {
    return this.#transport.call(OPERATIONS['projects.delete'], input, options);
  }
}

export class Imports {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Start an import. Imports memories from an account export of WhiteMagic, `@modelcontextprotocol/server-memory`, mem0, supermemory, Zep, basic-memory and other Markdown, CSV or JSON lines; gzipped too. A small file comes along as `content` (or `data`) and is checked at once; a larger one is uploaded in parts. A dry run changes nothing and reports counts, findings and the cost. Running costs one quota unit of the day for every started 10,000 bytes of the upload, at most half of the units of a day; nothing from the dashboard. */
  start(input: t.ImportsStartInput = {}, options?: CallOptions): Promise<t.ImportsStartOutput> {
    return this.#transport.call(OPERATIONS['imports.start'], input, options);
  }

  /** List the newest imports. */
  list(options?: CallOptions): Promise<t.ImportsListOutput> {
    return this.#transport.call(OPERATIONS['imports.list'], {}, options);
  }

  /** Get the state of an import. An import that has ended is kept for 7 days. */
  get(input: t.ImportsGetInput, options?: CallOptions): Promise<t.ImportsGetOutput> {
    return this.#transport.call(OPERATIONS['imports.get'], input, options);
  }

  /** Cancel an import, or delete its report. Memories that were stored stay. */
  delete(input: t.ImportsDeleteInput, options?: CallOptions): Promise<t.ImportsDeleteOutput> {
    return this.#transport.call(OPERATIONS['imports.delete'], input, options);
  }

  /** Upload a part of a file. Parts are numbered from 0 and have at most 512 KiB. A part that is uploaded again replaces the earlier one, so an interrupted upload continues at `next_chunk`. An upload that is not run is deleted after a day. */
  upload(input: t.ImportsUploadInput, options?: CallOptions): Promise<t.ImportsUploadOutput> {
    return this.#transport.call(OPERATIONS['imports.upload'], input, options);
  }

  /** Check an uploaded file, or store its memories. Both happen in the background: `GET /import/{id}` returns the progress. A file that was not checked yet is checked first. Repeating the call of a running or completed import changes nothing. */
  run(input: t.ImportsRunInput, options?: CallOptions): Promise<t.ImportsStartOutput> {
    return this.#transport.call(OPERATIONS['imports.run'], input, options);
  }

  /** List what did not fit. In the order of the file: what was rejected, adjusted, or there already. At most 20,000 are kept. */
  report(input: t.ImportsReportInput, options?: CallOptions): Paged<t.ImportsReportOutput, t.ImportsStartOutputFindings> {
    return new Paged((cursor) => this.#transport.call(OPERATIONS['imports.report'], cursor ? { ...input, cursor } : input, options));
  }
}

export class Stats {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Get statistics of the stored memories. */
  get(options?: CallOptions): Promise<t.StatsGetOutput> {
    return this.#transport.call(OPERATIONS['stats.get'], {}, options);
  }

  /** Get the stored bytes by project and by type. */
  storage(options?: CallOptions): Promise<t.StatsStorageOutput> {
    return this.#transport.call(OPERATIONS['stats.storage'], {}, options);
  }
}

export class User {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Get the account, its plan and the calling key. */
  me(options?: CallOptions): Promise<t.Account> {
    return this.#transport.call(OPERATIONS['user.me'], {}, options);
  }

  /** Get an overview of the account. Usage against the plan, the newest memories (null for a key without `memories:read`), the last calls, and what needs attention. */
  overview(options?: CallOptions): Promise<t.UserOverviewOutput> {
    return this.#transport.call(OPERATIONS['user.overview'], {}, options);
  }

  /** Get usage, and its share of the plan. A row per day, transport and operation, or per value of `group_by`; by hour at most 7 days at once. Percentiles are estimated from counts by ranges of durations. Calls of the dashboard are left out unless `transport` is `dashboard`. */
  usage(input: t.UserUsageInput = {}, options?: CallOptions): Promise<t.UserUsageOutput> {
    return this.#transport.call(OPERATIONS['user.usage'], input, options);
  }

  /** Get usage as CSV. A header row, then a row per day, transport and operation, oldest day first: of a month, or of at most 400 days. Calls of the dashboard are left out unless `transport` is `dashboard`. */
  usageCsv(input: t.UserUsageCsvInput = {}, options?: CallOptions): Promise<string> {
    return this.#transport.call(OPERATIONS['user.usage_csv'], input, options);
  }

  /** List the calls of the last 7 days. Newest first. A page looks through a bounded number of calls, so with a filter it may be short or empty and still have a `next_cursor`. Calls of the dashboard are left out unless `transport` is `dashboard`. */
  requests(input: t.UserRequestsInput = {}, options?: CallOptions): Paged<t.UserRequestsOutput, t.UserOverviewOutputRequests> {
    return new Paged((cursor) => this.#transport.call(OPERATIONS['user.requests'], cursor ? { ...input, cursor } : input, options));
  }

  /** List memberships, and the plans to change to. Memberships at Whop, those that grant access first. Without billing there are none. */
  memberships(options?: CallOptions): Promise<t.UserMembershipsOutput> {
    return this.#transport.call(OPERATIONS['user.memberships'], {}, options);
  }

  /** List what was done to the account. Changes of keys, plan, status and sessions, exports, and acts of the operator, newest first. */
  auditLog(input: t.UserAuditLogInput = {}, options?: CallOptions): Paged<t.UserAuditLogOutput, t.UserAuditLogOutputResults> {
    return new Paged((cursor) => this.#transport.call(OPERATIONS['user.audit_log'], cursor ? { ...input, cursor } : input, options));
  }
}

export class Keys {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List API keys. */
  list(options?: CallOptions): Promise<t.KeysListOutput> {
    return this.#transport.call(OPERATIONS['keys.list'], {}, options);
  }

  /** Create an API key. Scopes, projects, expiry and limit must be within those of the calling key, which are the defaults. Only this response contains the key. */
  create(input: t.KeysCreateInput, options?: CallOptions): Promise<t.CreatedApiKey> {
    return this.#transport.call(OPERATIONS['keys.create'], input, options);
  }

  /** Get an API key and its last call. Cheap enough to poll until the first call of a new key arrives. */
  get(input: t.KeysGetInput, options?: CallOptions): Promise<t.ApiKey> {
    return this.#transport.call(OPERATIONS['keys.get'], input, options);
  }

  /** Change the name, scopes, projects, expiry or limit of an API key. Scopes can only be reduced. What is set must be within the calling key; to extend a key, all its permissions must be. */
  update(input: t.KeysUpdateInput, options?: CallOptions): Promise<t.KeysUpdateOutput> {
    return this.#transport.call(OPERATIONS['keys.update'], input, options);
  }

  /** Revoke an API key immediately and permanently. */
  revoke(input: t.KeysRevokeInput, options?: CallOptions): Promise<t.KeysUpdateOutput> {
    return this.#transport.call(OPERATIONS['keys.revoke'], input, options);
  }

  /** Replace an API key. Returns a new key with the same name, scopes, projects, expiry and limit, which must be within those of the calling key. The old key works for `grace_seconds` more. */
  rotate(input: t.KeysRotateInput, options?: CallOptions): Promise<t.KeysRotateOutput> {
    return this.#transport.call(OPERATIONS['keys.rotate'], input, options);
  }

  /** Report an API key that is public. Needs no key. An active key is revoked immediately and its owner is notified. The response is always the same. */
  leaked(input: t.KeysLeakedInput, options?: CallOptions): Promise<t.KeysLeakedOutput> {
    return this.#transport.call(OPERATIONS['keys.leaked'], input, options);
  }
}

export class Webhooks {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List webhooks. */
  list(options?: CallOptions): Promise<t.WebhooksListOutput> {
    return this.#transport.call(OPERATIONS['webhooks.list'], {}, options);
  }

  /** Create a webhook. Events of memories need the scope `memories:read` too. At most 10 per account. Only this response contains the secret. */
  create(input: t.WebhooksCreateInput, options?: CallOptions): Promise<t.CreatedWebhook> {
    return this.#transport.call(OPERATIONS['webhooks.create'], input, options);
  }

  /** Get a webhook. */
  get(input: t.WebhooksGetInput, options?: CallOptions): Promise<t.Webhook> {
    return this.#transport.call(OPERATIONS['webhooks.get'], input, options);
  }

  /** Change, disable or enable a webhook. While a webhook is disabled, no event is recorded for it. Enabling it, or a new URL, delivers at once what still waits. */
  update(input: t.WebhooksUpdateInput, options?: CallOptions): Promise<t.Webhook> {
    return this.#transport.call(OPERATIONS['webhooks.update'], input, options);
  }

  /** Delete a webhook and its deliveries. What waits for it is not delivered any more. Possible on every plan. */
  delete(input: t.WebhooksDeleteInput, options?: CallOptions): Promise<t.WebhooksDeleteOutput> {
    return this.#transport.call(OPERATIONS['webhooks.delete'], input, options);
  }

  /** Send a test event to a webhook. An event `webhook.test` is delivered like any other; read its delivery for the result. */
  test(input: t.WebhooksTestInput, options?: CallOptions): Promise<t.WebhooksTestOutput> {
    return this.#transport.call(OPERATIONS['webhooks.test'], input, options);
  }

  /** Replace the secret of a webhook. Both secrets sign each delivery for `grace_seconds`. Only this response contains the new one. */
  rotateSecret(input: t.WebhooksRotateSecretInput, options?: CallOptions): Promise<t.CreatedWebhook> {
    return this.#transport.call(OPERATIONS['webhooks.rotate_secret'], input, options);
  }

  /** List the deliveries of a webhook, newest first. Of events of the last 14 days. */
  deliveries(input: t.WebhooksDeliveriesInput, options?: CallOptions): Paged<t.WebhooksDeliveriesOutput, t.WebhooksTestOutput> {
    return new Paged((cursor) => this.#transport.call(OPERATIONS['webhooks.deliveries'], cursor ? { ...input, cursor } : input, options));
  }

  /** Deliver an event again. With the same id and body, and at once, whether it was delivered, failed or still waits. */
  replay(input: t.WebhooksReplayInput, options?: CallOptions): Promise<t.WebhooksTestOutput> {
    return this.#transport.call(OPERATIONS['webhooks.replay'], input, options);
  }
}

export class Apps {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List the apps that are connected by OAuth. At most 100, the newest first, without apps whose access ended. */
  list(options?: CallOptions): Promise<t.AppsListOutput> {
    return this.#transport.call(OPERATIONS['apps.list'], {}, options);
  }

  /** Disconnect an app immediately. Its access and refresh tokens stop working at once. The app can ask for access again. */
  revoke(input: t.AppsRevokeInput, options?: CallOptions): Promise<t.AppsRevokeOutput> {
    return this.#transport.call(OPERATIONS['apps.revoke'], input, options);
  }
}

export class Account {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Export everything that the account contains. A job writes the file: NDJSON, gzipped, with a manifest as its first line. While an export is pending, it is returned instead of a new one. Also needs the scope `memories:read`. */
  export(options?: CallOptions): Promise<t.AccountExportOutput> {
    return this.#transport.call(OPERATIONS['account.export'], {}, options);
  }

  /** Get the state of the newest export. */
  exportState(options?: CallOptions): Promise<t.AccountExportOutput> {
    return this.#transport.call(OPERATIONS['account.export_state'], {}, options);
  }

  /** List exports. The newest export, or an empty list: a new one replaces it. */
  exports(options?: CallOptions): Promise<t.AccountExportsOutput> {
    return this.#transport.call(OPERATIONS['account.exports'], {}, options);
  }

  /** Download the newest finished export. Also needs the scope `memories:read`. */
  exportFile(options?: CallOptions): Promise<Response> {
    return this.#transport.call(OPERATIONS['account.export_file'], {}, options);
  }

  /** Delete the account and everything in it. For 30 days its keys and the dashboard can only export the account or restore it; then it is purged. `immediate` ends its sessions and purges it now, and cannot be undone. A paid plan is not canceled by this. */
  delete(input: t.AccountDeleteInput, options?: CallOptions): Promise<t.AccountDeleteOutput> {
    return this.#transport.call(OPERATIONS['account.delete'], input, options);
  }

  /** Undo the deletion of the account. Possible until the account is purged. An account that is not being deleted does not change. */
  restore(options?: CallOptions): Promise<t.AccountDeleteOutput> {
    return this.#transport.call(OPERATIONS['account.restore'], {}, options);
  }
}

export class License {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Validate a license. A license of another account is reported as invalid, like one that does not exist. */
  validate(input: t.LicenseValidateInput, options?: CallOptions): Promise<t.LicenseValidateOutput> {
    return this.#transport.call(OPERATIONS['license.validate'], input, options);
  }
}

export class Plans {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List the plans with prices and limits. */
  list(options?: CallOptions): Promise<t.PlansListOutput> {
    return this.#transport.call(OPERATIONS['plans.list'], {}, options);
  }
}

export class Device {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Start a login of a program without a browser. Needs no key. Show `user_code` and open `verification_uri_complete`, where a signed-in person compares the code and decides; meanwhile poll `POST /device/token`. As in RFC 8628. */
  start(input: t.DeviceStartInput, options?: CallOptions): Promise<t.DeviceStartOutput> {
    return this.#transport.call(OPERATIONS['device.start'], input, options);
  }

  /** Get the key of an approved login. Needs no key. Returns the decision; after an approval the new key, once. A code that was used or never existed counts as expired. */
  poll(input: t.DevicePollInput, options?: CallOptions): Promise<t.DevicePollOutput> {
    return this.#transport.call(OPERATIONS['device.poll'], input, options);
  }
}

/** The calls of the API by resource. */
export class Resources {
  readonly memories: Memories;
  readonly search: Search;
  readonly tags: Tags;
  readonly projects: Projects;
  readonly imports: Imports;
  readonly stats: Stats;
  readonly user: User;
  readonly keys: Keys;
  readonly webhooks: Webhooks;
  readonly apps: Apps;
  readonly account: Account;
  readonly license: License;
  readonly plans: Plans;
  readonly device: Device;

  constructor(transport: Transport) {
    this.memories = new Memories(transport);
    this.search = new Search(transport);
    this.tags = new Tags(transport);
    this.projects = new Projects(transport);
    this.imports = new Imports(transport);
    this.stats = new Stats(transport);
    this.user = new User(transport);
    this.keys = new Keys(transport);
    this.webhooks = new Webhooks(transport);
    this.apps = new Apps(transport);
    this.account = new Account(transport);
    this.license = new License(transport);
    this.plans = new Plans(transport);
    this.device = new Device(transport);
  }
}

const OPERATIONS = {
  'memories.create': { method: 'POST', path: '/api/v1/memories', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'memories.list': { method: 'GET', path: '/api/v1/memories', inPath: [], inQuery: ['type','status','tags','tags_match','project','session_id','created_after','created_before','occurred_after','occurred_before','metadata','include_superseded','include_expired','sort','order','limit','cursor','include','max_tokens'], returns: 'json', takesIdempotencyKey: false },
  'memories.batch': { method: 'POST', path: '/api/v1/memories/batch', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'memories.bulk': { method: 'POST', path: '/api/v1/memories/bulk', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'memories.get': { method: 'GET', path: '/api/v1/memories/{id}', inPath: ['id'], inQuery: ['offset','max_tokens'], returns: 'json', takesIdempotencyKey: false },
  'memories.replace': { method: 'PUT', path: '/api/v1/memories/{id}', inPath: ['id'], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'memories.update': { method: 'PATCH', path: '/api/v1/memories/{id}', inPath: ['id'], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'memories.delete': { method: 'DELETE', path: '/api/v1/memories/{id}', inPath: ['id'], inQuery: ['permanent','if_version'], returns: 'json', takesIdempotencyKey: true },
  'memories.restore': { method: 'POST', path: '/api/v1/memories/{id}/restore', inPath: ['id'], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'memories.versions': { method: 'GET', path: '/api/v1/memories/{id}/versions', inPath: ['id'], inQuery: ['limit','cursor'], returns: 'json', takesIdempotencyKey: false },
  'memories.near_duplicates': { method: 'GET', path: '/api/v1/near-duplicates', inPath: [], inQuery: ['project','min_score','limit','cursor'], returns: 'json', takesIdempotencyKey: false },
  'search.query': { method: 'POST', path: '/api/v1/search', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: false },
  'search.context': { method: 'POST', path: '/api/v1/context', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: false },
  'memories.consolidate': { method: 'POST', path: '/api/v1/consolidate', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'tags.list': { method: 'GET', path: '/api/v1/tags', inPath: [], inQuery: ['limit','cursor'], returns: 'json', takesIdempotencyKey: false },
  'tags.update': { method: 'PATCH', path: '/api/v1/tags/{tag}', inPath: ['tag'], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'tags.delete': { method: 'DELETE', path: '/api/v1/tags/{tag}', inPath: ['tag'], inQuery: ['dry_run'], returns: 'json', takesIdempotencyKey: true },
  'tags.normalize': { method: 'POST', path: '/api/v1/tags/normalize', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'projects.list': { method: 'GET', path: '/api/v1/projects', inPath: [], inQuery: ['limit','cursor'], returns: 'json', takesIdempotencyKey: false },
  'projects.update': { method: 'PATCH', path: '/api/v1/projects/{name}', inPath: ['name'], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'projects.delete': { method: 'DELETE', path: '/api/v1/projects/{name}', inPath: ['name'], inQuery: ['permanent','dry_run'], returns: 'json', takesIdempotencyKey: true },
  'imports.start': { method: 'POST', path: '/api/v1/import', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'imports.list': { method: 'GET', path: '/api/v1/import', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: false },
  'imports.get': { method: 'GET', path: '/api/v1/import/{id}', inPath: ['id'], inQuery: [], returns: 'json', takesIdempotencyKey: false },
  'imports.delete': { method: 'DELETE', path: '/api/v1/import/{id}', inPath: ['id'], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'imports.upload': { method: 'PUT', path: '/api/v1/import/{id}/chunks/{n}', inPath: ['id','n'], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'imports.run': { method: 'POST', path: '/api/v1/import/{id}/run', inPath: ['id'], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'imports.report': { method: 'GET', path: '/api/v1/import/{id}/report', inPath: ['id'], inQuery: ['limit','cursor'], returns: 'json', takesIdempotencyKey: false },
  'stats.get': { method: 'GET', path: '/api/v1/stats', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: false },
  'stats.storage': { method: 'GET', path: '/api/v1/stats/storage', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: false },
  'user.me': { method: 'GET', path: '/api/v1/user/me', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: false },
  'user.overview': { method: 'GET', path: '/api/v1/user/overview', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: false },
  'user.usage': { method: 'GET', path: '/api/v1/user/usage', inPath: [], inQuery: ['from','to','days','group_by','key_id','client','transport','operation'], returns: 'json', takesIdempotencyKey: false },
  'user.usage_csv': { method: 'GET', path: '/api/v1/user/usage.csv', inPath: [], inQuery: ['month','from','to','key_id','client','transport','operation'], returns: 'text', takesIdempotencyKey: false },
  'user.requests': { method: 'GET', path: '/api/v1/user/requests', inPath: [], inQuery: ['from','to','key_id','client','transport','operation','status','limit','cursor'], returns: 'json', takesIdempotencyKey: false },
  'user.memberships': { method: 'GET', path: '/api/v1/user/memberships', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: false },
  'user.audit_log': { method: 'GET', path: '/api/v1/user/audit-log', inPath: [], inQuery: ['limit','cursor'], returns: 'json', takesIdempotencyKey: false },
  'keys.list': { method: 'GET', path: '/api/v1/user/keys', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: false },
  'keys.create': { method: 'POST', path: '/api/v1/user/keys', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'keys.get': { method: 'GET', path: '/api/v1/user/keys/{id}', inPath: ['id'], inQuery: [], returns: 'json', takesIdempotencyKey: false },
  'keys.update': { method: 'PATCH', path: '/api/v1/user/keys/{id}', inPath: ['id'], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'keys.revoke': { method: 'DELETE', path: '/api/v1/user/keys/{id}', inPath: ['id'], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'keys.rotate': { method: 'POST', path: '/api/v1/user/keys/{id}/rotate', inPath: ['id'], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'webhooks.list': { method: 'GET', path: '/api/v1/webhooks', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: false },
  'webhooks.create': { method: 'POST', path: '/api/v1/webhooks', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'webhooks.get': { method: 'GET', path: '/api/v1/webhooks/{id}', inPath: ['id'], inQuery: [], returns: 'json', takesIdempotencyKey: false },
  'webhooks.update': { method: 'PATCH', path: '/api/v1/webhooks/{id}', inPath: ['id'], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'webhooks.delete': { method: 'DELETE', path: '/api/v1/webhooks/{id}', inPath: ['id'], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'webhooks.test': { method: 'POST', path: '/api/v1/webhooks/{id}/test', inPath: ['id'], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'webhooks.rotate_secret': { method: 'POST', path: '/api/v1/webhooks/{id}/rotate-secret', inPath: ['id'], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'webhooks.deliveries': { method: 'GET', path: '/api/v1/webhooks/{id}/deliveries', inPath: ['id'], inQuery: ['state','limit','cursor'], returns: 'json', takesIdempotencyKey: false },
  'webhooks.replay': { method: 'POST', path: '/api/v1/webhooks/{id}/deliveries/{delivery}/replay', inPath: ['id','delivery'], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'apps.list': { method: 'GET', path: '/api/v1/user/apps', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: false },
  'apps.revoke': { method: 'DELETE', path: '/api/v1/user/apps/{id}', inPath: ['id'], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'account.export': { method: 'POST', path: '/api/v1/account/export', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'account.export_state': { method: 'GET', path: '/api/v1/account/export', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: false },
  'account.exports': { method: 'GET', path: '/api/v1/account/exports', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: false },
  'account.export_file': { method: 'GET', path: '/api/v1/account/export/file', inPath: [], inQuery: [], returns: 'file', takesIdempotencyKey: false },
  'account.delete': { method: 'DELETE', path: '/api/v1/account', inPath: [], inQuery: ['confirm','immediate'], returns: 'json', takesIdempotencyKey: true },
  'account.restore': { method: 'POST', path: '/api/v1/account/restore', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: true },
  'license.validate': { method: 'POST', path: '/api/v1/license/validate', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: false },
  'plans.list': { method: 'GET', path: '/api/v1/plans', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: false },
  'keys.leaked': { method: 'POST', path: '/api/v1/keys/leaked', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: false },
  'device.start': { method: 'POST', path: '/api/v1/device/code', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: false },
  'device.poll': { method: 'POST', path: '/api/v1/device/token', inPath: [], inQuery: [], returns: 'json', takesIdempotencyKey: false },
} as const satisfies Record<string, Operation>;
