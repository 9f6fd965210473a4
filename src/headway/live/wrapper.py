"""The ASGI wrapper around a project's application: takes the requests that watch, and leaves everything else alone."""

import io
import logging
from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.utils.http import is_same_domain

from headway.live.admission.tickets import hide
from headway.live.hub.hub import Hub, NoRoom
from headway.live.hub.watchers import Watcher
from headway.live.transports import shortpoll
from headway.live.transports.longpoll import LongPoll
from headway.live.transports.sse import Stream
from headway.live.transports.websocket import Socket

from .answers import Answer, refusal
from .bodies import bounded
from .protocol import Application, Receive, Scope, Send, header, with_http_scheme
from .routes import Kind, Target, target_of

log = logging.getLogger("headway.live")
WATCHERS: dict[Kind, type[Watcher]] = {Kind.EVENTS: Stream, Kind.LONG_POLL: LongPoll}


def asgi(application: Application, *, max_body_bytes: int | None = None) -> Application:
    """What `headway.live.asgi` promises."""
    speaks_no_sockets = isinstance(application, ASGIHandler)
    application = bounded(application, max_body_bytes)

    async def with_live_delivery(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            Hub.expect_end()  # now, and not with the first watcher, who may come while the server ends
        target = target_of(scope) if scope["type"] in ("http", "websocket") else None
        if target is None:
            if scope["type"] == "websocket" and speaks_no_sockets:
                return await send({"type": "websocket.close"})  # Django speaks no WebSocket and would raise
            return await application(scope, receive, send)
        scope = hide(scope)  # the server logs no ticket, however it is answered
        if scope["type"] == "http" and scope["method"] != "GET":
            return await application(scope, receive, send)  # a HEAD is answered at once, all others are refused
        if target.kind == Kind.SHORT_POLL:
            return await shortpoll.answer(application, target, scope, receive, send)
        hub = Hub.here(get_script_prefix(scope))
        if scope["type"] == "websocket":
            return await open_socket(hub, target, scope, receive, send)
        return await watch(hub, WATCHERS[target.kind], target, scope, receive, send)

    return with_live_delivery


async def open_socket(hub: Hub, target: Target, scope: Scope, receive: Receive, send: Send) -> None:
    """The same for a socket, if the page may open one."""
    await receive()  # websocket.connect
    if is_foreign(scope):
        tell_of_foreign(header(scope, b"origin"), header(scope, b"host"))
        await send({"type": "websocket.close"})  # before it is accepted: a plain 403
    elif target.kind == Kind.SOCKET_TO_NOWHERE:
        await Socket.refuse(send, refusal("not-found", "There is no such run."))
    else:
        await watch(hub, Socket, target, scope, receive, send)


async def watch(hub: Hub, kind: type[Watcher], target: Target, scope: Scope, receive: Receive, send: Send) -> None:
    """Admit a watcher, open, and sleep until it is over or the client has gone."""
    admission = await hub.permits.admit(scope, target)
    if isinstance(admission, Answer):
        return await kind.refuse(send, admission)
    watcher = kind(hub, send, admission.user_key, target.run_id)
    try:
        hub.add(watcher)
        if answer := await watcher.watch(admission, scope, receive):
            await kind.refuse(send, answer)
    except NoRoom as error:
        return await kind.refuse(send, refusal(*error.args))
    finally:
        watcher.drop()


def is_foreign(scope: Scope) -> bool:
    """Whether the page's origin is neither the host that is asked nor one of CSRF_TRUSTED_ORIGINS: browsers send
    cookies with a socket whatever page asks, and tell only the page's origin.

    As with Django's own check of forms, an insecure page is foreign to a secure host. A secure page is not foreign to
    a host that looks insecure, for a proxy may have taken the encryption off without a word. A client that names no
    origin is no browser, and brings no one else's cookies.
    """
    origin = header(scope, b"origin").decode("latin-1").lower()
    if not origin:
        return False
    try:
        scheme, page, *_ = urlsplit(origin)
        request = ASGIRequest({**with_http_scheme(scope), "method": "GET"}, io.BytesIO())
        asked = request.get_host().lower()  # one of ALLOWED_HOSTS
    except (ValueError, DisallowedHost):
        return True
    if page == asked and (scheme == "https" or (scheme == "http" and not request.is_secure())):
        return False
    trusted = map(urlsplit, settings.CSRF_TRUSTED_ORIGINS)  # such as https://example.com or https://*.example.com
    return not any(scheme == each.scheme and is_same_domain(page, each.netloc.removeprefix("*")) for each in trusted)


@lru_cache(maxsize=64)
def tell_of_foreign(origin: bytes, host: bytes) -> None:
    """Once for each origin in a process: its page tries again and again."""
    said = origin.decode("latin-1")[:200], host.decode("latin-1")[:200]
    log.warning("event=socket-refused origin=%r host=%r reason=neither-same-nor-trusted", *said)
