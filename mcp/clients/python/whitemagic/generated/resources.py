# Generated from the OpenAPI document by `npm run sdk`; do not edit.

from typing import Any, AsyncIterator, Dict, Iterator, List, Optional, Union

from typing_extensions import Literal

from .._transport import NOT_GIVEN, AsyncTransport, NotGiven, Operation, SyncTransport
from . import models as m

_MEMORIES_CREATE = Operation(
    "POST", "/api/v1/memories", (), (), "json", True, (m.StoredMemory, m.MemoryReceipt,)
)
_MEMORIES_LIST = Operation(
    "GET", "/api/v1/memories", (), ("type", "status", "tags", "tags_match", "project", "session_id", "created_after", "created_before", "occurred_after", "occurred_before", "metadata", "include_superseded", "include_expired", "sort", "order", "limit", "cursor", "include", "max_tokens",), "json", False, (m.MemoriesListOutput,)
)
_MEMORIES_BATCH = Operation(
    "POST", "/api/v1/memories/batch", (), (), "json", True, (m.MemoriesBatchOutput, m.MemoriesBatchReceipt,)
)
_MEMORIES_BULK = Operation(
    "POST", "/api/v1/memories/bulk", (), (), "json", True, (m.MemoriesBulkOutput, m.MemoriesBulkReceipt,)
)
_MEMORIES_GET = Operation(
    "GET", "/api/v1/memories/{id}", ("id",), ("offset", "max_tokens",), "json", False, (m.Memory,)
)
_MEMORIES_REPLACE = Operation(
    "PUT", "/api/v1/memories/{id}", ("id",), (), "json", True, (m.MemoriesReplaceOutput, m.MemoryReceipt,)
)
_MEMORIES_UPDATE = Operation(
    "PATCH", "/api/v1/memories/{id}", ("id",), (), "json", True, (m.MemoriesReplaceOutput, m.MemoryReceipt,)
)
_MEMORIES_DELETE = Operation(
    "DELETE", "/api/v1/memories/{id}", ("id",), ("permanent", "if_version",), "json", True, (m.MemoriesDeleteOutput, m.MemoriesDeleteReceipt,)
)
_MEMORIES_RESTORE = Operation(
    "POST", "/api/v1/memories/{id}/restore", ("id",), (), "json", True, (m.MemoriesReplaceOutput, m.MemoryReceipt,)
)
_MEMORIES_VERSIONS = Operation(
    "GET", "/api/v1/memories/{id}/versions", ("id",), ("limit", "cursor",), "json", False, (m.MemoriesVersionsOutput,)
)
_MEMORIES_NEAR_DUPLICATES = Operation(
    "GET", "/api/v1/near-duplicates", (), ("project", "min_score", "limit", "cursor",), "json", False, (m.MemoriesNearDuplicatesOutput,)
)
_SEARCH_QUERY = Operation(
    "POST", "/api/v1/search", (), (), "json", False, (m.SearchQueryOutput,)
)
_SEARCH_CONTEXT = Operation(
    "POST", "/api/v1/context", (), (), "json", False, (m.SearchContextOutput,)
)
_MEMORIES_CONSOLIDATE = Operation(
    "POST", "/api/v1/consolidate", (), (), "json", True, (m.MemoriesConsolidateOutput, m.MemoriesConsolidateReceipt,)
)
_TAGS_LIST = Operation(
    "GET", "/api/v1/tags", (), ("limit", "cursor",), "json", False, (m.TagsListOutput,)
)
_TAGS_UPDATE = Operation(
    "PATCH", "/api/v1/tags/{tag}", ("tag",), (), "json", True, (m.TagsUpdateOutput, m.MemoriesBulkReceipt,)
)
_TAGS_DELETE = Operation(
    "DELETE", "/api/v1/tags/{tag}", ("tag",), ("dry_run",), "json", True, (m.TagsDeleteOutput, m.MemoriesBulkReceipt,)
)
_TAGS_NORMALIZE = Operation(
    "POST", "/api/v1/tags/normalize", (), (), "json", True, (m.TagsNormalizeOutput, m.TagsNormalizeReceipt,)
)
_PROJECTS_LIST = Operation(
    "GET", "/api/v1/projects", (), ("limit", "cursor",), "json", False, (m.ProjectsListOutput,)
)
_PROJECTS_UPDATE = Operation(
    "PATCH", "/api/v1/projects/{name}", ("name",), (), "json", True, (m.ProjectsUpdateOutput, m.MemoriesBulkReceipt,)
)
_PROJECTS_DELETE = Operation(
    "DELETE", "/api/v1/projects/{name}", ("name",), ("permanent", "dry_run",), "json", True, (m.TagsDeleteOutput, m.MemoriesBulkReceipt,)
)
_IMPORTS_START = Operation(
    "POST", "/api/v1/import", (), (), "json", True, (m.ImportsStartOutput, m.ImportsStartReceipt,)
)
_IMPORTS_LIST = Operation(
    "GET", "/api/v1/import", (), (), "json", False, (m.ImportsListOutput,)
)
_IMPORTS_GET = Operation(
    "GET", "/api/v1/import/{id}", ("id",), (), "json", False, (m.ImportsGetOutput,)
)
_IMPORTS_DELETE = Operation(
    "DELETE", "/api/v1/import/{id}", ("id",), (), "json", True, (m.ImportsDeleteOutput, m.ImportsDeleteOutput,)
)
_IMPORTS_UPLOAD = Operation(
    "PUT", "/api/v1/import/{id}/chunks/{n}", ("id", "n",), (), "json", True, (m.ImportsUploadOutput, m.ImportsUploadOutput,)
)
_IMPORTS_RUN = Operation(
    "POST", "/api/v1/import/{id}/run", ("id",), (), "json", True, (m.ImportsStartOutput, m.ImportsStartReceipt,)
)
_IMPORTS_REPORT = Operation(
    "GET", "/api/v1/import/{id}/report", ("id",), ("limit", "cursor",), "json", False, (m.ImportsReportOutput,)
)
_STATS_GET = Operation(
    "GET", "/api/v1/stats", (), (), "json", False, (m.StatsGetOutput,)
)
_STATS_STORAGE = Operation(
    "GET", "/api/v1/stats/storage", (), (), "json", False, (m.StatsStorageOutput,)
)
_USER_ME = Operation(
    "GET", "/api/v1/user/me", (), (), "json", False, (m.Account,)
)
_USER_OVERVIEW = Operation(
    "GET", "/api/v1/user/overview", (), (), "json", False, (m.UserOverviewOutput,)
)
_USER_USAGE = Operation(
    "GET", "/api/v1/user/usage", (), ("from", "to", "days", "group_by", "key_id", "client", "transport", "operation",), "json", False, (m.UserUsageOutput,)
)
_USER_USAGE_CSV = Operation(
    "GET", "/api/v1/user/usage.csv", (), ("month", "from", "to", "key_id", "client", "transport", "operation",), "text", False, ()
)
_USER_REQUESTS = Operation(
    "GET", "/api/v1/user/requests", (), ("from", "to", "key_id", "client", "transport", "operation", "status", "limit", "cursor",), "json", False, (m.UserRequestsOutput,)
)
_USER_MEMBERSHIPS = Operation(
    "GET", "/api/v1/user/memberships", (), (), "json", False, (m.UserMembershipsOutput,)
)
_USER_AUDIT_LOG = Operation(
    "GET", "/api/v1/user/audit-log", (), ("limit", "cursor",), "json", False, (m.UserAuditLogOutput,)
)
_KEYS_LIST = Operation(
    "GET", "/api/v1/user/keys", (), (), "json", False, (m.KeysListOutput,)
)
_KEYS_CREATE = Operation(
    "POST", "/api/v1/user/keys", (), (), "json", True, (m.CreatedApiKey,)
)
_KEYS_GET = Operation(
    "GET", "/api/v1/user/keys/{id}", ("id",), (), "json", False, (m.ApiKey,)
)
_KEYS_UPDATE = Operation(
    "PATCH", "/api/v1/user/keys/{id}", ("id",), (), "json", True, (m.KeysUpdateOutput,)
)
_KEYS_REVOKE = Operation(
    "DELETE", "/api/v1/user/keys/{id}", ("id",), (), "json", True, (m.KeysUpdateOutput,)
)
_KEYS_ROTATE = Operation(
    "POST", "/api/v1/user/keys/{id}/rotate", ("id",), (), "json", True, (m.KeysRotateOutput,)
)
_WEBHOOKS_LIST = Operation(
    "GET", "/api/v1/webhooks", (), (), "json", False, (m.WebhooksListOutput,)
)
_WEBHOOKS_CREATE = Operation(
    "POST", "/api/v1/webhooks", (), (), "json", True, (m.CreatedWebhook,)
)
_WEBHOOKS_GET = Operation(
    "GET", "/api/v1/webhooks/{id}", ("id",), (), "json", False, (m.Webhook,)
)
_WEBHOOKS_UPDATE = Operation(
    "PATCH", "/api/v1/webhooks/{id}", ("id",), (), "json", True, (m.Webhook,)
)
_WEBHOOKS_DELETE = Operation(
    "DELETE", "/api/v1/webhooks/{id}", ("id",), (), "json", True, (m.WebhooksDeleteOutput,)
)
_WEBHOOKS_TEST = Operation(
    "POST", "/api/v1/webhooks/{id}/test", ("id",), (), "json", True, (m.WebhooksTestOutput,)
)
_WEBHOOKS_ROTATE_SECRET = Operation(
    "POST", "/api/v1/webhooks/{id}/rotate-secret", ("id",), (), "json", True, (m.CreatedWebhook,)
)
_WEBHOOKS_DELIVERIES = Operation(
    "GET", "/api/v1/webhooks/{id}/deliveries", ("id",), ("state", "limit", "cursor",), "json", False, (m.WebhooksDeliveriesOutput,)
)
_WEBHOOKS_REPLAY = Operation(
    "POST", "/api/v1/webhooks/{id}/deliveries/{delivery}/replay", ("id", "delivery",), (), "json", True, (m.WebhooksTestOutput,)
)
_APPS_LIST = Operation(
    "GET", "/api/v1/user/apps", (), (), "json", False, (m.AppsListOutput,)
)
_APPS_REVOKE = Operation(
    "DELETE", "/api/v1/user/apps/{id}", ("id",), (), "json", True, (m.AppsRevokeOutput,)
)
_ACCOUNT_EXPORT = Operation(
    "POST", "/api/v1/account/export", (), (), "json", True, (m.AccountExportOutput,)
)
_ACCOUNT_EXPORT_STATE = Operation(
    "GET", "/api/v1/account/export", (), (), "json", False, (m.AccountExportOutput,)
)
_ACCOUNT_EXPORTS = Operation(
    "GET", "/api/v1/account/exports", (), (), "json", False, (m.AccountExportsOutput,)
)
_ACCOUNT_EXPORT_FILE = Operation(
    "GET", "/api/v1/account/export/file", (), (), "file", False, ()
)
_ACCOUNT_DELETE = Operation(
    "DELETE", "/api/v1/account", (), ("confirm", "immediate",), "json", True, (m.AccountDeleteOutput,)
)
_ACCOUNT_RESTORE = Operation(
    "POST", "/api/v1/account/restore", (), (), "json", True, (m.AccountDeleteOutput,)
)
_LICENSE_VALIDATE = Operation(
    "POST", "/api/v1/license/validate", (), (), "json", False, (m.LicenseValidateOutput,)
)
_PLANS_LIST = Operation(
    "GET", "/api/v1/plans", (), (), "json", False, (m.PlansListOutput,)
)
_KEYS_LEAKED = Operation(
    "POST", "/api/v1/keys/leaked", (), (), "json", False, (m.KeysLeakedOutput,)
)
_DEVICE_START = Operation(
    "POST", "/api/v1/device/code", (), (), "json", False, (m.DeviceStartOutput,)
)
_DEVICE_POLL = Operation(
    "POST", "/api/v1/device/token", (), (), "json", False, (m.DevicePollOutput,)
)


class Memories:
    def __init__(self, transport: SyncTransport) -> None:
        self._transport = transport

    def create(
        self,
        *,
        content: str,
        title: Union[str, NotGiven] = NOT_GIVEN,
        type: Union[Literal["short_term", "long_term"], NotGiven] = NOT_GIVEN,
        tags: Union[List[str], NotGiven] = NOT_GIVEN,
        metadata: Union[Dict[str, Any], NotGiven] = NOT_GIVEN,
        project: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        session_id: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        occurred_at: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        expires_at: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        supersedes: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.StoredMemory:
        """Store a memory. Stored durably, and found by the next call. An exact duplicate of an active memory returns that memory with 200 and `deduplicated: true`, and adds its tags and metadata to it."""
        return self._transport.call(_MEMORIES_CREATE, {"content": content, "title": title, "type": type, "tags": tags, "metadata": metadata, "project": project, "session_id": session_id, "occurred_at": occurred_at, "expires_at": expires_at, "supersedes": supersedes}, idempotency_key, timeout)

    def list(
        self,
        *,
        type: Union[Literal["short_term", "long_term"], NotGiven] = NOT_GIVEN,
        status: Union[Literal["active", "archived", "all"], NotGiven] = NOT_GIVEN,
        tags: Union[List[str], NotGiven] = NOT_GIVEN,
        tags_match: Union[Literal["all", "any", "exact"], NotGiven] = NOT_GIVEN,
        project: Union[str, NotGiven] = NOT_GIVEN,
        session_id: Union[str, NotGiven] = NOT_GIVEN,
        created_after: Union[str, NotGiven] = NOT_GIVEN,
        created_before: Union[str, NotGiven] = NOT_GIVEN,
        occurred_after: Union[str, NotGiven] = NOT_GIVEN,
        occurred_before: Union[str, NotGiven] = NOT_GIVEN,
        metadata: Union[List[m.MetadataCondition], NotGiven] = NOT_GIVEN,
        include_superseded: Union[bool, NotGiven] = NOT_GIVEN,
        include_expired: Union[bool, NotGiven] = NOT_GIVEN,
        sort: Union[Literal["created_at", "updated_at", "occurred_at", "title"], NotGiven] = NOT_GIVEN,
        order: Union[Literal["asc", "desc"], NotGiven] = NOT_GIVEN,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        cursor: Union[str, NotGiven] = NOT_GIVEN,
        include: Union[Literal["content"], NotGiven] = NOT_GIVEN,
        max_tokens: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.MemoriesListOutput:
        """List memories. A page holds at most `limit` memories and about 2 MB, and `next_cursor` continues it; so a page of fewer memories need not be the last."""
        return self._transport.call(_MEMORIES_LIST, {"type": type, "status": status, "tags": tags, "tags_match": tags_match, "project": project, "session_id": session_id, "created_after": created_after, "created_before": created_before, "occurred_after": occurred_after, "occurred_before": occurred_before, "metadata": metadata, "include_superseded": include_superseded, "include_expired": include_expired, "sort": sort, "order": order, "limit": limit, "cursor": cursor, "include": include, "max_tokens": max_tokens}, None, timeout)

    def iter_list(
        self,
        *,
        type: Union[Literal["short_term", "long_term"], NotGiven] = NOT_GIVEN,
        status: Union[Literal["active", "archived", "all"], NotGiven] = NOT_GIVEN,
        tags: Union[List[str], NotGiven] = NOT_GIVEN,
        tags_match: Union[Literal["all", "any", "exact"], NotGiven] = NOT_GIVEN,
        project: Union[str, NotGiven] = NOT_GIVEN,
        session_id: Union[str, NotGiven] = NOT_GIVEN,
        created_after: Union[str, NotGiven] = NOT_GIVEN,
        created_before: Union[str, NotGiven] = NOT_GIVEN,
        occurred_after: Union[str, NotGiven] = NOT_GIVEN,
        occurred_before: Union[str, NotGiven] = NOT_GIVEN,
        metadata: Union[List[m.MetadataCondition], NotGiven] = NOT_GIVEN,
        include_superseded: Union[bool, NotGiven] = NOT_GIVEN,
        include_expired: Union[bool, NotGiven] = NOT_GIVEN,
        sort: Union[Literal["created_at", "updated_at", "occurred_at", "title"], NotGiven] = NOT_GIVEN,
        order: Union[Literal["asc", "desc"], NotGiven] = NOT_GIVEN,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        include: Union[Literal["content"], NotGiven] = NOT_GIVEN,
        max_tokens: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> Iterator[m.ListedMemory]:
        """Iterates over the results of all pages: list memories."""
        return self._transport.pages(_MEMORIES_LIST, {"type": type, "status": status, "tags": tags, "tags_match": tags_match, "project": project, "session_id": session_id, "created_after": created_after, "created_before": created_before, "occurred_after": occurred_after, "occurred_before": occurred_before, "metadata": metadata, "include_superseded": include_superseded, "include_expired": include_expired, "sort": sort, "order": order, "limit": limit, "include": include, "max_tokens": max_tokens}, None, timeout)

    def batch(
        self,
        *,
        memories: List[m.MemoriesBatchInputMemories],
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.MemoriesBatchOutput:
        """Store up to 100 memories. Items are stored independently: a rejected one reports its error, and the others are stored."""
        return self._transport.call(_MEMORIES_BATCH, {"memories": memories}, idempotency_key, timeout)

    def bulk(
        self,
        *,
        filter: m.MemoriesBulkInputFilter,
        action: Literal["archive", "restore", "delete", "add_tags", "remove_tags", "move"],
        tags: Union[List[str], NotGiven] = NOT_GIVEN,
        project: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        dry_run: Union[bool, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.MemoriesBulkOutput:
        """Archive, restore, delete, retag or move many memories. Changes at most 1,000 memories per call (fewer on plans with few calls a minute), oldest first. Repeat the call until `remaining` is 0. A dry run returns the result of a real one and changes nothing. Costs one quota unit for every started ten memories that are changed or, in a dry run, would be. `move` changes the project and keeps the time of the last edit; a memory of which the project has an active exact duplicate is archived there."""
        return self._transport.call(_MEMORIES_BULK, {"filter": filter, "action": action, "tags": tags, "project": project, "dry_run": dry_run}, idempotency_key, timeout)

    def get(
        self,
        *,
        id: str,
        offset: Union[int, NotGiven] = NOT_GIVEN,
        max_tokens: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.Memory:
        """Read a memory."""
        return self._transport.call(_MEMORIES_GET, {"id": id, "offset": offset, "max_tokens": max_tokens}, None, timeout)

    def replace(
        self,
        *,
        id: str,
        content: str,
        title: Union[str, NotGiven] = NOT_GIVEN,
        type: Union[Literal["short_term", "long_term"], NotGiven] = NOT_GIVEN,
        tags: Union[List[str], NotGiven] = NOT_GIVEN,
        metadata: Union[Dict[str, Any], NotGiven] = NOT_GIVEN,
        project: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        session_id: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        occurred_at: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        expires_at: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        supersedes: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        if_version: Union[int, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.MemoriesReplaceOutput:
        """Replace a memory. Omitted fields get their default, except `type`, which is kept. The previous state is kept as a version."""
        return self._transport.call(_MEMORIES_REPLACE, {"id": id, "content": content, "title": title, "type": type, "tags": tags, "metadata": metadata, "project": project, "session_id": session_id, "occurred_at": occurred_at, "expires_at": expires_at, "supersedes": supersedes, "if_version": if_version}, idempotency_key, timeout)

    def update(
        self,
        *,
        id: str,
        title: Union[str, NotGiven] = NOT_GIVEN,
        content: Union[str, NotGiven] = NOT_GIVEN,
        type: Union[Literal["short_term", "long_term"], NotGiven] = NOT_GIVEN,
        tags: Union[List[str], NotGiven] = NOT_GIVEN,
        add_tags: Union[List[str], NotGiven] = NOT_GIVEN,
        remove_tags: Union[List[str], NotGiven] = NOT_GIVEN,
        metadata: Union[Dict[str, Any], NotGiven] = NOT_GIVEN,
        metadata_merge: Union[Dict[str, Any], NotGiven] = NOT_GIVEN,
        project: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        session_id: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        occurred_at: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        expires_at: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        supersedes: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        if_version: Union[int, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.MemoriesReplaceOutput:
        """Change a memory. Changes only the given fields. `tags` replaces all tags, and `add_tags` and `remove_tags` are then ignored; otherwise tags are added first, then removed."""
        return self._transport.call(_MEMORIES_UPDATE, {"id": id, "title": title, "content": content, "type": type, "tags": tags, "add_tags": add_tags, "remove_tags": remove_tags, "metadata": metadata, "metadata_merge": metadata_merge, "project": project, "session_id": session_id, "occurred_at": occurred_at, "expires_at": expires_at, "supersedes": supersedes, "if_version": if_version}, idempotency_key, timeout)

    def delete(
        self,
        *,
        id: str,
        permanent: Union[bool, NotGiven] = NOT_GIVEN,
        if_version: Union[int, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.MemoriesDeleteOutput:
        """Archive a memory, or delete it permanently."""
        return self._transport.call(_MEMORIES_DELETE, {"id": id, "permanent": permanent, "if_version": if_version}, idempotency_key, timeout)

    def restore(
        self,
        *,
        id: str,
        type: Union[Literal["short_term", "long_term"], NotGiven] = NOT_GIVEN,
        version: Union[int, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.MemoriesReplaceOutput:
        """Restore an archived memory, or a previous version."""
        return self._transport.call(_MEMORIES_RESTORE, {"id": id, "type": type, "version": version}, idempotency_key, timeout)

    def versions(
        self,
        *,
        id: str,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        cursor: Union[str, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.MemoriesVersionsOutput:
        """List the previous versions of a memory. A page holds at most `limit` versions and about 2 MB; `next_cursor` continues it."""
        return self._transport.call(_MEMORIES_VERSIONS, {"id": id, "limit": limit, "cursor": cursor}, None, timeout)

    def iter_versions(
        self,
        *,
        id: str,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> Iterator[m.MemoriesVersionsOutputResults]:
        """Iterates over the results of all pages: list the previous versions of a memory."""
        return self._transport.pages(_MEMORIES_VERSIONS, {"id": id, "limit": limit}, None, timeout)

    def near_duplicates(
        self,
        *,
        project: Union[str, NotGiven] = NOT_GIVEN,
        min_score: Union[float, NotGiven] = NOT_GIVEN,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        cursor: Union[str, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.MemoriesNearDuplicatesOutput:
        """List memories that say nearly the same. Compares active memories, newest first, with older ones of their project by the words that they share. A call compares `limit` memories, so a page may be empty although `next_cursor` is not null. Superseded memories are left out."""
        return self._transport.call(_MEMORIES_NEAR_DUPLICATES, {"project": project, "min_score": min_score, "limit": limit, "cursor": cursor}, None, timeout)

    def iter_near_duplicates(
        self,
        *,
        project: Union[str, NotGiven] = NOT_GIVEN,
        min_score: Union[float, NotGiven] = NOT_GIVEN,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> Iterator[m.MemoriesNearDuplicatesOutputResults]:
        """Iterates over the results of all pages: list memories that say nearly the same."""
        return self._transport.pages(_MEMORIES_NEAR_DUPLICATES, {"project": project, "min_score": min_score, "limit": limit}, None, timeout)

    def consolidate(
        self,
        *,
        dry_run: Union[bool, NotGiven] = NOT_GIVEN,
        min_age_days: Union[float, NotGiven] = NOT_GIVEN,
        project: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        max_tokens: Union[int, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.MemoriesConsolidateOutput:
        """Turn old short-term memories into long-term knowledge. Takes active short-term memories not edited for `min_age_days`. Those tagged heuristic, pattern, proven, decision or insight become long-term; the others go into long-term digests of a few kB, by project and subject, and are archived with a link to their digest. A search still finds them, as passages of the digest."""
        return self._transport.call(_MEMORIES_CONSOLIDATE, {"dry_run": dry_run, "min_age_days": min_age_days, "project": project, "max_tokens": max_tokens}, idempotency_key, timeout)


class Search:
    def __init__(self, transport: SyncTransport) -> None:
        self._transport = transport

    def query(
        self,
        *,
        query: str,
        exclude: Union[List[str], NotGiven] = NOT_GIVEN,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        cursor: Union[str, NotGiven] = NOT_GIVEN,
        type: Union[Literal["short_term", "long_term"], NotGiven] = NOT_GIVEN,
        status: Union[Literal["active", "archived", "all"], NotGiven] = NOT_GIVEN,
        tags: Union[List[str], NotGiven] = NOT_GIVEN,
        tags_match: Union[Literal["all", "any", "exact"], NotGiven] = NOT_GIVEN,
        project: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        session_id: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        created_after: Union[str, NotGiven] = NOT_GIVEN,
        created_before: Union[str, NotGiven] = NOT_GIVEN,
        occurred_after: Union[str, NotGiven] = NOT_GIVEN,
        occurred_before: Union[str, NotGiven] = NOT_GIVEN,
        metadata: Union[List[m.MetadataCondition], NotGiven] = NOT_GIVEN,
        include_superseded: Union[bool, NotGiven] = NOT_GIVEN,
        include_expired: Union[bool, NotGiven] = NOT_GIVEN,
        timezone: Union[str, NotGiven] = NOT_GIVEN,
        boosts: Union[bool, NotGiven] = NOT_GIVEN,
        explain: Union[bool, NotGiven] = NOT_GIVEN,
        max_tokens: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.SearchQueryOutput:
        """Find memories. By words (any may match; rare ones count more) and by meaning. The query is natural language without operators; a `"quoted phrase"` ranks memories that contain it higher. Filters and `exclude` apply before ranking."""
        return self._transport.call(_SEARCH_QUERY, {"query": query, "exclude": exclude, "limit": limit, "cursor": cursor, "type": type, "status": status, "tags": tags, "tags_match": tags_match, "project": project, "session_id": session_id, "created_after": created_after, "created_before": created_before, "occurred_after": occurred_after, "occurred_before": occurred_before, "metadata": metadata, "include_superseded": include_superseded, "include_expired": include_expired, "timezone": timezone, "boosts": boosts, "explain": explain, "max_tokens": max_tokens}, None, timeout)

    def iter_query(
        self,
        *,
        query: str,
        exclude: Union[List[str], NotGiven] = NOT_GIVEN,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        type: Union[Literal["short_term", "long_term"], NotGiven] = NOT_GIVEN,
        status: Union[Literal["active", "archived", "all"], NotGiven] = NOT_GIVEN,
        tags: Union[List[str], NotGiven] = NOT_GIVEN,
        tags_match: Union[Literal["all", "any", "exact"], NotGiven] = NOT_GIVEN,
        project: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        session_id: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        created_after: Union[str, NotGiven] = NOT_GIVEN,
        created_before: Union[str, NotGiven] = NOT_GIVEN,
        occurred_after: Union[str, NotGiven] = NOT_GIVEN,
        occurred_before: Union[str, NotGiven] = NOT_GIVEN,
        metadata: Union[List[m.MetadataCondition], NotGiven] = NOT_GIVEN,
        include_superseded: Union[bool, NotGiven] = NOT_GIVEN,
        include_expired: Union[bool, NotGiven] = NOT_GIVEN,
        timezone: Union[str, NotGiven] = NOT_GIVEN,
        boosts: Union[bool, NotGiven] = NOT_GIVEN,
        explain: Union[bool, NotGiven] = NOT_GIVEN,
        max_tokens: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> Iterator[m.SearchHit]:
        """Iterates over the results of all pages: find memories."""
        return self._transport.pages(_SEARCH_QUERY, {"query": query, "exclude": exclude, "limit": limit, "type": type, "status": status, "tags": tags, "tags_match": tags_match, "project": project, "session_id": session_id, "created_after": created_after, "created_before": created_before, "occurred_after": occurred_after, "occurred_before": occurred_before, "metadata": metadata, "include_superseded": include_superseded, "include_expired": include_expired, "timezone": timezone, "boosts": boosts, "explain": explain, "max_tokens": max_tokens}, None, timeout)

    def context(
        self,
        *,
        query: Union[str, NotGiven] = NOT_GIVEN,
        timezone: Union[str, NotGiven] = NOT_GIVEN,
        tier: Union[Literal[False, True, True], NotGiven] = NOT_GIVEN,
        max_tokens: Union[int, NotGiven] = NOT_GIVEN,
        project: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        tags: Union[List[str], NotGiven] = NOT_GIVEN,
        tags_match: Union[Literal["all", "any", "exact"], NotGiven] = NOT_GIVEN,
        session_id: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        metadata: Union[List[m.MetadataCondition], NotGiven] = NOT_GIVEN,
        include_superseded: Union[bool, NotGiven] = NOT_GIVEN,
        include_expired: Union[bool, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.SearchContextOutput:
        """Get a context package that fits a token budget. Markdown of active memories: the most relevant to `query`, or the newest. With neither `tier` nor `max_tokens`: tier 1. With `max_tokens` alone: as much as fits, at most 1,000 memories. With both: the caps of the tier within the budget."""
        return self._transport.call(_SEARCH_CONTEXT, {"query": query, "timezone": timezone, "tier": tier, "max_tokens": max_tokens, "project": project, "tags": tags, "tags_match": tags_match, "session_id": session_id, "metadata": metadata, "include_superseded": include_superseded, "include_expired": include_expired}, None, timeout)


class Tags:
    def __init__(self, transport: SyncTransport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        cursor: Union[str, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.TagsListOutput:
        """List the tags of active memories, most used first."""
        return self._transport.call(_TAGS_LIST, {"limit": limit, "cursor": cursor}, None, timeout)

    def iter_list(
        self,
        *,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> Iterator[m.TagsListOutputResults]:
        """Iterates over the results of all pages: list the tags of active memories, most used first."""
        return self._transport.pages(_TAGS_LIST, {"limit": limit}, None, timeout)

    def update(
        self,
        *,
        tag: str,
        new_tag: str,
        dry_run: Union[bool, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.TagsUpdateOutput:
        """Rename a tag, or merge it into another. Changes the tag of all memories, archived ones too, at most 1,000 per call, oldest first: repeat the call until `remaining` is 0. Each keeps its former state as a version and the time of its last edit. Costs like a bulk change."""
        return self._transport.call(_TAGS_UPDATE, {"tag": tag, "new_tag": new_tag, "dry_run": dry_run}, idempotency_key, timeout)

    def delete(
        self,
        *,
        tag: str,
        dry_run: Union[bool, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.TagsDeleteOutput:
        """Remove a tag from all memories. Removes it from archived memories too, at most 1,000 memories per call: repeat the call until `remaining` is 0. The memories stay, with their former state as a version. Costs like a bulk change."""
        return self._transport.call(_TAGS_DELETE, {"tag": tag, "dry_run": dry_run}, idempotency_key, timeout)

    def normalize(
        self,
        *,
        dry_run: Union[bool, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.TagsNormalizeOutput:
        """Normalize the tags of old memories."""
        return self._transport.call(_TAGS_NORMALIZE, {"dry_run": dry_run}, idempotency_key, timeout)


class Projects:
    def __init__(self, transport: SyncTransport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        cursor: Union[str, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.ProjectsListOutput:
        """List the projects, largest first. Projects of active and archived memories. The entry without a name counts the memories of no project."""
        return self._transport.call(_PROJECTS_LIST, {"limit": limit, "cursor": cursor}, None, timeout)

    def iter_list(
        self,
        *,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> Iterator[m.ProjectsListOutputResults]:
        """Iterates over the results of all pages: list the projects, largest first."""
        return self._transport.pages(_PROJECTS_LIST, {"limit": limit}, None, timeout)

    def update(
        self,
        *,
        name: str,
        new_name: Union[str, None],
        dry_run: Union[bool, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.ProjectsUpdateOutput:
        """Rename a project, or merge it into another. Moves all memories of the project, archived ones too, at most 1,000 per call, oldest first: repeat the call until `remaining` is 0. Each keeps its former state as a version and the time of its last edit. A memory of which the other project has an active exact duplicate is archived there, with a link to that one. API keys that are bound to the project follow a rename; a merge is rejected while one would gain memories by it. Costs like a bulk change."""
        return self._transport.call(_PROJECTS_UPDATE, {"name": name, "new_name": new_name, "dry_run": dry_run}, idempotency_key, timeout)

    def delete(
        self,
        *,
        name: str,
        permanent: Union[bool, NotGiven] = NOT_GIVEN,
        dry_run: Union[bool, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.TagsDeleteOutput:
        """Archive or permanently delete the memories of a project. Archives its active memories, or deletes all of them for good, at most 1,000 per call: repeat the call until `remaining` is 0. Costs like a bulk change."""
        return self._transport.call(_PROJECTS_DELETE, {"name": name, "permanent": permanent, "dry_run": dry_run}, idempotency_key, timeout)


class Imports:
    def __init__(self, transport: SyncTransport) -> None:
        self._transport = transport

    def start(
        self,
        *,
        name: Union[str, NotGiven] = NOT_GIVEN,
        format: Union[Literal["auto", "whitemagic", "server_memory", "mem0", "supermemory", "zep", "markdown", "csv", "jsonl"], NotGiven] = NOT_GIVEN,
        project: Union[str, NotGiven] = NOT_GIVEN,
        type: Union[Literal["short_term", "long_term"], NotGiven] = NOT_GIVEN,
        tags: Union[List[str], NotGiven] = NOT_GIVEN,
        mapping: Union[Dict[str, str], NotGiven] = NOT_GIVEN,
        content: Union[str, NotGiven] = NOT_GIVEN,
        data: Union[str, NotGiven] = NOT_GIVEN,
        dry_run: Union[bool, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.ImportsStartOutput:
        """Start an import. Imports memories from an account export of WhiteMagic, `@modelcontextprotocol/server-memory`, mem0, supermemory, Zep, basic-memory and other Markdown, CSV or JSON lines; gzipped too. A small file comes along as `content` (or `data`) and is checked at once; a larger one is uploaded in parts. A dry run changes nothing and reports counts, findings and the cost. Running costs one quota unit of the day for every started 10,000 bytes of the upload, at most half of the units of a day; nothing from the dashboard."""
        return self._transport.call(_IMPORTS_START, {"name": name, "format": format, "project": project, "type": type, "tags": tags, "mapping": mapping, "content": content, "data": data, "dry_run": dry_run}, idempotency_key, timeout)

    def list(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.ImportsListOutput:
        """List the newest imports."""
        return self._transport.call(_IMPORTS_LIST, {}, None, timeout)

    def get(
        self,
        *,
        id: str,
        timeout: Optional[float] = None,
    ) -> m.ImportsGetOutput:
        """Get the state of an import. An import that has ended is kept for 7 days."""
        return self._transport.call(_IMPORTS_GET, {"id": id}, None, timeout)

    def delete(
        self,
        *,
        id: str,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.ImportsDeleteOutput:
        """Cancel an import, or delete its report. Memories that were stored stay."""
        return self._transport.call(_IMPORTS_DELETE, {"id": id}, idempotency_key, timeout)

    def upload(
        self,
        *,
        id: str,
        n: int,
        data: str,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.ImportsUploadOutput:
        """Upload a part of a file. Parts are numbered from 0 and have at most 512 KiB. A part that is uploaded again replaces the earlier one, so an interrupted upload continues at `next_chunk`. An upload that is not run is deleted after a day."""
        return self._transport.call(_IMPORTS_UPLOAD, {"id": id, "n": n, "data": data}, idempotency_key, timeout)

    def run(
        self,
        *,
        id: str,
        dry_run: Union[bool, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.ImportsStartOutput:
        """Check an uploaded file, or store its memories. Both happen in the background: `GET /import/{id}` returns the progress. A file that was not checked yet is checked first. Repeating the call of a running or completed import changes nothing."""
        return self._transport.call(_IMPORTS_RUN, {"id": id, "dry_run": dry_run}, idempotency_key, timeout)

    def report(
        self,
        *,
        id: str,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        cursor: Union[str, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.ImportsReportOutput:
        """List what did not fit. In the order of the file: what was rejected, adjusted, or there already. At most 20,000 are kept."""
        return self._transport.call(_IMPORTS_REPORT, {"id": id, "limit": limit, "cursor": cursor}, None, timeout)

    def iter_report(
        self,
        *,
        id: str,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> Iterator[m.ImportsStartOutputFindings]:
        """Iterates over the results of all pages: list what did not fit."""
        return self._transport.pages(_IMPORTS_REPORT, {"id": id, "limit": limit}, None, timeout)


class Stats:
    def __init__(self, transport: SyncTransport) -> None:
        self._transport = transport

    def get(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.StatsGetOutput:
        """Get statistics of the stored memories."""
        return self._transport.call(_STATS_GET, {}, None, timeout)

    def storage(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.StatsStorageOutput:
        """Get the stored bytes by project and by type."""
        return self._transport.call(_STATS_STORAGE, {}, None, timeout)


class User:
    def __init__(self, transport: SyncTransport) -> None:
        self._transport = transport

    def me(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.Account:
        """Get the account, its plan and the calling key."""
        return self._transport.call(_USER_ME, {}, None, timeout)

    def overview(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.UserOverviewOutput:
        """Get an overview of the account. Usage against the plan, the newest memories (null for a key without `memories:read`), the last calls, and what needs attention."""
        return self._transport.call(_USER_OVERVIEW, {}, None, timeout)

    def usage(
        self,
        *,
        from_: Union[str, NotGiven] = NOT_GIVEN,
        to: Union[str, NotGiven] = NOT_GIVEN,
        days: Union[int, NotGiven] = NOT_GIVEN,
        group_by: Union[Literal["day", "hour", "month", "operation", "key", "transport", "client"], NotGiven] = NOT_GIVEN,
        key_id: Union[str, NotGiven] = NOT_GIVEN,
        client: Union[str, NotGiven] = NOT_GIVEN,
        transport: Union[Literal["rest", "mcp_http", "mcp_stdio", "dashboard"], NotGiven] = NOT_GIVEN,
        operation: Union[str, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.UserUsageOutput:
        """Get usage, and its share of the plan. A row per day, transport and operation, or per value of `group_by`; by hour at most 7 days at once. Percentiles are estimated from counts by ranges of durations. Calls of the dashboard are left out unless `transport` is `dashboard`."""
        return self._transport.call(_USER_USAGE, {"from": from_, "to": to, "days": days, "group_by": group_by, "key_id": key_id, "client": client, "transport": transport, "operation": operation}, None, timeout)

    def usage_csv(
        self,
        *,
        month: Union[str, NotGiven] = NOT_GIVEN,
        from_: Union[str, NotGiven] = NOT_GIVEN,
        to: Union[str, NotGiven] = NOT_GIVEN,
        key_id: Union[str, NotGiven] = NOT_GIVEN,
        client: Union[str, NotGiven] = NOT_GIVEN,
        transport: Union[Literal["rest", "mcp_http", "mcp_stdio", "dashboard"], NotGiven] = NOT_GIVEN,
        operation: Union[str, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> str:
        """Get usage as CSV. A header row, then a row per day, transport and operation, oldest day first: of a month, or of at most 400 days. Calls of the dashboard are left out unless `transport` is `dashboard`."""
        return self._transport.call(_USER_USAGE_CSV, {"month": month, "from": from_, "to": to, "key_id": key_id, "client": client, "transport": transport, "operation": operation}, None, timeout)

    def requests(
        self,
        *,
        from_: Union[str, NotGiven] = NOT_GIVEN,
        to: Union[str, NotGiven] = NOT_GIVEN,
        key_id: Union[str, NotGiven] = NOT_GIVEN,
        client: Union[str, NotGiven] = NOT_GIVEN,
        transport: Union[Literal["rest", "mcp_http", "mcp_stdio", "dashboard"], NotGiven] = NOT_GIVEN,
        operation: Union[str, NotGiven] = NOT_GIVEN,
        status: Union[Literal["ok", "error", "client_error", "server_error"], NotGiven] = NOT_GIVEN,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        cursor: Union[str, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.UserRequestsOutput:
        """List the calls of the last 7 days. Newest first. A page looks through a bounded number of calls, so with a filter it may be short or empty and still have a `next_cursor`. Calls of the dashboard are left out unless `transport` is `dashboard`."""
        return self._transport.call(_USER_REQUESTS, {"from": from_, "to": to, "key_id": key_id, "client": client, "transport": transport, "operation": operation, "status": status, "limit": limit, "cursor": cursor}, None, timeout)

    def iter_requests(
        self,
        *,
        from_: Union[str, NotGiven] = NOT_GIVEN,
        to: Union[str, NotGiven] = NOT_GIVEN,
        key_id: Union[str, NotGiven] = NOT_GIVEN,
        client: Union[str, NotGiven] = NOT_GIVEN,
        transport: Union[Literal["rest", "mcp_http", "mcp_stdio", "dashboard"], NotGiven] = NOT_GIVEN,
        operation: Union[str, NotGiven] = NOT_GIVEN,
        status: Union[Literal["ok", "error", "client_error", "server_error"], NotGiven] = NOT_GIVEN,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> Iterator[m.UserOverviewOutputRequests]:
        """Iterates over the results of all pages: list the calls of the last 7 days."""
        return self._transport.pages(_USER_REQUESTS, {"from": from_, "to": to, "key_id": key_id, "client": client, "transport": transport, "operation": operation, "status": status, "limit": limit}, None, timeout)

    def memberships(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.UserMembershipsOutput:
        """List memberships, and the plans to change to. Memberships at Whop, those that grant access first. Without billing there are none."""
        return self._transport.call(_USER_MEMBERSHIPS, {}, None, timeout)

    def audit_log(
        self,
        *,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        cursor: Union[str, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.UserAuditLogOutput:
        """List what was done to the account. Changes of keys, plan, status and sessions, exports, and acts of the operator, newest first."""
        return self._transport.call(_USER_AUDIT_LOG, {"limit": limit, "cursor": cursor}, None, timeout)

    def iter_audit_log(
        self,
        *,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> Iterator[m.UserAuditLogOutputResults]:
        """Iterates over the results of all pages: list what was done to the account."""
        return self._transport.pages(_USER_AUDIT_LOG, {"limit": limit}, None, timeout)


class Keys:
    def __init__(self, transport: SyncTransport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.KeysListOutput:
        """List API keys."""
        return self._transport.call(_KEYS_LIST, {}, None, timeout)

    def create(
        self,
        *,
        name: str,
        scopes: Union[List[Literal["memories:read", "memories:write", "account:read", "keys:write"]], NotGiven] = NOT_GIVEN,
        projects: Union[Union[List[str], None], NotGiven] = NOT_GIVEN,
        expires_at: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        rpm_limit: Union[Union[int, None], NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.CreatedApiKey:
        """Create an API key. Scopes, projects, expiry and limit must be within those of the calling key, which are the defaults. Only this response contains the key."""
        return self._transport.call(_KEYS_CREATE, {"name": name, "scopes": scopes, "projects": projects, "expires_at": expires_at, "rpm_limit": rpm_limit}, idempotency_key, timeout)

    def get(
        self,
        *,
        id: str,
        timeout: Optional[float] = None,
    ) -> m.ApiKey:
        """Get an API key and its last call. Cheap enough to poll until the first call of a new key arrives."""
        return self._transport.call(_KEYS_GET, {"id": id}, None, timeout)

    def update(
        self,
        *,
        id: str,
        name: Union[str, NotGiven] = NOT_GIVEN,
        scopes: Union[List[Literal["memories:read", "memories:write", "account:read", "keys:write"]], NotGiven] = NOT_GIVEN,
        projects: Union[Union[List[str], None], NotGiven] = NOT_GIVEN,
        expires_at: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        rpm_limit: Union[Union[int, None], NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.KeysUpdateOutput:
        """Change the name, scopes, projects, expiry or limit of an API key. Scopes can only be reduced. What is set must be within the calling key; to extend a key, all its permissions must be."""
        return self._transport.call(_KEYS_UPDATE, {"id": id, "name": name, "scopes": scopes, "projects": projects, "expires_at": expires_at, "rpm_limit": rpm_limit}, idempotency_key, timeout)

    def revoke(
        self,
        *,
        id: str,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.KeysUpdateOutput:
        """Revoke an API key immediately and permanently."""
        return self._transport.call(_KEYS_REVOKE, {"id": id}, idempotency_key, timeout)

    def rotate(
        self,
        *,
        id: str,
        grace_seconds: Union[int, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.KeysRotateOutput:
        """Replace an API key. Returns a new key with the same name, scopes, projects, expiry and limit, which must be within those of the calling key. The old key works for `grace_seconds` more."""
        return self._transport.call(_KEYS_ROTATE, {"id": id, "grace_seconds": grace_seconds}, idempotency_key, timeout)

    def leaked(
        self,
        *,
        api_key: str,
        timeout: Optional[float] = None,
    ) -> m.KeysLeakedOutput:
        """Report an API key that is public. Needs no key. An active key is revoked immediately and its owner is notified. The response is always the same."""
        return self._transport.call(_KEYS_LEAKED, {"api_key": api_key}, None, timeout)


class Webhooks:
    def __init__(self, transport: SyncTransport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.WebhooksListOutput:
        """List webhooks."""
        return self._transport.call(_WEBHOOKS_LIST, {}, None, timeout)

    def create(
        self,
        *,
        url: str,
        description: Union[str, NotGiven] = NOT_GIVEN,
        events: Union[List[Literal["memory.created", "memory.updated", "memory.archived", "memory.restored", "memory.deleted", "consolidation.completed", "usage.threshold", "key.created", "key.rotated", "key.revoked", "import.completed", "export.ready"]], NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.CreatedWebhook:
        """Create a webhook. Events of memories need the scope `memories:read` too. At most 10 per account. Only this response contains the secret."""
        return self._transport.call(_WEBHOOKS_CREATE, {"url": url, "description": description, "events": events}, idempotency_key, timeout)

    def get(
        self,
        *,
        id: str,
        timeout: Optional[float] = None,
    ) -> m.Webhook:
        """Get a webhook."""
        return self._transport.call(_WEBHOOKS_GET, {"id": id}, None, timeout)

    def update(
        self,
        *,
        id: str,
        url: Union[str, NotGiven] = NOT_GIVEN,
        description: Union[str, NotGiven] = NOT_GIVEN,
        events: Union[List[Literal["memory.created", "memory.updated", "memory.archived", "memory.restored", "memory.deleted", "consolidation.completed", "usage.threshold", "key.created", "key.rotated", "key.revoked", "import.completed", "export.ready"]], NotGiven] = NOT_GIVEN,
        status: Union[Literal["enabled", "disabled"], NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.Webhook:
        """Change, disable or enable a webhook. While a webhook is disabled, no event is recorded for it. Enabling it, or a new URL, delivers at once what still waits."""
        return self._transport.call(_WEBHOOKS_UPDATE, {"id": id, "url": url, "description": description, "events": events, "status": status}, idempotency_key, timeout)

    def delete(
        self,
        *,
        id: str,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.WebhooksDeleteOutput:
        """Delete a webhook and its deliveries. What waits for it is not delivered any more. Possible on every plan."""
        return self._transport.call(_WEBHOOKS_DELETE, {"id": id}, idempotency_key, timeout)

    def test(
        self,
        *,
        id: str,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.WebhooksTestOutput:
        """Send a test event to a webhook. An event `webhook.test` is delivered like any other; read its delivery for the result."""
        return self._transport.call(_WEBHOOKS_TEST, {"id": id}, idempotency_key, timeout)

    def rotate_secret(
        self,
        *,
        id: str,
        grace_seconds: Union[int, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.CreatedWebhook:
        """Replace the secret of a webhook. Both secrets sign each delivery for `grace_seconds`. Only this response contains the new one."""
        return self._transport.call(_WEBHOOKS_ROTATE_SECRET, {"id": id, "grace_seconds": grace_seconds}, idempotency_key, timeout)

    def deliveries(
        self,
        *,
        id: str,
        state: Union[Literal["pending", "delivered", "failed"], NotGiven] = NOT_GIVEN,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        cursor: Union[str, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.WebhooksDeliveriesOutput:
        """List the deliveries of a webhook, newest first. Of events of the last 14 days."""
        return self._transport.call(_WEBHOOKS_DELIVERIES, {"id": id, "state": state, "limit": limit, "cursor": cursor}, None, timeout)

    def iter_deliveries(
        self,
        *,
        id: str,
        state: Union[Literal["pending", "delivered", "failed"], NotGiven] = NOT_GIVEN,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> Iterator[m.WebhooksTestOutput]:
        """Iterates over the results of all pages: list the deliveries of a webhook, newest first."""
        return self._transport.pages(_WEBHOOKS_DELIVERIES, {"id": id, "state": state, "limit": limit}, None, timeout)

    def replay(
        self,
        *,
        id: str,
        delivery: str,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.WebhooksTestOutput:
        """Deliver an event again. With the same id and body, and at once, whether it was delivered, failed or still waits."""
        return self._transport.call(_WEBHOOKS_REPLAY, {"id": id, "delivery": delivery}, idempotency_key, timeout)


class Apps:
    def __init__(self, transport: SyncTransport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.AppsListOutput:
        """List the apps that are connected by OAuth. At most 100, the newest first, without apps whose access ended."""
        return self._transport.call(_APPS_LIST, {}, None, timeout)

    def revoke(
        self,
        *,
        id: str,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.AppsRevokeOutput:
        """Disconnect an app immediately. Its access and refresh tokens stop working at once. The app can ask for access again."""
        return self._transport.call(_APPS_REVOKE, {"id": id}, idempotency_key, timeout)


class Account:
    def __init__(self, transport: SyncTransport) -> None:
        self._transport = transport

    def export(
        self,
        *,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.AccountExportOutput:
        """Export everything that the account contains. A job writes the file: NDJSON, gzipped, with a manifest as its first line. While an export is pending, it is returned instead of a new one. Also needs the scope `memories:read`."""
        return self._transport.call(_ACCOUNT_EXPORT, {}, idempotency_key, timeout)

    def export_state(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.AccountExportOutput:
        """Get the state of the newest export."""
        return self._transport.call(_ACCOUNT_EXPORT_STATE, {}, None, timeout)

    def exports(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.AccountExportsOutput:
        """List exports. The newest export, or an empty list: a new one replaces it."""
        return self._transport.call(_ACCOUNT_EXPORTS, {}, None, timeout)

    def export_file(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> bytes:
        """Download the newest finished export. Also needs the scope `memories:read`."""
        return self._transport.call(_ACCOUNT_EXPORT_FILE, {}, None, timeout)

    def delete(
        self,
        *,
        confirm: str,
        immediate: Union[bool, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.AccountDeleteOutput:
        """Delete the account and everything in it. For 30 days its keys and the dashboard can only export the account or restore it; then it is purged. `immediate` ends its sessions and purges it now, and cannot be undone. A paid plan is not canceled by this."""
        return self._transport.call(_ACCOUNT_DELETE, {"confirm": confirm, "immediate": immediate}, idempotency_key, timeout)

    def restore(
        self,
        *,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.AccountDeleteOutput:
        """Undo the deletion of the account. Possible until the account is purged. An account that is not being deleted does not change."""
        return self._transport.call(_ACCOUNT_RESTORE, {}, idempotency_key, timeout)


class License:
    def __init__(self, transport: SyncTransport) -> None:
        self._transport = transport

    def validate(
        self,
        *,
        license_key: str,
        timeout: Optional[float] = None,
    ) -> m.LicenseValidateOutput:
        """Validate a license. A license of another account is reported as invalid, like one that does not exist."""
        return self._transport.call(_LICENSE_VALIDATE, {"license_key": license_key}, None, timeout)


class Plans:
    def __init__(self, transport: SyncTransport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.PlansListOutput:
        """List the plans with prices and limits."""
        return self._transport.call(_PLANS_LIST, {}, None, timeout)


class Device:
    def __init__(self, transport: SyncTransport) -> None:
        self._transport = transport

    def start(
        self,
        *,
        name: str,
        timeout: Optional[float] = None,
    ) -> m.DeviceStartOutput:
        """Start a login of a program without a browser. Needs no key. Show `user_code` and open `verification_uri_complete`, where a signed-in person compares the code and decides; meanwhile poll `POST /device/token`. As in RFC 8628."""
        return self._transport.call(_DEVICE_START, {"name": name}, None, timeout)

    def poll(
        self,
        *,
        device_code: str,
        timeout: Optional[float] = None,
    ) -> m.DevicePollOutput:
        """Get the key of an approved login. Needs no key. Returns the decision; after an approval the new key, once. A code that was used or never existed counts as expired."""
        return self._transport.call(_DEVICE_POLL, {"device_code": device_code}, None, timeout)


class Resources:
    def __init__(self, transport: SyncTransport) -> None:
        self.memories = Memories(transport)
        self.search = Search(transport)
        self.tags = Tags(transport)
        self.projects = Projects(transport)
        self.imports = Imports(transport)
        self.stats = Stats(transport)
        self.user = User(transport)
        self.keys = Keys(transport)
        self.webhooks = Webhooks(transport)
        self.apps = Apps(transport)
        self.account = Account(transport)
        self.license = License(transport)
        self.plans = Plans(transport)
        self.device = Device(transport)


class AsyncMemories:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        content: str,
        title: Union[str, NotGiven] = NOT_GIVEN,
        type: Union[Literal["short_term", "long_term"], NotGiven] = NOT_GIVEN,
        tags: Union[List[str], NotGiven] = NOT_GIVEN,
        metadata: Union[Dict[str, Any], NotGiven] = NOT_GIVEN,
        project: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        session_id: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        occurred_at: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        expires_at: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        supersedes: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.StoredMemory:
        """Store a memory. Stored durably, and found by the next call. An exact duplicate of an active memory returns that memory with 200 and `deduplicated: true`, and adds its tags and metadata to it."""
        return await self._transport.call(_MEMORIES_CREATE, {"content": content, "title": title, "type": type, "tags": tags, "metadata": metadata, "project": project, "session_id": session_id, "occurred_at": occurred_at, "expires_at": expires_at, "supersedes": supersedes}, idempotency_key, timeout)

    async def list(
        self,
        *,
        type: Union[Literal["short_term", "long_term"], NotGiven] = NOT_GIVEN,
        status: Union[Literal["active", "archived", "all"], NotGiven] = NOT_GIVEN,
        tags: Union[List[str], NotGiven] = NOT_GIVEN,
        tags_match: Union[Literal["all", "any", "exact"], NotGiven] = NOT_GIVEN,
        project: Union[str, NotGiven] = NOT_GIVEN,
        session_id: Union[str, NotGiven] = NOT_GIVEN,
        created_after: Union[str, NotGiven] = NOT_GIVEN,
        created_before: Union[str, NotGiven] = NOT_GIVEN,
        occurred_after: Union[str, NotGiven] = NOT_GIVEN,
        occurred_before: Union[str, NotGiven] = NOT_GIVEN,
        metadata: Union[List[m.MetadataCondition], NotGiven] = NOT_GIVEN,
        include_superseded: Union[bool, NotGiven] = NOT_GIVEN,
        include_expired: Union[bool, NotGiven] = NOT_GIVEN,
        sort: Union[Literal["created_at", "updated_at", "occurred_at", "title"], NotGiven] = NOT_GIVEN,
        order: Union[Literal["asc", "desc"], NotGiven] = NOT_GIVEN,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        cursor: Union[str, NotGiven] = NOT_GIVEN,
        include: Union[Literal["content"], NotGiven] = NOT_GIVEN,
        max_tokens: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.MemoriesListOutput:
        """List memories. A page holds at most `limit` memories and about 2 MB, and `next_cursor` continues it; so a page of fewer memories need not be the last."""
        return await self._transport.call(_MEMORIES_LIST, {"type": type, "status": status, "tags": tags, "tags_match": tags_match, "project": project, "session_id": session_id, "created_after": created_after, "created_before": created_before, "occurred_after": occurred_after, "occurred_before": occurred_before, "metadata": metadata, "include_superseded": include_superseded, "include_expired": include_expired, "sort": sort, "order": order, "limit": limit, "cursor": cursor, "include": include, "max_tokens": max_tokens}, None, timeout)

    def iter_list(
        self,
        *,
        type: Union[Literal["short_term", "long_term"], NotGiven] = NOT_GIVEN,
        status: Union[Literal["active", "archived", "all"], NotGiven] = NOT_GIVEN,
        tags: Union[List[str], NotGiven] = NOT_GIVEN,
        tags_match: Union[Literal["all", "any", "exact"], NotGiven] = NOT_GIVEN,
        project: Union[str, NotGiven] = NOT_GIVEN,
        session_id: Union[str, NotGiven] = NOT_GIVEN,
        created_after: Union[str, NotGiven] = NOT_GIVEN,
        created_before: Union[str, NotGiven] = NOT_GIVEN,
        occurred_after: Union[str, NotGiven] = NOT_GIVEN,
        occurred_before: Union[str, NotGiven] = NOT_GIVEN,
        metadata: Union[List[m.MetadataCondition], NotGiven] = NOT_GIVEN,
        include_superseded: Union[bool, NotGiven] = NOT_GIVEN,
        include_expired: Union[bool, NotGiven] = NOT_GIVEN,
        sort: Union[Literal["created_at", "updated_at", "occurred_at", "title"], NotGiven] = NOT_GIVEN,
        order: Union[Literal["asc", "desc"], NotGiven] = NOT_GIVEN,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        include: Union[Literal["content"], NotGiven] = NOT_GIVEN,
        max_tokens: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> AsyncIterator[m.ListedMemory]:
        """Iterates over the results of all pages: list memories."""
        return self._transport.pages(_MEMORIES_LIST, {"type": type, "status": status, "tags": tags, "tags_match": tags_match, "project": project, "session_id": session_id, "created_after": created_after, "created_before": created_before, "occurred_after": occurred_after, "occurred_before": occurred_before, "metadata": metadata, "include_superseded": include_superseded, "include_expired": include_expired, "sort": sort, "order": order, "limit": limit, "include": include, "max_tokens": max_tokens}, None, timeout)

    async def batch(
        self,
        *,
        memories: List[m.MemoriesBatchInputMemories],
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.MemoriesBatchOutput:
        """Store up to 100 memories. Items are stored independently: a rejected one reports its error, and the others are stored."""
        return await self._transport.call(_MEMORIES_BATCH, {"memories": memories}, idempotency_key, timeout)

    async def bulk(
        self,
        *,
        filter: m.MemoriesBulkInputFilter,
        action: Literal["archive", "restore", "delete", "add_tags", "remove_tags", "move"],
        tags: Union[List[str], NotGiven] = NOT_GIVEN,
        project: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        dry_run: Union[bool, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.MemoriesBulkOutput:
        """Archive, restore, delete, retag or move many memories. Changes at most 1,000 memories per call (fewer on plans with few calls a minute), oldest first. Repeat the call until `remaining` is 0. A dry run returns the result of a real one and changes nothing. Costs one quota unit for every started ten memories that are changed or, in a dry run, would be. `move` changes the project and keeps the time of the last edit; a memory of which the project has an active exact duplicate is archived there."""
        return await self._transport.call(_MEMORIES_BULK, {"filter": filter, "action": action, "tags": tags, "project": project, "dry_run": dry_run}, idempotency_key, timeout)

    async def get(
        self,
        *,
        id: str,
        offset: Union[int, NotGiven] = NOT_GIVEN,
        max_tokens: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.Memory:
        """Read a memory."""
        return await self._transport.call(_MEMORIES_GET, {"id": id, "offset": offset, "max_tokens": max_tokens}, None, timeout)

    async def replace(
        self,
        *,
        id: str,
        content: str,
        title: Union[str, NotGiven] = NOT_GIVEN,
        type: Union[Literal["short_term", "long_term"], NotGiven] = NOT_GIVEN,
        tags: Union[List[str], NotGiven] = NOT_GIVEN,
        metadata: Union[Dict[str, Any], NotGiven] = NOT_GIVEN,
        project: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        session_id: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        occurred_at: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        expires_at: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        supersedes: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        if_version: Union[int, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.MemoriesReplaceOutput:
        """Replace a memory. Omitted fields get their default, except `type`, which is kept. The previous state is kept as a version."""
        return await self._transport.call(_MEMORIES_REPLACE, {"id": id, "content": content, "title": title, "type": type, "tags": tags, "metadata": metadata, "project": project, "session_id": session_id, "occurred_at": occurred_at, "expires_at": expires_at, "supersedes": supersedes, "if_version": if_version}, idempotency_key, timeout)

    async def update(
        self,
        *,
        id: str,
        title: Union[str, NotGiven] = NOT_GIVEN,
        content: Union[str, NotGiven] = NOT_GIVEN,
        type: Union[Literal["short_term", "long_term"], NotGiven] = NOT_GIVEN,
        tags: Union[List[str], NotGiven] = NOT_GIVEN,
        add_tags: Union[List[str], NotGiven] = NOT_GIVEN,
        remove_tags: Union[List[str], NotGiven] = NOT_GIVEN,
        metadata: Union[Dict[str, Any], NotGiven] = NOT_GIVEN,
        metadata_merge: Union[Dict[str, Any], NotGiven] = NOT_GIVEN,
        project: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        session_id: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        occurred_at: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        expires_at: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        supersedes: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        if_version: Union[int, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.MemoriesReplaceOutput:
        """Change a memory. Changes only the given fields. `tags` replaces all tags, and `add_tags` and `remove_tags` are then ignored; otherwise tags are added first, then removed."""
        return await self._transport.call(_MEMORIES_UPDATE, {"id": id, "title": title, "content": content, "type": type, "tags": tags, "add_tags": add_tags, "remove_tags": remove_tags, "metadata": metadata, "metadata_merge": metadata_merge, "project": project, "session_id": session_id, "occurred_at": occurred_at, "expires_at": expires_at, "supersedes": supersedes, "if_version": if_version}, idempotency_key, timeout)

    async def delete(
        self,
        *,
        id: str,
        permanent: Union[bool, NotGiven] = NOT_GIVEN,
        if_version: Union[int, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.MemoriesDeleteOutput:
        """Archive a memory, or delete it permanently."""
        return await self._transport.call(_MEMORIES_DELETE, {"id": id, "permanent": permanent, "if_version": if_version}, idempotency_key, timeout)

    async def restore(
        self,
        *,
        id: str,
        type: Union[Literal["short_term", "long_term"], NotGiven] = NOT_GIVEN,
        version: Union[int, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.MemoriesReplaceOutput:
        """Restore an archived memory, or a previous version."""
        return await self._transport.call(_MEMORIES_RESTORE, {"id": id, "type": type, "version": version}, idempotency_key, timeout)

    async def versions(
        self,
        *,
        id: str,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        cursor: Union[str, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.MemoriesVersionsOutput:
        """List the previous versions of a memory. A page holds at most `limit` versions and about 2 MB; `next_cursor` continues it."""
        return await self._transport.call(_MEMORIES_VERSIONS, {"id": id, "limit": limit, "cursor": cursor}, None, timeout)

    def iter_versions(
        self,
        *,
        id: str,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> AsyncIterator[m.MemoriesVersionsOutputResults]:
        """Iterates over the results of all pages: list the previous versions of a memory."""
        return self._transport.pages(_MEMORIES_VERSIONS, {"id": id, "limit": limit}, None, timeout)

    async def near_duplicates(
        self,
        *,
        project: Union[str, NotGiven] = NOT_GIVEN,
        min_score: Union[float, NotGiven] = NOT_GIVEN,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        cursor: Union[str, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.MemoriesNearDuplicatesOutput:
        """List memories that say nearly the same. Compares active memories, newest first, with older ones of their project by the words that they share. A call compares `limit` memories, so a page may be empty although `next_cursor` is not null. Superseded memories are left out."""
        return await self._transport.call(_MEMORIES_NEAR_DUPLICATES, {"project": project, "min_score": min_score, "limit": limit, "cursor": cursor}, None, timeout)

    def iter_near_duplicates(
        self,
        *,
        project: Union[str, NotGiven] = NOT_GIVEN,
        min_score: Union[float, NotGiven] = NOT_GIVEN,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> AsyncIterator[m.MemoriesNearDuplicatesOutputResults]:
        """Iterates over the results of all pages: list memories that say nearly the same."""
        return self._transport.pages(_MEMORIES_NEAR_DUPLICATES, {"project": project, "min_score": min_score, "limit": limit}, None, timeout)

    async def consolidate(
        self,
        *,
        dry_run: Union[bool, NotGiven] = NOT_GIVEN,
        min_age_days: Union[float, NotGiven] = NOT_GIVEN,
        project: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        max_tokens: Union[int, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.MemoriesConsolidateOutput:
        """Turn old short-term memories into long-term knowledge. Takes active short-term memories not edited for `min_age_days`. Those tagged heuristic, pattern, proven, decision or insight become long-term; the others go into long-term digests of a few kB, by project and subject, and are archived with a link to their digest. A search still finds them, as passages of the digest."""
        return await self._transport.call(_MEMORIES_CONSOLIDATE, {"dry_run": dry_run, "min_age_days": min_age_days, "project": project, "max_tokens": max_tokens}, idempotency_key, timeout)


class AsyncSearch:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def query(
        self,
        *,
        query: str,
        exclude: Union[List[str], NotGiven] = NOT_GIVEN,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        cursor: Union[str, NotGiven] = NOT_GIVEN,
        type: Union[Literal["short_term", "long_term"], NotGiven] = NOT_GIVEN,
        status: Union[Literal["active", "archived", "all"], NotGiven] = NOT_GIVEN,
        tags: Union[List[str], NotGiven] = NOT_GIVEN,
        tags_match: Union[Literal["all", "any", "exact"], NotGiven] = NOT_GIVEN,
        project: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        session_id: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        created_after: Union[str, NotGiven] = NOT_GIVEN,
        created_before: Union[str, NotGiven] = NOT_GIVEN,
        occurred_after: Union[str, NotGiven] = NOT_GIVEN,
        occurred_before: Union[str, NotGiven] = NOT_GIVEN,
        metadata: Union[List[m.MetadataCondition], NotGiven] = NOT_GIVEN,
        include_superseded: Union[bool, NotGiven] = NOT_GIVEN,
        include_expired: Union[bool, NotGiven] = NOT_GIVEN,
        timezone: Union[str, NotGiven] = NOT_GIVEN,
        boosts: Union[bool, NotGiven] = NOT_GIVEN,
        explain: Union[bool, NotGiven] = NOT_GIVEN,
        max_tokens: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.SearchQueryOutput:
        """Find memories. By words (any may match; rare ones count more) and by meaning. The query is natural language without operators; a `"quoted phrase"` ranks memories that contain it higher. Filters and `exclude` apply before ranking."""
        return await self._transport.call(_SEARCH_QUERY, {"query": query, "exclude": exclude, "limit": limit, "cursor": cursor, "type": type, "status": status, "tags": tags, "tags_match": tags_match, "project": project, "session_id": session_id, "created_after": created_after, "created_before": created_before, "occurred_after": occurred_after, "occurred_before": occurred_before, "metadata": metadata, "include_superseded": include_superseded, "include_expired": include_expired, "timezone": timezone, "boosts": boosts, "explain": explain, "max_tokens": max_tokens}, None, timeout)

    def iter_query(
        self,
        *,
        query: str,
        exclude: Union[List[str], NotGiven] = NOT_GIVEN,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        type: Union[Literal["short_term", "long_term"], NotGiven] = NOT_GIVEN,
        status: Union[Literal["active", "archived", "all"], NotGiven] = NOT_GIVEN,
        tags: Union[List[str], NotGiven] = NOT_GIVEN,
        tags_match: Union[Literal["all", "any", "exact"], NotGiven] = NOT_GIVEN,
        project: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        session_id: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        created_after: Union[str, NotGiven] = NOT_GIVEN,
        created_before: Union[str, NotGiven] = NOT_GIVEN,
        occurred_after: Union[str, NotGiven] = NOT_GIVEN,
        occurred_before: Union[str, NotGiven] = NOT_GIVEN,
        metadata: Union[List[m.MetadataCondition], NotGiven] = NOT_GIVEN,
        include_superseded: Union[bool, NotGiven] = NOT_GIVEN,
        include_expired: Union[bool, NotGiven] = NOT_GIVEN,
        timezone: Union[str, NotGiven] = NOT_GIVEN,
        boosts: Union[bool, NotGiven] = NOT_GIVEN,
        explain: Union[bool, NotGiven] = NOT_GIVEN,
        max_tokens: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> AsyncIterator[m.SearchHit]:
        """Iterates over the results of all pages: find memories."""
        return self._transport.pages(_SEARCH_QUERY, {"query": query, "exclude": exclude, "limit": limit, "type": type, "status": status, "tags": tags, "tags_match": tags_match, "project": project, "session_id": session_id, "created_after": created_after, "created_before": created_before, "occurred_after": occurred_after, "occurred_before": occurred_before, "metadata": metadata, "include_superseded": include_superseded, "include_expired": include_expired, "timezone": timezone, "boosts": boosts, "explain": explain, "max_tokens": max_tokens}, None, timeout)

    async def context(
        self,
        *,
        query: Union[str, NotGiven] = NOT_GIVEN,
        timezone: Union[str, NotGiven] = NOT_GIVEN,
        tier: Union[Literal[False, True, True], NotGiven] = NOT_GIVEN,
        max_tokens: Union[int, NotGiven] = NOT_GIVEN,
        project: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        tags: Union[List[str], NotGiven] = NOT_GIVEN,
        tags_match: Union[Literal["all", "any", "exact"], NotGiven] = NOT_GIVEN,
        session_id: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        metadata: Union[List[m.MetadataCondition], NotGiven] = NOT_GIVEN,
        include_superseded: Union[bool, NotGiven] = NOT_GIVEN,
        include_expired: Union[bool, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.SearchContextOutput:
        """Get a context package that fits a token budget. Markdown of active memories: the most relevant to `query`, or the newest. With neither `tier` nor `max_tokens`: tier 1. With `max_tokens` alone: as much as fits, at most 1,000 memories. With both: the caps of the tier within the budget."""
        return await self._transport.call(_SEARCH_CONTEXT, {"query": query, "timezone": timezone, "tier": tier, "max_tokens": max_tokens, "project": project, "tags": tags, "tags_match": tags_match, "session_id": session_id, "metadata": metadata, "include_superseded": include_superseded, "include_expired": include_expired}, None, timeout)


class AsyncTags:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        cursor: Union[str, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.TagsListOutput:
        """List the tags of active memories, most used first."""
        return await self._transport.call(_TAGS_LIST, {"limit": limit, "cursor": cursor}, None, timeout)

    def iter_list(
        self,
        *,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> AsyncIterator[m.TagsListOutputResults]:
        """Iterates over the results of all pages: list the tags of active memories, most used first."""
        return self._transport.pages(_TAGS_LIST, {"limit": limit}, None, timeout)

    async def update(
        self,
        *,
        tag: str,
        new_tag: str,
        dry_run: Union[bool, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.TagsUpdateOutput:
        """Rename a tag, or merge it into another. Changes the tag of all memories, archived ones too, at most 1,000 per call, oldest first: repeat the call until `remaining` is 0. Each keeps its former state as a version and the time of its last edit. Costs like a bulk change."""
        return await self._transport.call(_TAGS_UPDATE, {"tag": tag, "new_tag": new_tag, "dry_run": dry_run}, idempotency_key, timeout)

    async def delete(
        self,
        *,
        tag: str,
        dry_run: Union[bool, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.TagsDeleteOutput:
        """Remove a tag from all memories. Removes it from archived memories too, at most 1,000 memories per call: repeat the call until `remaining` is 0. The memories stay, with their former state as a version. Costs like a bulk change."""
        return await self._transport.call(_TAGS_DELETE, {"tag": tag, "dry_run": dry_run}, idempotency_key, timeout)

    async def normalize(
        self,
        *,
        dry_run: Union[bool, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.TagsNormalizeOutput:
        """Normalize the tags of old memories."""
        return await self._transport.call(_TAGS_NORMALIZE, {"dry_run": dry_run}, idempotency_key, timeout)


class AsyncProjects:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        cursor: Union[str, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.ProjectsListOutput:
        """List the projects, largest first. Projects of active and archived memories. The entry without a name counts the memories of no project."""
        return await self._transport.call(_PROJECTS_LIST, {"limit": limit, "cursor": cursor}, None, timeout)

    def iter_list(
        self,
        *,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> AsyncIterator[m.ProjectsListOutputResults]:
        """Iterates over the results of all pages: list the projects, largest first."""
        return self._transport.pages(_PROJECTS_LIST, {"limit": limit}, None, timeout)

    async def update(
        self,
        *,
        name: str,
        new_name: Union[str, None],
        dry_run: Union[bool, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.ProjectsUpdateOutput:
        """Rename a project, or merge it into another. Moves all memories of the project, archived ones too, at most 1,000 per call, oldest first: repeat the call until `remaining` is 0. Each keeps its former state as a version and the time of its last edit. A memory of which the other project has an active exact duplicate is archived there, with a link to that one. API keys that are bound to the project follow a rename; a merge is rejected while one would gain memories by it. Costs like a bulk change."""
        return await self._transport.call(_PROJECTS_UPDATE, {"name": name, "new_name": new_name, "dry_run": dry_run}, idempotency_key, timeout)

    async def delete(
        self,
        *,
        name: str,
        permanent: Union[bool, NotGiven] = NOT_GIVEN,
        dry_run: Union[bool, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.TagsDeleteOutput:
        """Archive or permanently delete the memories of a project. Archives its active memories, or deletes all of them for good, at most 1,000 per call: repeat the call until `remaining` is 0. Costs like a bulk change."""
        return await self._transport.call(_PROJECTS_DELETE, {"name": name, "permanent": permanent, "dry_run": dry_run}, idempotency_key, timeout)


class AsyncImports:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def start(
        self,
        *,
        name: Union[str, NotGiven] = NOT_GIVEN,
        format: Union[Literal["auto", "whitemagic", "server_memory", "mem0", "supermemory", "zep", "markdown", "csv", "jsonl"], NotGiven] = NOT_GIVEN,
        project: Union[str, NotGiven] = NOT_GIVEN,
        type: Union[Literal["short_term", "long_term"], NotGiven] = NOT_GIVEN,
        tags: Union[List[str], NotGiven] = NOT_GIVEN,
        mapping: Union[Dict[str, str], NotGiven] = NOT_GIVEN,
        content: Union[str, NotGiven] = NOT_GIVEN,
        data: Union[str, NotGiven] = NOT_GIVEN,
        dry_run: Union[bool, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.ImportsStartOutput:
        """Start an import. Imports memories from an account export of WhiteMagic, `@modelcontextprotocol/server-memory`, mem0, supermemory, Zep, basic-memory and other Markdown, CSV or JSON lines; gzipped too. A small file comes along as `content` (or `data`) and is checked at once; a larger one is uploaded in parts. A dry run changes nothing and reports counts, findings and the cost. Running costs one quota unit of the day for every started 10,000 bytes of the upload, at most half of the units of a day; nothing from the dashboard."""
        return await self._transport.call(_IMPORTS_START, {"name": name, "format": format, "project": project, "type": type, "tags": tags, "mapping": mapping, "content": content, "data": data, "dry_run": dry_run}, idempotency_key, timeout)

    async def list(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.ImportsListOutput:
        """List the newest imports."""
        return await self._transport.call(_IMPORTS_LIST, {}, None, timeout)

    async def get(
        self,
        *,
        id: str,
        timeout: Optional[float] = None,
    ) -> m.ImportsGetOutput:
        """Get the state of an import. An import that has ended is kept for 7 days."""
        return await self._transport.call(_IMPORTS_GET, {"id": id}, None, timeout)

    async def delete(
        self,
        *,
        id: str,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.ImportsDeleteOutput:
        """Cancel an import, or delete its report. Memories that were stored stay."""
        return await self._transport.call(_IMPORTS_DELETE, {"id": id}, idempotency_key, timeout)

    async def upload(
        self,
        *,
        id: str,
        n: int,
        data: str,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.ImportsUploadOutput:
        """Upload a part of a file. Parts are numbered from 0 and have at most 512 KiB. A part that is uploaded again replaces the earlier one, so an interrupted upload continues at `next_chunk`. An upload that is not run is deleted after a day."""
        return await self._transport.call(_IMPORTS_UPLOAD, {"id": id, "n": n, "data": data}, idempotency_key, timeout)

    async def run(
        self,
        *,
        id: str,
        dry_run: Union[bool, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.ImportsStartOutput:
        """Check an uploaded file, or store its memories. Both happen in the background: `GET /import/{id}` returns the progress. A file that was not checked yet is checked first. Repeating the call of a running or completed import changes nothing."""
        return await self._transport.call(_IMPORTS_RUN, {"id": id, "dry_run": dry_run}, idempotency_key, timeout)

    async def report(
        self,
        *,
        id: str,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        cursor: Union[str, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.ImportsReportOutput:
        """List what did not fit. In the order of the file: what was rejected, adjusted, or there already. At most 20,000 are kept."""
        return await self._transport.call(_IMPORTS_REPORT, {"id": id, "limit": limit, "cursor": cursor}, None, timeout)

    def iter_report(
        self,
        *,
        id: str,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> AsyncIterator[m.ImportsStartOutputFindings]:
        """Iterates over the results of all pages: list what did not fit."""
        return self._transport.pages(_IMPORTS_REPORT, {"id": id, "limit": limit}, None, timeout)


class AsyncStats:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def get(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.StatsGetOutput:
        """Get statistics of the stored memories."""
        return await self._transport.call(_STATS_GET, {}, None, timeout)

    async def storage(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.StatsStorageOutput:
        """Get the stored bytes by project and by type."""
        return await self._transport.call(_STATS_STORAGE, {}, None, timeout)


class AsyncUser:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def me(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.Account:
        """Get the account, its plan and the calling key."""
        return await self._transport.call(_USER_ME, {}, None, timeout)

    async def overview(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.UserOverviewOutput:
        """Get an overview of the account. Usage against the plan, the newest memories (null for a key without `memories:read`), the last calls, and what needs attention."""
        return await self._transport.call(_USER_OVERVIEW, {}, None, timeout)

    async def usage(
        self,
        *,
        from_: Union[str, NotGiven] = NOT_GIVEN,
        to: Union[str, NotGiven] = NOT_GIVEN,
        days: Union[int, NotGiven] = NOT_GIVEN,
        group_by: Union[Literal["day", "hour", "month", "operation", "key", "transport", "client"], NotGiven] = NOT_GIVEN,
        key_id: Union[str, NotGiven] = NOT_GIVEN,
        client: Union[str, NotGiven] = NOT_GIVEN,
        transport: Union[Literal["rest", "mcp_http", "mcp_stdio", "dashboard"], NotGiven] = NOT_GIVEN,
        operation: Union[str, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.UserUsageOutput:
        """Get usage, and its share of the plan. A row per day, transport and operation, or per value of `group_by`; by hour at most 7 days at once. Percentiles are estimated from counts by ranges of durations. Calls of the dashboard are left out unless `transport` is `dashboard`."""
        return await self._transport.call(_USER_USAGE, {"from": from_, "to": to, "days": days, "group_by": group_by, "key_id": key_id, "client": client, "transport": transport, "operation": operation}, None, timeout)

    async def usage_csv(
        self,
        *,
        month: Union[str, NotGiven] = NOT_GIVEN,
        from_: Union[str, NotGiven] = NOT_GIVEN,
        to: Union[str, NotGiven] = NOT_GIVEN,
        key_id: Union[str, NotGiven] = NOT_GIVEN,
        client: Union[str, NotGiven] = NOT_GIVEN,
        transport: Union[Literal["rest", "mcp_http", "mcp_stdio", "dashboard"], NotGiven] = NOT_GIVEN,
        operation: Union[str, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> str:
        """Get usage as CSV. A header row, then a row per day, transport and operation, oldest day first: of a month, or of at most 400 days. Calls of the dashboard are left out unless `transport` is `dashboard`."""
        return await self._transport.call(_USER_USAGE_CSV, {"month": month, "from": from_, "to": to, "key_id": key_id, "client": client, "transport": transport, "operation": operation}, None, timeout)

    async def requests(
        self,
        *,
        from_: Union[str, NotGiven] = NOT_GIVEN,
        to: Union[str, NotGiven] = NOT_GIVEN,
        key_id: Union[str, NotGiven] = NOT_GIVEN,
        client: Union[str, NotGiven] = NOT_GIVEN,
        transport: Union[Literal["rest", "mcp_http", "mcp_stdio", "dashboard"], NotGiven] = NOT_GIVEN,
        operation: Union[str, NotGiven] = NOT_GIVEN,
        status: Union[Literal["ok", "error", "client_error", "server_error"], NotGiven] = NOT_GIVEN,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        cursor: Union[str, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.UserRequestsOutput:
        """List the calls of the last 7 days. Newest first. A page looks through a bounded number of calls, so with a filter it may be short or empty and still have a `next_cursor`. Calls of the dashboard are left out unless `transport` is `dashboard`."""
        return await self._transport.call(_USER_REQUESTS, {"from": from_, "to": to, "key_id": key_id, "client": client, "transport": transport, "operation": operation, "status": status, "limit": limit, "cursor": cursor}, None, timeout)

    def iter_requests(
        self,
        *,
        from_: Union[str, NotGiven] = NOT_GIVEN,
        to: Union[str, NotGiven] = NOT_GIVEN,
        key_id: Union[str, NotGiven] = NOT_GIVEN,
        client: Union[str, NotGiven] = NOT_GIVEN,
        transport: Union[Literal["rest", "mcp_http", "mcp_stdio", "dashboard"], NotGiven] = NOT_GIVEN,
        operation: Union[str, NotGiven] = NOT_GIVEN,
        status: Union[Literal["ok", "error", "client_error", "server_error"], NotGiven] = NOT_GIVEN,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> AsyncIterator[m.UserOverviewOutputRequests]:
        """Iterates over the results of all pages: list the calls of the last 7 days."""
        return self._transport.pages(_USER_REQUESTS, {"from": from_, "to": to, "key_id": key_id, "client": client, "transport": transport, "operation": operation, "status": status, "limit": limit}, None, timeout)

    async def memberships(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.UserMembershipsOutput:
        """List memberships, and the plans to change to. Memberships at Whop, those that grant access first. Without billing there are none."""
        return await self._transport.call(_USER_MEMBERSHIPS, {}, None, timeout)

    async def audit_log(
        self,
        *,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        cursor: Union[str, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.UserAuditLogOutput:
        """List what was done to the account. Changes of keys, plan, status and sessions, exports, and acts of the operator, newest first."""
        return await self._transport.call(_USER_AUDIT_LOG, {"limit": limit, "cursor": cursor}, None, timeout)

    def iter_audit_log(
        self,
        *,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> AsyncIterator[m.UserAuditLogOutputResults]:
        """Iterates over the results of all pages: list what was done to the account."""
        return self._transport.pages(_USER_AUDIT_LOG, {"limit": limit}, None, timeout)


class AsyncKeys:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.KeysListOutput:
        """List API keys."""
        return await self._transport.call(_KEYS_LIST, {}, None, timeout)

    async def create(
        self,
        *,
        name: str,
        scopes: Union[List[Literal["memories:read", "memories:write", "account:read", "keys:write"]], NotGiven] = NOT_GIVEN,
        projects: Union[Union[List[str], None], NotGiven] = NOT_GIVEN,
        expires_at: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        rpm_limit: Union[Union[int, None], NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.CreatedApiKey:
        """Create an API key. Scopes, projects, expiry and limit must be within those of the calling key, which are the defaults. Only this response contains the key."""
        return await self._transport.call(_KEYS_CREATE, {"name": name, "scopes": scopes, "projects": projects, "expires_at": expires_at, "rpm_limit": rpm_limit}, idempotency_key, timeout)

    async def get(
        self,
        *,
        id: str,
        timeout: Optional[float] = None,
    ) -> m.ApiKey:
        """Get an API key and its last call. Cheap enough to poll until the first call of a new key arrives."""
        return await self._transport.call(_KEYS_GET, {"id": id}, None, timeout)

    async def update(
        self,
        *,
        id: str,
        name: Union[str, NotGiven] = NOT_GIVEN,
        scopes: Union[List[Literal["memories:read", "memories:write", "account:read", "keys:write"]], NotGiven] = NOT_GIVEN,
        projects: Union[Union[List[str], None], NotGiven] = NOT_GIVEN,
        expires_at: Union[Union[str, None], NotGiven] = NOT_GIVEN,
        rpm_limit: Union[Union[int, None], NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.KeysUpdateOutput:
        """Change the name, scopes, projects, expiry or limit of an API key. Scopes can only be reduced. What is set must be within the calling key; to extend a key, all its permissions must be."""
        return await self._transport.call(_KEYS_UPDATE, {"id": id, "name": name, "scopes": scopes, "projects": projects, "expires_at": expires_at, "rpm_limit": rpm_limit}, idempotency_key, timeout)

    async def revoke(
        self,
        *,
        id: str,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.KeysUpdateOutput:
        """Revoke an API key immediately and permanently."""
        return await self._transport.call(_KEYS_REVOKE, {"id": id}, idempotency_key, timeout)

    async def rotate(
        self,
        *,
        id: str,
        grace_seconds: Union[int, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.KeysRotateOutput:
        """Replace an API key. Returns a new key with the same name, scopes, projects, expiry and limit, which must be within those of the calling key. The old key works for `grace_seconds` more."""
        return await self._transport.call(_KEYS_ROTATE, {"id": id, "grace_seconds": grace_seconds}, idempotency_key, timeout)

    async def leaked(
        self,
        *,
        api_key: str,
        timeout: Optional[float] = None,
    ) -> m.KeysLeakedOutput:
        """Report an API key that is public. Needs no key. An active key is revoked immediately and its owner is notified. The response is always the same."""
        return await self._transport.call(_KEYS_LEAKED, {"api_key": api_key}, None, timeout)


class AsyncWebhooks:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.WebhooksListOutput:
        """List webhooks."""
        return await self._transport.call(_WEBHOOKS_LIST, {}, None, timeout)

    async def create(
        self,
        *,
        url: str,
        description: Union[str, NotGiven] = NOT_GIVEN,
        events: Union[List[Literal["memory.created", "memory.updated", "memory.archived", "memory.restored", "memory.deleted", "consolidation.completed", "usage.threshold", "key.created", "key.rotated", "key.revoked", "import.completed", "export.ready"]], NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.CreatedWebhook:
        """Create a webhook. Events of memories need the scope `memories:read` too. At most 10 per account. Only this response contains the secret."""
        return await self._transport.call(_WEBHOOKS_CREATE, {"url": url, "description": description, "events": events}, idempotency_key, timeout)

    async def get(
        self,
        *,
        id: str,
        timeout: Optional[float] = None,
    ) -> m.Webhook:
        """Get a webhook."""
        return await self._transport.call(_WEBHOOKS_GET, {"id": id}, None, timeout)

    async def update(
        self,
        *,
        id: str,
        url: Union[str, NotGiven] = NOT_GIVEN,
        description: Union[str, NotGiven] = NOT_GIVEN,
        events: Union[List[Literal["memory.created", "memory.updated", "memory.archived", "memory.restored", "memory.deleted", "consolidation.completed", "usage.threshold", "key.created", "key.rotated", "key.revoked", "import.completed", "export.ready"]], NotGiven] = NOT_GIVEN,
        status: Union[Literal["enabled", "disabled"], NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.Webhook:
        """Change, disable or enable a webhook. While a webhook is disabled, no event is recorded for it. Enabling it, or a new URL, delivers at once what still waits."""
        return await self._transport.call(_WEBHOOKS_UPDATE, {"id": id, "url": url, "description": description, "events": events, "status": status}, idempotency_key, timeout)

    async def delete(
        self,
        *,
        id: str,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.WebhooksDeleteOutput:
        """Delete a webhook and its deliveries. What waits for it is not delivered any more. Possible on every plan."""
        return await self._transport.call(_WEBHOOKS_DELETE, {"id": id}, idempotency_key, timeout)

    async def test(
        self,
        *,
        id: str,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.WebhooksTestOutput:
        """Send a test event to a webhook. An event `webhook.test` is delivered like any other; read its delivery for the result."""
        return await self._transport.call(_WEBHOOKS_TEST, {"id": id}, idempotency_key, timeout)

    async def rotate_secret(
        self,
        *,
        id: str,
        grace_seconds: Union[int, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.CreatedWebhook:
        """Replace the secret of a webhook. Both secrets sign each delivery for `grace_seconds`. Only this response contains the new one."""
        return await self._transport.call(_WEBHOOKS_ROTATE_SECRET, {"id": id, "grace_seconds": grace_seconds}, idempotency_key, timeout)

    async def deliveries(
        self,
        *,
        id: str,
        state: Union[Literal["pending", "delivered", "failed"], NotGiven] = NOT_GIVEN,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        cursor: Union[str, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> m.WebhooksDeliveriesOutput:
        """List the deliveries of a webhook, newest first. Of events of the last 14 days."""
        return await self._transport.call(_WEBHOOKS_DELIVERIES, {"id": id, "state": state, "limit": limit, "cursor": cursor}, None, timeout)

    def iter_deliveries(
        self,
        *,
        id: str,
        state: Union[Literal["pending", "delivered", "failed"], NotGiven] = NOT_GIVEN,
        limit: Union[int, NotGiven] = NOT_GIVEN,
        timeout: Optional[float] = None,
    ) -> AsyncIterator[m.WebhooksTestOutput]:
        """Iterates over the results of all pages: list the deliveries of a webhook, newest first."""
        return self._transport.pages(_WEBHOOKS_DELIVERIES, {"id": id, "state": state, "limit": limit}, None, timeout)

    async def replay(
        self,
        *,
        id: str,
        delivery: str,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.WebhooksTestOutput:
        """Deliver an event again. With the same id and body, and at once, whether it was delivered, failed or still waits."""
        return await self._transport.call(_WEBHOOKS_REPLAY, {"id": id, "delivery": delivery}, idempotency_key, timeout)


class AsyncApps:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.AppsListOutput:
        """List the apps that are connected by OAuth. At most 100, the newest first, without apps whose access ended."""
        return await self._transport.call(_APPS_LIST, {}, None, timeout)

    async def revoke(
        self,
        *,
        id: str,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.AppsRevokeOutput:
        """Disconnect an app immediately. Its access and refresh tokens stop working at once. The app can ask for access again."""
        return await self._transport.call(_APPS_REVOKE, {"id": id}, idempotency_key, timeout)


class AsyncAccount:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def export(
        self,
        *,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.AccountExportOutput:
        """Export everything that the account contains. A job writes the file: NDJSON, gzipped, with a manifest as its first line. While an export is pending, it is returned instead of a new one. Also needs the scope `memories:read`."""
        return await self._transport.call(_ACCOUNT_EXPORT, {}, idempotency_key, timeout)

    async def export_state(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.AccountExportOutput:
        """Get the state of the newest export."""
        return await self._transport.call(_ACCOUNT_EXPORT_STATE, {}, None, timeout)

    async def exports(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.AccountExportsOutput:
        """List exports. The newest export, or an empty list: a new one replaces it."""
        return await self._transport.call(_ACCOUNT_EXPORTS, {}, None, timeout)

    async def export_file(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> bytes:
        """Download the newest finished export. Also needs the scope `memories:read`."""
        return await self._transport.call(_ACCOUNT_EXPORT_FILE, {}, None, timeout)

    async def delete(
        self,
        *,
        confirm: str,
        immediate: Union[bool, NotGiven] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.AccountDeleteOutput:
        """Delete the account and everything in it. For 30 days its keys and the dashboard can only export the account or restore it; then it is purged. `immediate` ends its sessions and purges it now, and cannot be undone. A paid plan is not canceled by this."""
        return await self._transport.call(_ACCOUNT_DELETE, {"confirm": confirm, "immediate": immediate}, idempotency_key, timeout)

    async def restore(
        self,
        *,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> m.AccountDeleteOutput:
        """Undo the deletion of the account. Possible until the account is purged. An account that is not being deleted does not change."""
        return await self._transport.call(_ACCOUNT_RESTORE, {}, idempotency_key, timeout)


class AsyncLicense:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def validate(
        self,
        *,
        license_key: str,
        timeout: Optional[float] = None,
    ) -> m.LicenseValidateOutput:
        """Validate a license. A license of another account is reported as invalid, like one that does not exist."""
        return await self._transport.call(_LICENSE_VALIDATE, {"license_key": license_key}, None, timeout)


class AsyncPlans:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        timeout: Optional[float] = None,
    ) -> m.PlansListOutput:
        """List the plans with prices and limits."""
        return await self._transport.call(_PLANS_LIST, {}, None, timeout)


class AsyncDevice:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def start(
        self,
        *,
        name: str,
        timeout: Optional[float] = None,
    ) -> m.DeviceStartOutput:
        """Start a login of a program without a browser. Needs no key. Show `user_code` and open `verification_uri_complete`, where a signed-in person compares the code and decides; meanwhile poll `POST /device/token`. As in RFC 8628."""
        return await self._transport.call(_DEVICE_START, {"name": name}, None, timeout)

    async def poll(
        self,
        *,
        device_code: str,
        timeout: Optional[float] = None,
    ) -> m.DevicePollOutput:
        """Get the key of an approved login. Needs no key. Returns the decision; after an approval the new key, once. A code that was used or never existed counts as expired."""
        return await self._transport.call(_DEVICE_POLL, {"device_code": device_code}, None, timeout)


class AsyncResources:
    def __init__(self, transport: AsyncTransport) -> None:
        self.memories = AsyncMemories(transport)
        self.search = AsyncSearch(transport)
        self.tags = AsyncTags(transport)
        self.projects = AsyncProjects(transport)
        self.imports = AsyncImports(transport)
        self.stats = AsyncStats(transport)
        self.user = AsyncUser(transport)
        self.keys = AsyncKeys(transport)
        self.webhooks = AsyncWebhooks(transport)
        self.apps = AsyncApps(transport)
        self.account = AsyncAccount(transport)
        self.license = AsyncLicense(transport)
        self.plans = AsyncPlans(transport)
        self.device = AsyncDevice(transport)
