"""Workers that are killed inside `on_start` and `on_finish`."""

import os
import signal
from pathlib import Path

import pytest

from headway import runs
from tests.app.gates import Gate
from tests.crash.scene import entries
from tests.workers import Workers, wait_for_end

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("hook", ["on_start", "on_finish"])
def test_a_hook_has_its_effects_once_although_its_worker_is_killed_in_it(
    workers: Workers, tmp_path: Path, hook: str
) -> None:
    gate = Gate(tmp_path / "gate").build()
    workers.start()
    run = runs.start("tests.stand_in_hooks", {"stand_in": hook, "gate": f"{tmp_path}/gate"}).run

    for _ in range(2):
        os.kill(gate.wait_until_reached(), signal.SIGKILL)
    gate.wait_until_reached()
    gate.open()
    ended = wait_for_end(run.pk)

    assert ended.state == "succeeded"
    assert ended.result == "finished"
    assert entries(run.pk) == {"on_start": 1, "0": 1, "1": 1, "2": 1, "3": 1, "4": 1, "on_finish": 1}
