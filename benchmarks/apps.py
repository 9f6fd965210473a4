"""Lets a worker go by age, as a reference: it claims what has been due for longest, and gives way to nobody sooner."""

import os
from importlib import import_module
from typing import Any

from django.apps import AppConfig

__all__ = ["BenchmarksConfig"]


class BenchmarksConfig(AppConfig):
    """The benchmarks' own rows and operations."""

    name = "benchmarks"

    def ready(self) -> None:
        from headway.conf import conf

        if os.environ.get("BENCHMARK_BY_AGE"):
            candidates: Any = import_module("headway.store.parts.candidates")
            candidates.BY_AGE_EVERY = 1
            work: Any = import_module("headway.runner.work")  # `headway.runner.work` is also a function's name
            work.SHORTEST_SLICE = conf().busy_slice_seconds
