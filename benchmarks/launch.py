"""Where a suite of benchmarks runs: on a SQLite file or a durable PostgreSQL of its own, removed afterwards."""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from servers.postgres import Postgres

__all__ = ["DATABASES", "Suite"]

DATABASES = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Suite:
    """A module that measures, its settings, and the variables by which these learn of directory and database."""

    module: str
    settings: str
    directory: str
    url: str

    def measure_on(self, database: str, arguments: list[str]) -> int:
        """The suite's exit code, in a process and a directory of its own."""
        command = [sys.executable, "-m", self.module, *arguments]
        with tempfile.TemporaryDirectory(prefix="headway-benchmarks-") as scratch:
            environment = os.environ | {"DJANGO_SETTINGS_MODULE": self.settings, self.directory: scratch}
            if database == "sqlite":
                environment.pop(self.url, None)
                return subprocess.run(command, env=environment, check=False).returncode
            with Postgres(durable=True) as server:
                environment[self.url] = server.url
                return subprocess.run(command, env=environment, check=False).returncode
