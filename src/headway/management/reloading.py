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
    stop = Stop()
    worker = FORK.Process(target=lambda: Supervisor(processes, queue_names).run(stop.is_wanted))

    def end() -> None:
        """Let the worker hand over, and wait for it. No signal: after a Ctrl-C that would be its second."""
        stop.ask()
        worker.join()

    if os.environ.get(autoreload.DJANGO_AUTORELOAD_ENV) == "true":
        close_before_fork()
        worker.start()  # before the autoreloader has its threads
        atexit.register(end)
    autoreload.run_with_reloader(worker.join)
