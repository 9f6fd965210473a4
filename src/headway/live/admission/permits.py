"""Permits: the gate's answers, remembered for a minute, so that a watcher who comes back isn't asked again.

Whatever is opened by one is over within that minute, too: so long at most does a sign-out take to have its effect.
"""

import time
from dataclasses import replace
from hashlib import blake2b
from uuid import UUID

from headway.live.protocol import Scope

from .gate import Admission

__all__ = ["Permits", "key_of"]

GOOD_FOR = 60.0  # s
MOST = 20_000  # then the oldest goes
KNOWN_BY = (b"cookie", b"authorization", b"host", b"origin")  # the last two: the project may answer by them, too


class Permits:
    """Remembers who was admitted to which run, by a hash of what the request said of its caller."""

    def __init__(self) -> None:
        self.admissions: dict[bytes, tuple[float, Admission]] = {}

    def find(self, key: bytes, seconds: float) -> Admission | None:
        """The admission, if it is good for so long from now."""
        until, admission = self.admissions.get(key, (0.0, None))
        return admission if time.monotonic() + seconds < until else None

    def remember(self, key: bytes, admission: Admission, asked_at: float) -> None:
        """Admit the same caller to the same run without asking, for a minute from then; cookies are set only once."""
        headers = [(name, value) for name, value in admission.headers if name.lower() != b"set-cookie"]
        now = time.monotonic()
        self.admissions.pop(key, None)
        self.admissions[key] = asked_at + GOOD_FOR, replace(admission, headers=headers)
        while self.oldest < now or len(self.admissions) > MOST:
            del self.admissions[next(iter(self.admissions))]

    @property
    def oldest(self) -> float:
        """When the first of them ends."""
        return next(iter(self.admissions.values()))[0]


def key_of(scope: Scope, run_id: UUID | None) -> bytes:
    """What stands for this caller and this run."""
    said = [b"" if run_id is None else run_id.bytes]
    for name, value in scope["headers"]:
        if name in KNOWN_BY:
            said += name, value
    return blake2b(b"\0".join(said), digest_size=16).digest()  # no header has a NUL
