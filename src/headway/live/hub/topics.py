"""What the hub keeps of each watched run, and of each user who watches all of theirs."""

import asyncio
from collections import deque
from collections.abc import Sequence

from .messages import Update
from .watchers import Watcher


class Roster:
    """A user who watches all of theirs: the watchers, and those of them that wait for their opening."""

    __slots__ = ("waiting", "watchers")

    def __init__(self) -> None:
        self.watchers: dict[Watcher, None] = {}
        self.waiting: list[tuple[int, asyncio.Future[Sequence[Update]]]] = []

    def wait(self, asked_in: int) -> asyncio.Future[Sequence[Update]]:
        """The answer of that round or a later one: an earlier one may have looked too soon."""
        future: asyncio.Future[Sequence[Update]] = asyncio.get_running_loop().create_future()
        self.waiting.append((asked_in, future))
        return future

    def answer(self, asked_in: int, answer: Sequence[Update]) -> None:
        """What that round has found."""
        due = [future for number, future in self.waiting if number <= asked_in and not future.done()]
        self.waiting = [(number, future) for number, future in self.waiting if number > asked_in]
        for future in due:
            future.set_result(answer)


class Topic(Roster):
    """A run that is watched, or polled."""

    __slots__ = ("latest", "line", "user_key", "warm_until", "whole")

    def __init__(self) -> None:
        super().__init__()
        self.latest: Update | None = None
        self.line: deque[Watcher] = deque()  # watchers that have yet to be told of `latest`
        self.whole = False  # whether one of them may have missed a snapshot
        self.user_key: str | None = None  # its owner, if they watch all of theirs
        self.warm_until: float | None = None  # until then short polls are answered from here
