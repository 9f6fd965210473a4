"""Orders come in while either service is killed and frozen, and Redis killed and emptied: each moves the stock once."""

import itertools
import os
import random
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from tests.crash.aloud import Tell
from tests.workers import until

from .crowd import Crowd, crowd
from .scene import Scene, scene

SECONDS = float(os.environ.get("SERVICES_SECONDS", "10"))
BETWEEN = 0.5  # s between two mishaps, at most
AFTERWARDS = 300.0  # s: a webhook that was refused six times comes after three minutes

LIVE = "SELECT 1 FROM headway_run WHERE finished_at IS NULL LIMIT 1"

# Each service has an SQLite of its own, whatever database the tests are on.
pytestmark = [pytest.mark.once, pytest.mark.slow]


@pytest.mark.timeout(SECONDS + 900)
def test_each_order_moves_the_stock_once_whichever_service_is_killed(
    tmp_path: Path, dice: random.Random, tell: Tell
) -> None:
    with scene(tmp_path, dice) as services:
        with crowd(services) as asking:
            befallen = befall(services)
        until(lambda: not services.orders.ask(LIVE) and not services.stock.ask(LIVE), AFTERWARDS)
        refused = (services.stock.web.directory / "server.log").read_text().count("Forbidden: /moves/")

        moved = services.stock.ask("SELECT count(*), count(DISTINCT fence) FROM stock_entry WHERE kind = 'moved'")[0]
        counted = services.stock.ask("SELECT count(DISTINCT run) FROM stock_entry WHERE kind = 'counted'")[0][0]
        told = services.stock.ask("SELECT count(*) FROM stock_told")[0][0]
        tell(
            f"{SECONDS:g} s: {len(asking.placed)} orders (asked {asking.sent_again} times more), "
            f"{moved[0]} moves under {moved[1]} numbers, {refused} refused as late, "
            f"{counted} stocktakings, {told} webhooks; "
            + ", ".join(f"{name} {times}×" for name, times in sorted(befallen.items()))
        )
        each_order_was_placed_once(services, asking)
        each_order_has_moved_the_stock_once(services, asking)
        no_two_held_the_warehouse(services)
        each_end_was_told(services)


def befall(services: Scene) -> Counter[str]:
    """One mishap after the other, in an order of chance, until the time is over and each has been; gives how often."""
    befallen: Counter[str] = Counter()
    end = time.monotonic() + SECONDS
    for number in itertools.count():
        names = sorted(services.mishaps)
        if number % len(names) == 0:
            services.dice.shuffle(names)
            order = iter(names)
        if number >= len(names) and time.monotonic() > end:
            return befallen
        name = next(order)
        services.mishaps[name]()
        befallen[name] += 1
        time.sleep(services.dice.uniform(0, BETWEEN))  # chance: when the next one strikes
    raise AssertionError


def each_order_was_placed_once(services: Scene, asking: Crowd) -> None:
    """However often a customer has asked."""
    assert [answers for answers in asking.answers.values() if len(answers) != 1] == []
    there = {hexed for (hexed,) in services.orders.ask("SELECT key FROM orders_order")}
    assert there == {order.replace("-", "") for order in asking.placed}


def each_order_has_moved_the_stock_once(services: Scene, asking: Crowd) -> None:
    """By the stock's book, and by what is on its shelves."""
    moved = services.stock.ask("SELECT \"order\", sku, quantity FROM stock_entry WHERE kind = 'moved'")
    assert Counter(order for order, _, _ in moved) == dict.fromkeys(asking.placed, 1)
    assert {order: {"sku": sku, "quantity": quantity} for order, sku, quantity in moved} == asking.placed
    gone = Counter[str]()
    for asked in asking.placed.values():
        gone[asked["sku"]] += asked["quantity"]
    assert {sku: 1_000 - on_hand for sku, on_hand in services.stock.ask("SELECT sku, on_hand FROM stock_shelf")} == gone
    assert services.orders.ask("SELECT key FROM orders_order WHERE sent_at IS NULL") == []


def no_two_held_the_warehouse(services: Scene) -> None:
    """By the number that stands at each line of the stock's book."""
    lines = services.stock.ask("SELECT fence, run FROM stock_entry ORDER BY id")
    runs = defaultdict(set)
    for fence, run in lines:
        runs[fence].add(run)
    assert [fence for fence, _ in lines] == sorted(fence for fence, _ in lines)
    assert {fence: held for fence, held in runs.items() if len(held) > 1} == {}
    twice = "SELECT run, sku FROM stock_entry WHERE kind = 'counted' GROUP BY run, sku HAVING count(*) > 1"
    assert services.stock.ask(twice) == []


def each_end_was_told(services: Scene) -> None:
    """Under an id made of the run."""
    told = {webhook for (webhook,) in services.stock.ask("SELECT webhook_id FROM stock_told")}
    ended = services.orders.ask("SELECT id FROM headway_run WHERE operation = 'orders.send_orders'")
    assert {webhook.replace("-", "") for webhook in told} == {f"runended{run}" for (run,) in ended}
