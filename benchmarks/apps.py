"""Lets a worker go by age, as a reference: it claims what has been due for longest, and gives way to nobody sooner."""

import os

from django.apps import AppConfig

__all__ = ["BenchmarksConfig"]


class BenchmarksConfig(AppConfig):
    """The benchmarks' own rows and operations."""

    name = "benchmarks"

    def ready(self) -> None:
        from headway.conf import conf
        from headway.runner import work
        from headway.store import candidates

        if os.environ.get("BENCHMARK_BY_AGE"):
            candidates.BY_AGE_EVERY = 1
            work.SHORTEST_SLICE = conf().busy_slice_seconds
