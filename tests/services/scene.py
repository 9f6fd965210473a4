"""Both services with all their processes, and what can befall them. Each has an SQLite of its own."""

import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servers.demo_services import environment, prepare
from servers.server import Server
from servers.valkey import Valkey
from servers.web import Web, Worker
from tests.processes import stop_group
from tests.workers import children_of, until

__all__ = ["Scene", "Service", "ask", "scene", "stock_alone"]

LEASE = 2.0  # s


@dataclass
class Service:
    """One of them."""

    name: str
    data: Path
    web: Web
    worker: Worker

    def ask(self, sql: str) -> list[Any]:
        """Its database."""
        return ask(self.data, self.name, sql)


@dataclass
class Scene:
    """Each mishap is over when it returns."""

    orders: Service
    stock: Service
    valkey: Valkey
    dice: random.Random

    @property
    def mishaps(self) -> dict[str, Callable[[], None]]:
        return {
            "web of orders": lambda: self.kill(self.orders.web),
            "web of stock": lambda: self.kill(self.stock.web),
            "worker of orders": lambda: self.kill(self.orders.worker),
            "worker of stock": lambda: self.kill(self.stock.worker),
            "child of orders": lambda: self.kill_child(self.orders.worker),
            "child of stock": lambda: self.kill_child(self.stock.worker),
            "worker of orders frozen": lambda: self.freeze(self.orders.worker),
            "Valkey killed": lambda: self.kill(self.valkey),
            "Valkey emptied": self.valkey.empty,
        }

    def kill(self, server: Server) -> None:
        """SIGKILL to all of its processes, while an order is under way; then it starts again."""
        self.wait_for_work()
        server.crash()
        time.sleep(self.dice.uniform(0, 0.5))  # how long it is away: chance, nothing waits for it
        server.start()

    def kill_child(self, worker: Worker) -> None:
        """SIGKILL to the process that works; its supervisor starts another."""
        assert worker.pid
        supervisor = worker.pid
        until(lambda: children_of(supervisor))
        self.wait_for_work()
        for child in children_of(supervisor):
            os.kill(child, signal.SIGKILL)

    def freeze(self, worker: Worker) -> None:
        """All of its processes stand still for longer than their lease; then they go on, as if nothing had been."""
        assert worker.pid
        self.wait_for_work()
        groups = {os.getpgid(each) for each in [worker.pid, *children_of(worker.pid)]}
        for group in groups:
            stop_group(group)
        time.sleep(LEASE * self.dice.uniform(1.2, 2))  # chance: how long past its lease
        for group in groups:
            os.killpg(group, signal.SIGCONT)

    def wait_for_work(self) -> None:
        """Until an order isn't sent, and then for any part of the time that one takes."""
        until(lambda: self.orders.ask("SELECT 1 FROM orders_order WHERE sent_at IS NULL LIMIT 1"))
        time.sleep(self.dice.uniform(0, 0.1))  # chance: where in an order the kill strikes


@contextmanager
def scene(data: Path, dice: random.Random) -> Iterator[Scene]:
    """Everything, started; all of it ends with `with`."""
    with ExitStack() as running, ThreadPoolExecutor() as pool:
        valkey = running.enter_context(Valkey())

        def told(name: str, stock_url: str = "") -> dict[str, str]:
            return environment(name, data, stock_url, valkey.url) | {"HEADWAY_LEASE_SECONDS": str(LEASE)}

        list(pool.map(prepare, [told("orders"), told("stock")]))
        stock = service("stock", data, told("stock"))
        running.enter_context(stock.web)  # the orders service must know where it is
        orders = service("orders", data, told("orders", stock.web.url))
        list(pool.map(running.enter_context, [orders.web, orders.worker, stock.worker]))
        yield Scene(orders, stock, valkey, dice)


@contextmanager
def stock_alone(data: Path) -> Iterator[Service]:
    """Its web process, with nothing beside it."""
    told = environment("stock", data, "", "redis://127.0.0.1:1/0")
    prepare(told)
    stock = service("stock", data, told)
    with stock.web:
        yield stock


def ask(data: Path, name: str, sql: str) -> list[Any]:
    """The database of the service of this name."""
    with closing(sqlite3.connect(data / f"services/{name}.sqlite3", timeout=20)) as database:
        return database.execute(sql).fetchall()


def service(name: str, data: Path, told: dict[str, str]) -> Service:
    """Its processes, not started yet."""
    web = Web(application="example.services.asgi:application", environment=told)
    return Service(name, data, web, Worker(environment=told))
