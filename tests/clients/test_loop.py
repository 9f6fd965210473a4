"""The loop of follow.js, by Node's own test runner."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.live.server import Server
from tests.ui.scenes import begin, go_on

from .followers import FOLLOW_JS, found, nodes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@pytest.mark.parametrize("place", [0, 1], ids=["node", "newest node"])
def test_the_loop_is_left_aborted_and_told(server: Server, headers: dict[str, str], ada: Any, place: int) -> None:
    run = go_on(begin(ada, items=400), 50)
    told = {
        "MODULE": FOLLOW_JS.as_uri(),
        "ADDRESS": f"{server.url}/api/runs/{run.pk}/",
        "HEADERS": json.dumps(headers),
    }
    command = [found(nodes()[place]), "--test", str(Path(__file__).with_name("loop.test.mjs"))]

    said = subprocess.run(command, env=os.environ | told, capture_output=True, text=True, timeout=120, check=False)

    assert said.returncode == 0, said.stdout + said.stderr
