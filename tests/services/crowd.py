"""Who asks the services: customers that place orders, and a person who has the stock counted."""

import random
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from .scene import Scene

__all__ = ["Crowd", "crowd"]

CUSTOMERS = 3
BETWEEN_ORDERS, BETWEEN_COUNTS = 0.2, 2.0  # s, at most
SKUS = ("coffee", "milk", "sugar", "tea")
PLACED = 201


class Crowd:
    """Each order is placed until it is answered, under one key."""

    def __init__(self, scene: Scene) -> None:
        self.orders, self.stock = scene.orders.web.url, scene.stock.web.url
        self.placed: dict[str, dict[str, Any]] = {}
        """What was asked for, by the order's key."""
        self.answers: dict[str, set[str]] = {}
        """The orders that each idempotency key was answered with."""
        self.sent_again = 0
        self.over = threading.Event()

    def customer(self, dice: random.Random) -> None:
        with httpx.Client(headers={"Authorization": "Bearer shop"}, timeout=30) as client:
            while not self.over.wait(dice.uniform(0, BETWEEN_ORDERS)):
                self.place(client, {"sku": dice.choice(SKUS), "quantity": dice.randrange(1, 5)})

    def place(self, client: httpx.Client, asked: dict[str, Any]) -> None:
        """As a careful client does; now and then twice, though it had an answer."""
        key = str(uuid.uuid4())
        times = 1 + (len(self.placed) % 10 == 0)
        self.answers[key] = {self.insist(client, key, asked) for _ in range(times)}
        self.placed |= dict.fromkeys(self.answers[key], asked)

    def insist(self, client: httpx.Client, key: str, asked: dict[str, Any]) -> str:
        while True:
            try:
                answer = client.post(f"{self.orders}/orders/", json=asked, headers={"Idempotency-Key": key})
                if answer.status_code == PLACED:
                    return str(answer.json()["order"])
            except httpx.HTTPError:
                pass  # it is being killed
            self.sent_again += 1
            threading.Event().wait(0.1)

    def counter(self, dice: random.Random) -> None:
        """Asks for a stocktaking now and then; where that fails, for the next."""
        with httpx.Client(auth=("admin", "admin"), timeout=30) as client:
            while not self.over.wait(dice.uniform(0, BETWEEN_COUNTS)):
                try:
                    client.post(f"{self.stock}/api/operations/stock.count_stock/runs/", json={})
                except httpx.HTTPError:
                    pass  # likewise


@contextmanager
def crowd(scene: Scene) -> Iterator[Crowd]:
    """At work until the end of `with`, when each has its last answer."""
    crowd = Crowd(scene)
    jobs: list[Callable[[random.Random], None]] = [crowd.customer] * CUSTOMERS + [crowd.counter]
    threads = [threading.Thread(target=job, args=(random.Random(scene.dice.random()),), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    yield crowd
    crowd.over.set()
    for thread in threads:
        thread.join()
