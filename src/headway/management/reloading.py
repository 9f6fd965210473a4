"""A worker for development: it begins anew when the project's code has changed, by Django's own autoreloader.

The autoreloader needs a process's main thread, and so does the supervisor: it is a child of the process that watches
the files, and stops when that one is gone.
"""

import atexit
import multiprocessing
import os
from collections.abc import Sequence

from django.utils import autoreload

from headway.database import close_before_fork
from headway.engines.embedded.supervisor import Supervisor
from headway.engines.stop import Stop

FORK = multiprocessing.get_context("fork")


def work_and_reload(processes: int, queue_names: Sequence[str]) -> None:
    """Work until asked to stop; whenever a file has changed, the worker ends behind its item and begins anew."""
    watch = Watch(processes, queue_names)
    if os.environ.get(autoreload.DJANGO_AUTORELOAD_ENV) == "true":
        watch.start_worker()  # before the autoreloader has its threads
    autoreload.run_with_reloader(watch.wait)


class Watch:
    """The process that watches the files, and its worker."""

    def __init__(self, processes: int, queue_names: Sequence[str]) -> None:
        self.stop = Stop()
        self.worker = FORK.Process(target=self.work, args=(processes, queue_names))

    def start_worker(self) -> None:
        close_before_fork()
        self.worker.start()
        atexit.register(self.end)

    def work(self, processes: int, queue_names: Sequence[str]) -> None:
        Supervisor(processes, queue_names).run(self.stop.is_wanted)

    def wait(self) -> None:
        self.worker.join()

    def end(self) -> None:
        """Let the worker hand over, and wait for it. No signal: after a Ctrl-C that would be its second."""
        self.stop.ask()
        self.worker.join()
