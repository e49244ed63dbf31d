"""Errors of the client. Every one is a WhiteMagicError."""

import time
from email.utils import parsedate_to_datetime
from typing import Any, Dict, List, Optional

import httpx


class WhiteMagicError(Exception):
    """Base of every error that this client raises."""


class ConnectionFailed(WhiteMagicError):
    """The service could not be reached, or the connection broke off."""


class TimedOut(ConnectionFailed):
    """No response within the time-out."""


class WebhookVerificationError(WhiteMagicError):
    """A request to a webhook was not signed with the secret, or too long ago."""


class ApiError(WhiteMagicError):
    """The service rejected a call. `code` says why; `/docs/errors` of the service explains each."""

    def __init__(self, problem: Dict[str, Any], headers: httpx.Headers) -> None:
        self.problem = problem
        self.status: int = problem["status"]
        self.code: str = problem["code"]
        self.request_id: str = problem.get("request_id", "")
        #: Fields that were wrong, each with `path` and `message`.
        self.errors: List[Dict[str, str]] = problem.get("errors") or []
        #: Page on which a larger plan can be bought, where that helps.
        self.upgrade_url: Optional[str] = problem.get("upgrade_url")
        #: Seconds after which a repeat may succeed, if the service named them.
        self.retry_after_seconds = _seconds_of(headers.get("retry-after"))
        fields = [f"{error['path']}: {error['message']}" for error in self.errors]
        super().__init__("\n  ".join([f"{problem['title']} ({self.code}). {problem['detail']}", *fields]))


class InvalidRequestError(ApiError):
    """400 or 422: the input is wrong; `errors` names the fields."""


class AuthenticationError(ApiError):
    """401: the key is missing, unknown, revoked or expired."""


class PermissionDeniedError(ApiError):
    """403: the key or the plan does not allow the call."""


class NotFoundError(ApiError):
    """404: no such object in this account."""


class ConflictError(ApiError):
    """409 or 412: the call contradicts the present state."""


class RateLimitError(ApiError):
    """429: too many calls; `retry_after_seconds` says when to try again."""


class ServerError(ApiError):
    """5xx: the service failed or is unavailable."""


_BY_STATUS = {
    400: InvalidRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    412: ConflictError,
    422: InvalidRequestError,
    429: RateLimitError,
}


def error_of(response: httpx.Response) -> ApiError:
    """Reads the error of a response, whatever its body is: a proxy may have sent it."""
    status = response.status_code
    error_class = _BY_STATUS.get(status) or (ServerError if status >= 500 else ApiError)
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict) or not {"status", "code", "title", "detail"} <= problem.keys():
        problem = {"status": status, "code": "unknown", "title": f"Status {status}", "detail": response.text[:200]}
    return error_class(problem, response.headers)


def _seconds_of(header: Optional[str]) -> Optional[float]:
    if header is None:
        return None
    try:
        return float(header)
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
