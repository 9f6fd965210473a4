"""The effects' ledger, read as a table and no more: the judge knows nothing else of the database."""

import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Any, TypeAlias

import psycopg

__all__ = ["Ledger"]

Row: TypeAlias = tuple[Any, ...]

COUNT = "SELECT count(*) FROM app_ledgerentry WHERE run = {}"
ITEMS = "SELECT item, count(*) FROM app_ledgerentry WHERE run = {} GROUP BY item"
RUNS = "SELECT run, count(*) FROM app_ledgerentry GROUP BY run"
HELD = "SELECT held, fence, run FROM app_ledgerentry WHERE fence IS NOT NULL ORDER BY id"
PATIENCE = 60.0  # s: for a database that is being restarted
FAULTS = (sqlite3.OperationalError, psycopg.OperationalError)


class Ledger:
    """Reads with a connection of its own for each question, so that a restart of the server is no matter."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.on_sqlite = url.startswith("sqlite:///")

    def count(self, run: str) -> int:
        """How many rows the run has."""
        return int(self.ask(COUNT, run)[0][0])

    def items(self, run: str) -> Counter[str]:
        """How often each of its items is there."""
        return Counter(dict(self.ask(ITEMS, run)))  # type: ignore[arg-type]

    def runs(self) -> dict[str, int]:
        """How many rows each run has, by its id without dashes."""
        return {str(run).replace("-", ""): count for run, count in self.ask(RUNS)}

    def held(self) -> list[Row]:
        """(name, number of the taking, run) of each row that was written under a hold, in the order of writing."""
        return self.ask(HELD)

    def ask(self, query: str, run: str | None = None) -> list[Row]:
        """The rows, as soon as the database answers."""
        values = [] if run is None else [run.replace("-", "")]
        read: Callable[[str, list[str]], list[Row]] = self.read_file if self.on_sqlite else self.read_server
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                return read(query, values)
            except FAULTS:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.2)

    def read_file(self, query: str, values: list[str]) -> list[Row]:
        with closing(sqlite3.connect(f"file:{self.url.removeprefix('sqlite:///')}?mode=ro", uri=True)) as connection:
            return connection.execute(query.format("?"), values).fetchall()

    def read_server(self, query: str, values: list[str]) -> list[Row]:
        with psycopg.connect(self.url, connect_timeout=5) as connection:
            return connection.execute(query.format("%s"), values).fetchall()
