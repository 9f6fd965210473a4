"""Processes that a test starts: none outlives the process that has started it, however that one ends."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["DIES_WITH_US", "die_with_parent", "spawn", "stop_group", "whole_lines"]

# util-linux's, so on every Linux; elsewhere a test that is killed may leave its servers behind.
DIES_WITH_US = [found, "--pdeathsig", "KILL"] if (found := shutil.which("setpriv")) else []
PR_SET_PDEATHSIG = 1


def spawn(command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """The command in a session of its own: a Ctrl-C is not for it, and all of it can be killed by its group."""
    return subprocess.Popen([*DIES_WITH_US, *command], start_new_session=True, **options)


def die_with_parent() -> None:
    """Said by a fork; on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def stop_group(group: int, seconds: float = 30) -> None:
    """SIGSTOP to a process group; returns when each thread stands still, which takes a busy machine a while."""
    os.killpg(group, signal.SIGSTOP)
    give_up = time.monotonic() + seconds
    while not stands_still(group):
        assert time.monotonic() < give_up, f"group {group} still runs {seconds} s after SIGSTOP"
        time.sleep(0.001)  # nothing tells of it: `waitpid` knows only of our own children, and not of their threads


def whole_lines(file: Path) -> list[str]:
    """What another process has written into it so far, without the line of which only a part is there yet."""
    return file.read_text().split("\n")[:-1]


def stands_still(group: int) -> bool:
    listed = subprocess.run(["ps", "-eLo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    states = [state for line in listed.splitlines() for pgid, state in [line.split()] if int(pgid) == group]
    return all(state[0] in "TZ" for state in states)
