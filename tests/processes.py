"""Processes that a test starts: none outlives the process that has started it, however that one ends."""

import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

__all__ = ["DIES_WITH_US", "spawn"]

# util-linux's, so on every Linux; elsewhere a test that is killed may leave its servers behind.
DIES_WITH_US = [found, "--pdeathsig", "KILL"] if (found := shutil.which("setpriv")) else []


def spawn(command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """The command in a session of its own: a Ctrl-C is not for it, and all of it can be killed by its group."""
    return subprocess.Popen([*DIES_WITH_US, *command], start_new_session=True, **options)
