"""Settings of the web process that is measured: the example's, its middleware and URLs, with a few pages more."""

import os

from example.settings import *  # noqa: F403
from example.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks"]
ROOT_URLCONF = "benchmarks.live.urls"
HEADWAY = {
    "STREAMS_PER_USER": 10_000,  # all watchers are sessions of one user, who owns the runs
    "STREAM_SECONDS": float(os.environ.get("BENCHMARK_STREAM_SECONDS", "50")),
    "WAKE_UPS": "off",  # no worker listens
    "LEASE_SECONDS": 3_600,  # nobody renews: the publisher is no worker
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
