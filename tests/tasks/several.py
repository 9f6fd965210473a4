"""Several `db_worker`s as one process to be asked to stop or killed, as a service of several processes is.

    python -m tests.tasks.several COUNT OPTIONS…

It replaces nobody: that is what a project's own supervision does, or doesn't.
"""

import signal
import subprocess
import sys
from types import FrameType

from tests.processes import DIES_WITH_US


def main(count: int, options: list[str]) -> int:
    command = [*DIES_WITH_US, sys.executable, "manage.py", "db_worker", *options]
    workers = [subprocess.Popen(command) for _ in range(count)]

    def pass_on(number: int, frame: FrameType | None) -> None:
        for worker in workers:
            worker.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    return max(worker.wait() for worker in workers)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
