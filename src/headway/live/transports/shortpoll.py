"""Short polls that have nothing new to hear, answered from the hub's memory; all others are the application's."""

from uuid import UUID

from django.core.handlers.asgi import get_script_prefix

from headway.live.admission.gate import Admission
from headway.live.answers import Answer
from headway.live.hub.hub import Hub
from headway.live.hub.messages import Update
from headway.live.known import is_among
from headway.live.protocol import Application, Event, Receive, Scope, Send, header
from headway.live.routes import Target

RETRY_AFTER = b"2"  # s


async def answer(application: Application, target: Target, scope: Scope, receive: Receive, send: Send) -> None:
    """304 if the client has the run as it was seen last, and may see it; else what the application says.

    A run that has been asked for in this way is looked at for the next 10 s, with or without watchers.
    """
    known = header(scope, b"if-none-match").decode("latin-1")
    run_id = target.run_id
    if run_id is None or not known:
        return await application(scope, receive, send)
    hub = Hub.here(get_script_prefix(scope))
    if remembered(hub, run_id, known):
        admission = await hub.permits.admit(scope, target)
        update = remembered(hub, run_id, known)  # asking took a while
        if update and isinstance(admission, Admission):
            hub.keep_warm(run_id)
            later = [] if update.run["done"] else [(b"retry-after", RETRY_AFTER)]
            headers = [*admission.without_representation, (b"etag", update.etag.encode()), *later]
            return await Answer(304, headers).send(send)

    async def note(event: Event) -> None:
        if event["type"] == "http.response.start" and event["status"] in (200, 304):
            hub.keep_warm(run_id)
        await send(event)

    return await application(scope, receive, note)


def remembered(hub: Hub, run_id: UUID, known: str) -> Update | None:
    """The run as it was seen last, if that is what the client knows."""
    update = hub.latest(run_id)
    return update if update and not hub.is_blind and is_among(update.etag, known) else None
