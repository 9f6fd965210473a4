"""Each process counts what happens in it, in a file of its own (prometheus-client's multiprocess mode).

The scraped process sums up the files of all processes of this machine, of ended ones too. A process that counts nothing
leaves no file.
"""

import os
import socket
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.dispatch import Signal
from prometheus_client import Counter, Gauge, values

from headway.signals import part_taken_over, run_ended, start_answered, watchers_changed, write_fenced

COUNTED = {
    start_answered: ("starts", "Answers to starts and retries.", ["operation", "disposition"]),
    run_ended: ("runs_ended", "Runs that have ended.", ["operation", "state"]),
    part_taken_over: ("take_overs", "Parts taken over from an owner that was gone or silent.", []),
    write_fenced: ("fenced_writes", "Times that a worker found its part another's and wrote nothing.", []),
}
PREVENTED = ("joined", "replayed", "refused")


def connect() -> None:
    for signal in COUNTED:
        signal.connect(count, dispatch_uid=__name__)
    watchers_changed.connect(show_watchers, dispatch_uid=__name__)


def count(signal: Signal, **told: Any) -> None:
    labels = [told[label] for label in COUNTED[signal][2]]
    counter = meters().counters[signal]
    (counter.labels(*labels) if labels else counter).inc()
    if told.get("disposition") in PREVENTED:
        meters().prevented.labels(told["disposition"]).inc()


def show_watchers(watchers: int, **kwargs: Any) -> None:
    meters().watchers.set(watchers)


class Meters:
    """Made at the first event, since making them opens this process's file."""

    def __init__(self) -> None:
        directory().mkdir(parents=True, exist_ok=True)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory())
        values.ValueClass = values.MultiProcessValue(process)  # type: ignore[no-untyped-call]
        self.counters = {
            signal: Counter(f"headway_{name}", text, labels, registry=None)
            for signal, (name, text, labels) in COUNTED.items()
        }
        doubled = "Starts that would have doubled a run."
        self.prevented = Counter("headway_duplicates_prevented", doubled, ["how"], registry=None)
        for how in PREVENTED:
            self.prevented.labels(how)
        watching = "Open streams, sockets and long polls."
        self.watchers = Gauge("headway_watchers", watching, multiprocess_mode="livesum", registry=None)


@cache
def meters() -> Meters:
    """Those of this process."""
    return Meters()


def directory() -> Path:
    """The folder for counters, which web processes and workers of a machine share."""
    return Path(str(settings.HEADWAY_METRICS["DIRECTORY"]))


def process() -> str:
    """This process among those that share the folder: containers have the same process ids, but own host names."""
    return f"{socket.gethostname().replace('_', '-')}.{os.getpid()}"
