"""Permits: the gate's answers, remembered for a minute, so that a watcher that comes back isn't asked for again.

All that a permit opens is over within that minute, too: a sign-out has its effect within a minute.
"""

import time
from dataclasses import replace
from hashlib import blake2b
from uuid import UUID

from headway.conf import conf
from headway.live.answers import Answer
from headway.live.known import LONGEST_WAIT
from headway.live.protocol import Scope, header
from headway.live.routes import Kind, Target

from .gate import Admission, Gate
from .tickets import has_ticket

GOOD_FOR = 60.0  # s
MOST = 20_000  # then the oldest goes
KNOWN_BY = (b"cookie", b"authorization", b"host", b"origin")  # the last two: the project may answer by them, too


class Permits:
    """Remembers by a hash of the caller's headers who may watch which run, and asks the gate for all others."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.admissions: dict[bytes, tuple[float, Admission]] = {}
        self.is_on = conf().permits
        streams = conf().stream_seconds
        self.longest = {Kind.EVENTS: streams, Kind.SOCKET: streams, Kind.LONG_POLL: LONGEST_WAIT}  # s from now

    async def admit(self, scope: Scope, target: Target) -> Admission | Answer:
        """The admission, or the refusal. A ticket is looked at each time: it is good for a minute and no longer."""
        if not self.is_on or has_ticket(scope):
            return await self.gate.ask(scope, target)
        key = key_of(scope, target.run_id)
        if admission := self.find(key, self.longest.get(target.kind, 0.0)):
            return admission
        asked_at = time.monotonic()
        answer = await self.gate.ask(scope, target)
        if isinstance(answer, Admission) and header(scope, b"authorization" if answer.holder else b"cookie"):
            self.remember(key, answer, asked_at)  # without that header another caller would have the same key
        return answer

    def find(self, key: bytes, seconds: float) -> Admission | None:
        """The admission, if it is good for that long from now."""
        until, admission = self.admissions.get(key, (0.0, None))
        return admission if time.monotonic() + seconds < until else None

    def remember(self, key: bytes, admission: Admission, asked_at: float) -> None:
        """Admit the same caller to the same run without asking, for a minute from then; cookies are set only once."""
        headers = [(name, value) for name, value in admission.headers if name.lower() != b"set-cookie"]
        now = time.monotonic()
        self.admissions.pop(key, None)
        self.admissions[key] = asked_at + GOOD_FOR, replace(admission, headers=headers)
        while next(iter(self.admissions.values()))[0] < now or len(self.admissions) > MOST:
            del self.admissions[next(iter(self.admissions))]


def key_of(scope: Scope, run_id: UUID | None) -> bytes:
    """A hash of what the request says of its caller, and the run."""
    known = [b"" if run_id is None else run_id.bytes]
    for name, value in scope["headers"]:
        if name in KNOWN_BY:
            known += name, value
    return blake2b(b"\0".join(known), digest_size=16).digest()  # no header has a NUL
