"""Real workers of whatever engine the settings name, on the benchmark's database."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from django.conf import settings

from headway.conf import conf
from headway.models import Worker
from servers.celery import CeleryWorker

__all__ = ["until", "workers"]

PATIENCE = 30.0  # s
ASK_EVERY = 0.05  # s


@contextmanager
def workers(processes: int, module: str = "", environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """One worker with so many processes, once all of them have told that they are there. `module`: another command."""
    told = os.environ | {"DJANGO_SETTINGS_MODULE": "benchmarks.settings", "TEST_POLL": "1"} | (environment or {})
    with celery(processes, told) if conf().engine == "celery" else embedded(processes, told, module):
        until(lambda: Worker.objects.count() >= processes)
        yield


@contextmanager
def celery(processes: int, environment: dict[str, str]) -> Iterator[None]:
    with CeleryWorker(broker=settings.CELERY_BROKER_URL, concurrency=processes, environment=environment):
        yield


@contextmanager
def embedded(processes: int, environment: dict[str, str], module: str) -> Iterator[None]:
    named = [module] if module else ["django", "headway_worker"]
    command = [sys.executable, "-m", *named, "--verbosity=0", f"--processes={processes}"]
    worker = subprocess.Popen(command, env=environment)
    try:
        yield
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait()


def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Ask every 50 ms, and not before: whoever is measured shares the cores with who asks."""
    give_up = time.monotonic() + seconds
    while True:
        time.sleep(ASK_EVERY)
        if condition():
            return
        assert time.monotonic() < give_up, f"still not so after {seconds} s"
