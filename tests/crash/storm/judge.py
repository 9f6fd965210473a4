"""The judge: a program of its own that reads the effects' ledger and the API, and nothing else.

It watches from the start, so that it sees what runs backwards; told to, it waits until all runs have ended, and gives
its verdict: a line of JSON on standard output. It knows neither Django nor who was killed.
"""

import argparse
import json
import select
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

from .expected import Evidence, Violation, examine
from .ledger import Ledger
from .reader import Reader
from .watching import Watched

__all__ = ["Judge", "main"]

Revisions: TypeAlias = dict[str, int]

LOOK_EVERY = 0.3  # s
ROUNDS = 20  # times as long as nothing may change may it all take
RUNS = "/api/runs/"


@dataclass
class Judge:
    """What it has seen so far."""

    api: Reader
    ledger: Ledger
    watched: dict[str, Watched] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)

    def look(self) -> int:
        """One look at all runs that live, and at those that have ended since the last; gives how many live."""
        live = {run["id"]: run for run in self.api.pages(RUNS, active="true")}
        for run in live.values():
            self.see(run)
        for run_id, watched in list(self.watched.items()):
            if run_id not in live and not watched.last["done"]:
                self.see(self.api.get(f"{RUNS}{run_id}/"))
        return sum(not watched.last["done"] for watched in self.watched.values())

    def see(self, run: dict[str, Any]) -> None:
        """A look at one run. The ledger is read after the API has said that the run is over, never before."""
        watched = self.watched.get(run["id"])
        if watched is None:
            watched = self.watched[run["id"]] = Watched(run)
        else:
            watched.look(run)
        if run["done"] and watched.rows_at_end is None:
            watched.rows_at_end = self.ledger.count(run["id"])

    def settle(self, seconds: float) -> None:
        """Until nothing lives any more. What hasn't changed for so long is stuck; what goes round and round is too."""
        began = changed = time.monotonic()
        before: Revisions = {}
        while self.look():
            now = {run_id: watched.last["revision"] for run_id, watched in self.watched.items()}
            if now != before:
                before, changed = now, time.monotonic()
            if time.monotonic() - changed > seconds or time.monotonic() - began > ROUNDS * seconds:
                break
            time.sleep(LOOK_EVERY)
        for run in self.api.pages(RUNS):
            self.see(run)  # those too that began and ended between two looks
        for run_id, watched in self.watched.items():
            if not watched.last["done"]:
                told = {name: watched.last[name] for name in ("state", "reason", "stalled", "progress", "updated_at")}
                self.add("stuck", run_id, f"after {time.monotonic() - began:.0f} s of peace it is {told}")

    def judge(self, journal: list[dict[str, Any]]) -> None:
        """All that is wrong."""
        cases: dict[str, Evidence] = {}
        for run_id in sorted(self.watched, key=lambda run_id: str(self.watched[run_id].last["created_at"])):
            watched = self.watched[run_id]
            self.violations += watched.violations
            if watched.last["done"]:
                case = cases[run_id] = self.evidence(watched.last, cases)
                self.violations += examine(case)
                late = case.ledger.total() - (watched.rows_at_end or 0)
                if not 0 <= late <= len(case.in_doubt):  # a frozen worker's call, which may land when it is thawed
                    self.add("after-end", run_id, f"{case.ledger.total()} rows, {watched.rows_at_end} at its end")
        known = {run_id.replace("-", "") for run_id in self.watched}
        for run, rows in self.ledger.runs().items():
            if run not in known:
                self.add("stray", run, f"{rows} rows in the ledger of a run that the API doesn't know")
        self.judge_neighbours()
        self.judge_holds()
        self.judge_journal(journal)

    def evidence(self, run: dict[str, Any], cases: dict[str, Evidence]) -> Evidence:
        items = f"{RUNS}{run['id']}/items/"
        told = list(self.api.pages(items, state="failed"))
        failed = Counter(row["key"] for row in told)
        if doubled := [key for key, count in failed.items() if count > 1]:
            self.add("twice", run["id"], f"listed as failed more than once: {doubled[:5]}")
        return Evidence(
            run,
            self.ledger.items(run["id"]),
            {row["key"]: row["code"] for row in told},
            {row["key"] for row in self.api.pages(items, state="skipped")},
            cases.get(run["retry_of"] or ""),
        )

    def judge_neighbours(self) -> None:
        """Of one name, one run lived at a time: a later one began when the one before it had ended."""
        ran: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for watched in self.watched.values():
            if watched.last["started_at"] and watched.last["done"]:
                run = watched.last
                ran.setdefault((run["operation"], run["params"]["name"]), []).append(run)
        for same in ran.values():
            same.sort(key=lambda run: str(run["started_at"]))
            for before, after in pairwise(same):
                if after["started_at"] < before["finished_at"]:
                    self.add("duplicate", after["id"], f"began at {after['started_at']}, while {before['id']} ran")

    def judge_holds(self) -> None:
        """Two runs never wrote under one name at once: a taking's rows come after those of the takings before it."""
        highest: dict[str, int] = {}
        holders: dict[tuple[str, int], str] = {}
        for name, fence, run in self.ledger.held():
            if fence < highest.get(name, 0):
                self.add("hold", str(run), f"it wrote under {name} as {fence}, after {highest[name]}")
            highest[name] = max(fence, highest.get(name, 0))
            if holders.setdefault((name, fence), run) != run:
                self.add("hold", str(run), f"it has the number {fence} of {name}, as {holders[name, fence]} has")

    def judge_journal(self, journal: list[dict[str, Any]]) -> None:
        """Of what clients were told: no accepted start is lost, and an idempotency key names one run for ever."""
        named: dict[str, set[str]] = {}
        for line in journal:
            if line["run"] not in self.watched:
                self.add("lost", line["run"], "a start was accepted, and the API doesn't know the run")
            if line["key"]:
                named.setdefault(line["key"], set()).add(line["run"])
        for key, runs in named.items():
            if len(runs) > 1:
                self.add("duplicate", min(runs), f"{len(runs)} runs of the idempotency key {key}: {sorted(runs)}")

    def add(self, kind: str, run: str, what: str) -> None:
        self.violations.append(Violation(kind, run, what))

    def verdict(self, journal: list[dict[str, Any]]) -> dict[str, Any]:
        """What was seen, and what is wrong with it."""
        runs = [watched.last for watched in self.watched.values()]
        started = {line["run"] for line in journal}
        return {
            "runs": len(runs),
            "states": dict(Counter(run["state"] for run in runs).most_common()),
            "retries": sum(bool(run["retry_of"]) for run in runs),
            "items": sum(run["progress"]["processed"] for run in runs),
            "effects": sum(self.ledger.runs().values()),
            "resumes": sum(run["resumes"] for run in runs),
            "starts": len(journal),
            "duplicates": len(journal) - len(started),
            "minutes": sum(lived(run) >= 60 for run in runs),
            "looks": sum(watched.looks for watched in self.watched.values()),
            "reasons": sorted(set().union(*(watched.reasons for watched in self.watched.values()))),
            "violations": [asdict(violation) for violation in self.violations],
        }


def lived(run: dict[str, Any]) -> float:
    """Seconds from its first claim to its end."""
    began, ended = run["started_at"], run["finished_at"]
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds() if began and ended else 0.0


def main(arguments: list[str]) -> int:
    """Watch until standard input says `settle` (or ends); 1 when anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.storm.judge", description=__doc__)
    parser.add_argument("--api", action="append", required=True, metavar="URL", help="a web process; may be repeated")
    parser.add_argument("--ledger", required=True, metavar="URL", help="sqlite:///PATH or postgres://…")
    parser.add_argument("--journal", type=Path, help="what the API answered to starts, a line of JSON each")
    parser.add_argument("--patience", type=float, default=60, metavar="SECONDS", help="until a run counts as stuck")
    chosen = parser.parse_args(arguments)
    with Reader(chosen.api) as api:
        judge = Judge(api, Ledger(chosen.ledger))
        while not select.select([sys.stdin], [], [], LOOK_EVERY)[0]:
            judge.look()
        judge.settle(chosen.patience)
        told = chosen.journal.read_text().splitlines() if chosen.journal and chosen.journal.exists() else []
        journal = [json.loads(line) for line in told]
        judge.judge(journal)
    print(json.dumps(judge.verdict(journal)), flush=True)
    return 1 if judge.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
