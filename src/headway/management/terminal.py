"""What the commands share: finding a run, asking for migrated tables, and drawing a run into a terminal."""

import shutil
import textwrap
import time
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, OutputWrapper

from headway import runs
from headway.engines import start_worker
from headway.errors import NotMigrated, RunNotFound
from headway.models import Run
from headway.panel.values import step_under_way
from headway.runs.unmigrated import is_unmigrated
from headway.snapshots import snapshot
from headway.store.parts.flights import IN_DOUBT
from headway.store.parts.outcomes import examples
from headway.store.parts.output import lines_of

LOOK_EVERY = 0.2  # s
LINE_EVERY = 2.0  # s between lines where nothing can be drawn over
NOTICE_AFTER = 3.0  # s: a worker that is just being started needs no notice
SLOW = 0.5  # items a second; below it, how long one takes says more
FULL, EMPTY = "█", "░"
LOG_LINES = 20  # of the run's log; its page has more
CLEAR = "\r\x1b[2K"


def demand_tables() -> None:
    """Raises CommandError unless Headway's tables are there as this version needs them."""
    if is_unmigrated():
        raise CommandError(str(NotMigrated()))


def find_run(given: str) -> Run:
    """The run with this id, or whose id alone begins so. Raises CommandError."""
    try:
        return runs.get(given)
    except RunNotFound as error:
        begin = given.replace("-", "").lower()
        close = [run for run in Run.objects.order_by("-created_at")[:1000] if begin and run.pk.hex.startswith(begin)]
        if len(close) == 1:
            return close[0]
        several = f" {len(close)} runs have an id that begins so: give more of it." if close else ""
        raise CommandError(f"{error}{several} `manage.py headway_status` lists the runs.") from error


def watch(run_id: UUID, out: OutputWrapper) -> dict[str, Any]:
    """Draw the run until it ends or comes to rest; gives its last snapshot. KeyboardInterrupt passes through."""
    drawing, notice_at = Drawing(out), time.monotonic() + NOTICE_AFTER
    while True:
        seen = snapshot(run_id)
        if not lacks_worker(seen):
            notice_at = time.monotonic() + NOTICE_AFTER
        elif time.monotonic() >= notice_at:
            drawing.say(no_worker())
            notice_at = float("inf")
        drawing.show(seen)
        if is_at_rest(seen):
            return seen
        time.sleep(LOOK_EVERY)


def is_at_rest(seen: Mapping[str, Any]) -> bool:
    """Whether it has ended, or goes on only when somebody resumes it."""
    return bool(seen["done"]) or seen["state"] == "paused"


def fail_unless_done_well(seen: Mapping[str, Any]) -> None:
    """Raises CommandError for a run that has failed, was cancelled, or rests."""
    if seen["state"] in ("failed", "cancelled"):
        raise CommandError(f"The run ended as {seen['state']}.")
    if not seen["done"]:
        raise CommandError(f"The run is {seen['state']}; it goes on when somebody resumes it.")


class Drawing:
    """A run, drawn over itself in a terminal; elsewhere told in a line now and then."""

    def __init__(self, out: OutputWrapper) -> None:
        self.out, self.drawable = out, out.isatty()
        self.spoken, self.last = float("-inf"), ""

    def say(self, sentence: str) -> None:
        self.out.write(f"{CLEAR if self.drawable else ''}{sentence}\n")

    def show(self, seen: dict[str, Any]) -> None:
        over = is_at_rest(seen)
        if self.drawable:
            line = draw(seen, width=shutil.get_terminal_size().columns)
            self.out.write(f"{CLEAR}{line}", ending="\n" if over else "")
        elif over or time.monotonic() - self.spoken >= LINE_EVERY:
            line = draw(seen, width=160)
            if line != self.last:
                self.out.write(f"{line}\n")
            self.spoken, self.last = time.monotonic(), line
        self.out.flush()


def draw(seen: dict[str, Any], width: int) -> str:
    """The run in one line, not wider than `width`."""
    progress = seen["progress"]
    if step := step_under_way(seen):
        return draw_step(seen, step, width)
    share = progress["percent"]
    known = share is not None or is_growing(progress)
    figures = [f"{progress['processed']:,}{of_total(progress) if known else ' so far'}"]
    said = {"failed": "failed", "skipped": "skipped", "retrying": "to try again"}
    figures += [f"{progress[name]:,} {words}" for name, words in said.items() if progress[name]]
    if progress["rate"] and not seen["done"]:
        figures.append(speed(progress["rate"]))
    if progress["eta_seconds"] is not None and not seen["done"]:
        figures.append(f"about {spell(progress['eta_seconds'])} left")
    head = f"{seen['title']}{' (dry run)' if seen['dry_run'] else ''}  {word(seen)}"
    return fitted(head, share, " · ".join(figures), width)


def draw_step(seen: dict[str, Any], step: Mapping[str, Any], width: int) -> str:
    """The same while a step is under way: how far that is."""
    figures = [] if step["of"] == 1 else [f"{step['title']} ({step['number']} of {step['of']})"]
    if step["done"] is not None:
        figures.append(f"{step['done']:,.0f}{of_step(step)}")
    if step["eta_seconds"] is not None:
        figures.append(f"about {spell(step['eta_seconds'])} left{' in it' if step['of'] > 1 else ''}")
    return fitted(f"{seen['title']}  {word(seen)}", step["percent"], " · ".join(figures), width)


def of_step(step: Mapping[str, Any]) -> str:
    return f" of {step['total']:,.0f}" if step["total"] else " so far"


def fitted(head: str, share: float | None, tail: str, width: int) -> str:
    """One line, with a bar where there is a share and room for it."""
    percent = "" if share is None else f" {share:5.1f} %"
    room = min(40, width - cells(head) - len(percent) - len(tail) - 7)
    bar = "" if share is None or room < 8 else f"{FULL * int(room * share / 100):{EMPTY}<{room}}"
    return cut("  ".join(piece for piece in (head, f"{bar}{percent}".strip(), tail) if piece), width - 1)


def of_total(progress: dict[str, Any]) -> str:
    """Of how many; "" where that isn't known."""
    if progress["total"] is None:
        return ""
    return f" of {'at least ' if is_growing(progress) else ''}{progress['total']:,}"


def is_growing(progress: dict[str, Any]) -> bool:
    """Whether its items find others on the way, so that its total is only what is known so far."""
    return progress["percent"] is None and progress["total"] is not None and not progress["total_exact"]


def cells(text: str) -> int:
    """How many columns of a terminal the text takes: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def cut(text: str, width: int) -> str:
    """As much of the text as these columns hold; a cut number must not look like another one."""
    if cells(text) <= width:
        return text
    while cells(text) >= width:
        text = text[:-1]
    return f"{text}…"


def speed(rate: float) -> str:
    """Items a second, or how long one takes."""
    if rate < SLOW:
        return f"1 every {spell(round(1 / rate))}"
    return f"{int(rate):,}/s" if rate >= 10 else f"{rate:.1f}/s"


def word(seen: dict[str, Any]) -> str:
    """The state as people say it."""
    if lacks_worker(seen):
        return f"{seen['state']}: no worker is there"
    if code_of_reason(seen) == "hold":
        return "waiting for its turn"
    if seen["waiting_until"]:
        return f"waiting until {datetime.fromisoformat(seen['waiting_until']).astimezone():%H:%M:%S}"
    if seen["stalled"]:
        return "changing workers" if seen["state"] == "running" else f"{seen['state']}: its worker is silent"
    return "finishing" if seen["progress"]["finishing"] else str(seen["state"])


def no_worker() -> str:
    """That there is none, and how to start one."""
    return f"No worker is there. Start one: {start_worker()}"


def lacks_worker(seen: dict[str, Any]) -> bool:
    """Whether it can't begin or go on because no worker has been heard of."""
    return code_of_reason(seen) == "no-worker"


def code_of_reason(seen: dict[str, Any]) -> str | None:
    return (seen["reason"] or {}).get("code")


def spell(seconds: int) -> str:
    """A duration, rounded as people would."""
    if seconds < 90:
        return f"{seconds} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def describe(seen: dict[str, Any], out: OutputWrapper) -> None:
    """The run in several lines: what it came to, and why."""
    progress = seen["progress"]
    if seen["dry_run"]:
        out.write("Dry run: nothing is changed.\n")
    out.write(f"{seen['title']} ({seen['operation']}), run {seen['id']}\n")
    out.write(f"  state      {word(seen)}\n")
    out.write(f"  processed  {progress['processed']:,}{of_total(progress)}\n")
    if step := progress["step"]:
        at = f", {step['done']:,.0f}{of_step(step)}" if step["done"] is not None else ""
        out.write(f"  step       {step['title']} ({step['number']} of {step['of']}){at}\n")
    out.write(f"  succeeded  {progress['succeeded']:,}\n")
    out.write(f"  failed     {progress['failed']:,}\n")
    found = examples(UUID(seen["id"])) if seen["failure_summary"] else {}
    for failure in seen["failure_summary"]:
        out.write(f"             {failure['count']:,} {failure['code']}\n")
        if failure["code"] in found:
            example = found[failure["code"]]
            out.write(indented(f"{example.label}: {example.text}\n{example.detail}", 17))
        if failure["code"] == IN_DOUBT and is_at_rest(seen):
            settle = f"manage.py headway_settle {seen['id']} --went-out, or --not-sent"
            out.write(indented(f"Say whether they went out before you retry: {settle}.", 17))
    rare = {"skipped": progress["skipped"], "try again": progress["retrying"], "take-overs": seen["resumes"]}
    for what, count in rare.items():
        if count:
            out.write(f"  {what:10} {count:,}\n")
    for line in lines_of(UUID(seen["id"]))[-LOG_LINES:]:
        out.write(f"  {line.at.astimezone():%H:%M:%S}   {line.text}\n")
    if seen["message"]:
        out.write(f"  message    {seen['message']}\n")
    if seen["reason"] and seen["reason"]["text"] != f"{seen['state'].capitalize()}.":
        out.write(f"  reason     {seen['reason']['text']} ({seen['reason']['code']})\n")
        run = runs.get(seen["id"])
        if run.reason_code and run.reason_detail:  # without a code it is of a setback, which is tried again
            out.write(indented(run.reason_detail, 13))
    if seen["result"] is not None:
        out.write(f"  result     {seen['result']}\n")
    if lacks_worker(seen):
        out.write(f"{no_worker()}\n")


def indented(text: str, columns: int) -> str:
    return textwrap.indent(text.rstrip() + "\n", " " * columns)
