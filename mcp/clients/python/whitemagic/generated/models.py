# Generated from the OpenAPI document by `npm run sdk`; do not edit.

from typing import Any, Dict, List, Union

from pydantic import Field
from typing_extensions import Literal, Required, TypedDict

from .._model import Model

#: Code of a problem. Later versions of the service may have further ones.
ProblemCode = Literal[
    "account_closing",
    "account_read_only",
    "batch_too_large",
    "body_too_large",
    "cancelled",
    "concurrency_exceeded",
    "disk_full",
    "duplicate_memory",
    "headers_too_large",
    "host_not_allowed",
    "idempotency_conflict",
    "import_state",
    "internal",
    "invalid_request",
    "invalid_signature",
    "key_expired",
    "login_failed",
    "malformed_request",
    "method_not_allowed",
    "not_found",
    "origin_not_allowed",
    "overloaded",
    "payment_account_mismatch",
    "plan_required",
    "precondition_failed",
    "project_not_allowed",
    "query_too_complex",
    "quota_exceeded",
    "rate_limited",
    "request_timeout",
    "response_gone",
    "scope_required",
    "secret_already_shown",
    "session_required",
    "storage_full",
    "tls_required",
    "unauthenticated",
    "unavailable",
    "unprocessable",
    "unsupported_media_type",
    "webhook_disabled",
]


MetadataCondition = TypedDict(
    "MetadataCondition",
    {
        "path": Required[str],
        "eq": Union[str, float, bool, None],
        "in": List[Union[str, float, bool, None]],
        "exists": bool,
        "gt": Union[str, float],
        "gte": Union[str, float],
        "lt": Union[str, float],
        "lte": Union[str, float],
    },
    total=False,
)


class MemoriesBatchInputMemories(TypedDict, total=False):
    #: Default: the first heading or sentence.
    title: str
    content: Required[str]
    type: Literal["short_term", "long_term"]
    #: Stored in lower case, with `_` for spaces.
    tags: List[str]
    #: Any JSON object. `importance` (0 to 1) adjusts the ranking.
    metadata: Dict[str, Any]
    #: Its project, such as a repository. Null: none.
    project: Union[str, None]
    #: Its session.
    session_id: Union[str, None]
    #: Time of the event, with offset.
    occurred_at: Union[str, None]
    #: Time from which it is outdated.
    expires_at: Union[str, None]
    #: Id of the memory that it replaces. Both are kept.
    supersedes: Union[str, None]


class MemoriesBulkInputFilter(TypedDict, total=False):
    type: Literal["short_term", "long_term"]
    status: Literal["active", "archived", "all"]
    tags: List[str]
    #: `exact`: these tags and no others; without `tags`, untagged memories.
    tags_match: Literal["all", "any", "exact"]
    #: Null: of none. "*": any. Default: the connection's, else any.
    project: Union[str, None]
    #: Null: no session.
    session_id: Union[str, None]
    #: ISO 8601 date or date-time.
    created_after: str
    #: ISO 8601, exclusive; a date includes that UTC day.
    created_before: str
    #: ISO 8601, inclusive; a date is the local day.
    occurred_after: str
    #: ISO 8601, exclusive; a date includes that local day.
    occurred_before: str
    #: Conditions on metadata, all of which must hold. In a query string as JSON: `[{"path":"kind","eq":"bug"}]`.
    metadata: List[MetadataCondition]
    ids: List[str]


class Memory(Model):
    id: str
    type: Literal["short_term", "long_term"]
    status: Literal["active", "archived"]
    title: str
    content: str
    tags: List[str]
    metadata: Dict[str, Any]
    project: Union[str, None]
    session_id: Union[str, None]
    occurred_at: Union[str, None]
    expires_at: Union[str, None]
    #: The memory that it replaces.
    supersedes: Union[str, None]
    #: The active memory that replaces it.
    superseded_by: Union[str, None]
    #: The digest into which it was consolidated.
    consolidated_into: Union[str, None]
    version: int
    size_bytes: int
    created_at: str
    updated_at: str
    truncated: bool
    #: `offset` of the rest when the content was cut, otherwise null.
    next_offset: Union[int, None]
    #: Other fields that `max_tokens` truncated.
    truncated_fields: Union[List[str], None] = None


class MemoriesCreateOutputSimilar(Model):
    id: str
    score: float


class StoredMemory(Model):
    id: str
    type: Literal["short_term", "long_term"]
    status: Literal["active", "archived"]
    title: str
    content: str
    tags: List[str]
    metadata: Dict[str, Any]
    project: Union[str, None]
    session_id: Union[str, None]
    occurred_at: Union[str, None]
    expires_at: Union[str, None]
    #: The memory that it replaces.
    supersedes: Union[str, None]
    #: The active memory that replaces it.
    superseded_by: Union[str, None]
    #: The digest into which it was consolidated.
    consolidated_into: Union[str, None]
    version: int
    size_bytes: int
    created_at: str
    updated_at: str
    #: True for an exact duplicate: returns the stored memory.
    deduplicated: bool
    #: Near-duplicates, by their share of common words.
    similar: List[MemoriesCreateOutputSimilar]
    #: Fields that were merged into it.
    changed: List[Literal["tags", "metadata"]]


class MemoryReceipt(Model):
    id: str
    version: int
    created_at: str
    updated_at: str


class ListedMemory(Model):
    id: str
    type: Literal["short_term", "long_term"]
    status: Literal["active", "archived"]
    title: str
    content: str
    tags: List[str]
    metadata: Dict[str, Any]
    project: Union[str, None]
    session_id: Union[str, None]
    occurred_at: Union[str, None]
    expires_at: Union[str, None]
    #: The memory that it replaces.
    supersedes: Union[str, None]
    #: The active memory that replaces it.
    superseded_by: Union[str, None]
    #: The digest into which it was consolidated.
    consolidated_into: Union[str, None]
    version: int
    size_bytes: int
    created_at: str
    updated_at: str
    #: True where `content` is only its beginning.
    truncated: Union[bool, None] = None


class MemoriesListOutput(Model):
    results: List[ListedMemory]
    total: int
    next_cursor: Union[str, None]
    #: True when a memory was cut, or `max_tokens` left some out.
    truncated: bool
    reason: Union[Literal["nothing_stored", "nothing_matched"], None] = None


class SearchQueryOutputResultsHighlights(Model):
    start: int
    end: int


class SearchHit(Model):
    id: str
    title: str
    #: The passage around the hit, with its line breaks.
    snippet: str
    #: Matched words of `snippet`: offsets in UTF-16 code units, `end` exclusive.
    highlights: List[SearchQueryOutputResultsHighlights]
    score: float
    #: Words of the query that occur in this memory.
    matched: List[str]
    type: Literal["short_term", "long_term"]
    status: Literal["active", "archived"]
    tags: List[str]
    project: Union[str, None]
    session_id: Union[str, None]
    occurred_at: Union[str, None]
    expires_at: Union[str, None]
    created_at: str
    updated_at: str
    superseded_by: Union[str, None]
    #: The digest that contains this memory.
    consolidated_into: Union[str, None] = None
    #: With `explain`: the value of each part of the ranking.
    explanation: Union[Dict[str, float], None] = None
    #: With `explain`: why it was found, in words, with the share of each part in the score.
    reasons: Union[List[str], None] = None


class SearchQueryOutputRetrievers(Model):
    lexical: Literal["ok"]
    semantic: Literal["ok", "disabled", "loading", "unavailable"]


class SearchQueryOutput(Model):
    results: List[SearchHit]
    total: int
    next_cursor: Union[str, None]
    total_relation: Literal["eq", "gte"]
    #: Number of results that pages reach, where it is less than `total`: the best 200 are ranked.
    reachable: Union[int, None] = None
    #: Reason for an empty result.
    reason: Union[Literal["nothing_stored", "nothing_matched"], None] = None
    truncated: bool
    #: State of each retriever.
    retrievers: SearchQueryOutputRetrievers
    #: None of the results is a close match.
    low_confidence: Union[Literal[True], None] = None
    #: Some new memories are not found by meaning yet.
    embedding_pending: Union[Literal[True], None] = None


class KeysGetOutputLastCall(Model):
    at: str
    transport: Literal["rest", "mcp_http", "mcp_stdio", "dashboard"]
    #: Name of the client, such as `claude-code`; null if unknown.
    client: Union[str, None]
    operation: str
    #: Method and path, tool name, or resource.
    endpoint: str


class ApiKey(Model):
    id: str
    name: str
    prefix: str
    last4: str
    scopes: List[Literal["memories:read", "memories:write", "account:read", "keys:write"]]
    #: The key sees and writes the memories of these only; "none": those of no project. Null: all.
    projects: Union[List[str], None]
    rpm_limit: Union[int, None]
    active: bool
    expires_at: Union[str, None]
    revoked_at: Union[str, None]
    last_used_at: Union[str, None]
    created_at: str
    #: The last recorded call of the last 30 days.
    last_call: Union[KeysGetOutputLastCall, None]


class Webhook(Model):
    id: str
    url: str
    description: str
    events: List[str]
    status: Literal["enabled", "disabled"]
    #: `owner`: by you. `plan`: the plan has no webhooks. `gone`: it responded 410. `failing`: no delivery succeeded for three days. `backlog`: 100,000 deliveries waited.
    disabled_reason: Union[Literal["owner", "plan", "gone", "failing", "backlog"], None]
    #: Deliveries that are still to be made.
    waiting: int
    #: First failed attempt since the last success.
    failing_since: Union[str, None]
    last_delivered_at: Union[str, None]
    #: Until when the former secret signs too.
    previous_secret_expires_at: Union[str, None]
    created_at: str
    updated_at: str


class MemoriesBatchOutputResultsErrorErrors(Model):
    path: str
    message: str


class MemoriesBatchOutputResultsError(Model):
    code: str
    detail: str
    errors: List[MemoriesBatchOutputResultsErrorErrors]


class MemoriesBatchOutputResults(Model):
    index: int
    status: Literal["created", "deduplicated", "rejected"]
    id: Union[str, None]
    error: Union[MemoriesBatchOutputResultsError, None] = None


class MemoriesBatchOutput(Model):
    results: List[MemoriesBatchOutputResults]


class MemoriesBatchReceiptResults(Model):
    index: int
    id: Union[str, None]
    error: Union[MemoriesBatchOutputResultsError, None] = None


class MemoriesBatchReceipt(Model):
    results: List[MemoriesBatchReceiptResults]


class MemoriesBulkOutputRejected(Model):
    id: str
    code: str
    detail: str


class MemoriesBulkOutputDuplicates(Model):
    id: str
    duplicate_of: str


class MemoriesBulkOutputMovedFrom(Model):
    project: Union[str, None]
    ids: List[str]


class MemoriesBulkOutput(Model):
    dry_run: bool
    action: str
    #: Number of memories that match the filter.
    matched: int
    changed: List[str]
    rejected: List[MemoriesBulkOutputRejected]
    #: Number of memories that further calls would change.
    remaining: int
    #: Moved memories that were archived: the project has an active exact duplicate of each.
    duplicates: Union[List[MemoriesBulkOutputDuplicates], None] = None
    #: The former project of each moved memory, with which the move can be undone.
    moved_from: Union[List[MemoriesBulkOutputMovedFrom], None] = None


class MemoriesBulkReceipt(Model):
    dry_run: bool
    changed: List[str]
    remaining: int


class MemoriesReplaceOutput(Model):
    id: str
    type: Literal["short_term", "long_term"]
    status: Literal["active", "archived"]
    title: str
    content: str
    tags: List[str]
    metadata: Dict[str, Any]
    project: Union[str, None]
    session_id: Union[str, None]
    occurred_at: Union[str, None]
    expires_at: Union[str, None]
    #: The memory that it replaces.
    supersedes: Union[str, None]
    #: The active memory that replaces it.
    superseded_by: Union[str, None]
    #: The digest into which it was consolidated.
    consolidated_into: Union[str, None]
    version: int
    size_bytes: int
    created_at: str
    updated_at: str


class MemoriesDeleteOutput(Model):
    id: str
    status: Literal["archived", "deleted"]
    version: Union[int, None]


class MemoriesDeleteReceipt(Model):
    id: str
    version: Union[int, None]


class MemoriesVersionsOutputResults(Model):
    type: Literal["short_term", "long_term"]
    status: Literal["active", "archived"]
    title: str
    content: str
    tags: List[str]
    metadata: Dict[str, Any]
    project: Union[str, None]
    session_id: Union[str, None]
    occurred_at: Union[str, None]
    expires_at: Union[str, None]
    #: The memory that it replaces.
    supersedes: Union[str, None]
    version: int
    size_bytes: int
    #: Time at which this state was written.
    written_at: str


class MemoriesVersionsOutput(Model):
    results: List[MemoriesVersionsOutputResults]
    total: int
    next_cursor: Union[str, None]


class MemoriesNearDuplicatesOutputResultsSimilar(Model):
    id: str
    title: str
    #: The first 1,000 characters of its content.
    excerpt: str
    type: Literal["short_term", "long_term"]
    tags: List[str]
    project: Union[str, None]
    version: int
    created_at: str
    updated_at: str
    score: float


class MemoriesNearDuplicatesOutputResults(Model):
    id: str
    title: str
    #: The first 1,000 characters of its content.
    excerpt: str
    type: Literal["short_term", "long_term"]
    tags: List[str]
    project: Union[str, None]
    version: int
    created_at: str
    updated_at: str
    #: Up to ten older memories, most similar first.
    similar: List[MemoriesNearDuplicatesOutputResultsSimilar]


class MemoriesNearDuplicatesOutput(Model):
    results: List[MemoriesNearDuplicatesOutputResults]
    #: Number of memories that this call compared with older ones.
    compared: int
    next_cursor: Union[str, None]


class SearchContextOutputRepeats(Model):
    id: str
    repeat_of: str


class SearchContextOutput(Model):
    context: str
    #: Tokens of `context`, at most `max_tokens`.
    tokens: int
    tokenizer: Literal["o200k_base"]
    memory_ids: List[str]
    #: True when something relevant was left out or cut.
    truncated: bool
    #: Memories left out because an included one says the same.
    repeats: Union[List[SearchContextOutputRepeats], None] = None
    reason: Union[Literal["nothing_stored", "nothing_matched"], None] = None
    #: Some new memories are not found by meaning yet.
    embedding_pending: Union[Literal[True], None] = None


class MemoriesConsolidateOutputPromoted(Model):
    id: str
    title: str


class MemoriesConsolidateOutputArchived(Model):
    id: str
    title: str
    digest_id: Union[str, None]


class MemoriesConsolidateOutputDigests(Model):
    id: Union[str, None]
    title: str


class MemoriesConsolidateOutputCounts(Model):
    promoted: int
    archived: int
    digests: int


class MemoriesConsolidateOutput(Model):
    dry_run: bool
    promoted: List[MemoriesConsolidateOutputPromoted]
    archived: List[MemoriesConsolidateOutputArchived]
    digests: List[MemoriesConsolidateOutputDigests]
    #: Including those that `max_tokens` left out.
    counts: MemoriesConsolidateOutputCounts
    #: True when `max_tokens` cut the lists.
    truncated: bool
    #: Candidates left for further calls.
    remaining: int


class MemoriesConsolidateReceiptPromoted(Model):
    id: str


class MemoriesConsolidateReceiptArchived(Model):
    id: str
    digest_id: Union[str, None]


class MemoriesConsolidateReceiptDigests(Model):
    id: Union[str, None]


class MemoriesConsolidateReceipt(Model):
    dry_run: bool
    promoted: List[MemoriesConsolidateReceiptPromoted]
    archived: List[MemoriesConsolidateReceiptArchived]
    digests: List[MemoriesConsolidateReceiptDigests]
    remaining: int


class TagsListOutputResults(Model):
    tag: str
    count: int
    types: List[Literal["short_term", "long_term"]]


class TagsListOutput(Model):
    results: List[TagsListOutputResults]
    total: int
    next_cursor: Union[str, None]


class TagsUpdateOutput(Model):
    dry_run: bool
    #: True when other memories have the new tag already.
    merges: bool
    #: Number of memories that match the filter.
    matched: int
    changed: List[str]
    rejected: List[MemoriesBulkOutputRejected]
    #: Number of memories that further calls would change.
    remaining: int


class TagsDeleteOutput(Model):
    dry_run: bool
    #: Number of memories that match the filter.
    matched: int
    changed: List[str]
    rejected: List[MemoriesBulkOutputRejected]
    #: Number of memories that further calls would change.
    remaining: int


class TagsNormalizeOutputChanged(Model):
    id: str
    title: str
    before: List[str]
    after: List[str]


class TagsNormalizeOutput(Model):
    dry_run: bool
    changed: List[TagsNormalizeOutputChanged]
    remaining: int


class TagsNormalizeReceipt(Model):
    dry_run: bool
    changed: List[MemoriesConsolidateReceiptPromoted]
    remaining: int


class ProjectsListOutputResults(Model):
    #: Null: no project.
    name: Union[str, None]
    #: Number of active memories.
    active: int
    #: Number of archived memories.
    archived: int
    #: Size of its memories, without their former versions.
    bytes: int
    #: Time of the newest edit.
    updated_at: str


class ProjectsListOutput(Model):
    results: List[ProjectsListOutputResults]
    total: int
    next_cursor: Union[str, None]


class ProjectsUpdateOutput(Model):
    dry_run: bool
    #: True when the project of the new name has other memories already.
    merges: bool
    #: Number of memories that match the filter.
    matched: int
    changed: List[str]
    rejected: List[MemoriesBulkOutputRejected]
    #: Number of memories that further calls would change.
    remaining: int
    #: Moved memories that were archived: the project has an active exact duplicate of each.
    duplicates: List[MemoriesBulkOutputDuplicates]
    #: API keys that are bound to the project. They follow a rename: until it is complete, they have both projects.
    bound_keys: List[str]


class ImportsStartOutputCounts(Model):
    #: Records that were read.
    records: int
    #: New memories.
    memories: int
    #: New former versions of memories.
    versions: int
    #: Records that the account has already.
    unchanged: int
    #: Records that do not fit.
    rejected: int
    #: Records of other kinds, such as the API keys in an account export.
    ignored: int
    #: Storage that the new memories and versions need.
    storage_bytes: int
    #: Memories that were stored.
    imported_memories: int
    #: Former versions that were stored.
    imported_versions: int


class ImportsStartOutputFindings(Model):
    #: Line of the file at which the record starts, from 1; 0: the file as a whole.
    line: int
    #: Title, id or path of the record.
    what: str
    code: Literal["rejected", "id_exists", "storage_full", "unchanged", "link_dropped", "not_mapped"]
    why: str


class ImportsStartOutput(Model):
    id: str
    #: `checked`: a dry run has ended. `stopped`: the storage is full or the account may not write; run it again to continue. `failed`: the file cannot be read.
    status: Literal["uploading", "checking", "checked", "importing", "completed", "stopped", "failed"]
    name: str
    #: The given or detected format.
    format: Union[Literal["whitemagic", "server_memory", "mem0", "supermemory", "zep", "markdown", "csv", "jsonl"], None]
    #: False once a run that stores memories was requested.
    dry_run: bool
    uploaded_bytes: int
    #: Number of the next part to upload.
    next_chunk: int
    #: Done part of the current step, 0 to 1.
    progress: float
    counts: ImportsStartOutputCounts
    #: Quota units of the day that a run costs; none from the dashboard.
    cost: int
    #: Why it stopped or failed.
    reason: Union[str, None]
    #: The first findings, without unchanged records.
    findings: List[ImportsStartOutputFindings]
    created_at: str
    finished_at: Union[str, None]
    #: Quota units of the day that this call took for the run.
    charged: int


class ImportsStartReceipt(Model):
    id: str
    #: `checked`: a dry run has ended. `stopped`: the storage is full or the account may not write; run it again to continue. `failed`: the file cannot be read.
    status: Literal["uploading", "checking", "checked", "importing", "completed", "stopped", "failed"]
    next_chunk: int


class ImportsListOutputResults(Model):
    id: str
    #: `checked`: a dry run has ended. `stopped`: the storage is full or the account may not write; run it again to continue. `failed`: the file cannot be read.
    status: Literal["uploading", "checking", "checked", "importing", "completed", "stopped", "failed"]
    name: str
    #: The given or detected format.
    format: Union[Literal["whitemagic", "server_memory", "mem0", "supermemory", "zep", "markdown", "csv", "jsonl"], None]
    #: False once a run that stores memories was requested.
    dry_run: bool
    uploaded_bytes: int
    #: Done part of the current step, 0 to 1.
    progress: float
    counts: ImportsStartOutputCounts
    #: Quota units of the day that a run costs; none from the dashboard.
    cost: int
    #: Why it stopped or failed.
    reason: Union[str, None]
    created_at: str
    finished_at: Union[str, None]


class ImportsListOutput(Model):
    #: At most 20.
    results: List[ImportsListOutputResults]


class ImportsGetOutput(Model):
    id: str
    #: `checked`: a dry run has ended. `stopped`: the storage is full or the account may not write; run it again to continue. `failed`: the file cannot be read.
    status: Literal["uploading", "checking", "checked", "importing", "completed", "stopped", "failed"]
    name: str
    #: The given or detected format.
    format: Union[Literal["whitemagic", "server_memory", "mem0", "supermemory", "zep", "markdown", "csv", "jsonl"], None]
    #: False once a run that stores memories was requested.
    dry_run: bool
    uploaded_bytes: int
    #: Number of the next part to upload.
    next_chunk: int
    #: Done part of the current step, 0 to 1.
    progress: float
    counts: ImportsStartOutputCounts
    #: Quota units of the day that a run costs; none from the dashboard.
    cost: int
    #: Why it stopped or failed.
    reason: Union[str, None]
    #: The first findings, without unchanged records.
    findings: List[ImportsStartOutputFindings]
    created_at: str
    finished_at: Union[str, None]


class ImportsDeleteOutput(Model):
    id: str
    status: Literal["deleted"]


class ImportsUploadOutput(Model):
    id: str
    uploaded_bytes: int
    next_chunk: int


class ImportsReportOutput(Model):
    results: List[ImportsStartOutputFindings]
    total: int
    next_cursor: Union[str, None]


class StatsGetOutputMemories(Model):
    total: int
    active: int
    archived: int
    short_term: int
    long_term: int


class StatsGetOutputStorage(Model):
    bytes: int
    limit_bytes: int


class StatsGetOutputEmbeddingFailures(Model):
    id: str
    reason: Literal["rejected", "encoder_stopped", "not_stored"]


class StatsGetOutputEmbedding(Model):
    state: Literal["disabled", "loading", "ready", "degraded"]
    model: Union[str, None]
    #: Languages whose texts the model compares by meaning, as BCP 47 codes; texts in others are found by their words. Null where the model of an endpoint decides, or without a model.
    languages: Union[List[str], None]
    #: Memories that wait for vectors; until then they are found by words only.
    pending: int
    #: Memories that cannot be embedded: found by words only. An edit tries again.
    failed: int
    #: Up to ten of the failed memories, newest first.
    failures: List[StatsGetOutputEmbeddingFailures]
    #: Memories with `passages_max` passages; the rest of their text is found by words only.
    truncated: int
    #: Most passages of a memory that get vectors.
    passages_max: int


class StatsGetOutput(Model):
    memories: StatsGetOutputMemories
    tags: int
    storage: StatsGetOutputStorage
    embedding: StatsGetOutputEmbedding
    last_consolidation_at: Union[str, None]


class StatsStorageOutputByProject(Model):
    project: Union[str, None]
    memories: int
    bytes: int


class StatsStorageOutputByType(Model):
    type: Literal["short_term", "long_term"]
    memories: int
    bytes: int


class StatsStorageOutputVersions(Model):
    versions: int
    bytes: int


class StatsStorageOutput(Model):
    #: Memories and their kept versions, as the plan limits them.
    bytes: int
    limit_bytes: int
    #: The 100 largest; null for memories of no project.
    by_project: List[StatsStorageOutputByProject]
    by_type: List[StatsStorageOutputByType]
    #: Kept former versions.
    versions: StatsStorageOutputVersions


class UserMeOutputLimits(Model):
    requests_per_minute: int
    #: Per UTC day.
    requests_per_day: int
    storage_bytes: int
    rest: bool
    webhooks: bool


class UserMeOutputBilling(Model):
    #: The plan and what becomes of it, as a sentence.
    summary: str
    renews_at: Union[str, None]
    #: End of a canceled plan.
    ends_at: Union[str, None]
    #: Whop's page to change, pay or cancel the plan.
    manage_url: Union[str, None]


class UserMeOutputMemberships(Model):
    #: Whop's id of the membership.
    id: str
    plan: str
    #: Whop's status.
    status: str
    grants_access: bool
    #: When it renews, or ends.
    period_end: Union[str, None]
    cancel_at_period_end: bool
    #: Whop's page to change, pay or cancel it, with its invoices.
    manage_url: Union[str, None]
    #: When it was read from Whop; null if only reported by it.
    as_of: Union[str, None]


class UserMeOutputKey(Model):
    id: str
    scopes: List[Literal["memories:read", "memories:write", "account:read", "keys:write"]]
    #: The projects that it is bound to; null: all.
    projects: Union[List[str], None]


class UserMeOutputSession(Model):
    id: str


class Account(Model):
    id: str
    email: Union[str, None]
    plan: str
    status: str
    limits: UserMeOutputLimits
    storage_bytes: int
    billing: UserMeOutputBilling
    #: Those that grant access first.
    memberships: List[UserMeOutputMemberships]
    created_at: str
    #: Time at which the account is deleted permanently.
    purge_at: Union[str, None]
    #: The calling key; null in the dashboard.
    key: Union[UserMeOutputKey, None]
    #: The session of the dashboard; null for a key.
    session: Union[UserMeOutputSession, None]
    #: Whether this is a session of the operator of the service.
    is_operator: bool


class UserOverviewOutputPlanCallsToday(Model):
    used: int
    limit: int
    percent: float
    resets_at: str


class UserOverviewOutputPlanStorageBytes(Model):
    used: int
    limit: int
    percent: float


class UserOverviewOutputPlan(Model):
    name: str
    calls_today: UserOverviewOutputPlanCallsToday
    #: `billable` calls since the first of the UTC month.
    requests_this_month: int
    storage_bytes: UserOverviewOutputPlanStorageBytes


class UserOverviewOutputAccount(Model):
    status: str
    purge_at: Union[str, None]


class UserOverviewOutputMemories(Model):
    id: str
    title: str
    #: The first 200 characters of the content.
    excerpt: str
    type: Literal["short_term", "long_term"]
    project: Union[str, None]
    tags: List[str]
    created_at: str
    updated_at: str


class UserOverviewOutputRequests(Model):
    #: Id of its usage event, as `X-Usage-Event` names it.
    id: str
    #: Time at which it ended.
    at: str
    operation: str
    #: Method and path, tool name, or resource.
    endpoint: str
    transport: Literal["rest", "mcp_http", "mcp_stdio", "dashboard"]
    method: str
    #: Product and version, such as `claude-code/2.1.328`; null if unknown.
    client: Union[str, None]
    key_id: Union[str, None]
    key_name: Union[str, None]
    status: int
    #: Code of the error.
    code: Union[str, None]
    #: `X-Request-Id` of its response.
    request_id: Union[str, None]
    duration_ms: float
    bytes_in: int
    bytes_out: int
    quota_units: int
    #: Tokens of the result for a model, where they are counted.
    tokens: Union[int, None]
    billable: bool


class UserOverviewOutputAttentionLink(Model):
    label: str
    href: str


class UserOverviewOutputAttention(Model):
    kind: Literal["calls_limit", "storage_limit", "payment_failed", "plan_ends", "read_only", "account_closing", "key_expires", "webhook_failing", "index_behind", "not_indexed"]
    severity: Literal["critical", "warning", "info"]
    #: Sentences for people.
    message: str
    #: Where to act: a path of the dashboard, or a page at Whop.
    link: Union[UserOverviewOutputAttentionLink, None]


class UserOverviewOutput(Model):
    plan: UserOverviewOutputPlan
    account: UserOverviewOutputAccount
    memories: Union[List[UserOverviewOutputMemories], None]
    requests: List[UserOverviewOutputRequests]
    #: The most severe first.
    attention: List[UserOverviewOutputAttention]


class UserUsageOutputResults(Model):
    day: Union[str, None] = None
    #: UTC month, such as 2026-11.
    month: Union[str, None] = None
    #: Start of the hour.
    hour: Union[str, None] = None
    transport: Union[Literal["rest", "mcp_http", "mcp_stdio", "dashboard"], None] = None
    operation: Union[str, None] = None
    #: Method and path, tool name, or resource.
    endpoint: Union[str, None] = None
    key_id: Union[str, None] = None
    key_name: Union[str, None] = None
    #: Name of the client without its version, such as `claude-code`.
    client: Union[str, None] = None
    calls: int
    #: Calls that a bill goes by: each that passed the checks of key, scope, plan and limits counts once, whatever units it cost, unless the service failed. A call that was rejected by one of these checks never counts.
    billable: int
    errors: int
    mean_ms: float
    #: Estimated median; null where durations were not counted.
    p50_ms: Union[float, None]
    #: Estimated 95th percentile.
    p95_ms: Union[float, None]
    bytes_in: int
    bytes_out: int
    #: Quota units consumed of the day's limit: 1 per call; a batch costs one per item.
    quota_units: int
    #: Tokens of results for models (o200k_base).
    tokens: int


class UserUsageOutputTotals(Model):
    calls: int
    #: Calls that a bill goes by: each that passed the checks of key, scope, plan and limits counts once, whatever units it cost, unless the service failed. A call that was rejected by one of these checks never counts.
    billable: int
    errors: int


class UserUsageOutput(Model):
    from_: str = Field(alias="from")
    to: str
    #: Newest first, or most calls first. A row has the fields that it is grouped by.
    results: List[UserUsageOutputResults]
    totals: UserUsageOutputTotals
    plan: UserOverviewOutputPlan


class UserRequestsOutput(Model):
    results: List[UserOverviewOutputRequests]
    next_cursor: Union[str, None]
    #: Time of the oldest call that was looked at.
    searched_to: str


class UserMembershipsOutputPlans(Model):
    name: str
    price: str
    is_current: bool
    #: Where it can be bought; null where it is not sold.
    checkout_url: Union[str, None]


class UserMembershipsOutput(Model):
    results: List[UserMeOutputMemberships]
    plans: List[UserMembershipsOutputPlans]


class UserAuditLogOutputResults(Model):
    id: str
    at: str
    #: `key:<id>`, `session:<id>`, `operator:<account id>`, `admin`, or the part of the service.
    actor: str
    #: Name of the key.
    actor_name: Union[str, None]
    #: Such as `keys.create`.
    action: str
    #: Id of what was changed.
    target: Union[str, None]
    #: Name of the changed key.
    target_name: Union[str, None]
    details: Dict[str, Any]


class UserAuditLogOutput(Model):
    results: List[UserAuditLogOutputResults]
    next_cursor: Union[str, None]


class KeysListOutputResults(Model):
    id: str
    name: str
    prefix: str
    last4: str
    scopes: List[Literal["memories:read", "memories:write", "account:read", "keys:write"]]
    #: The key sees and writes the memories of these only; "none": those of no project. Null: all.
    projects: Union[List[str], None]
    rpm_limit: Union[int, None]
    active: bool
    expires_at: Union[str, None]
    revoked_at: Union[str, None]
    last_used_at: Union[str, None]
    created_at: str
    #: The last recorded call of the last 30 days.
    last_call: Union[KeysGetOutputLastCall, None]
    #: Calls of the last 30 UTC days, today last.
    calls_by_day: List[int]


class KeysListOutput(Model):
    results: List[KeysListOutputResults]
    total: int


class CreatedApiKey(Model):
    id: str
    name: str
    prefix: str
    last4: str
    scopes: List[Literal["memories:read", "memories:write", "account:read", "keys:write"]]
    #: The key sees and writes the memories of these only; "none": those of no project. Null: all.
    projects: Union[List[str], None]
    rpm_limit: Union[int, None]
    active: bool
    expires_at: Union[str, None]
    revoked_at: Union[str, None]
    last_used_at: Union[str, None]
    created_at: str
    #: The key, returned only once.
    api_key: str


class KeysUpdateOutput(Model):
    id: str
    name: str
    prefix: str
    last4: str
    scopes: List[Literal["memories:read", "memories:write", "account:read", "keys:write"]]
    #: The key sees and writes the memories of these only; "none": those of no project. Null: all.
    projects: Union[List[str], None]
    rpm_limit: Union[int, None]
    active: bool
    expires_at: Union[str, None]
    revoked_at: Union[str, None]
    last_used_at: Union[str, None]
    created_at: str


class KeysRotateOutput(Model):
    id: str
    name: str
    prefix: str
    last4: str
    scopes: List[Literal["memories:read", "memories:write", "account:read", "keys:write"]]
    #: The key sees and writes the memories of these only; "none": those of no project. Null: all.
    projects: Union[List[str], None]
    rpm_limit: Union[int, None]
    active: bool
    expires_at: Union[str, None]
    revoked_at: Union[str, None]
    last_used_at: Union[str, None]
    created_at: str
    #: The key, returned only once.
    api_key: str
    #: The rotated key.
    previous_key_id: str
    #: End of its grace period.
    previous_key_expires_at: str


class WebhooksListOutput(Model):
    results: List[Webhook]
    total: int


class CreatedWebhook(Model):
    id: str
    url: str
    description: str
    events: List[str]
    status: Literal["enabled", "disabled"]
    #: `owner`: by you. `plan`: the plan has no webhooks. `gone`: it responded 410. `failing`: no delivery succeeded for three days. `backlog`: 100,000 deliveries waited.
    disabled_reason: Union[Literal["owner", "plan", "gone", "failing", "backlog"], None]
    #: Deliveries that are still to be made.
    waiting: int
    #: First failed attempt since the last success.
    failing_since: Union[str, None]
    last_delivered_at: Union[str, None]
    #: Until when the former secret signs too.
    previous_secret_expires_at: Union[str, None]
    created_at: str
    updated_at: str
    #: Verifies signatures; `whsec_` and base64. Returned only once.
    secret: str


class WebhooksDeleteOutput(Model):
    id: str
    deleted: Literal[True]


class WebhooksTestOutput(Model):
    #: Id of the event, sent as `webhook-id`.
    id: str
    type: str
    memory_id: Union[str, None]
    #: `failed`: given up after three days.
    state: Literal["pending", "delivered", "failed"]
    attempts: int
    occurred_at: str
    last_attempt_at: Union[str, None]
    next_attempt_at: Union[str, None]
    #: Of the last attempt; null without a response.
    response_status: Union[int, None]
    duration_ms: Union[int, None]
    #: Why the last attempt failed.
    error: Union[str, None]
    #: The body that is sent.
    body: Dict[str, Any]


class WebhooksDeliveriesOutput(Model):
    results: List[WebhooksTestOutput]
    next_cursor: Union[str, None]


class AppsListOutputResults(Model):
    id: str
    #: As the app names itself; not verified.
    name: str
    #: A URL whose host published the app, or the id of a registration.
    client_id: str
    #: Where the app receives its access: a host name, `localhost`, or the scheme of a program, such as `cursor:`.
    host: str
    scopes: List[Literal["memories:read", "memories:write", "account:read"]]
    #: The projects that it sees and writes; "none": memories of no project. Null: all.
    projects: Union[List[str], None]
    #: Time of the consent.
    created_at: str
    last_used_at: Union[str, None]
    #: Time at which its access ends unless it is used before.
    expires_at: str


class AppsListOutput(Model):
    results: List[AppsListOutputResults]
    total: int
    #: Address of the MCP server for apps that connect by OAuth; null where OAuth is off.
    mcp_url: Union[str, None]


class AppsRevokeOutput(Model):
    revoked: Literal[True]


class AccountExportOutput(Model):
    id: str
    #: `erased`: a memory in it was deleted permanently; request a new one.
    status: Literal["pending", "ready", "failed", "erased"]
    created_at: str
    ready_at: Union[str, None]
    #: Time until which the file is kept.
    expires_at: Union[str, None]
    #: Size of the file.
    bytes: Union[int, None]
    #: Number of lines by kind.
    counts: Union[Dict[str, int], None]
    #: Path of the file, once it is ready.
    file: Union[str, None]


class AccountExportsOutput(Model):
    results: List[AccountExportOutput]
    total: int


class AccountDeleteOutput(Model):
    status: Literal["active", "read_only", "closing", "deleted"]
    #: Time at which everything is deleted permanently.
    purge_at: Union[str, None]


class LicenseValidateOutput(Model):
    #: Whether it entitles to its plan.
    valid: bool
    #: Whop's status of the membership.
    status: Union[str, None]
    plan: Union[str, None]
    membership_id: Union[str, None]
    period_end: Union[str, None]
    cancel_at_period_end: bool
    #: Time of the data from Whop: seconds ago, unless Whop is unavailable.
    as_of: Union[str, None]


class Plan(Model):
    name: str
    price: str
    #: Purpose of the plan.
    purpose: str
    #: Support in words, with the time until a response.
    support: str
    requests_per_minute: int
    #: Per UTC day.
    requests_per_day: int
    storage_bytes: int
    #: Transports over which memories are available on this plan.
    transports: List[Literal["rest", "mcp_http", "mcp_stdio", "dashboard"]]
    #: Whether outgoing webhooks are included.
    webhooks: bool


class PlansListOutput(Model):
    results: List[Plan]


class KeysLeakedOutput(Model):
    received: Literal[True]


class DeviceStartOutput(Model):
    #: Secret of the program.
    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    #: Seconds.
    expires_in: int
    #: Seconds between two polls.
    interval: int


class DevicePollOutput(Model):
    status: Literal["pending", "approved", "denied", "expired"]
    #: Only with `approved`, and only once.
    api_key: Union[str, None]


class OnMemoryCreatedEventData(Model):
    id: str
    #: Grows with each change; a memory’s events arrive in its order.
    version: int
    type: Literal["short_term", "long_term"]
    status: Literal["active", "archived"]
    project: Union[str, None]
    session_id: Union[str, None]
    tags: List[str]
    expires_at: Union[str, None]
    created_at: str
    updated_at: str


class OnMemoryCreatedEvent(Model):
    type: Literal["memory.created"]
    #: When it happened.
    timestamp: str
    data: OnMemoryCreatedEventData


class OnMemoryUpdatedEvent(Model):
    type: Literal["memory.updated"]
    #: When it happened.
    timestamp: str
    data: OnMemoryCreatedEventData


class OnMemoryArchivedEvent(Model):
    type: Literal["memory.archived"]
    #: When it happened.
    timestamp: str
    data: OnMemoryCreatedEventData


class OnMemoryRestoredEvent(Model):
    type: Literal["memory.restored"]
    #: When it happened.
    timestamp: str
    data: OnMemoryCreatedEventData


class OnMemoryDeletedEventData(Model):
    id: str
    #: The last version.
    version: int


class OnMemoryDeletedEvent(Model):
    type: Literal["memory.deleted"]
    #: When it happened.
    timestamp: str
    data: OnMemoryDeletedEventData


class OnConsolidationCompletedEvent(Model):
    type: Literal["consolidation.completed"]
    #: When it happened.
    timestamp: str
    data: MemoriesConsolidateOutputCounts


class OnUsageThresholdEventData(Model):
    kind: Literal["calls", "storage"]
    percent: int
    used: int
    limit: int
    #: UTC.
    day: str


class OnUsageThresholdEvent(Model):
    type: Literal["usage.threshold"]
    #: When it happened.
    timestamp: str
    data: OnUsageThresholdEventData


class OnKeyCreatedEventData(Model):
    id: str
    name: str
    last4: str


class OnKeyCreatedEvent(Model):
    type: Literal["key.created"]
    #: When it happened.
    timestamp: str
    data: OnKeyCreatedEventData


class OnKeyRotatedEventData(Model):
    id: str
    name: str
    last4: str
    previous_key_id: str
    previous_key_expires_at: str


class OnKeyRotatedEvent(Model):
    type: Literal["key.rotated"]
    #: When it happened.
    timestamp: str
    data: OnKeyRotatedEventData


class OnKeyRevokedEventData(Model):
    id: str
    name: str
    last4: str
    #: `leaked`: the key was found in public. `unused`: another activation link was used instead.
    reason: Literal["revoked", "leaked", "unused"]


class OnKeyRevokedEvent(Model):
    type: Literal["key.revoked"]
    #: When it happened.
    timestamp: str
    data: OnKeyRevokedEventData


class OnImportCompletedEventData(Model):
    id: str
    memories: int
    versions: int
    rejected: int


class OnImportCompletedEvent(Model):
    type: Literal["import.completed"]
    #: When it happened.
    timestamp: str
    data: OnImportCompletedEventData


class OnExportReadyEventData(Model):
    id: str
    bytes: int
    expires_at: str


class OnExportReadyEvent(Model):
    type: Literal["export.ready"]
    #: When it happened.
    timestamp: str
    data: OnExportReadyEventData


class OnWebhookTestEventData(Model):
    message: str


class OnWebhookTestEvent(Model):
    type: Literal["webhook.test"]
    #: When it happened.
    timestamp: str
    data: OnWebhookTestEventData

#: Body of a request to a webhook, by its type.
WEBHOOK_EVENTS = {
    "memory.created": OnMemoryCreatedEvent,
    "memory.updated": OnMemoryUpdatedEvent,
    "memory.archived": OnMemoryArchivedEvent,
    "memory.restored": OnMemoryRestoredEvent,
    "memory.deleted": OnMemoryDeletedEvent,
    "consolidation.completed": OnConsolidationCompletedEvent,
    "usage.threshold": OnUsageThresholdEvent,
    "key.created": OnKeyCreatedEvent,
    "key.rotated": OnKeyRotatedEvent,
    "key.revoked": OnKeyRevokedEvent,
    "import.completed": OnImportCompletedEvent,
    "export.ready": OnExportReadyEvent,
    "webhook.test": OnWebhookTestEvent,
}
WebhookEvent = Union[
    OnMemoryCreatedEvent,
    OnMemoryUpdatedEvent,
    OnMemoryArchivedEvent,
    OnMemoryRestoredEvent,
    OnMemoryDeletedEvent,
    OnConsolidationCompletedEvent,
    OnUsageThresholdEvent,
    OnKeyCreatedEvent,
    OnKeyRotatedEvent,
    OnKeyRevokedEvent,
    OnImportCompletedEvent,
    OnExportReadyEvent,
    OnWebhookTestEvent,
]
