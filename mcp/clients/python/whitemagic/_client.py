"""The two clients, which have the same calls."""

from typing import Any, Optional

import httpx

from ._transport import AsyncTransport, Settings, SyncTransport
from .generated.resources import AsyncResources, Resources


class WhiteMagic(Resources):
    """Client of the REST API.

    base_url: URL of the service, such as `https://memory.example.com`.
    api_key: key of an account, `wm_…`. Only `plans.list`, `keys.leaked` and `device` work without one.
    project: default project of all calls about memories.
    timeout: longest time to wait for a response, in seconds.
    max_retries: repeats after a failed connection, 408, 429, 500, 502, 503 or 504.
    max_retry_after: longest `Retry-After` to wait for, in seconds; a longer one is raised.
    http_client: replaces the client of httpx, which is then yours to close.
    """

    def __init__(
        self,
        base_url: str,
        api_key: Optional[str] = None,
        *,
        project: Optional[str] = None,
        timeout: float = 60.0,
        max_retries: int = 2,
        max_retry_after: float = 30.0,
        http_client: Optional[httpx.Client] = None,
    ) -> None:
        client = http_client or httpx.Client()
        self._own = None if http_client else client
        settings = Settings(base_url, api_key, project, timeout, max_retries, max_retry_after)
        super().__init__(SyncTransport(settings, client))

    def close(self) -> None:
        """Closes the connections."""
        if self._own:
            self._own.close()

    def __enter__(self) -> "WhiteMagic":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


class AsyncWhiteMagic(AsyncResources):
    """Client of the REST API for asyncio. Its options are those of WhiteMagic."""

    def __init__(
        self,
        base_url: str,
        api_key: Optional[str] = None,
        *,
        project: Optional[str] = None,
        timeout: float = 60.0,
        max_retries: int = 2,
        max_retry_after: float = 30.0,
        http_client: Optional[httpx.AsyncClient] = None,
    ) -> None:
        client = http_client or httpx.AsyncClient()
        self._own = None if http_client else client
        settings = Settings(base_url, api_key, project, timeout, max_retries, max_retry_after)
        super().__init__(AsyncTransport(settings, client))

    async def aclose(self) -> None:
        """Closes the connections."""
        if self._own:
            await self._own.aclose()

    async def __aenter__(self) -> "AsyncWhiteMagic":
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.aclose()
