"""Publishes bells: a message to a queue, for whoever of its workers is free.

Over connections of our own, since the project's may try for minutes to reach a broker that is gone, and bells are rung
inside web requests.
"""

import os
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from celery import current_app
from kombu.exceptions import OperationalError
from kombu.pools import ProducerPool

from headway.engines import queues

__all__ = ["ADVANCE", "ring", "strike", "waiting"]

T = TypeVar("T")

ADVANCE = "headway.advance"  # the task that a bell is for; by its name, since who only rings needs no worker's code

PATIENCE = 1.0  # s for the broker to accept a connection, and to answer
QUICK = 0.2  # s; what fails sooner may be a connection that broke while it was idle: once more, with a new one
LEFT_ALONE = (
    1.0  # s after a failure; a bell that isn't rung costs a second, a broker that hangs would cost each start one
)
PRODUCERS = 10  # so many threads of a process ring at once
LONGEST_PEAL = 64  # whoever is woken finds the rest

MESSAGE: dict[str, Any] = {"serializer": "json", "ignore_result": True, "retry": False}
BOUNDS: dict[str, dict[str, Any]] = {
    "redis": {"max_retries": 0, "socket_connect_timeout": PATIENCE, "socket_timeout": PATIENCE},
    "amqp": {"max_retries": 0, "connect_timeout": PATIENCE, "read_timeout": PATIENCE, "write_timeout": PATIENCE},
}


def ring(operation: str, times: int = 1) -> None:
    """Ring so often at the queue of this operation. Raises what the broker's client does, within two seconds."""
    strike(queues.of(operation), min(times, LONGEST_PEAL))


def strike(queue: str, times: int = 1) -> None:
    """Publish so many bells, or some more. Raises what the broker's client does, within two seconds."""

    def publish(producer: Any) -> None:
        for _ in range(times):
            current_app.send_task(ADVANCE, (queue,), queue=queue, producer=producer, **MESSAGE)

    bells.use(publish)


def waiting(queue: str) -> int:
    """How many bells lie in the queue, answered by nobody yet. Raises what the broker's client does."""

    def count(producer: Any) -> int:
        with producer.connection.channel() as channel:  # AMQP closes it when there is no such queue
            try:
                return int(channel.queue_declare(queue, passive=True).message_count)
            except producer.connection.channel_errors:
                return 0

    return bells.use(count)


class Bells:
    """This process's connections to the broker for publishing."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pool: ProducerPool | None = None
        self.left_alone_until = 0.0

    def use(self, call: Callable[[Any], T]) -> T:
        """What `call` does with a producer; a connection that broke while it was idle is replaced."""
        began = time.monotonic()
        if began < self.left_alone_until:
            raise OperationalError("The broker failed a moment ago, and is left alone for a second.")
        try:
            return self.attempt(call)
        except Exception:
            if time.monotonic() - began > QUICK:
                self.left_alone_until = time.monotonic() + LEFT_ALONE
                raise
        try:
            return self.attempt(call)
        except Exception:
            self.left_alone_until = time.monotonic() + LEFT_ALONE
            raise

    def attempt(self, call: Callable[[Any], T]) -> T:
        """What `call` does with a producer; after an error, no connection is trusted."""
        try:
            with self.producers().acquire(block=True, timeout=PATIENCE) as producer:
                return call(producer)
        except Exception:
            self.forget()
            raise

    def producers(self) -> ProducerPool:
        """The pool, made at the first need: only by then Celery's app is sure to be there."""
        with self.lock:
            if self.pool is None:
                connection = current_app.connection_for_write()
                bounds = BOUNDS.get(connection.transport.driver_type, {})
                connection.transport_options = {**connection.transport_options, **bounds}
                self.pool = ProducerPool(connection.Pool(limit=PRODUCERS), limit=PRODUCERS)
            return self.pool

    def forget(self) -> None:
        """Close all connections; the next bell opens a new one."""
        with self.lock:
            pool, self.pool = self.pool, None
        if pool is not None:
            pool.connections.force_close_all()


bells = Bells()


def ring_anew() -> None:
    """In a forked child, which must not share its parent's connections, nor its locks."""
    global bells
    bells = Bells()


os.register_at_fork(after_in_child=ring_anew)
