"""ASGI's words, as this package uses them, and reading a scope. Nothing here knows what a run is."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]  # servers and frameworks type these three differently
Headers = list[tuple[bytes, bytes]]


def with_http_scheme(scope: Scope) -> Scope:
    """A socket's request with the scheme that Django understands; servers may leave a socket's out."""
    scheme = scope.get("scheme", "ws" if scope["type"] == "websocket" else "http")
    return {**scope, "scheme": {"ws": "http", "wss": "https"}.get(scheme, scheme)}


def header(scope: Scope, name: bytes) -> bytes:
    """A request's header, the last if there are several; empty when it isn't there."""
    found: bytes = dict(scope["headers"]).get(name, b"")
    return found
