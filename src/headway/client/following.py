"""Following a run, without the network: what to ask next, what is told, when to ask again, and for how long it tries.

It has three ways: a stream of Server-Sent Events, a long poll, a short poll. One that fails is left for the next, and
gets another chance later. It has no WebSocket: a program can send headers, and nothing that lets a poll pass holds back
both of the others.
"""

import json
import random
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from .errors import Busy, Forbidden, NotFound, Problem, SignedOut, Unreachable, problem_of
from .run import Run

EVENTS, WAIT, SELF = WAYS = ("events", "wait", "self")  # names of links
STREAM = "text/event-stream"
OPEN_WITHIN = 5.0  # s; a proxy that holds a stream back gives nothing by then
SILENCE = 40.0  # s; the server says something every 15
LONG_POLL = 25  # s, the longest that the server allows
POLL_EVERY = 2.0  # s
ONE_ANSWER = 1.0  # s; a stream that ends so soon is a server's that can only answer once (WSGI)
LONGEST_PAUSE = 60.0  # s, whatever is asked for: the server itself asks for a few
ANSWERS = {EVENTS: (204,), WAIT: (200, 204), SELF: (200, 304)}  # beside a stream
SHORTEST, SLOWEST = 0.25, 4.0  # s between two tries
DISTRUST, LONGEST_DISTRUST = 30.0, 600.0  # s; then a better way that has failed gets another chance


class NoRun(ValueError):
    """The answer is somebody else's page."""


class Patience:
    """Counts from the first failure; an answer restores it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.restore()

    def restore(self) -> None:
        self.failures, self.since = 0, float("inf")

    def pause_after(self, failure: Exception, asked: float | None = None) -> float:
        """The seconds until the next try, or those that the server has asked for. Raises Busy or Unreachable."""
        now = time.monotonic()
        self.since = min(self.since, now)
        pause = asked if asked is not None else min(SLOWEST, SHORTEST * 2**self.failures) * random.uniform(0.75, 1)
        self.failures += 1
        if now + pause - self.since <= self.seconds:
            return pause
        if isinstance(failure, Busy) and not failure.is_foreign:
            raise failure
        later = "" if asked is None else f" It asks for a pause of {asked:g} s."
        raise Unreachable(f"No run within {self.seconds:g} s: {failure}{later}") from failure


@dataclass(frozen=True)
class Question:
    """A GET: an address without a host, headers, and the seconds that its first byte may take."""

    address: str
    headers: dict[str, str]
    within: float


@dataclass
class Following:
    """The run as it was heard of last, and how to hear more of it."""

    run: Run
    patience: Patience
    pause: float = 0.0
    """Seconds until the next question."""
    way: int = 0
    asked: float = 0.0
    opened: float | None = None
    turns: bool = False
    """Whether the server has said that the stream ends, and when to come back."""
    etag: str = ""
    climb_at: float = 0.0
    distrust: float = field(default=DISTRUST)

    @property
    def is_over(self) -> bool:
        return self.run["done"]

    def question(self) -> Question:
        """What to ask now."""
        self.asked, self.opened, self.turns, self.pause = time.monotonic(), None, False, 0.0
        link, revision = WAYS[self.way], self.run["revision"]
        address = self.run["links"][link]  # type: ignore[literal-required]
        if link == EVENTS:
            return Question(address, {"Accept": STREAM, "Last-Event-ID": str(revision)}, OPEN_WITHIN)
        if link == WAIT:
            return Question(f"{address}?after={revision}&seconds={LONG_POLL}", {}, LONG_POLL + OPEN_WITHIN)
        return Question(address, {"If-None-Match": self.etag} if self.etag else {}, 2 * OPEN_WITHIN)

    def is_stream(self, response: httpx.Response) -> bool:
        return response.status_code == 200 and response.headers.get("Content-Type", "").startswith(STREAM)

    def line(self, line: str) -> bool:
        """Take a line of a stream. Whether the run has changed."""
        if not line.startswith("data:"):
            return False
        message = message_in(json.loads(line.removeprefix("data:")))
        opening = self.opened is None
        self.works()
        if message.get("type") == "rotate":
            self.turns, self.pause = True, bounded(message.get("retry_ms"), 1000)
            return False
        return self.hear(message.get("run", message), opening=opening)

    def answer(self, response: httpx.Response) -> bool:
        """Take an answer that is no stream; its body has been read. Whether the run has changed. Raises Problem."""
        link = WAYS[self.way]
        if response.status_code not in ANSWERS[link] or (response.status_code == 304 and not self.etag):
            self.judge(response)
            return False
        if link == EVENTS:
            self.way = len(WAYS) - 1  # it has ended, and we are to have its end: ask for it
            return False
        changed = response.status_code == 200 and self.whole(response)
        self.works()
        is_early = not changed and time.monotonic() - self.asked < ONE_ANSWER
        self.pause = max(bounded(retry_after(response)), POLL_EVERY if link == SELF or is_early else 0.0)
        return changed

    def whole(self, response: httpx.Response) -> bool:
        try:
            message = message_in(response.json())
            told = message.get("run", message)
            if "revision" not in told:
                raise NoRun
        except ValueError as error:
            raise NoRun(str(problem_of(response))) from error
        if WAYS[self.way] == SELF:
            self.etag = response.headers.get("ETag", "")
        return self.hear(told)

    def hear(self, told: dict[str, Any], *, opening: bool = False) -> bool:
        """Take what is told, unless it is older than what is known; the first of a stream is believed in any case."""
        before = self.run
        if "revision" not in told or (told["revision"] < before["revision"] and not opening):
            return False
        links = before["links"] | told.get("links", {})
        self.run = before | {name: value for name, value in told.items() if name != "type"} | {"links": links}  # type: ignore[assignment]
        return state_of(self.run) != state_of(before)

    def works(self) -> None:
        self.patience.restore()
        if self.opened is None:
            self.opened = time.monotonic()
            if self.way == 0:
                self.distrust = DISTRUST
            elif time.monotonic() >= self.climb_at:
                self.way = 0

    def judge(self, response: httpx.Response) -> None:
        """What becomes of a refusal. Only Headway's own word is final: a proxy's 404 while it is deployed is not."""
        problem = problem_of(response)
        if isinstance(problem, SignedOut | Forbidden | NotFound) and not problem.is_foreign:
            raise problem
        self.fail(problem, retry_after(response) if is_worth_another_try(problem) else None)

    def end(self, failure: Exception | None = None) -> None:
        """The answer is over, or has broken off."""
        if self.opened is None:
            self.fail(failure or NoRun("The stream has ended without a word."))
        elif not self.turns:
            self.pause = POLL_EVERY if time.monotonic() - self.opened < ONE_ANSWER else 0.0

    def fail(self, failure: Exception, asked: float | None = None) -> None:
        """Take the next way; where there is none, after a while. Raises Busy or Unreachable."""
        is_last = self.way == len(WAYS) - 1
        if is_last or asked is not None:
            self.pause = self.patience.pause_after(failure, asked)
        if is_last:
            self.climb_at = 0.0  # nothing works, so the better ways are not to blame
            return
        self.way += 1
        self.climb_at = time.monotonic() + self.distrust
        self.distrust = min(2 * self.distrust, LONGEST_DISTRUST)


def state_of(run: Run) -> tuple[int, bool, bool, Any]:
    """What tells one state of a run from another: rates and times left come from the clock."""
    return run["revision"], run["done"], run["stalled"], run["reason"]


def message_in(said: Any) -> dict[str, Any]:
    """The same, where it may be a message of Headway's. Raises NoRun."""
    told = said.get("run", said) if isinstance(said, dict) else None
    if not isinstance(told, dict) or type(told.get("revision", 0)) is not int:
        raise NoRun("The answer is no run.")
    return said  # type: ignore[no-any-return]


def bounded(asked: Any, in_a_second: int = 1) -> float:
    """The seconds of a pause that the other side asks for, as far as it makes sense."""
    return min(max(0.0, asked / in_a_second), LONGEST_PAUSE) if isinstance(asked, int | float) else 0.0


def is_worth_another_try(problem: Problem) -> bool:
    """Whether the same request may be answered otherwise in a while."""
    return isinstance(problem, Busy) or problem.status >= 500


def retry_after(response: httpx.Response) -> float | None:
    """The seconds that the server asks for, by a number or a date (RFC 9110, 10.2.3); None where it doesn't."""
    said = response.headers.get("Retry-After", "")
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except (ValueError, OverflowError, OSError):  # a date of no calendar, or none
        return None
