"""One request to one address, signed: no redirect is followed, and what is answered isn't read."""

import hmac
import time
from base64 import b64encode
from collections.abc import Iterable
from email.message import Message
from typing import IO
from urllib.request import HTTPRedirectHandler, Request, build_opener

from headway import __version__, tracing

from .endpoints import Endpoint

LIMIT = 15.0  # s without a byte, as Standard Webhooks advises


class NoRedirects(HTTPRedirectHandler):
    """A redirect is an answer like any other that isn't 2xx: an HTTPError."""

    def redirect_request(
        self, request: Request, answer: IO[bytes], code: int, reason: str, headers: Message, url: str
    ) -> None:
        return None


opener = build_opener(NoRedirects)  # which heeds HTTPS_PROXY and NO_PROXY


def post(endpoint: Endpoint, message: str, event: str) -> None:
    """Send the event. Raises HTTPError for any answer but 2xx, and OSError or HTTPException where none came."""
    body = event.encode()
    headers = {"Content-Type": "application/json", "User-Agent": f"django-headway/{__version__}"}
    headers |= tracing.headers() | {"Idempotency-Key": message} | signed(message, body, endpoint.secrets)
    with opener.open(Request(endpoint.url, body, headers), timeout=LIMIT):  # noqa: S310  (http or https: judged)
        pass


def signed(message: str, body: bytes, secrets: Iterable[bytes]) -> dict[str, str]:
    """What goes with the body as Standard Webhooks has it: the message's id, now, and a signature by each secret."""
    now = str(int(time.time()))  # the receiver compares it with a clock of its own
    content = f"{message}.{now}.".encode() + body
    signatures = [b64encode(hmac.digest(secret, content, "sha256")).decode() for secret in secrets]
    return {
        "webhook-id": message,
        "webhook-timestamp": now,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
