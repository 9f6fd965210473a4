"""Settings of everything in the crash run: those of the suite, with a short lease and whatever is unkind to workers."""

from tests.settings import *  # noqa: F403
from tests.settings import HEADWAY, INSTALLED_APPS

LEASE_SECONDS = 3  # so that a worker can be frozen past it often

HEADWAY = HEADWAY | {"LEASE_SECONDS": LEASE_SECONDS}
INSTALLED_APPS = [*INSTALLED_APPS, "tests.crash.storm.apps.StormConfig"]
