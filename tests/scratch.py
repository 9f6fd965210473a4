"""The suite's own folder: shared by all processes that it starts, and removed with the one that has made it."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

__all__ = ["scratch"]


def scratch() -> Path:
    """The folder that TEST_SCRATCH names, or a new one, which it names from then on. Each xdist worker has its own."""
    given = os.environ.get("TEST_SCRATCH")
    if not given:
        given = os.environ["TEST_SCRATCH"] = tempfile.mkdtemp(prefix="headway-tests-")
        atexit.register(remove, given, os.getpid())
    if worker := os.environ.pop("PYTEST_XDIST_WORKER", ""):  # for this process, and not for those that it starts
        given = os.environ["TEST_SCRATCH"] = os.path.join(given, worker)
        os.mkdir(given)
    return Path(given)


def remove(folder: str, maker: int) -> None:
    """A forked child inherits what is to be done at exit, and must not do it."""
    if os.getpid() == maker:
        shutil.rmtree(folder, ignore_errors=True)
