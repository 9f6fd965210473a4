"""`python -m tests.crash.storm [embedded] [celery]`: a crash run on each, and what became of it.

Exit code 1 when the judge found anything wrong. CRASH_SEED takes a seed that was printed.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import django

from . import sizes
from .report import tell, verdict_on
from .stage import STAGES, Stage

__all__ = ["main"]

TELL_EVERY = 60.0  # s
ROOT = Path(__file__).parents[3]


def main(arguments: list[str]) -> int:
    """0 when nothing was wrong anywhere."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.storm", description=__doc__)
    parser.add_argument("stages", nargs="*", choices=[*STAGES, []], help="all, unless named")
    parser.add_argument("--short", action="store_true", help="seconds instead of minutes")
    chosen = parser.parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)  # SIGINT too: what is started in a shell's background ignores it otherwise
    size = sizes.SHORT if chosen.short else sizes.LONG
    seed = int(os.environ.get("CRASH_SEED") or random.randrange(2**32))
    print(f"CRASH_SEED={seed}", flush=True)
    names = chosen.stages or list(STAGES)
    if len(names) > 1:  # Django is set up once in a process
        os.environ["CRASH_SEED"] = str(seed)
        command = [sys.executable, "-m", str(__package__), *(["--short"] if chosen.short else [])]
        return max([subprocess.run([*command, name], check=False).returncode for name in names])
    keep = os.environ.get("CRASH_LOGS")
    with (
        tempfile.TemporaryDirectory(prefix="headway-storm-") as temporary,
        STAGES[names[0]](Path(keep or temporary).resolve(), size.crews) as stage,
    ):
        return play(stage, seed, size)


def play(stage: Stage, seed: int, size: sizes.Size) -> int:
    """The storm, the calm after it, the verdict."""
    os.environ.update(stage.environment)
    django.setup()
    from .blows import Blows  # needs Django's apps
    from .crowd import Crowd

    journal = Path(stage.environment["TEST_SCRATCH"]) / "journal"
    crowd, blows = Crowd(stage.urls, seed, journal, size), Blows(stage, seed, size)
    began = time.monotonic()
    with start_judge(stage, journal, size) as judge, ending(judge):
        crowd.come()
        blows.begin()
        while (lasted := time.monotonic() - began) < (size.seconds if blows.is_enough() else size.longest):
            time.sleep(min(TELL_EVERY, size.seconds / 50))
            if lasted // TELL_EVERY != (time.monotonic() - began) // TELL_EVERY:
                print(f"  {lasted:4.0f} s: {blows.kills} kills, {dict(blows.tally)}", flush=True)
        blows.cease()
        crowd.calm()
        said, _ = judge.communicate(b"settle\n")
        crowd.leave()
    verdict: dict[str, Any] = json.loads(said) if said else {}
    tell(stage, seed, blows, crowd.answers, verdict, time.monotonic() - began)
    return verdict_on(stage, blows, crowd.answers, verdict)


def end(number: int, frame: FrameType | None) -> None:
    """Like Ctrl-C: nothing is left behind."""
    raise KeyboardInterrupt


@contextmanager
def ending(judge: subprocess.Popen[bytes]) -> Iterator[None]:
    """Whatever stops us, such as Ctrl-C, ends the judge."""
    try:
        yield
    except BaseException:
        judge.kill()
        raise


def start_judge(stage: Stage, journal: Path, size: sizes.Size) -> subprocess.Popen[bytes]:
    """In a process of its own, which is told of the API and the ledger and nothing else."""
    command = [sys.executable, "-m", f"{__package__}.judge", *(f"--api={url}" for url in stage.urls)]
    told = [f"--ledger={stage.ledger}", f"--journal={journal}", f"--patience={size.patience}"]
    return subprocess.Popen([*command, *told], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
