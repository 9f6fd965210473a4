"""Redis' or Valkey's PUBLISH and SUBSCRIBE, whatever the database."""

import time
from collections.abc import Generator
from contextlib import closing
from functools import cached_property
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.exceptions import ConnectionError as Broken
from redis.retry import Retry

TELLING = 0.2  # s for the answer; a start waits for it
LISTENING = 5.0  # s for the answer to SUBSCRIBE, and between two pings on a silent connection
GIVEN_UP_AFTER = 3 * LISTENING  # s of silence, pings included


class PublishChannel:
    """Channels of Redis belong to the whole server, so the name carries the number of the database in the URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        number = parse_url(url).get("db", 0)  # type: ignore[no-untyped-call]
        self.name = f"headway:{number}:parts_due"

    @cached_property
    def client(self) -> Any:
        """For telling: its pool is safe for threads and forks. It tries once more where the server was restarted."""
        return self.make_client(TELLING, retries=1)

    def make_client(self, seconds: float, retries: int) -> Any:
        retry = Retry(NoBackoff(), retries, supported_errors=(Broken,))  # not for a server that is slow: it stays so
        return Redis.from_url(self.url, socket_timeout=seconds, socket_connect_timeout=seconds, retry=retry)

    def send(self, message: str) -> None:
        self.client.publish(self.name, message)

    def listen(self, seconds: float) -> Generator[list[str]]:
        """It pings a silent server, or a broken network would look like peace."""
        client = self.make_client(LISTENING, retries=0)  # a listener must know that it has missed something
        with closing(client), closing(client.pubsub()) as subscription:
            subscription.subscribe(self.name)
            if subscription.get_message(timeout=LISTENING) is None:
                raise TimeoutError(f"The server hasn't answered for {LISTENING:.0f} s.")
            yield [""]
            heard_at = pinged_at = time.monotonic()
            while True:
                message, now = subscription.get_message(timeout=seconds), time.monotonic()
                if message is not None:
                    heard_at = now
                elif now - heard_at > GIVEN_UP_AFTER:
                    raise TimeoutError(f"The server has been silent for {GIVEN_UP_AFTER:.0f} s.")
                elif now - max(heard_at, pinged_at) > LISTENING:
                    pinged_at = now
                    subscription.ping()
                yield [message["data"].decode(errors="replace")] if message and message["type"] == "message" else []
