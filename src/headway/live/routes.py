"""Which requests are for us: found in the project's own urlconf, wherever it mounts our URLs."""

import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from uuid import UUID

from django.core.handlers.asgi import get_script_prefix
from django.urls import Resolver404, resolve

from headway.conf import conf

from .protocol import Scope

__all__ = ["Kind", "Target", "target_of"]

LONGEST_PATH = 500  # longer ones are none of ours, and not worth remembering


class Kind(Enum):
    """How somebody watches."""

    EVENTS = auto()
    LONG_POLL = auto()
    SHORT_POLL = auto()
    SOCKET = auto()
    SOCKET_TO_NOWHERE = auto()


@dataclass(frozen=True)
class Target:
    """What a request is for; without a run, for all of the caller's."""

    kind: Kind
    run_id: UUID | None = None


NAMES = {"events": Kind.EVENTS, "run-events": Kind.EVENTS, "run-wait": Kind.LONG_POLL, "run": Kind.SHORT_POLL}


def target_of(scope: Scope) -> Target | None:
    """What the request is for, whatever its method; None when it is none of ours."""
    path: str = scope["path"]
    if len(path) > LONGEST_PATH:
        return None
    prefix = get_script_prefix(scope)
    if scope["type"] == "websocket":
        return socket_target(path.removeprefix(prefix), conf().socket_path)
    return http_target(path.removeprefix(prefix))


@lru_cache(maxsize=4096)
def http_target(path: str) -> Target | None:
    try:
        match = resolve(path)
    except Resolver404:
        return None
    if match.app_names[-1:] != ["headway"] or match.url_name not in NAMES:
        return None
    return Target(NAMES[match.url_name], next(iter(match.kwargs.values()), None))


@lru_cache(maxsize=4096)
def socket_target(path: str, mounted_at: str) -> Target | None:
    if path == f"{mounted_at}runs/":
        return Target(Kind.SOCKET)
    match = re.fullmatch(f"{re.escape(mounted_at)}runs/([^/]+)/", path)
    try:
        return Target(Kind.SOCKET, UUID(match[1])) if match else None
    except ValueError:
        return Target(Kind.SOCKET_TO_NOWHERE)
