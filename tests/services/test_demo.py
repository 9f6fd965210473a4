"""`make demo-services`, as a person meets it: what it says to type does what it says, and Ctrl-C ends all of it."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from servers.keeper import is_free
from servers.server import ROOT
from tests.e2e.welcome import welcome_of
from tests.processes import spawn
from tests.workers import children_of, until

from .scene import ask

pytestmark = [pytest.mark.once, pytest.mark.slow]

TIMEOUT = 120  # s


def test_the_order_that_it_shows_moves_the_stock_once(tmp_path: Path) -> None:
    port = next(number for number in range(20_200, 31_000, 7) if is_free(number) and is_free(number + 1))
    process = spawn(
        [sys.executable, "-m", "servers.demo_services"],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(tmp_path), "PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            [order] = re.findall(r"curl .*?/orders/$", welcome_of(process), re.DOTALL | re.MULTILINE)
            answers = [subprocess.check_output(["bash", "-c", order], text=True, timeout=TIMEOUT) for _ in "ab"]
            until(lambda: ask(tmp_path, "stock", "SELECT 1 FROM stock_told"), TIMEOUT)
            servers = [child for keeper in children_of(process.pid) for child in children_of(keeper)]
            process.send_signal(signal.SIGINT)
            rest, errors = process.communicate(timeout=TIMEOUT)
        finally:
            process.kill()

    assert answers[0] == answers[1]
    moved = ask(tmp_path, "stock", 'SELECT "order", run, sku, quantity FROM stock_entry')
    assert [*json.loads(answers[0]).values(), "tea", 2] == [*moved[0]]
    assert len(moved) == 1
    assert (process.returncode, (rest + errors).strip()) == (0, "Ended.")
    assert len(servers) == 5  # Valkey, and of each service a web process and a worker
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in servers), TIMEOUT)
