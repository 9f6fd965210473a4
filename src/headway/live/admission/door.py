"""The door of one event loop: admits watchers, by a permit or by asking the gate."""

import time

from headway.conf import conf
from headway.live.answers import Answer
from headway.live.place import LONGEST_WAIT
from headway.live.protocol import Scope, header
from headway.live.routes import Kind, Target

from .callers import By
from .gate import Admission, Gate
from .permits import Permits, key_of
from .tickets import has_ticket

__all__ = ["Door"]

SAID_IN = {By.SESSION: b"cookie", By.HEADER: b"authorization"}  # the headers by which a permit knows its caller


class Door:
    """Knows the gate, and remembers its answers if the project lets it."""

    def __init__(self) -> None:
        self.gate, self.permits = Gate(), Permits()
        settings = conf()
        self.remembers = settings.permits
        self.longest = {  # seconds for which somebody may watch who is admitted now
            Kind.SHORT_POLL: 0.0,
            Kind.UPLOAD: 0.0,
            Kind.LONG_POLL: LONGEST_WAIT,
            Kind.EVENTS: settings.stream_seconds,
            Kind.SOCKET: settings.stream_seconds,
        }

    async def knock(self, scope: Scope, target: Target) -> Admission | Answer:
        """Who may watch, or the refusal. A ticket is looked at each time: it is good for a minute and no longer."""
        if not self.remembers or has_ticket(scope):
            return await self.gate.ask(scope, target)
        key = key_of(scope, target.run_id)
        if admission := self.permits.find(key, self.longest[target.kind]):
            return admission
        asked_at = time.monotonic()
        answer = await self.gate.ask(scope, target)
        if isinstance(answer, Admission) and is_known(answer, scope):
            self.permits.remember(key, answer, asked_at)
        return answer


def is_known(admission: Admission, scope: Scope) -> bool:
    """Whether the next request of this caller can be told from anybody else's by the headers that make a permit's key.

    Never so for a ticket, nor for a project that knows its callers by something else than these headers.
    """
    name = SAID_IN.get(admission.by)
    return name is not None and bool(header(scope, name))
