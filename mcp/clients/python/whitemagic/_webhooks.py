"""Verification of requests to a webhook."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from email.message import Message
from typing import Any, Mapping, Optional, Sequence, Union

from ._errors import WebhookVerificationError
from ._model import parse
from .generated.models import WEBHOOK_EVENTS, WebhookEvent


def verify_webhook(
    body: Union[bytes, str],
    headers: Union[Mapping[str, str], Message],
    secret: Union[str, Sequence[str]],
    *,
    tolerance_seconds: float = 300,
    now: Optional[float] = None,
) -> WebhookEvent:
    """Verifies a request to a webhook by the Standard Webhooks specification, and returns its event.

    body: as received, before it is parsed.
    secret: `whsec_…`; several while one replaces the other.
    Raises WebhookVerificationError for a wrong or missing signature, and for a time out of tolerance.
    """
    raw = body.encode() if isinstance(body, str) else body
    given = {name.lower(): value for name, value in headers.items()}
    timestamp = given.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs((time.time() if now is None else now) - int(timestamp)) > tolerance_seconds:
        raise WebhookVerificationError("webhook-timestamp: out of tolerance.")
    signed = f"{given.get('webhook-id', '')}.{timestamp}.".encode() + raw
    signatures = [one[3:] for one in given.get("webhook-signature", "").split(" ") if one.startswith("v1,")]
    secrets = [secret] if isinstance(secret, str) else secret
    expected = [base64.b64encode(hmac.new(_key(one), signed, hashlib.sha256).digest()).decode() for one in secrets]
    # Every pair is compared, so that the time does not depend on which matches.
    if not any([hmac.compare_digest(one.encode(), other.encode()) for one in expected for other in signatures]):
        raise WebhookVerificationError("webhook-signature: no signature of the secret.")
    event: Any = json.loads(raw)
    model = WEBHOOK_EVENTS.get(event.get("type"))
    if model is None:
        raise WebhookVerificationError(f"This version of the client does not know the event {event.get('type')!r}.")
    return parse(model, event)


def _key(secret: str) -> bytes:
    text = secret[6:] if secret.startswith("whsec_") else secret
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as reason:
        raise WebhookVerificationError("The secret is not of the form `whsec_…`.") from reason
