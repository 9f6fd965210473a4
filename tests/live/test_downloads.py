"""Downloads from a real web process."""

from collections.abc import Callable
from typing import Any

import pytest

from headway import runs
from headway.http.downloads.limits import MOST
from tests.app.driving import with_failures
from tests.workers import until

from .clients import http
from .server import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


def test_a_download_that_its_client_leaves_makes_room(serve: Callable[..., Server], ada: Any) -> None:
    run = with_failures(runs.start("tests.write_ledger", {"items": 3}, user=ada).run, 2_000, "No. " * 2_500)
    server = serve()
    with http(server, ada) as client:

        def is_begun() -> bool:
            with client.stream("GET", f"/api/runs/{run.pk}/failures.csv") as response:
                next(response.iter_bytes())
                return response.status_code == 200

        for _ in range(2 * MOST):
            until(is_begun)
