"""How fast this machine is just now. A promise of a time is kept or broken beside a bare process that works meanwhile.

Where nothing else runs, what was measured is what counts. On a busy machine it is divided by how many times longer the
bare process takes for its own work: so other people's load fails no test, and a quiet machine proves the promise.
"""

import subprocess
import sys

from tests.processes import spawn

__all__ = ["BareProcess"]

# Works for 40 ms of a processor's time, rests for a tenth of what has passed, and so on until its input ends; then says
# how many times longer it took.
WORK = """
import select, sys, time
print(flush=True)
first = time.monotonic()
took = worked = 0.0
while True:
    began, used = time.monotonic(), time.process_time()
    while time.process_time() - used < 0.04:
        pass
    took += time.monotonic() - began
    worked += time.process_time() - used
    if select.select([sys.stdin], [], [], max(0.1, min((began - first) / 10, 0.5)))[0]:
        break
print(took / worked)
"""


class BareProcess:
    """Works from the beginning of a `with` to its end, in which a test waits for what was promised."""

    def __enter__(self) -> "BareProcess":
        command = [sys.executable, "-IS", "-c", WORK]
        self.process = spawn(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()  # it has begun
        return self

    def __exit__(self, *error: object) -> None:
        said, _ = self.process.communicate()
        self.slower = max(1.0, float(said))

    def undisturbed(self, seconds: float) -> float:
        """How long what took so many seconds would have taken on a quiet machine. After the `with`."""
        return seconds / self.slower
