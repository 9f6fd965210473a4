"""What the hub keeps of each watched run, and of each user who watches all of theirs."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

from .messages import Update
from .watchers import Watcher

__all__ = ["Opening", "Roster", "Topic"]

Answer = TypeVar("Answer")


class Opening(Generic[Answer]):
    """Those who wait for the answer to a question that the feed will ask."""

    __slots__ = ("waiting",)

    def __init__(self) -> None:
        self.waiting: list[tuple[int, asyncio.Future[Answer]]] = []

    def wait(self, asked_in: int) -> asyncio.Future[Answer]:
        """The answer of that round or a later one: an earlier one may have looked too soon."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.waiting.append((asked_in, future))
        return future

    def answer(self, asked_in: int, answer: Answer) -> None:
        """What that round has found."""
        due = [future for number, future in self.waiting if number <= asked_in and not future.done()]
        self.waiting = [(number, future) for number, future in self.waiting if number > asked_in]
        for future in due:
            future.set_result(answer)


class Topic:
    """A run that is watched, or polled."""

    __slots__ = ("latest", "line", "opening", "user_key", "warm_until", "watchers", "whole")

    def __init__(self) -> None:
        self.latest: Update | None = None
        self.watchers: dict[Watcher, None] = {}
        self.opening: Opening[Update | None] = Opening()
        self.line: deque[Watcher] = deque()  # those who have yet to be told of `latest`
        self.whole = False  # whether one of them may have missed a snapshot
        self.user_key: str | None = None  # its owner, if that one watches all of theirs
        self.warm_until: float | None = None  # so long short polls are answered from here

    def clear(self) -> None:
        """There is nothing to tell of this run any more."""
        self.latest = None
        self.line.clear()


class Roster:
    """A user who watches all of theirs."""

    __slots__ = ("opening", "watchers")

    def __init__(self) -> None:
        self.watchers: dict[Watcher, None] = {}
        self.opening: Opening[list[Update]] = Opening()
