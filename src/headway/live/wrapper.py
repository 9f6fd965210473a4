"""The ASGI wrapper around a project's application: takes the requests that watch, and leaves everything else alone."""

from django.core.handlers.asgi import ASGIHandler, get_script_prefix

from headway.live.admission.origins import is_foreign
from headway.live.admission.tickets import hide
from headway.live.hub.hub import Hub, NoRoom
from headway.live.hub.watchers import Watcher
from headway.live.transports import shortpoll
from headway.live.transports.longpoll import LongPoll
from headway.live.transports.sse import Stream
from headway.live.transports.websocket import Socket

from .answers import Answer, refusal
from .bodies import bounded
from .protocol import Application, Receive, Scope, Send
from .routes import Kind, Target, target_of

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
