"""Sends calls: builds the request, retries, and converts error responses to errors."""

import asyncio
import json
import random
import time
import uuid
from typing import Any, AsyncIterator, Dict, Iterator, NamedTuple, Optional, Tuple, Type, Union
from urllib.parse import quote

import httpx

from ._errors import ApiError, ConnectionFailed, TimedOut, error_of
from ._model import Model, parse_first
from ._version import __version__

_RETRIED = {408, 429, 500, 502, 503, 504}
_FIRST_DELAY_SECONDS = 0.25
_DELAY_MAX_SECONDS = 8.0


class NotGiven:
    """Type of an argument that is not sent, as opposed to None, which is sent as null."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN = NotGiven()


class Operation(NamedTuple):
    """A call of the REST API, as the generated code declares it."""

    method: str
    path: str
    in_path: Tuple[str, ...]
    in_query: Tuple[str, ...]
    returns: str
    takes_idempotency_key: bool
    models: Tuple[Optional[Type[Model]], ...]


class Settings(NamedTuple):
    """Options of a client."""

    base_url: str
    api_key: Optional[str]
    project: Optional[str]
    timeout: float
    max_retries: int
    max_retry_after: float


class _Transport:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def _request(
        self, operation: Operation, given: Dict[str, Any], idempotency_key: Optional[str], timeout: Optional[float]
    ) -> Dict[str, Any]:
        """Returns the arguments of httpx's `request`."""
        settings = self._settings
        rest = {name: value for name, value in given.items() if not isinstance(value, NotGiven)}
        path = operation.path
        for name in operation.in_path:
            path = path.replace("{" + name + "}", quote(str(rest.pop(name)), safe=""))
        query = {name: _query_value(rest.pop(name)) for name in operation.in_query if name in rest}
        headers = {"User-Agent": f"whitemagic-python/{__version__}"}
        if settings.api_key:
            headers["Authorization"] = f"Bearer {settings.api_key}"
        if settings.project is not None:
            headers["X-WhiteMagic-Project"] = settings.project
        if operation.takes_idempotency_key:
            headers["Idempotency-Key"] = idempotency_key or str(uuid.uuid4())
        request: Dict[str, Any] = {
            "method": operation.method,
            "url": settings.base_url.rstrip("/") + path,
            "params": query,
            "headers": headers,
            "timeout": timeout or settings.timeout,
        }
        if operation.method not in ("GET", "DELETE"):
            request["json"] = rest
        return request

    def _delay(self, error: Exception, attempt: int) -> Optional[float]:
        """Returns the seconds to wait before the next attempt; None if there should be none."""
        if attempt >= self._settings.max_retries:
            return None
        backoff = min(_FIRST_DELAY_SECONDS * 2**attempt, _DELAY_MAX_SECONDS) * random.uniform(0.5, 1)
        if isinstance(error, ApiError):
            after = error.retry_after_seconds or 0
            if error.status not in _RETRIED or after > self._settings.max_retry_after:
                return None
            return max(backoff, after)
        return backoff

    def _connection_error(self, reason: httpx.TransportError) -> ConnectionFailed:
        if isinstance(reason, httpx.TimeoutException):
            return TimedOut("No response within the time-out.")
        return ConnectionFailed(f"{self._settings.base_url} cannot be reached: {reason}")


class SyncTransport(_Transport):
    """Sends calls and waits for the response."""

    def __init__(self, settings: Settings, client: httpx.Client) -> None:
        super().__init__(settings)
        self._client = client

    def call(
        self, operation: Operation, given: Dict[str, Any], idempotency_key: Optional[str], timeout: Optional[float]
    ) -> Any:
        request = self._request(operation, given, idempotency_key, timeout)
        attempt = 0
        while True:
            error: Union[ApiError, ConnectionFailed]
            try:
                response = self._client.request(**request)
                if response.is_success:
                    return _read(operation, response)
                error = error_of(response)
            except httpx.TransportError as reason:
                error = self._connection_error(reason)
            delay = self._delay(error, attempt)
            if delay is None:
                raise error
            time.sleep(delay)
            attempt += 1

    def pages(
        self, operation: Operation, given: Dict[str, Any], idempotency_key: Optional[str], timeout: Optional[float]
    ) -> Iterator[Any]:
        cursor: Any = NOT_GIVEN
        while cursor is not None:
            page = self.call(operation, {**given, "cursor": cursor}, idempotency_key, timeout)
            yield from page.results
            cursor = page.next_cursor


class AsyncTransport(_Transport):
    """Sends calls without blocking the event loop."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient) -> None:
        super().__init__(settings)
        self._client = client

    async def call(
        self, operation: Operation, given: Dict[str, Any], idempotency_key: Optional[str], timeout: Optional[float]
    ) -> Any:
        request = self._request(operation, given, idempotency_key, timeout)
        attempt = 0
        while True:
            error: Union[ApiError, ConnectionFailed]
            try:
                response = await self._client.request(**request)
                if response.is_success:
                    return _read(operation, response)
                error = error_of(response)
            except httpx.TransportError as reason:
                error = self._connection_error(reason)
            delay = self._delay(error, attempt)
            if delay is None:
                raise error
            await asyncio.sleep(delay)
            attempt += 1

    async def pages(
        self, operation: Operation, given: Dict[str, Any], idempotency_key: Optional[str], timeout: Optional[float]
    ) -> AsyncIterator[Any]:
        cursor: Any = NOT_GIVEN
        while cursor is not None:
            page = await self.call(operation, {**given, "cursor": cursor}, idempotency_key, timeout)
            for result in page.results:
                yield result
            cursor = page.next_cursor


def _query_value(value: Any) -> Any:
    """Writes a value as a query parameter: lists and objects as JSON, None as an empty text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, (list, tuple, dict)) else value


def _read(operation: Operation, response: httpx.Response) -> Any:
    if operation.returns == "file":
        return response.content
    if operation.returns == "text":
        return response.text
    models = tuple(model for model in operation.models if model is not None)
    return parse_first(models, response.json()) if models else response.json()
