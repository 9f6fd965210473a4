"""The suite's own folder: shared by all processes that it starts, and removed with the one that has made it."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

__all__ = ["scratch"]


def scratch() -> Path:
    """The folder that TEST_SCRATCH names, or a new one, which it names from then on."""
    given = os.environ.get("TEST_SCRATCH")
    if not given:
        given = os.environ["TEST_SCRATCH"] = tempfile.mkdtemp(prefix="headway-tests-")
        atexit.register(remove, given, os.getpid())
    return Path(given)


def remove(folder: str, maker: int) -> None:
    """A forked child inherits what is to be done at exit, and must not do it."""
    if os.getpid() == maker:
        shutil.rmtree(folder, ignore_errors=True)
