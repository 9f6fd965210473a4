"""A resource outside every database, which refuses a number below the highest that it has seen."""

import fcntl
from pathlib import Path
from typing import NamedTuple

from tests.processes import whole_lines

__all__ = ["Shelf", "Written"]


class Written(NamedTuple):
    """A line of the shelf."""

    accepted: bool
    fence: int
    run: str
    pid: int


class Shelf:
    """A file of lines, one for each write that was tried."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def write(self, fence: int, run: str, pid: int) -> bool:
        """Whether it was accepted."""
        with self.path.open("a+") as shelf:
            fcntl.flock(shelf, fcntl.LOCK_EX)
            accepted = fence >= self.highest()
            shelf.write(f"{int(accepted)} {fence} {run} {pid}\n")
        return accepted

    def highest(self) -> int:
        return max((line.fence for line in self.lines()[-50:] if line.accepted), default=0)

    def lines(self) -> list[Written]:
        """All that were written so far."""
        told = whole_lines(self.path) if self.path.exists() else []
        return [
            Written(accepted == "1", int(fence), run, int(pid)) for accepted, fence, run, pid in map(str.split, told)
        ]
