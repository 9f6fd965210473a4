"""Publishes messages that wake a worker: one to a queue, for whichever of its workers is free.

Over a connection of Headway's own, since the project's may try for minutes to reach a broker that is gone, and messages
are published inside web requests.
"""

import os
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from celery import current_app
from kombu.messaging import Producer

T = TypeVar("T")

ADVANCE = "headway.advance"  # the task, by its name: a process that only rings needs no worker's code

PATIENCE = 1.0  # s for the broker to accept a connection, and to answer
QUICK = 0.2  # s; what fails sooner may be a connection that broke while it was idle: once more, with a new one

MESSAGE: dict[str, Any] = {"serializer": "json", "ignore_result": True, "retry": False}
BOUNDS: dict[str, dict[str, Any]] = {
    "redis": {"max_retries": 0, "socket_connect_timeout": PATIENCE, "socket_timeout": PATIENCE},
    "amqp": {"max_retries": 0, "connect_timeout": PATIENCE, "read_timeout": PATIENCE, "write_timeout": PATIENCE},
}


def publish(queue: str, times: int = 1) -> None:
    """Publish so many messages, or some more. Raises what the broker's client does, within two seconds."""

    def send(producer: Producer) -> None:
        for _ in range(times):
            current_app.send_task(ADVANCE, (queue,), queue=queue, producer=producer, **MESSAGE)

    publisher.use(send)


def waiting(queue: str) -> int:
    """How many messages lie in the queue. Raises what the broker's client does."""

    def count(producer: Producer) -> int:
        producer.connection.ensure_connection(max_retries=0)  # a channel would wait two seconds to try it again
        with producer.connection.channel() as channel:  # AMQP closes it when there is no such queue
            try:
                return int(channel.queue_declare(queue, passive=True).message_count)
            except producer.connection.channel_errors:
                return 0

    return publisher.use(count)


class Publisher:
    """This process's connection to the broker; its threads take turns."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """As if it were new."""
        self.lock = threading.Lock()
        self.producer: Producer | None = None

    def use(self, call: Callable[[Producer], T]) -> T:
        """What `call` gives with a producer; a connection that broke while it was idle is replaced."""
        with self.lock:
            began = time.monotonic()
            try:
                return self.attempt(call)
            except Exception:
                if time.monotonic() - began > QUICK:
                    raise
            return self.attempt(call)

    def attempt(self, call: Callable[[Producer], T]) -> T:
        """What `call` gives; after an error, the connection isn't trusted."""
        try:
            self.producer = self.producer or connect()
            return call(self.producer)
        except Exception:
            self.forget()
            raise

    def forget(self) -> None:
        """Close the connection; the next message opens a new one."""
        producer, self.producer = self.producer, None
        if producer is not None:
            producer.connection.collect()  # a close would wait for the broker's answer


def connect() -> Producer:
    """A producer on a new connection. Not before the first need: only by then Celery's app is sure to be there."""
    connection = current_app.connection_for_write()
    bounds = BOUNDS.get(connection.transport.driver_type, {})
    connection.transport_options = {**connection.transport_options, **bounds}
    return Producer(connection)


publisher = Publisher()

os.register_at_fork(after_in_child=publisher.reset)  # a child must share neither its parent's connection nor its lock
