"""What is forked from a process that has Django loaded is a process like any other."""

import os
import signal
from pathlib import Path

import pytest

from tests.forked import Forked, start
from tests.workers import environment, until

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.django_db]

WORKER = ["manage.py", "headway_worker"]


def test_it_ends_with_its_own_code_and_its_own_words(tmp_path: Path) -> None:
    with (tmp_path / "said").open("w+") as said:
        codes = [start(["manage.py", command], environment(), said, said).wait(60) for command in ("check", "nothing")]
        said.seek(0)
        assert "Unknown command: 'nothing'" in said.read()
    assert codes == [0, 1]


def test_it_has_its_own_variables(tmp_path: Path) -> None:
    for seconds in (3.0, 7.0):
        with (tmp_path / "said").open("w+") as said:
            command = ["manage.py", "shell", "-v0", "-c", "from headway.conf import conf; print(conf().lease_seconds)"]
            assert start(command, environment(seconds), said).wait(60) == 0
            said.seek(0)
            assert said.read() == f"{seconds}\n"


def test_one_that_is_killed_says_so() -> None:
    process = start(WORKER, environment())
    assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    assert [process.wait(60), process.poll()] == [-signal.SIGKILL, -signal.SIGKILL]


def test_it_dies_with_the_process_that_it_was_forked_from() -> None:
    process = start(WORKER, environment())
    assert isinstance(process, Forked)
    process.origin.process.kill()
    until(lambda: not Path(f"/proc/{process.pid}").exists(), 8)
    assert start(["manage.py", "check"], environment()).wait(60) == 0
