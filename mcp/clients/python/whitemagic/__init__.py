"""Client of WhiteMagic, a hosted memory for AI agents."""

from ._client import AsyncWhiteMagic, WhiteMagic
from ._errors import (
    ApiError,
    AuthenticationError,
    ConflictError,
    ConnectionFailed,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    TimedOut,
    WebhookVerificationError,
    WhiteMagicError,
)
from ._version import __version__
from ._webhooks import verify_webhook
from .generated import models

__all__ = [
    "ApiError",
    "AsyncWhiteMagic",
    "AuthenticationError",
    "ConflictError",
    "ConnectionFailed",
    "InvalidRequestError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "ServerError",
    "TimedOut",
    "WebhookVerificationError",
    "WhiteMagic",
    "WhiteMagicError",
    "__version__",
    "models",
    "verify_webhook",
]
