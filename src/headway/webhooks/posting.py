"""One request to one address: no redirect is followed, and what is answered isn't read."""

from email.message import Message
from typing import IO
from urllib.request import HTTPRedirectHandler, Request, build_opener

from headway import __version__, tracing

from . import signing
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
    headers |= tracing.headers() | {"Idempotency-Key": message} | signing.headers(message, body, endpoint.secrets)
    with opener.open(Request(endpoint.url, body, headers), timeout=LIMIT):  # noqa: S310  (http or https: judged)
        pass
