"""What all clients have in common that follow a run to its end, each in a thread of its own.

They open, hear messages, come back where they are told to, and end with the run's end. How, the subclasses say.
"""

import ssl
import threading
import time
from abc import ABC, abstractmethod
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlencode

import httpx
from httpx_sse import SSEError
from websockets.exceptions import ConnectionClosed

__all__ = ["TIMEOUT", "Follower", "Heard", "Message", "Target", "client", "never_falls"]

Message: TypeAlias = dict[str, Any]
TIMEOUT = 30.0  # s; nothing here is silent for so long
COME_BACK_AFTER = 0.2  # s, when the server isn't there
BREAKS = (OSError, httpx.HTTPError, SSEError, ConnectionClosed)


@dataclass(frozen=True)
class Target:
    """What is followed: a run, by its links, at an address, as the holder of a token."""

    url: str
    links: dict[str, str]
    token: str = "demo"
    authority: Path | None = None

    def at(self, link: str, **query: Any) -> str:
        path = self.links[link]
        joint = "&" if "?" in path else "?"
        return f"{self.url}{path}{joint + urlencode(query) if query else ''}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Token {self.token}"}

    @property
    def trust(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=self.authority) if self.authority else None


@dataclass
class Heard:
    """A message, and when it came."""

    message: Message
    at: float = field(default_factory=time.monotonic)

    @property
    def run(self) -> dict[str, Any]:
        """The run as far as the message tells it."""
        inner: dict[str, Any] = self.message.get("run", self.message)
        return inner


class Follower(ABC):
    """Hears what it can of a run, until the end. `patient`: a server that isn't there is waited for."""

    def __init__(self, target: Target, *, patient: bool = False) -> None:
        self.target, self.patient = target, patient
        self.heard: list[Heard] = []
        self.openings = 0
        self.broken: list[str] = []  # requests that ended as they shouldn't have
        self.over = threading.Event()
        self.open = ExitStack()  # what is closed with it
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self) -> "Follower":
        self.thread.start()
        return self

    def wait(self, seconds: float) -> None:
        """Until it has heard the end, or has given up."""
        self.thread.join(seconds)
        assert not self.thread.is_alive(), f"after {seconds} s it still follows: {self}"

    def run(self) -> None:
        with self.open:
            while not self.over.is_set():
                self.openings += 1
                try:
                    self.follow()
                except BREAKS as error:
                    self.note(repr(error))
                except Exception as error:  # told where the test looks
                    self.note(repr(error))
                    self.over.set()

    def note(self, what: str) -> None:
        """A request that ended as it shouldn't have."""
        self.broken.append(what)
        if self.patient:
            self.over.wait(COME_BACK_AFTER)
        else:
            self.over.set()

    @abstractmethod
    def follow(self) -> None:
        """Open once, and hear until that ends."""

    def hear(self, message: Message) -> None:
        if message["type"] != "rotate":
            self.heard.append(Heard(message))
        if message["type"] == "end":
            self.over.set()

    @property
    def now(self) -> dict[str, Any]:
        """The run as it was heard of last."""
        return self.heard[-1].run

    @property
    def processed(self) -> int:
        return self.now["progress"]["processed"] if self.heard else 0

    def __repr__(self) -> str:
        last = self.heard[-1].message if self.heard else None
        return f"{type(self).__name__}(openings={self.openings}, broken={self.broken}, last={last})"


def client(target: Target, *, http2: bool = False) -> httpx.Client:
    """An httpx client that speaks exactly this version of the protocol."""
    trust = target.trust or True
    return httpx.Client(headers=target.headers, http1=not http2, http2=http2, verify=trust, timeout=TIMEOUT)


def never_falls(follower: Follower) -> bool:
    """Whether neither revision nor progress has ever run backwards."""
    revisions = [heard.run["revision"] for heard in follower.heard]
    processed = [heard.run["progress"]["processed"] for heard in follower.heard]
    return revisions == sorted(revisions) and processed == sorted(processed)
