"""A worker that is killed in the midst of pairs, of an API's page, of a workbook, of a directory."""

import os
import signal
from pathlib import Path

import pytest

from headway import runs
from tests.app.gates import Gate
from tests.crash.scene import LEASE, entries, part_of, processed
from tests.workers import Workers, wait_for_end

pytestmark = pytest.mark.django_db(transaction=True)

ITEMS, AT = 600, 317


# By the book the second time, carefully the third. The walk is the source's, which knows no database.
@pytest.mark.parametrize(
    "kills", [pytest.param(1, marks=pytest.mark.sqlite), pytest.param(2, marks=pytest.mark.postgresql)]
)
@pytest.mark.parametrize("walk", ["pairs", "pages", "workbook", "files"])
def test_a_worker_that_is_killed_in_the_midst_of_a_walk_doubles_and_loses_no_item(
    workers: Workers, tmp_path: Path, walk: str, kills: int
) -> None:
    gate = Gate(tmp_path / "gate").build()
    workers.start(lease_seconds=LEASE)
    run = runs.start("tests.walk", {"walk": walk, "items": ITEMS, "gate": f"{AT}:{tmp_path}/gate"}).run
    for _ in range(kills):
        os.kill(gate.wait_until_reached(), signal.SIGKILL)
    gate.wait_until_reached()
    gate.open()
    ended = wait_for_end(run.pk)

    assert (ended.state, processed(ended), ended.total) == ("succeeded", ITEMS, ITEMS)
    assert entries(run.pk) == {str(number): 1 for number in range(ITEMS)}
    assert part_of(run).resumes == kills
