"""Several `db_worker`s as one process to be asked to stop or killed, as a service of several processes is.

    python -m tests.tasks.several COUNT OPTIONS…

It replaces nobody: that is what a project's own supervision does, or doesn't.
"""

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

from django.core.management import execute_from_command_line

from tests.processes import die_with_parent


def main(count: int, options: list[str]) -> int:
    workers = [begin(options) for _ in range(count)]

    def pass_on(number: int, frame: FrameType | None) -> None:
        for worker in workers:
            with suppress(ProcessLookupError):
                os.kill(worker, number)

    signal.signal(signal.SIGTERM, pass_on)
    return max(os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) for worker in workers)


def begin(options: list[str]) -> int:
    """The id of a `db_worker`, forked from this process."""
    if worker := os.fork():
        return worker
    die_with_parent()
    execute_from_command_line(["manage.py", "db_worker", *options])
    sys.exit()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
