"""A run that has steps, on its page and in the list: the step's name and its own bar, live, and true after a kill."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from headway import runs
from headway.models import Part
from tests.app.gates import Gate
from tests.workers import Workers

from .scenes import hear_of_a_worker
from .visitor import Visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


def bar(visitor: Visitor) -> Any:
    return visitor.page.locator(".hw-run .hw-bar")


def test_its_bar_is_live_and_after_a_kill_it_says_that_it_begins_anew(
    visitor: Visitor, demo: Any, workers: Workers, tmp_path: Path
) -> None:
    gate = Gate(tmp_path / "gate").build()
    worker = workers.start()
    given = {"sink": str(tmp_path / "sink"), "gate": f"convert:{tmp_path}/gate"}
    run = runs.start("tests.publish", given, user=demo).run
    visitor.open(run)
    visitor.stay()

    gate.wait_until_reached()
    visitor.sees("step")
    visitor.reads("Convert, step 2 of 3.")
    visitor.reads("6 of 12")
    expect(bar(visitor)).to_have_attribute("aria-valuenow", "50")

    os.killpg(worker.pid, signal.SIGKILL)
    Part.objects.filter(run=run).update(due=1)
    hear_of_a_worker()
    visitor.sees("stalled")
    visitor.reads("It begins “Convert” anew; the steps before it are done.")
    expect(bar(visitor)).to_have_attribute("aria-valuenow", "1")

    workers.start()
    gate.wait_until_reached()
    visitor.sees("step")
    gate.open()
    visitor.sees("succeeded")
    visitor.reads("All 3 are done.")
    assert visitor.has_stayed


def test_each_step_is_called_by_the_language_of_the_page_live_too(
    visit: Callable[..., Visitor], demo: Any, workers: Workers, tmp_path: Path
) -> None:
    gate = Gate(tmp_path / "gate").build()
    given = {"sink": str(tmp_path / "sink"), "gate": f"convert:{tmp_path}/gate"}
    run = runs.start("tests.publish_translated", given, user=demo).run
    visitor = visit(demo, locale="de-DE")
    visitor.open(run)
    visitor.stay()
    visitor.sees("no-worker")

    workers.start()
    gate.wait_until_reached()

    visitor.reads("Februar, step 2 of 3.")
    assert visitor.has_stayed
    visitor.page.goto("/")
    expect(visitor.page.locator("tr[data-run]")).to_contain_text("Februar")
    gate.open()
    expect(visitor.page.locator("tr[data-run]")).to_contain_text("Succeeded")


def test_the_list_names_the_step_and_how_far_it_is(
    visitor: Visitor, demo: Any, workers: Workers, tmp_path: Path
) -> None:
    gate = Gate(tmp_path / "gate").build()
    workers.start()
    given = {"sink": str(tmp_path / "sink"), "gate": f"convert:{tmp_path}/gate"}
    runs.start("tests.publish", given, user=demo)
    visitor.open("/")

    gate.wait_until_reached()
    visitor.reads("Convert", "tr[data-run]")
    visitor.reads("50%", "tr[data-run]")
    gate.open()
    visitor.reads("3 of 3", "tr[data-run]")
