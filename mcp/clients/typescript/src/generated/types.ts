// Generated from the OpenAPI document by `npm run sdk`; do not edit.

/** Code of a problem. Later versions of the service may have further ones. */
export type ProblemCode =
  | 'account_closing'
  | 'account_read_only'
  | 'batch_too_large'
  | 'body_too_large'
  | 'cancelled'
  | 'concurrency_exceeded'
  | 'disk_full'
  | 'duplicate_memory'
  | 'headers_too_large'
  | 'host_not_allowed'
  | 'idempotency_conflict'
  | 'import_state'
  | 'internal'
  | 'invalid_request'
  | 'invalid_signature'
  | 'key_expired'
  | 'login_failed'
  | 'malformed_request'
  | 'method_not_allowed'
  | 'not_found'
  | 'origin_not_allowed'
  | 'overloaded'
  | 'payment_account_mismatch'
  | 'plan_required'
  | 'precondition_failed'
  | 'project_not_allowed'
  | 'query_too_complex'
  | 'quota_exceeded'
  | 'rate_limited'
  | 'request_timeout'
  | 'response_gone'
  | 'scope_required'
  | 'secret_already_shown'
  | 'session_required'
  | 'storage_full'
  | 'tls_required'
  | 'unauthenticated'
  | 'unavailable'
  | 'unprocessable'
  | 'unsupported_media_type'
  | 'webhook_disabled';

export interface Memory {
  id: string;
  type: 'short_term' | 'long_term';
  status: 'active' | 'archived';
  title: string;
  content: string;
  tags: string[];
  metadata: Record<string, unknown>;
  project: string | null;
  session_id: string | null;
  occurred_at: string | null;
  expires_at: string | null;
  /** The memory that it replaces. */
  supersedes: string | null;
  /** The active memory that replaces it. */
  superseded_by: string | null;
  /** The digest into which it was consolidated. */
  consolidated_into: string | null;
  version: number;
  size_bytes: number;
  created_at: string;
  updated_at: string;
  truncated: boolean;
  /** `offset` of the rest when the content was cut, otherwise null. */
  next_offset: number | null;
  /** Other fields that `max_tokens` truncated. */
  truncated_fields?: string[];
}

export interface MemoriesCreateOutputSimilar {
  id: string;
  score: number;
}

export interface StoredMemory {
  id: string;
  type: 'short_term' | 'long_term';
  status: 'active' | 'archived';
  title: string;
  content: string;
  tags: string[];
  metadata: Record<string, unknown>;
  project: string | null;
  session_id: string | null;
  occurred_at: string | null;
  expires_at: string | null;
  /** The memory that it replaces. */
  supersedes: string | null;
  /** The active memory that replaces it. */
  superseded_by: string | null;
  /** The digest into which it was consolidated. */
  consolidated_into: string | null;
  version: number;
  size_bytes: number;
  created_at: string;
  updated_at: string;
  /** True for an exact duplicate: returns the stored memory. */
  deduplicated: boolean;
  /** Near-duplicates, by their share of common words. */
  similar: MemoriesCreateOutputSimilar[];
  /** Fields that were merged into it. */
  changed: ('tags' | 'metadata')[];
}

export interface MemoryReceipt {
  id: string;
  version: number;
  created_at: string;
  updated_at: string;
}

export interface MetadataCondition {
  /** Keys from the outside in, such as `source.kind`; `\.` is a dot of a key. */
  path: string;
  /** The value, or an element of the array. */
  eq?: string | number | boolean | null;
  /** One of these values. */
  in?: (string | number | boolean | null)[];
  /** Whether the path has a value; null is one. */
  exists?: boolean;
  /** Numbers by value; texts, such as ISO dates, by code point. */
  gt?: string | number;
  gte?: string | number;
  lt?: string | number;
  lte?: string | number;
}

export interface ListedMemory {
  id: string;
  type: 'short_term' | 'long_term';
  status: 'active' | 'archived';
  title: string;
  content: string;
  tags: string[];
  metadata: Record<string, unknown>;
  project: string | null;
  session_id: string | null;
  occurred_at: string | null;
  expires_at: string | null;
  /** The memory that it replaces. */
  supersedes: string | null;
  /** The active memory that replaces it. */
  superseded_by: string | null;
  /** The digest into which it was consolidated. */
  consolidated_into: string | null;
  version: number;
  size_bytes: number;
  created_at: string;
  updated_at: string;
  /** True where `content` is only its beginning. */
  truncated?: boolean;
}

export interface MemoriesListOutput {
  results: ListedMemory[];
  total: number;
  next_cursor: string | null;
  /** True when a memory was cut, or `max_tokens` left some out. */
  truncated: boolean;
  reason?: 'nothing_stored' | 'nothing_matched';
}

export interface SearchQueryOutputResultsHighlights {
  start: number;
  end: number;
}

export interface SearchHit {
  id: string;
  title: string;
  /** The passage around the hit, with its line breaks. */
  snippet: string;
  /** Matched words of `snippet`: offsets in UTF-16 code units, `end` exclusive. */
  highlights: SearchQueryOutputResultsHighlights[];
  score: number;
  /** Words of the query that occur in this memory. */
  matched: string[];
  type: 'short_term' | 'long_term';
  status: 'active' | 'archived';
  tags: string[];
  project: string | null;
  session_id: string | null;
  occurred_at: string | null;
  expires_at: string | null;
  created_at: string;
  updated_at: string;
  superseded_by: string | null;
  /** The digest that contains this memory. */
  consolidated_into?: string;
  /** With `explain`: the value of each part of the ranking. */
  explanation?: Record<string, number>;
  /** With `explain`: why it was found, in words, with the share of each part in the score. */
  reasons?: string[];
}

export interface SearchQueryOutputRetrievers {
  lexical: 'ok';
  semantic: 'ok' | 'disabled' | 'loading' | 'unavailable';
}

export interface SearchQueryOutput {
  results: SearchHit[];
  total: number;
  next_cursor: string | null;
  total_relation: 'eq' | 'gte';
  /** Number of results that pages reach, where it is less than `total`: the best 200 are ranked. */
  reachable?: number;
  /** Reason for an empty result. */
  reason?: 'nothing_stored' | 'nothing_matched';
  truncated: boolean;
  /** State of each retriever. */
  retrievers: SearchQueryOutputRetrievers;
  /** None of the results is a close match. */
  low_confidence?: true;
  /** Some new memories are not found by meaning yet. */
  embedding_pending?: true;
}

export interface KeysGetOutputLastCall {
  at: string;
  transport: 'rest' | 'mcp_http' | 'mcp_stdio' | 'dashboard';
  /** Name of the client, such as `claude-code`; null if unknown. */
  client: string | null;
  operation: string;
  /** Method and path, tool name, or resource. */
  endpoint: string;
}

export interface ApiKey {
  id: string;
  name: string;
  prefix: string;
  last4: string;
  scopes: ('memories:read' | 'memories:write' | 'account:read' | 'keys:write')[];
  /** The key sees and writes the memories of these only; "none": those of no project. Null: all. */
  projects: string[] | null;
  rpm_limit: number | null;
  active: boolean;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
  created_at: string;
  /** The last recorded call of the last 30 days. */
  last_call: KeysGetOutputLastCall | null;
}

export interface Webhook {
  id: string;
  url: string;
  description: string;
  events: string[];
  status: 'enabled' | 'disabled';
  /** `owner`: by you. `plan`: the plan has no webhooks. `gone`: it responded 410. `failing`: no delivery succeeded for three days. `backlog`: 100,000 deliveries waited. */
  disabled_reason: 'owner' | 'plan' | 'gone' | 'failing' | 'backlog' | null;
  /** Deliveries that are still to be made. */
  waiting: number;
  /** First failed attempt since the last success. */
  failing_since: string | null;
  last_delivered_at: string | null;
  /** Until when the former secret signs too. */
  previous_secret_expires_at: string | null;
  created_at: string;
  updated_at: string;
}

export interface MemoriesBatchInputMemories {
  /** Default: the first heading or sentence. */
  title?: string;
  content: string;
  type?: 'short_term' | 'long_term';
  /** Stored in lower case, with `_` for spaces. */
  tags?: string[];
  /** Any JSON object. `importance` (0 to 1) adjusts the ranking. */
  metadata?: Record<string, unknown>;
  /** Its project, such as a repository. Null: none. */
  project?: string | null;
  /** Its session. */
  session_id?: string | null;
  /** Time of the event, with offset. */
  occurred_at?: string | null;
  /** Time from which it is outdated. */
  expires_at?: string | null;
  /** Id of the memory that it replaces. Both are kept. */
  supersedes?: string | null;
}

export interface MemoriesBatchOutputResultsErrorErrors {
  path: string;
  message: string;
}

export interface MemoriesBatchOutputResultsError {
  code: string;
  detail: string;
  errors: MemoriesBatchOutputResultsErrorErrors[];
}

export interface MemoriesBatchOutputResults {
  index: number;
  status: 'created' | 'deduplicated' | 'rejected';
  id: string | null;
  error?: MemoriesBatchOutputResultsError;
}

export interface MemoriesBatchOutput {
  results: MemoriesBatchOutputResults[];
}

export interface MemoriesBatchReceiptResults {
  index: number;
  id: string | null;
  error?: MemoriesBatchOutputResultsError;
}

export interface MemoriesBatchReceipt {
  results: MemoriesBatchReceiptResults[];
}

export interface MemoriesBulkInputFilter {
  type?: 'short_term' | 'long_term';
  status?: 'active' | 'archived' | 'all';
  tags?: string[];
  /** `exact`: these tags and no others; without `tags`, untagged memories. */
  tags_match?: 'all' | 'any' | 'exact';
  /** Null: of none. "*": any. Default: the connection's, else any. */
  project?: string | null;
  /** Null: no session. */
  session_id?: string | null;
  /** ISO 8601 date or date-time. */
  created_after?: string;
  /** ISO 8601, exclusive; a date includes that UTC day. */
  created_before?: string;
  /** ISO 8601, inclusive; a date is the local day. */
  occurred_after?: string;
  /** ISO 8601, exclusive; a date includes that local day. */
  occurred_before?: string;
  /** Conditions on metadata, all of which must hold. In a query string as JSON: `[{"path":"kind","eq":"bug"}]`. */
  metadata?: MetadataCondition[];
  ids?: string[];
}

export interface MemoriesBulkOutputRejected {
  id: string;
  code: string;
  detail: string;
}

export interface MemoriesBulkOutputDuplicates {
  id: string;
  duplicate_of: string;
}

export interface MemoriesBulkOutputMovedFrom {
  project: string | null;
  ids: string[];
}

export interface MemoriesBulkOutput {
  dry_run: boolean;
  action: string;
  /** Number of memories that match the filter. */
  matched: number;
  changed: string[];
  rejected: MemoriesBulkOutputRejected[];
  /** Number of memories that further calls would change. */
  remaining: number;
  /** Moved memories that were archived: the project has an active exact duplicate of each. */
  duplicates?: MemoriesBulkOutputDuplicates[];
  /** The former project of each moved memory, with which the move can be undone. */
  moved_from?: MemoriesBulkOutputMovedFrom[];
}

export interface MemoriesBulkReceipt {
  dry_run: boolean;
  changed: string[];
  remaining: number;
}

export interface MemoriesReplaceOutput {
  id: string;
  type: 'short_term' | 'long_term';
  status: 'active' | 'archived';
  title: string;
  content: string;
  tags: string[];
  metadata: Record<string, unknown>;
  project: string | null;
  session_id: string | null;
  occurred_at: string | null;
  expires_at: string | null;
  /** The memory that it replaces. */
  supersedes: string | null;
  /** The active memory that replaces it. */
  superseded_by: string | null;
  /** The digest into which it was consolidated. */
  consolidated_into: string | null;
  version: number;
  size_bytes: number;
  created_at: string;
  updated_at: string;
}

export interface MemoriesDeleteOutput {
  id: string;
  status: 'archived' | 'deleted';
  version: number | null;
}

export interface MemoriesDeleteReceipt {
  id: string;
  version: number | null;
}

export interface MemoriesVersionsOutputResults {
  type: 'short_term' | 'long_term';
  status: 'active' | 'archived';
  title: string;
  content: string;
  tags: string[];
  metadata: Record<string, unknown>;
  project: string | null;
  session_id: string | null;
  occurred_at: string | null;
  expires_at: string | null;
  /** The memory that it replaces. */
  supersedes: string | null;
  version: number;
  size_bytes: number;
  /** Time at which this state was written. */
  written_at: string;
}

export interface MemoriesVersionsOutput {
  results: MemoriesVersionsOutputResults[];
  total: number;
  next_cursor: string | null;
}

export interface MemoriesNearDuplicatesOutputResultsSimilar {
  id: string;
  title: string;
  /** The first 1,000 characters of its content. */
  excerpt: string;
  type: 'short_term' | 'long_term';
  tags: string[];
  project: string | null;
  version: number;
  created_at: string;
  updated_at: string;
  score: number;
}

export interface MemoriesNearDuplicatesOutputResults {
  id: string;
  title: string;
  /** The first 1,000 characters of its content. */
  excerpt: string;
  type: 'short_term' | 'long_term';
  tags: string[];
  project: string | null;
  version: number;
  created_at: string;
  updated_at: string;
  /** Up to ten older memories, most similar first. */
  similar: MemoriesNearDuplicatesOutputResultsSimilar[];
}

export interface MemoriesNearDuplicatesOutput {
  results: MemoriesNearDuplicatesOutputResults[];
  /** Number of memories that this call compared with older ones. */
  compared: number;
  next_cursor: string | null;
}

export interface SearchContextOutputRepeats {
  id: string;
  repeat_of: string;
}

export interface SearchContextOutput {
  context: string;
  /** Tokens of `context`, at most `max_tokens`. */
  tokens: number;
  tokenizer: 'o200k_base';
  memory_ids: string[];
  /** True when something relevant was left out or cut. */
  truncated: boolean;
  /** Memories left out because an included one says the same. */
  repeats?: SearchContextOutputRepeats[];
  reason?: 'nothing_stored' | 'nothing_matched';
  /** Some new memories are not found by meaning yet. */
  embedding_pending?: true;
}

export interface MemoriesConsolidateOutputPromoted {
  id: string;
  title: string;
}

export interface MemoriesConsolidateOutputArchived {
  id: string;
  title: string;
  digest_id: string | null;
}

export interface MemoriesConsolidateOutputDigests {
  id: string | null;
  title: string;
}

export interface MemoriesConsolidateOutputCounts {
  promoted: number;
  archived: number;
  digests: number;
}

export interface MemoriesConsolidateOutput {
  dry_run: boolean;
  promoted: MemoriesConsolidateOutputPromoted[];
  archived: MemoriesConsolidateOutputArchived[];
  digests: MemoriesConsolidateOutputDigests[];
  /** Including those that `max_tokens` left out. */
  counts: MemoriesConsolidateOutputCounts;
  /** True when `max_tokens` cut the lists. */
  truncated: boolean;
  /** Candidates left for further calls. */
  remaining: number;
}

export interface MemoriesConsolidateReceiptPromoted {
  id: string;
}

export interface MemoriesConsolidateReceiptArchived {
  id: string;
  digest_id: string | null;
}

export interface MemoriesConsolidateReceiptDigests {
  id: string | null;
}

export interface MemoriesConsolidateReceipt {
  dry_run: boolean;
  promoted: MemoriesConsolidateReceiptPromoted[];
  archived: MemoriesConsolidateReceiptArchived[];
  digests: MemoriesConsolidateReceiptDigests[];
  remaining: number;
}

export interface TagsListOutputResults {
  tag: string;
  count: number;
  types: ('short_term' | 'long_term')[];
}

export interface TagsListOutput {
  results: TagsListOutputResults[];
  total: number;
  next_cursor: string | null;
}

export interface TagsUpdateOutput {
  dry_run: boolean;
  /** True when other memories have the new tag already. */
  merges: boolean;
  /** Number of memories that match the filter. */
  matched: number;
  changed: string[];
  rejected: MemoriesBulkOutputRejected[];
  /** Number of memories that further calls would change. */
  remaining: number;
}

export interface TagsDeleteOutput {
  dry_run: boolean;
  /** Number of memories that match the filter. */
  matched: number;
  changed: string[];
  rejected: MemoriesBulkOutputRejected[];
  /** Number of memories that further calls would change. */
  remaining: number;
}

export interface TagsNormalizeOutputChanged {
  id: string;
  title: string;
  before: string[];
  after: string[];
}

export interface TagsNormalizeOutput {
  dry_run: boolean;
  changed: TagsNormalizeOutputChanged[];
  remaining: number;
}

export interface TagsNormalizeReceipt {
  dry_run: boolean;
  changed: MemoriesConsolidateReceiptPromoted[];
  remaining: number;
}

export interface ProjectsListOutputResults {
  /** Null: no project. */
  name: string | null;
  /** Number of active memories. */
  active: number;
  /** Number of archived memories. */
  archived: number;
  /** Size of its memories, without their former versions. */
  bytes: number;
  /** Time of the newest edit. */
  updated_at: string;
}

export interface ProjectsListOutput {
  results: ProjectsListOutputResults[];
  total: number;
  next_cursor: string | null;
}

export interface ProjectsUpdateOutput {
  dry_run: boolean;
  /** True when the project of the new name has other memories already. */
  merges: boolean;
  /** Number of memories that match the filter. */
  matched: number;
  changed: string[];
  rejected: MemoriesBulkOutputRejected[];
  /** Number of memories that further calls would change. */
  remaining: number;
  /** Moved memories that were archived: the project has an active exact duplicate of each. */
  duplicates: MemoriesBulkOutputDuplicates[];
  /** API keys that are bound to the project. They follow a rename: until it is complete, they have both projects. */
  bound_keys: string[];
}

export interface ImportsStartOutputCounts {
  /** Records that were read. */
  records: number;
  /** New memories. */
  memories: number;
  /** New former versions of memories. */
  versions: number;
  /** Records that the account has already. */
  unchanged: number;
  /** Records that do not fit. */
  rejected: number;
  /** Records of other kinds, such as the API keys in an account export. */
  ignored: number;
  /** Storage that the new memories and versions need. */
  storage_bytes: number;
  /** Memories that were stored. */
  imported_memories: number;
  /** Former versions that were stored. */
  imported_versions: number;
}

export interface ImportsStartOutputFindings {
  /** Line of the file at which the record starts, from 1; 0: the file as a whole. */
  line: number;
  /** Title, id or path of the record. */
  what: string;
  code: 'rejected' | 'id_exists' | 'storage_full' | 'unchanged' | 'link_dropped' | 'not_mapped';
  why: string;
}

export interface ImportsStartOutput {
  id: string;
  /** `checked`: a dry run has ended. `stopped`: the storage is full or the account may not write; run it again to continue. `failed`: the file cannot be read. */
  status: 'uploading' | 'checking' | 'checked' | 'importing' | 'completed' | 'stopped' | 'failed';
  name: string;
  /** The given or detected format. */
  format: 'whitemagic' | 'server_memory' | 'mem0' | 'supermemory' | 'zep' | 'markdown' | 'csv' | 'jsonl' | null;
  /** False once a run that stores memories was requested. */
  dry_run: boolean;
  uploaded_bytes: number;
  /** Number of the next part to upload. */
  next_chunk: number;
  /** Done part of the current step, 0 to 1. */
  progress: number;
  counts: ImportsStartOutputCounts;
  /** Quota units of the day that a run costs; none from the dashboard. */
  cost: number;
  /** Why it stopped or failed. */
  reason: string | null;
  /** The first findings, without unchanged records. */
  findings: ImportsStartOutputFindings[];
  created_at: string;
  finished_at: string | null;
  /** Quota units of the day that this call took for the run. */
  charged: number;
}

export interface ImportsStartReceipt {
  id: string;
  /** `checked`: a dry run has ended. `stopped`: the storage is full or the account may not write; run it again to continue. `failed`: the file cannot be read. */
  status: 'uploading' | 'checking' | 'checked' | 'importing' | 'completed' | 'stopped' | 'failed';
  next_chunk: number;
}

export interface ImportsListOutputResults {
  id: string;
  /** `checked`: a dry run has ended. `stopped`: the storage is full or the account may not write; run it again to continue. `failed`: the file cannot be read. */
  status: 'uploading' | 'checking' | 'checked' | 'importing' | 'completed' | 'stopped' | 'failed';
  name: string;
  /** The given or detected format. */
  format: 'whitemagic' | 'server_memory' | 'mem0' | 'supermemory' | 'zep' | 'markdown' | 'csv' | 'jsonl' | null;
  /** False once a run that stores memories was requested. */
  dry_run: boolean;
  uploaded_bytes: number;
  /** Done part of the current step, 0 to 1. */
  progress: number;
  counts: ImportsStartOutputCounts;
  /** Quota units of the day that a run costs; none from the dashboard. */
  cost: number;
  /** Why it stopped or failed. */
  reason: string | null;
  created_at: string;
  finished_at: string | null;
}

export interface ImportsListOutput {
  /** At most 20. */
  results: ImportsListOutputResults[];
}

export interface ImportsGetOutput {
  id: string;
  /** `checked`: a dry run has ended. `stopped`: the storage is full or the account may not write; run it again to continue. `failed`: the file cannot be read. */
  status: 'uploading' | 'checking' | 'checked' | 'importing' | 'completed' | 'stopped' | 'failed';
  name: string;
  /** The given or detected format. */
  format: 'whitemagic' | 'server_memory' | 'mem0' | 'supermemory' | 'zep' | 'markdown' | 'csv' | 'jsonl' | null;
  /** False once a run that stores memories was requested. */
  dry_run: boolean;
  uploaded_bytes: number;
  /** Number of the next part to upload. */
  next_chunk: number;
  /** Done part of the current step, 0 to 1. */
  progress: number;
  counts: ImportsStartOutputCounts;
  /** Quota units of the day that a run costs; none from the dashboard. */
  cost: number;
  /** Why it stopped or failed. */
  reason: string | null;
  /** The first findings, without unchanged records. */
  findings: ImportsStartOutputFindings[];
  created_at: string;
  finished_at: string | null;
}

export interface ImportsDeleteOutput {
  id: string;
  status: 'deleted';
}

export interface ImportsUploadOutput {
  id: string;
  uploaded_bytes: number;
  next_chunk: number;
}

export interface ImportsReportOutput {
  results: ImportsStartOutputFindings[];
  total: number;
  next_cursor: string | null;
}

export interface StatsGetOutputMemories {
  total: number;
  active: number;
  archived: number;
  short_term: number;
  long_term: number;
}

export interface StatsGetOutputStorage {
  bytes: number;
  limit_bytes: number;
}

export interface StatsGetOutputEmbeddingFailures {
  id: string;
  reason: 'rejected' | 'encoder_stopped' | 'not_stored';
}

export interface StatsGetOutputEmbedding {
  state: 'disabled' | 'loading' | 'ready' | 'degraded';
  model: string | null;
  /** Languages whose texts the model compares by meaning, as BCP 47 codes; texts in others are found by their words. Null where the model of an endpoint decides, or without a model. */
  languages: string[] | null;
  /** Memories that wait for vectors; until then they are found by words only. */
  pending: number;
  /** Memories that cannot be embedded: found by words only. An edit tries again. */
  failed: number;
  /** Up to ten of the failed memories, newest first. */
  failures: StatsGetOutputEmbeddingFailures[];
  /** Memories with `passages_max` passages; the rest of their text is found by words only. */
  truncated: number;
  /** Most passages of a memory that get vectors. */
  passages_max: number;
}

export interface StatsGetOutput {
  memories: StatsGetOutputMemories;
  tags: number;
  storage: StatsGetOutputStorage;
  embedding: StatsGetOutputEmbedding;
  last_consolidation_at: string | null;
}

export interface StatsStorageOutputByProject {
  project: string | null;
  memories: number;
  bytes: number;
}

export interface StatsStorageOutputByType {
  type: 'short_term' | 'long_term';
  memories: number;
  bytes: number;
}

export interface StatsStorageOutputVersions {
  versions: number;
  bytes: number;
}

export interface StatsStorageOutput {
  /** Memories and their kept versions, as the plan limits them. */
  bytes: number;
  limit_bytes: number;
  /** The 100 largest; null for memories of no project. */
  by_project: StatsStorageOutputByProject[];
  by_type: StatsStorageOutputByType[];
  /** Kept former versions. */
  versions: StatsStorageOutputVersions;
}

export interface UserMeOutputLimits {
  requests_per_minute: number;
  /** Per UTC day. */
  requests_per_day: number;
  storage_bytes: number;
  rest: boolean;
  webhooks: boolean;
}

export interface UserMeOutputBilling {
  /** The plan and what becomes of it, as a sentence. */
  summary: string;
  renews_at: string | null;
  /** End of a canceled plan. */
  ends_at: string | null;
  /** Whop's page to change, pay or cancel the plan. */
  manage_url: string | null;
}

export interface UserMeOutputMemberships {
  /** Whop's id of the membership. */
  id: string;
  plan: string;
  /** Whop's status. */
  status: string;
  grants_access: boolean;
  /** When it renews, or ends. */
  period_end: string | null;
  cancel_at_period_end: boolean;
  /** Whop's page to change, pay or cancel it, with its invoices. */
  manage_url: string | null;
  /** When it was read from Whop; null if only reported by it. */
  as_of: string | null;
}

export interface UserMeOutputKey {
  id: string;
  scopes: ('memories:read' | 'memories:write' | 'account:read' | 'keys:write')[];
  /** The projects that it is bound to; null: all. */
  projects: string[] | null;
}

export interface UserMeOutputSession {
  id: string;
}

export interface Account {
  id: string;
  email: string | null;
  plan: string;
  status: string;
  limits: UserMeOutputLimits;
  storage_bytes: number;
  billing: UserMeOutputBilling;
  /** Those that grant access first. */
  memberships: UserMeOutputMemberships[];
  created_at: string;
  /** Time at which the account is deleted permanently. */
  purge_at: string | null;
  /** The calling key; null in the dashboard. */
  key: UserMeOutputKey | null;
  /** The session of the dashboard; null for a key. */
  session: UserMeOutputSession | null;
  /** Whether this is a session of the operator of the service. */
  is_operator: boolean;
}

export interface UserOverviewOutputPlanCallsToday {
  used: number;
  limit: number;
  percent: number;
  resets_at: string;
}

export interface UserOverviewOutputPlanStorageBytes {
  used: number;
  limit: number;
  percent: number;
}

export interface UserOverviewOutputPlan {
  name: string;
  calls_today: UserOverviewOutputPlanCallsToday;
  /** `billable` calls since the first of the UTC month. */
  requests_this_month: number;
  storage_bytes: UserOverviewOutputPlanStorageBytes;
}

export interface UserOverviewOutputAccount {
  status: string;
  purge_at: string | null;
}

export interface UserOverviewOutputMemories {
  id: string;
  title: string;
  /** The first 200 characters of the content. */
  excerpt: string;
  type: 'short_term' | 'long_term';
  project: string | null;
  tags: string[];
  created_at: string;
  updated_at: string;
}

export interface UserOverviewOutputRequests {
  /** Id of its usage event, as `X-Usage-Event` names it. */
  id: string;
  /** Time at which it ended. */
  at: string;
  operation: string;
  /** Method and path, tool name, or resource. */
  endpoint: string;
  transport: 'rest' | 'mcp_http' | 'mcp_stdio' | 'dashboard';
  method: string;
  /** Product and version, such as `claude-code/2.1.328`; null if unknown. */
  client: string | null;
  key_id: string | null;
  key_name: string | null;
  status: number;
  /** Code of the error. */
  code: string | null;
  /** `X-Request-Id` of its response. */
  request_id: string | null;
  duration_ms: number;
  bytes_in: number;
  bytes_out: number;
  quota_units: number;
  /** Tokens of the result for a model, where they are counted. */
  tokens: number | null;
  billable: boolean;
}

export interface UserOverviewOutputAttentionLink {
  label: string;
  href: string;
}

export interface UserOverviewOutputAttention {
  kind: 'calls_limit' | 'storage_limit' | 'payment_failed' | 'plan_ends' | 'read_only' | 'account_closing' | 'key_expires' | 'webhook_failing' | 'index_behind' | 'not_indexed';
  severity: 'critical' | 'warning' | 'info';
  /** Sentences for people. */
  message: string;
  /** Where to act: a path of the dashboard, or a page at Whop. */
  link: UserOverviewOutputAttentionLink | null;
}

export interface UserOverviewOutput {
  plan: UserOverviewOutputPlan;
  account: UserOverviewOutputAccount;
  memories: UserOverviewOutputMemories[] | null;
  requests: UserOverviewOutputRequests[];
  /** The most severe first. */
  attention: UserOverviewOutputAttention[];
}

export interface UserUsageOutputResults {
  day?: string;
  /** UTC month, such as 2026-11. */
  month?: string;
  /** Start of the hour. */
  hour?: string;
  transport?: 'rest' | 'mcp_http' | 'mcp_stdio' | 'dashboard';
  operation?: string;
  /** Method and path, tool name, or resource. */
  endpoint?: string;
  key_id?: string | null;
  key_name?: string | null;
  /** Name of the client without its version, such as `claude-code`. */
  client?: string | null;
  calls: number;
  /** Calls that a bill goes by: each that passed the checks of key, scope, plan and limits counts once, whatever units it cost, unless the service failed. A call that was rejected by one of these checks never counts. */
  billable: number;
  errors: number;
  mean_ms: number;
  /** Estimated median; null where durations were not counted. */
  p50_ms: number | null;
  /** Estimated 95th percentile. */
  p95_ms: number | null;
  bytes_in: number;
  bytes_out: number;
  /** Quota units consumed of the day's limit: 1 per call; a batch costs one per item. */
  quota_units: number;
  /** Tokens of results for models (o200k_base). */
  tokens: number;
}

export interface UserUsageOutputTotals {
  calls: number;
  /** Calls that a bill goes by: each that passed the checks of key, scope, plan and limits counts once, whatever units it cost, unless the service failed. A call that was rejected by one of these checks never counts. */
  billable: number;
  errors: number;
}

export interface UserUsageOutput {
  from: string;
  to: string;
  /** Newest first, or most calls first. A row has the fields that it is grouped by. */
  results: UserUsageOutputResults[];
  totals: UserUsageOutputTotals;
  plan: UserOverviewOutputPlan;
}

export interface UserRequestsOutput {
  results: UserOverviewOutputRequests[];
  next_cursor: string | null;
  /** Time of the oldest call that was looked at. */
  searched_to: string;
}

export interface UserMembershipsOutputPlans {
  name: string;
  price: string;
  is_current: boolean;
  /** Where it can be bought; null where it is not sold. */
  checkout_url: string | null;
}

export interface UserMembershipsOutput {
  results: UserMeOutputMemberships[];
  plans: UserMembershipsOutputPlans[];
}

export interface UserAuditLogOutputResults {
  id: string;
  at: string;
  /** `key:<id>`, `session:<id>`, `operator:<account id>`, `admin`, or the part of the service. */
  actor: string;
  /** Name of the key. */
  actor_name: string | null;
  /** Such as `keys.create`. */
  action: string;
  /** Id of what was changed. */
  target: string | null;
  /** Name of the changed key. */
  target_name: string | null;
  details: Record<string, unknown>;
}

export interface UserAuditLogOutput {
  results: UserAuditLogOutputResults[];
  next_cursor: string | null;
}

export interface KeysListOutputResults {
  id: string;
  name: string;
  prefix: string;
  last4: string;
  scopes: ('memories:read' | 'memories:write' | 'account:read' | 'keys:write')[];
  /** The key sees and writes the memories of these only; "none": those of no project. Null: all. */
  projects: string[] | null;
  rpm_limit: number | null;
  active: boolean;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
  created_at: string;
  /** The last recorded call of the last 30 days. */
  last_call: KeysGetOutputLastCall | null;
  /** Calls of the last 30 UTC days, today last. */
  calls_by_day: number[];
}

export interface KeysListOutput {
  results: KeysListOutputResults[];
  total: number;
}

export interface CreatedApiKey {
  id: string;
  name: string;
  prefix: string;
  last4: string;
  scopes: ('memories:read' | 'memories:write' | 'account:read' | 'keys:write')[];
  /** The key sees and writes the memories of these only; "none": those of no project. Null: all. */
  projects: string[] | null;
  rpm_limit: number | null;
  active: boolean;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
  created_at: string;
  /** The key, returned only once. */
  api_key: string;
}

export interface KeysUpdateOutput {
  id: string;
  name: string;
  prefix: string;
  last4: string;
  scopes: ('memories:read' | 'memories:write' | 'account:read' | 'keys:write')[];
  /** The key sees and writes the memories of these only; "none": those of no project. Null: all. */
  projects: string[] | null;
  rpm_limit: number | null;
  active: boolean;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
  created_at: string;
}

export interface KeysRotateOutput {
  id: string;
  name: string;
  prefix: string;
  last4: string;
  scopes: ('memories:read' | 'memories:write' | 'account:read' | 'keys:write')[];
  /** The key sees and writes the memories of these only; "none": those of no project. Null: all. */
  projects: string[] | null;
  rpm_limit: number | null;
  active: boolean;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
  created_at: string;
  /** The key, returned only once. */
  api_key: string;
  /** The rotated key. */
  previous_key_id: string;
  /** End of its grace period. */
  previous_key_expires_at: string;
}

export interface WebhooksListOutput {
  results: Webhook[];
  total: number;
}

export interface CreatedWebhook {
  id: string;
  url: string;
  description: string;
  events: string[];
  status: 'enabled' | 'disabled';
  /** `owner`: by you. `plan`: the plan has no webhooks. `gone`: it responded 410. `failing`: no delivery succeeded for three days. `backlog`: 100,000 deliveries waited. */
  disabled_reason: 'owner' | 'plan' | 'gone' | 'failing' | 'backlog' | null;
  /** Deliveries that are still to be made. */
  waiting: number;
  /** First failed attempt since the last success. */
  failing_since: string | null;
  last_delivered_at: string | null;
  /** Until when the former secret signs too. */
  previous_secret_expires_at: string | null;
  created_at: string;
  updated_at: string;
  /** Verifies signatures; `whsec_` and base64. Returned only once. */
  secret: string;
}

export interface WebhooksDeleteOutput {
  id: string;
  deleted: true;
}

export interface WebhooksTestOutput {
  /** Id of the event, sent as `webhook-id`. */
  id: string;
  type: string;
  memory_id: string | null;
  /** `failed`: given up after three days. */
  state: 'pending' | 'delivered' | 'failed';
  attempts: number;
  occurred_at: string;
  last_attempt_at: string | null;
  next_attempt_at: string | null;
  /** Of the last attempt; null without a response. */
  response_status: number | null;
  duration_ms: number | null;
  /** Why the last attempt failed. */
  error: string | null;
  /** The body that is sent. */
  body: Record<string, unknown>;
}

export interface WebhooksDeliveriesOutput {
  results: WebhooksTestOutput[];
  next_cursor: string | null;
}

export interface AppsListOutputResults {
  id: string;
  /** As the app names itself; not verified. */
  name: string;
  /** A URL whose host published the app, or the id of a registration. */
  client_id: string;
  /** Where the app receives its access: a host name, `localhost`, or the scheme of a program, such as `cursor:`. */
  host: string;
  scopes: ('memories:read' | 'memories:write' | 'account:read')[];
  /** The projects that it sees and writes; "none": memories of no project. Null: all. */
  projects: string[] | null;
  /** Time of the consent. */
  created_at: string;
  last_used_at: string | null;
  /** Time at which its access ends unless it is used before. */
  expires_at: string;
}

export interface AppsListOutput {
  results: AppsListOutputResults[];
  total: number;
  /** Address of the MCP server for apps that connect by OAuth; null where OAuth is off. */
  mcp_url: string | null;
}

export interface AppsRevokeOutput {
  revoked: true;
}

export interface AccountExportOutput {
  id: string;
  /** `erased`: a memory in it was deleted permanently; request a new one. */
  status: 'pending' | 'ready' | 'failed' | 'erased';
  created_at: string;
  ready_at: string | null;
  /** Time until which the file is kept. */
  expires_at: string | null;
  /** Size of the file. */
  bytes: number | null;
  /** Number of lines by kind. */
  counts: Record<string, number> | null;
  /** Path of the file, once it is ready. */
  file: string | null;
}

export interface AccountExportsOutput {
  results: AccountExportOutput[];
  total: number;
}

export interface AccountDeleteOutput {
  status: 'active' | 'read_only' | 'closing' | 'deleted';
  /** Time at which everything is deleted permanently. */
  purge_at: string | null;
}

export interface LicenseValidateOutput {
  /** Whether it entitles to its plan. */
  valid: boolean;
  /** Whop's status of the membership. */
  status: string | null;
  plan: string | null;
  membership_id: string | null;
  period_end: string | null;
  cancel_at_period_end: boolean;
  /** Time of the data from Whop: seconds ago, unless Whop is unavailable. */
  as_of: string | null;
}

export interface Plan {
  name: string;
  price: string;
  /** Purpose of the plan. */
  purpose: string;
  /** Support in words, with the time until a response. */
  support: string;
  requests_per_minute: number;
  /** Per UTC day. */
  requests_per_day: number;
  storage_bytes: number;
  /** Transports over which memories are available on this plan. */
  transports: ('rest' | 'mcp_http' | 'mcp_stdio' | 'dashboard')[];
  /** Whether outgoing webhooks are included. */
  webhooks: boolean;
}

export interface PlansListOutput {
  results: Plan[];
}

export interface KeysLeakedOutput {
  received: true;
}

export interface DeviceStartOutput {
  /** Secret of the program. */
  device_code: string;
  user_code: string;
  verification_uri: string;
  verification_uri_complete: string;
  /** Seconds. */
  expires_in: number;
  /** Seconds between two polls. */
  interval: number;
}

export interface DevicePollOutput {
  status: 'pending' | 'approved' | 'denied' | 'expired';
  /** Only with `approved`, and only once. */
  api_key: string | null;
}

export interface OnMemoryCreatedEventData {
  id: string;
  /** Grows with each change; a memory’s events arrive in its order. */
  version: number;
  type: 'short_term' | 'long_term';
  status: 'active' | 'archived';
  project: string | null;
  session_id: string | null;
  tags: string[];
  expires_at: string | null;
  created_at: string;
  updated_at: string;
}

export interface OnMemoryCreatedEvent {
  type: 'memory.created';
  /** When it happened. */
  timestamp: string;
  data: OnMemoryCreatedEventData;
}

export interface OnMemoryUpdatedEvent {
  type: 'memory.updated';
  /** When it happened. */
  timestamp: string;
  data: OnMemoryCreatedEventData;
}

export interface OnMemoryArchivedEvent {
  type: 'memory.archived';
  /** When it happened. */
  timestamp: string;
  data: OnMemoryCreatedEventData;
}

export interface OnMemoryRestoredEvent {
  type: 'memory.restored';
  /** When it happened. */
  timestamp: string;
  data: OnMemoryCreatedEventData;
}

export interface OnMemoryDeletedEventData {
  id: string;
  /** The last version. */
  version: number;
}

export interface OnMemoryDeletedEvent {
  type: 'memory.deleted';
  /** When it happened. */
  timestamp: string;
  data: OnMemoryDeletedEventData;
}

export interface OnConsolidationCompletedEvent {
  type: 'consolidation.completed';
  /** When it happened. */
  timestamp: string;
  data: MemoriesConsolidateOutputCounts;
}

export interface OnUsageThresholdEventData {
  kind: 'calls' | 'storage';
  percent: number;
  used: number;
  limit: number;
  /** UTC. */
  day: string;
}

export interface OnUsageThresholdEvent {
  type: 'usage.threshold';
  /** When it happened. */
  timestamp: string;
  data: OnUsageThresholdEventData;
}

export interface OnKeyCreatedEventData {
  id: string;
  name: string;
  last4: string;
}

export interface OnKeyCreatedEvent {
  type: 'key.created';
  /** When it happened. */
  timestamp: string;
  data: OnKeyCreatedEventData;
}

export interface OnKeyRotatedEventData {
  id: string;
  name: string;
  last4: string;
  previous_key_id: string;
  previous_key_expires_at: string;
}

export interface OnKeyRotatedEvent {
  type: 'key.rotated';
  /** When it happened. */
  timestamp: string;
  data: OnKeyRotatedEventData;
}

export interface OnKeyRevokedEventData {
  id: string;
  name: string;
  last4: string;
  /** `leaked`: the key was found in public. `unused`: another activation link was used instead. */
  reason: 'revoked' | 'leaked' | 'unused';
}

export interface OnKeyRevokedEvent {
  type: 'key.revoked';
  /** When it happened. */
  timestamp: string;
  data: OnKeyRevokedEventData;
}

export interface OnImportCompletedEventData {
  id: string;
  memories: number;
  versions: number;
  rejected: number;
}

export interface OnImportCompletedEvent {
  type: 'import.completed';
  /** When it happened. */
  timestamp: string;
  data: OnImportCompletedEventData;
}

export interface OnExportReadyEventData {
  id: string;
  bytes: number;
  expires_at: string;
}

export interface OnExportReadyEvent {
  type: 'export.ready';
  /** When it happened. */
  timestamp: string;
  data: OnExportReadyEventData;
}

export interface OnWebhookTestEventData {
  message: string;
}

export interface OnWebhookTestEvent {
  type: 'webhook.test';
  /** When it happened. */
  timestamp: string;
  data: OnWebhookTestEventData;
}

/** Input of `memories.create`: store a memory. */
export interface MemoriesCreateInput {
  content: string;
  /** Default: the first heading or sentence. */
  title?: string;
  type?: 'short_term' | 'long_term';
  /** Stored in lower case, with `_` for spaces. */
  tags?: string[];
  /** Any JSON object. `importance` (0 to 1) adjusts the ranking. */
  metadata?: Record<string, unknown>;
  /** Its project, such as a repository. Null: none. */
  project?: string | null;
  /** Its session. */
  session_id?: string | null;
  /** Time of the event, with offset. */
  occurred_at?: string | null;
  /** Time from which it is outdated. */
  expires_at?: string | null;
  /** Id of the memory that it replaces. Both are kept. */
  supersedes?: string | null;
}

/** Input of `memories.list`: list memories. */
export interface MemoriesListInput {
  type?: 'short_term' | 'long_term';
  status?: 'active' | 'archived' | 'all';
  /** Separated by commas; or a JSON array, for values that contain commas: `["a,b"]`. */
  tags?: string[];
  /** `exact`: these tags and no others; without `tags`, untagged memories. */
  tags_match?: 'all' | 'any' | 'exact';
  /** Null: of none. "*": any. Default: the connection's, else any. Empty: null. */
  project?: string;
  /** Null: no session. Empty: null. */
  session_id?: string;
  /** ISO 8601 date or date-time. */
  created_after?: string;
  /** ISO 8601, exclusive; a date includes that UTC day. */
  created_before?: string;
  /** ISO 8601, inclusive; a date is the local day. */
  occurred_after?: string;
  /** ISO 8601, exclusive; a date includes that local day. */
  occurred_before?: string;
  /** Separated by commas; or a JSON array, for values that contain commas: `["a,b"]`. */
  metadata?: MetadataCondition[];
  /** Include superseded memories. */
  include_superseded?: boolean;
  /** Include expired memories. */
  include_expired?: boolean;
  sort?: 'created_at' | 'updated_at' | 'occurred_at' | 'title';
  order?: 'asc' | 'desc';
  /** 1 to 200; others are clamped. */
  limit?: number;
  /** `next_cursor` of the previous page. */
  cursor?: string;
  /** Return whole contents. Default: the first 4,000 characters of each. */
  include?: 'content';
  /** Token budget of the result. At least one memory is returned. */
  max_tokens?: number;
}

/** Input of `memories.batch`: store up to 100 memories. */
export interface MemoriesBatchInput {
  memories: MemoriesBatchInputMemories[];
}

/** Input of `memories.bulk`: archive, restore, delete, retag or move many memories. */
export interface MemoriesBulkInput {
  filter: MemoriesBulkInputFilter;
  action: 'archive' | 'restore' | 'delete' | 'add_tags' | 'remove_tags' | 'move';
  /** Tags to add or remove. */
  tags?: string[];
  /** Project to move to. Null: none. */
  project?: string | null;
  dry_run?: boolean;
}

/** Input of `memories.get`: read a memory. */
export interface MemoriesGetInput {
  id: string;
  /** Character of the content to start at. */
  offset?: number;
  /** Token budget of the result. */
  max_tokens?: number;
}

/** Input of `memories.replace`: replace a memory. */
export interface MemoriesReplaceInput {
  id: string;
  content: string;
  /** Default: the first heading or sentence. */
  title?: string;
  type?: 'short_term' | 'long_term';
  /** Stored in lower case, with `_` for spaces. */
  tags?: string[];
  /** Any JSON object. `importance` (0 to 1) adjusts the ranking. */
  metadata?: Record<string, unknown>;
  /** Its project, such as a repository. Null: none. */
  project?: string | null;
  /** Its session. */
  session_id?: string | null;
  /** Time of the event, with offset. */
  occurred_at?: string | null;
  /** Time from which it is outdated. */
  expires_at?: string | null;
  /** Id of the memory that it replaces. Both are kept. */
  supersedes?: string | null;
  /** Version that it must be at. */
  if_version?: number;
}

/** Input of `memories.update`: change a memory. */
export interface MemoriesUpdateInput {
  id: string;
  title?: string;
  content?: string;
  type?: 'short_term' | 'long_term';
  /** Stored in lower case, with `_` for spaces. */
  tags?: string[];
  /** Tags to add. */
  add_tags?: string[];
  /** Tags to remove. */
  remove_tags?: string[];
  /** Any JSON object. `importance` (0 to 1) adjusts the ranking. */
  metadata?: Record<string, unknown>;
  /** Changes single metadata keys (RFC 7396); null removes one. */
  metadata_merge?: Record<string, unknown>;
  /** Its project, such as a repository. Null: none. */
  project?: string | null;
  /** Its session. */
  session_id?: string | null;
  /** Time of the event, with offset. */
  occurred_at?: string | null;
  /** Time from which it is outdated. */
  expires_at?: string | null;
  /** Id of the memory that it replaces. Both are kept. */
  supersedes?: string | null;
  /** Version that it must be at. */
  if_version?: number;
}

/** Input of `memories.delete`: archive a memory, or delete it permanently. */
export interface MemoriesDeleteInput {
  id: string;
  /** Deletes it and its versions for good. */
  permanent?: boolean;
  /** Version that it must be at. */
  if_version?: number;
}

/** Input of `memories.restore`: restore an archived memory, or a previous version. */
export interface MemoriesRestoreInput {
  id: string;
  /** Default: its current type. */
  type?: 'short_term' | 'long_term';
  /** Version to restore the fields of. */
  version?: number;
}

/** Input of `memories.versions`: list the previous versions of a memory. */
export interface MemoriesVersionsInput {
  id: string;
  /** 1 to 200; others are clamped. */
  limit?: number;
  /** `next_cursor` of the previous page. */
  cursor?: string;
}

/** Input of `memories.near_duplicates`: list memories that say nearly the same. */
export interface MemoriesNearDuplicatesInput {
  /** Null: of none. "*": any. Default: the connection's, else any. Empty: null. */
  project?: string;
  /** Lowest share of common words, 0.5 to 1. */
  min_score?: number;
  /** Memories to compare, 1 to 50; others are clamped. */
  limit?: number;
  /** `next_cursor` of the previous page. */
  cursor?: string;
}

/** Input of `search.query`: find memories. */
export interface SearchQueryInput {
  query: string;
  /** Words or phrases that no result contains. */
  exclude?: string[];
  /** 1 to 200; others are clamped. */
  limit?: number;
  /** `next_cursor` of the previous page. */
  cursor?: string;
  type?: 'short_term' | 'long_term';
  status?: 'active' | 'archived' | 'all';
  tags?: string[];
  /** `exact`: these tags and no others; without `tags`, untagged memories. */
  tags_match?: 'all' | 'any' | 'exact';
  /** Null: of none. "*": any. Default: the connection's, else any. */
  project?: string | null;
  /** Null: no session. */
  session_id?: string | null;
  /** ISO 8601 date or date-time. */
  created_after?: string;
  /** ISO 8601, exclusive; a date includes that UTC day. */
  created_before?: string;
  /** ISO 8601, inclusive; a date is the local day. */
  occurred_after?: string;
  /** ISO 8601, exclusive; a date includes that local day. */
  occurred_before?: string;
  /** Conditions on metadata, all of which must hold. In a query string as JSON: `[{"path":"kind","eq":"bug"}]`. */
  metadata?: MetadataCondition[];
  /** Include superseded memories. */
  include_superseded?: boolean;
  /** Include expired memories. */
  include_expired?: boolean;
  /** IANA time zone for dates in `query`, such as "yesterday". Default: UTC. */
  timezone?: string;
  /** Adjust scores by recency and `metadata.importance` (0 to 1), by at most 5 %, and rank the newer of two memories about a subject first. */
  boosts?: boolean;
  /** Return the contribution of each part of the ranking. */
  explain?: boolean;
  /** Token budget of the result. At least one hit is returned. */
  max_tokens?: number;
}

/** Input of `search.context`: get a context package that fits a token budget. */
export interface SearchContextInput {
  query?: string;
  /** IANA time zone for dates in `query`, such as "yesterday". Default: UTC. */
  timezone?: string;
  /** Caps number and length of memories: 0 is the smallest, 2 the largest. */
  tier?: 0 | 1 | 2;
  /** Token budget of `context`. */
  max_tokens?: number;
  /** Null: of none. "*": any. Default: the connection's, else any. */
  project?: string | null;
  tags?: string[];
  /** `exact`: these tags and no others; without `tags`, untagged memories. */
  tags_match?: 'all' | 'any' | 'exact';
  /** Null: no session. */
  session_id?: string | null;
  /** Conditions on metadata, all of which must hold. In a query string as JSON: `[{"path":"kind","eq":"bug"}]`. */
  metadata?: MetadataCondition[];
  /** Include superseded memories. */
  include_superseded?: boolean;
  /** Include expired memories. */
  include_expired?: boolean;
}

/** Input of `memories.consolidate`: turn old short-term memories into long-term knowledge. */
export interface MemoriesConsolidateInput {
  /** Only report what would be done. */
  dry_run?: boolean;
  /** Days without an edit. */
  min_age_days?: number;
  /** Null: of none. "*": any. Default: the connection's, else any. */
  project?: string | null;
  /** Token budget of the result. */
  max_tokens?: number;
}

/** Input of `tags.list`: list the tags of active memories, most used first. */
export interface TagsListInput {
  /** 1 to 200; others are clamped. */
  limit?: number;
  /** `next_cursor` of the previous page. */
  cursor?: string;
}

/** Input of `tags.update`: rename a tag, or merge it into another. */
export interface TagsUpdateInput {
  tag: string;
  /** The new tag, or another one. Stored in lower case, with `_` for spaces. */
  new_tag: string;
  dry_run?: boolean;
}

/** Input of `tags.delete`: remove a tag from all memories. */
export interface TagsDeleteInput {
  tag: string;
  dry_run?: boolean;
}

/** Input of `tags.normalize`: normalize the tags of old memories. */
export interface TagsNormalizeInput {
  dry_run?: boolean;
}

/** Input of `projects.list`: list the projects, largest first. */
export interface ProjectsListInput {
  /** 1 to 200; others are clamped. */
  limit?: number;
  /** `next_cursor` of the previous page. */
  cursor?: string;
}

/** Input of `projects.update`: rename a project, or merge it into another. */
export interface ProjectsUpdateInput {
  /** A project; "none": the memories of no project. */
  name: string;
  /** The new name, or that of another project. Null: none. */
  new_name: string | null;
  dry_run?: boolean;
}

/** Input of `projects.delete`: archive or permanently delete the memories of a project. */
export interface ProjectsDeleteInput {
  /** A project; "none": the memories of no project. */
  name: string;
  /** Deletes archived memories and versions too, for good. */
  permanent?: boolean;
  dry_run?: boolean;
}

/** Input of `imports.start`: start an import. */
export interface ImportsStartInput {
  /** Name of the file, for people. */
  name?: string;
  format?: 'auto' | 'whitemagic' | 'server_memory' | 'mem0' | 'supermemory' | 'zep' | 'markdown' | 'csv' | 'jsonl';
  /** Project of the memories that have none. */
  project?: string;
  /** Type of the memories that have none. Default: `long_term`. */
  type?: 'short_term' | 'long_term';
  /** Tags that are added to each new memory. */
  tags?: string[];
  /** For CSV and JSON lines: the column of each field. Nested keys are separated by dots. */
  mapping?: Record<string, string>;
  /** The whole file, as text. */
  content?: string;
  /** The whole file, as base64; for gzip. */
  data?: string;
  dry_run?: boolean;
}

/** Input of `imports.get`: get the state of an import. */
export interface ImportsGetInput {
  id: string;
}

/** Input of `imports.delete`: cancel an import, or delete its report. */
export interface ImportsDeleteInput {
  id: string;
}

/** Input of `imports.upload`: upload a part of a file. */
export interface ImportsUploadInput {
  id: string;
  n: number;
  data: string;
}

/** Input of `imports.run`: check an uploaded file, or store its memories. */
export interface ImportsRunInput {
  id: string;
  dry_run?: boolean;
}

/** Input of `imports.report`: list what did not fit. */
export interface ImportsReportInput {
  id: string;
  /** 1 to 200; others are clamped. */
  limit?: number;
  /** `next_cursor` of the previous page. */
  cursor?: string;
}

/** Input of `user.usage`: get usage, and its share of the plan. */
export interface UserUsageInput {
  /** UTC day. Default: 30 days before `to`. */
  from?: string;
  /** UTC day, inclusive. Default: today. */
  to?: string;
  /** Number of days up to `to`, instead of `from`. */
  days?: number;
  group_by?: 'day' | 'hour' | 'month' | 'operation' | 'key' | 'transport' | 'client';
  /** Only calls with this key. */
  key_id?: string;
  /** Name of the client without its version, such as `claude-code`. */
  client?: string;
  transport?: 'rest' | 'mcp_http' | 'mcp_stdio' | 'dashboard';
  /** Only calls of this operation, such as `search.query`. */
  operation?: string;
}

/** Input of `user.usage_csv`: get usage as csv. */
export interface UserUsageCsvInput {
  /** UTC month, such as 2026-11. Default: the current month. */
  month?: string;
  /** UTC day, instead of `month`. */
  from?: string;
  /** UTC day, inclusive. Default with `from`: today. */
  to?: string;
  /** Only calls with this key. */
  key_id?: string;
  /** Name of the client without its version, such as `claude-code`. */
  client?: string;
  transport?: 'rest' | 'mcp_http' | 'mcp_stdio' | 'dashboard';
  /** Only calls of this operation, such as `search.query`. */
  operation?: string;
}

/** Input of `user.requests`: list the calls of the last 7 days. */
export interface UserRequestsInput {
  /** Only calls since then; at most 7 days ago. */
  from?: string;
  /** Only calls before then. */
  to?: string;
  /** Only calls with this key. */
  key_id?: string;
  /** Name of the client without its version, such as `claude-code`. */
  client?: string;
  transport?: 'rest' | 'mcp_http' | 'mcp_stdio' | 'dashboard';
  /** Only calls of this operation, such as `search.query`. */
  operation?: string;
  /** `ok`: below 400; `client_error`: 4xx; `server_error`: 5xx; `error`: both. */
  status?: 'ok' | 'error' | 'client_error' | 'server_error';
  /** 1 to 200; others are clamped. */
  limit?: number;
  /** `next_cursor` of the previous page. */
  cursor?: string;
}

/** Input of `user.audit_log`: list what was done to the account. */
export interface UserAuditLogInput {
  /** 1 to 200; others are clamped. */
  limit?: number;
  /** `next_cursor` of the previous page. */
  cursor?: string;
}

/** Input of `keys.create`: create an api key. */
export interface KeysCreateInput {
  /** One line, without control characters. */
  name: string;
  /** Default: the scopes of the calling key. */
  scopes?: ('memories:read' | 'memories:write' | 'account:read' | 'keys:write')[];
  /** Binds the key to projects: it sees and writes the memories of these only. "none": those of no project. Null: all. */
  projects?: string[] | null;
  /** ISO 8601 date or date-time. */
  expires_at?: string | null;
  /** Calls a minute, below the plan's limit. */
  rpm_limit?: number | null;
}

/** Input of `keys.get`: get an api key and its last call. */
export interface KeysGetInput {
  id: string;
}

/** Input of `keys.update`: change the name, scopes, projects, expiry or limit of an api key. */
export interface KeysUpdateInput {
  id: string;
  /** One line, without control characters. */
  name?: string;
  scopes?: ('memories:read' | 'memories:write' | 'account:read' | 'keys:write')[];
  /** Binds the key to projects: it sees and writes the memories of these only. "none": those of no project. Null: all. */
  projects?: string[] | null;
  /** ISO 8601 date or date-time. */
  expires_at?: string | null;
  /** Calls a minute, below the plan's limit. */
  rpm_limit?: number | null;
}

/** Input of `keys.revoke`: revoke an api key immediately and permanently. */
export interface KeysRevokeInput {
  id: string;
}

/** Input of `keys.rotate`: replace an api key. */
export interface KeysRotateInput {
  id: string;
  grace_seconds?: number;
}

/** Input of `webhooks.create`: create a webhook. */
export interface WebhooksCreateInput {
  /** An https URL of a public host. Redirects are not followed. */
  url: string;
  /** For people. */
  description?: string;
  /** Default: all. */
  events?: ('memory.created' | 'memory.updated' | 'memory.archived' | 'memory.restored' | 'memory.deleted' | 'consolidation.completed' | 'usage.threshold' | 'key.created' | 'key.rotated' | 'key.revoked' | 'import.completed' | 'export.ready')[];
}

/** Input of `webhooks.get`: get a webhook. */
export interface WebhooksGetInput {
  id: string;
}

/** Input of `webhooks.update`: change, disable or enable a webhook. */
export interface WebhooksUpdateInput {
  id: string;
  /** An https URL of a public host. Redirects are not followed. */
  url?: string;
  /** For people. */
  description?: string;
  events?: ('memory.created' | 'memory.updated' | 'memory.archived' | 'memory.restored' | 'memory.deleted' | 'consolidation.completed' | 'usage.threshold' | 'key.created' | 'key.rotated' | 'key.revoked' | 'import.completed' | 'export.ready')[];
  status?: 'enabled' | 'disabled';
}

/** Input of `webhooks.delete`: delete a webhook and its deliveries. */
export interface WebhooksDeleteInput {
  id: string;
}

/** Input of `webhooks.test`: send a test event to a webhook. */
export interface WebhooksTestInput {
  id: string;
}

/** Input of `webhooks.rotate_secret`: replace the secret of a webhook. */
export interface WebhooksRotateSecretInput {
  id: string;
  grace_seconds?: number;
}

/** Input of `webhooks.deliveries`: list the deliveries of a webhook, newest first. */
export interface WebhooksDeliveriesInput {
  id: string;
  state?: 'pending' | 'delivered' | 'failed';
  /** 1 to 200; others are clamped. */
  limit?: number;
  /** `next_cursor` of the previous page. */
  cursor?: string;
}

/** Input of `webhooks.replay`: deliver an event again. */
export interface WebhooksReplayInput {
  id: string;
  delivery: string;
}

/** Input of `apps.revoke`: disconnect an app immediately. */
export interface AppsRevokeInput {
  id: string;
}

/** Input of `account.delete`: delete the account and everything in it. */
export interface AccountDeleteInput {
  /** The id of the account, from `GET /user/me`. */
  confirm: string;
  immediate?: boolean;
}

/** Input of `license.validate`: validate a license. */
export interface LicenseValidateInput {
  /** The license key, or the id of the membership. */
  license_key: string;
}

/** Input of `keys.leaked`: report an api key that is public. */
export interface KeysLeakedInput {
  api_key: string;
}

/** Input of `device.start`: start a login of a program without a browser. */
export interface DeviceStartInput {
  /** Name of the program and computer, which the person sees. It becomes the name of the key. */
  name: string;
}

/** Input of `device.poll`: get the key of an approved login. */
export interface DevicePollInput {
  device_code: string;
}

/** Body of a request to a webhook. */
export type WebhookEvent =
  | OnMemoryCreatedEvent
  | OnMemoryUpdatedEvent
  | OnMemoryArchivedEvent
  | OnMemoryRestoredEvent
  | OnMemoryDeletedEvent
  | OnConsolidationCompletedEvent
  | OnUsageThresholdEvent
  | OnKeyCreatedEvent
  | OnKeyRotatedEvent
  | OnKeyRevokedEvent
  | OnImportCompletedEvent
  | OnExportReadyEvent
  | OnWebhookTestEvent;
