"""Redis' or Valkey's PUBLISH and SUBSCRIBE, whatever the database."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Broken
from redis.retry import Retry

from .channels import NAME

TELLING = 0.2  # s for the answer; a start waits for it
LISTENING = 5.0  # s for the answer to SUBSCRIBE, and between two pings on a silent connection
GIVEN_UP_AFTER = 3 * LISTENING  # s of silence, pings included


class PublishChannel:
    """Channels of Redis belong to the whole server, so the name carries the number of the database in the URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = f"headway:{database_of(url)}:{NAME}"

    @cached_property
    def client(self) -> Any:
        """For telling: its pool is safe for threads and forks. It tries once more where the server was restarted."""
        return self.make_client(TELLING, retries=1)

    def make_client(self, seconds: float, retries: int) -> Any:
        retry = Retry(NoBackoff(), retries, supported_errors=(Broken,))  # not for a server that is slow: it stays so
        return Redis.from_url(self.url, socket_timeout=seconds, socket_connect_timeout=seconds, retry=retry)

    def send(self, message: str) -> None:
        self.client.publish(self.name, message)

    @contextmanager
    def listen(self) -> Iterator["Messages"]:
        client = self.make_client(LISTENING, retries=0)  # a listener must know that it has missed something
        with closing(client), closing(client.pubsub()) as subscription:
            subscription.subscribe(self.name)
            if subscription.get_message(timeout=LISTENING) is None:
                raise TimeoutError(f"The server hasn't answered for {LISTENING:.0f} s.")
            yield Messages(subscription)


class Messages:
    """A connection that has subscribed. It pings a silent server, or a broken network would look like peace."""

    def __init__(self, subscription: Any) -> None:
        self.subscription = subscription
        self.heard_at = self.pinged_at = time.monotonic()

    def take(self, seconds: float) -> list[str]:
        message = self.subscription.get_message(timeout=seconds)
        now = time.monotonic()
        if message is not None:
            self.heard_at = now
            return [message["data"].decode(errors="replace")] if message["type"] == "message" else []
        if now - self.heard_at > GIVEN_UP_AFTER:
            raise TimeoutError(f"The server has been silent for {GIVEN_UP_AFTER:.0f} s.")
        if now - max(self.heard_at, self.pinged_at) > LISTENING:
            self.pinged_at = now
            self.subscription.ping()
        return []


def database_of(url: str) -> str:
    """The number of the database in the URL, as redis-py reads it."""
    parts = urlsplit(url)
    number = parse_qs(parts.query).get("db", [""])[0] or ("" if parts.scheme == "unix" else parts.path.strip("/"))
    return number or "0"
