"""ASGI's words, as this package uses them, and reading a scope. Nothing here knows what a run is."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

__all__ = ["Application", "Event", "Headers", "Receive", "Scope", "Send", "header"]

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]  # servers and frameworks type these three differently
Headers = list[tuple[bytes, bytes]]


def header(scope: Scope, name: bytes) -> bytes:
    """A request's header, the last if there are several; empty when it isn't there."""
    found = b""
    for key, value in scope["headers"]:
        if key == name:
            found = value
    return found
