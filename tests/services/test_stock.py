"""The stock service alone: which calls it refuses, and what becomes of them."""

import uuid
from collections.abc import Iterator

import httpx
import pytest

from .scene import Service, stock_alone

pytestmark = [pytest.mark.once, pytest.mark.slow]

ORDER = {"order": "1", "sku": "tea", "quantity": 2}


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with stock_alone(tmp_path_factory.mktemp("stock")) as service:
        yield service


def move(stock: Service, key: str, fence: int, token: str = "orders") -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key, "Fence": str(fence), "Run": f"run-{fence}"}
    return httpx.post(f"{stock.web.url}/moves/", json=ORDER, headers=headers, timeout=30)


def test_a_former_holder_is_refused_and_the_present_one_may_use_its_key(stock: Service) -> None:
    key, later = str(uuid.uuid4()), str(uuid.uuid4())

    answers = [move(stock, later, 20), move(stock, key, 10), move(stock, key, 21), move(stock, key, 22)]

    assert [answer.status_code for answer in answers] == [201, 403, 201, 201]
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers] == [None, None, None, "true"]
    assert stock.ask("SELECT fence, quantity FROM stock_entry ORDER BY id") == [(20, 2), (21, 2)]
    assert stock.ask("SELECT fence FROM stock_warehouse") == [(21,)]


def test_nobody_else_moves_anything(stock: Service) -> None:
    before = stock.ask("SELECT * FROM stock_shelf")

    assert move(stock, str(uuid.uuid4()), 1_000, token="shop").status_code == 401
    assert stock.ask("SELECT * FROM stock_shelf") == before


def test_a_webhook_that_nobody_has_signed_is_refused(stock: Service) -> None:
    headers = {"webhook-id": "run-ended-1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}

    answer = httpx.post(
        f"{stock.web.url}/hooks/headway/", json={}, headers=headers | {"Idempotency-Key": "run-ended-1"}, timeout=30
    )

    assert answer.status_code == 401
    assert stock.ask("SELECT * FROM stock_told") == []


def test_its_container_can_tell_that_it_is_ready(stock: Service) -> None:
    assert httpx.get(f"{stock.web.url}/readyz", timeout=30).status_code == 200
