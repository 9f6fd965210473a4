"""Signatures as Standard Webhooks has them: HMAC-SHA256 over `id.timestamp.body`. Pure, but for the clock."""

import hmac
import time
from base64 import b64encode
from collections.abc import Iterable


def headers(message: str, body: bytes, secrets: Iterable[bytes]) -> dict[str, str]:
    """What goes with the body: the message's id, now, and a signature by each secret."""
    now = str(int(time.time()))  # the receiver compares it with a clock of its own
    content = f"{message}.{now}.".encode() + body
    signatures = [b64encode(hmac.digest(secret, content, "sha256")).decode() for secret in secrets]
    return {
        "webhook-id": message,
        "webhook-timestamp": now,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
