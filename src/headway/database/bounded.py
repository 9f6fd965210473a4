"""A question to the database or another server that is given up after a while, so the caller never hangs with them."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Generic, TypeVar

from django.db import connections

T = TypeVar("T")


class Bounded(Generic[T]):
    """Asks on a thread of its own, with connections of its own. Callers share the answer of the question under way,
    so however many ask a database that hangs, one thread hangs with it.
    """

    def __init__(self, question: Callable[[], T], seconds: float) -> None:
        self.question, self.seconds = question, seconds
        self.lock = Lock()
        self.asked: Future[T] | None = None

    def __call__(self) -> T:
        """The answer, or the question's own error. Raises TimeoutError after `seconds`."""
        with self.lock:
            if self.asked is None or self.asked.done():
                self.asked = Future()
                Thread(target=self.ask, args=[self.asked], name="headway-bounded", daemon=True).start()
            asked = self.asked
        return asked.result(self.seconds)

    def ask(self, asked: "Future[T]") -> None:
        try:
            try:
                answer = self.question()
            finally:
                connections.close_all()
            asked.set_result(answer)
        except BaseException as error:  # noqa: BLE001  (it is raised where it was asked)
            asked.set_exception(error)
