"""What a test says aloud, past pytest's capture: the figures that it saw, the seed that it threw its dice with."""

import os
import random
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from django.db import connection

__all__ = ["Tell", "dice", "tell"]

Tell: TypeAlias = Callable[[str], None]


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest, record_property: Any) -> Tell:
    """Prints a line with the database's name in it; in the summary, where tests run side by side (conftest.py)."""

    def say(text: str) -> None:
        line = f"{connection.vendor}: {text}"
        if hasattr(request.config, "workerinput"):  # xdist's, whose output nobody sees
            record_property("told", line)
        else:
            with capsys.disabled():
                print(f"\n  {line}", flush=True)

    return say


@pytest.fixture
def dice(tell: Tell) -> random.Random:
    """Chance that can be had again: CRASH_SEED takes the seed that was printed."""
    seed = int(os.environ.get("CRASH_SEED") or random.randrange(2**32))
    tell(f"CRASH_SEED={seed}")
    return random.Random(seed)
