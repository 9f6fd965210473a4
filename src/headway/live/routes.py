"""Which requests are Headway's: found in the project's own urlconf, wherever it mounts the URLs."""

import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.core.handlers.asgi import get_script_prefix
from django.urls import Resolver404, ResolverMatch, register_converter, resolve
from django.urls.converters import UUIDConverter, get_converters
from django.utils import translation

from headway import addresses
from headway.conf import conf

from .protocol import Scope

RUN_ID = "headway_run"  # the converter of a run's id in an address
LONGEST_PATH = 500  # longer ones aren't Headway's, and not worth remembering


class RunId(UUIDConverter):
    """A run's id in either case (RFC 9562, 4); Django's own takes lower case alone."""

    regex = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"


if RUN_ID not in get_converters():
    register_converter(RunId, RUN_ID)


class Kind(Enum):
    """How a client watches; UPLOAD: it doesn't, it is about to send a file."""

    EVENTS = auto()
    LONG_POLL = auto()
    SHORT_POLL = auto()
    SOCKET = auto()
    SOCKET_TO_NOWHERE = auto()
    UPLOAD = auto()


class Body(Enum):
    """What may be sent to an address."""

    OTHERS = auto()
    """The address is the project's own."""
    SMALL = auto()
    UPLOAD = auto()
    PAGE_UPLOAD = auto()
    """An upload by a person, who wants a page for an answer."""


@dataclass(frozen=True)
class Target:
    """What a request is for; without a run, for all of the caller's."""

    kind: Kind
    run_id: UUID | None = None


NAMES = {"events": Kind.EVENTS, "run-events": Kind.EVENTS, "run-wait": Kind.LONG_POLL, "run": Kind.SHORT_POLL}


def target_of(scope: Scope) -> Target | None:
    """What the request is for, whatever its method; None when it is the project's own."""
    path = path_of(scope)
    if path is None:
        return None
    if scope["type"] == "websocket":
        return socket_target(path, conf().socket_path)
    return http_target(path)


def body_of(scope: Scope) -> Body:
    """What may be sent with the request."""
    path = path_of(scope)
    return Body.OTHERS if path is None else body_at(path)


def path_of(scope: Scope) -> str | None:
    """Where it goes within the project; None when it is too long to be Headway's."""
    path: str = scope["path"]
    return path.removeprefix(get_script_prefix(scope)) if len(path) <= LONGEST_PATH else None


@lru_cache(maxsize=4096)
def http_target(path: str) -> Target | None:
    match = resolved(path)
    if match is None or match.app_names[-1:] != ["headway"] or match.url_name not in NAMES:
        return None
    return Target(NAMES[match.url_name], match.kwargs.get("run_id"))


@lru_cache(maxsize=4096)
def body_at(path: str) -> Body:
    match = resolved(path)
    if match is None:
        return Body.OTHERS
    if getattr(getattr(match.func, "view_class", None), "takes_uploads", False):
        return Body.UPLOAD if "headway" in match.app_names else Body.PAGE_UPLOAD
    return Body.SMALL if addresses.is_own(match) else Body.OTHERS


def resolved(path: str) -> ResolverMatch | None:
    """What the project has at this address. Under `i18n_patterns` the address itself says in which language."""
    with translation.override(translation.get_language_from_path(path) or settings.LANGUAGE_CODE):
        try:
            return resolve(path)
        except Resolver404:
            return None


@lru_cache(maxsize=4096)
def socket_target(path: str, mounted_at: str) -> Target | None:
    if path == f"{mounted_at}runs/":
        return Target(Kind.SOCKET)
    match = re.fullmatch(f"{re.escape(mounted_at)}runs/([^/]+)/", path)
    if match is None:
        return None
    return (
        Target(Kind.SOCKET, UUID(match[1])) if re.fullmatch(RunId.regex, match[1]) else Target(Kind.SOCKET_TO_NOWHERE)
    )
