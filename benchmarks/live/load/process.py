"""A process full of clients, and asking it to do things. It ends with whoever started it."""

import inspect
import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import uvloop

from .crowd import Crowd

__all__ = ["LoadProcess"]


class LoadProcess:
    """Does what it is asked with its crowd: any function of a module that takes a Crowd first, sync or async."""

    def __init__(self, port: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, port), daemon=True)
        self.process.start()
        theirs.close()

    def __enter__(self) -> "LoadProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.pipe.close()
        self.process.join(10)
        self.process.kill()

    def begin(self, what: Callable[..., Any], *given: Any) -> None:
        """Ask, and don't wait."""
        self.pipe.send((what, given))

    def result(self) -> Any:
        """The answer to the oldest open question. Raises what it raised."""
        answer = self.pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ask(self, what: Callable[..., Any], *given: Any) -> Any:
        """Ask, and wait for the answer."""
        self.begin(what, *given)
        return self.result()


def serve(pipe: Connection, port: int) -> None:
    """The process's life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us ends us
    uvloop.run(answer_all(pipe, port))


async def answer_all(pipe: Connection, port: int) -> None:
    """One question after the other, until the pipe ends."""
    crowd = Crowd(port)
    while True:
        try:
            what, given = await crowd.loop.run_in_executor(None, pipe.recv)
        except EOFError:
            return
        try:
            answer = what(crowd, *given)
            if inspect.isawaitable(answer):
                answer = await answer
        except Exception as error:  # noqa: BLE001  (it is for whoever asked)
            answer = error
        pipe.send(answer)
