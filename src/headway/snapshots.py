"""A run as a watcher sees it: plain JSON values, everything absolute, nothing a difference."""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import Error, connection
from django.db.models import OuterRef, Q, Subquery
from django.urls import get_script_prefix

from headway.addresses import of_api
from headway.conf import conf
from headway.database import NowMs
from headway.database.statements import Given, Objects, Rows
from headway.engines import queues
from headway.errors import RunNotFound
from headway.models import Kind, Part, Run
from headway.operations import params, registry
from headway.operations.rates import rate_of
from headway.runs.access import id_of
from headway.states import ACTIONS, Action, Counts, State, eta_seconds, percent, rate, shown, summed
from headway.store.parts import holds, planning, workers
from headway.store.parts.candidates import due_parts
from headway.store.runs import control

__all__ = ["snapshot", "snapshots"]

Reason = dict[str, str] | None
log = logging.getLogger(__name__)

BEHIND: Reason = {"code": "behind-run", "text": "It starts by itself when the run before it has ended."}
MOST_AT_ONCE = 64  # runs in one statement
LONGEST_LINE = 100  # of those that wait; a run further back is told "or more"


def snapshot(run: Run | UUID | str) -> dict[str, Any]:
    """The run now. Raises RunNotFound."""
    run_id = id_of(run)
    try:
        return snapshots([run_id])[run_id]
    except KeyError:
        raise RunNotFound(run_id) from None


def snapshots(run_ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """The runs now, by id, in the given order; those that aren't there are left out. Of 64 runs at most four
    statements, and one for each further queue of runs that wait in line.

    Runs and parts are read by one statement, so that a run's counts and its revision belong together. A run that is to
    end, and whose last worker is gone, ends as it is looked at: no worker may ever come to end it.
    """
    there = read(list(run_ids))
    if deserted := [run_id for run_id, parts in there.items() if is_deserted(parts[0].run, parts)]:
        end_deserted(deserted)
        there |= read(deserted)
    reasons = waiting_reasons(there)
    return {run_id: describe(found[0].run, found, reasons.get(run_id)) for run_id, found in there.items()}


def read(run_ids: list[UUID]) -> dict[UUID, list[Any]]:
    """The parts of those of these runs that are there, in the order of the runs."""
    parts: dict[UUID, list[Any]] = {run_id: [] for run_id in run_ids}
    for start in range(0, len(run_ids), MOST_AT_ONCE):
        for part in parts_of(run_ids[start : start + MOST_AT_ONCE]):
            parts[part.run_id].append(part)
    return {run_id: found for run_id, found in parts.items() if found}


def end_deserted(run_ids: list[UUID]) -> None:
    """End these, where it can be done now. A caller that only looks isn't kept from it: the next tries again."""
    if connection.in_atomic_block:
        return  # the caller's transaction, which needn't be committed
    for run_id in run_ids:
        try:
            control.end_deserted(run_id)
        except (Error, RunNotFound) as error:
            log.warning("run=%s event=not-ended error=%r", run_id, error)


def parts_of(run_ids: list[UUID]) -> list[Part]:
    """The parts of these runs, each with its run, the run that retries it, and the database's clock (`now`)."""
    size = 1 << (len(run_ids) - 1).bit_length()  # a statement for each power of two: the rest is the last one again
    given = {f"run{place}": run_ids[min(place, len(run_ids) - 1)] for place in range(size)}
    return parts_of_so_many(size)(**given)


@cache
def parts_of_so_many(runs: int) -> Objects[Part]:
    wanted: list[Any] = [Given(f"run{place}", Run, "id") for place in range(runs)]
    retry = Run.objects.filter(retry_of=OuterRef("run")).order_by().values("pk")
    there = Part.objects.filter(run__id__in=wanted, run__deleted=False)
    rows = there.annotate(now=NowMs(), retried_by=Subquery(retry))
    return Objects(rows.order_by("id"), "run")


def describe(run: Run, parts: list[Any], waits: Reason) -> dict[str, Any]:
    """One run in the contract's words."""
    until, operation = waiting_until(run, parts), registry.find(run.operation)
    stalled = is_stalled(run, parts)
    failures = summed(*(part.failures for part in parts))  # the most frequent first
    return {
        "id": str(run.pk),
        "operation": registry.current_name(run.operation),
        "title": str(operation.title) if operation else run.operation,  # a translation, in the language that is active
        "state": str(shown(State(run.state))),
        "done": run.is_done,
        "progress": progress(run, parts, stalled),
        "message": next((part.message for part in sorted(parts, key=lambda part: -part.changed) if part.message), ""),
        "reason": reason(run) or (until and asleep(parts)) or waits,
        "stalled": stalled,
        "resumes": sum(part.resumes for part in parts),
        "hooks_failed": sum(part.hooks_failed for part in parts),
        "params": params.shown(run.params),
        "result": run.result,
        "failure_summary": [{"code": code, "count": count} for code, count in failures.items()],
        "created_at": moment(run.created_at),
        "started_at": moment(run.started_at),
        "updated_at": moment(datetime.fromtimestamp(max(run.changed, *(part.changed for part in parts)) / 1000, UTC)),
        "finished_at": moment(run.finished_at),
        "paused_seconds": run.paused_ms / 1000,
        "waiting_until": moment(until),
        "actions": actions(run, parts),
        "dry_run": run.dry_run,
        "retry_of": str(run.retry_of_id) if run.retry_of_id else None,
        "retried_by": str(parts[0].retried_by) if parts[0].retried_by else None,
        "revision": run.revision + sum(part.seq for part in parts),
        "links": links(run.pk) | links_to_files(run),
    }


def reason(run: Run) -> Reason:
    """Why it paused or ended so, where that is stored."""
    return {"code": run.reason_code, "text": run.reason_text} if run.reason_code else None


def actions(run: Run, parts: list[Any]) -> list[str]:
    """What may be asked of it: as its state allows, and a retry only where something is left and no run retries it."""
    left = parts[0].retried_by is None and any(planning.leaves_something(part) for part in parts)
    return [str(action) for action in ACTIONS[State(run.state)] if action != Action.RETRY or left]


def moment(value: datetime | None) -> str | None:
    """RFC 3339, in UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value else None


def links(run_id: UUID) -> dict[str, str]:
    """Where more of the run is to be had: paths, so that they hold behind any proxy. Empty where no URL is mounted."""
    if not (run := of_api("run", run_id)):
        return {}
    return {
        "self": run,
        "events": of_api("run-events", run_id),
        "wait": of_api("run-wait", run_id),
        "socket": f"{get_script_prefix().rstrip('/')}{conf().socket_path}runs/{run_id}/",
        "items": of_api("run-items", run_id),
        "failures": of_api("run-failures", run_id, "csv"),
    }


def links_to_files(run: Run) -> dict[str, str]:
    """Where that is to be had which only some operations give: results, and a file once the run has ended."""
    operation = registry.find(run.operation)
    results = of_api("run-results", run.pk, "csv") if operation and operation.keep_results else ""
    file = operation.file if operation and run.is_done else None
    found = {"results": results, "file": of_api("run-file", run.pk, file.name.rpartition(".")[2]) if file else ""}
    return {name: address for name, address in found.items() if address}


def is_stalled(run: Run, parts: list[Any]) -> bool:
    """Whether one of its owners has let its lease run out, though it could have renewed it."""
    silent = [part.due for part in parts if part.token is not None and part.due < part.now]
    return not run.is_done and bool(silent) and not workers.is_kept_silent(min(silent))


def is_deserted(run: Run, parts: list[Any]) -> bool:
    """Whether it is to end, and none of its owners is left to end it."""
    alive = any(part.token is not None and part.due >= part.now for part in parts)
    return run.want in control.ENDS and is_stalled(run, parts) and not alive


def waiting_until(run: Run, parts: list[Any]) -> datetime | None:
    """When the first of its parts goes on, where all of them wait for a moment; None: somebody works, or could."""
    left = [part for part in parts if not part.closed]
    wait = all(part.token is None and (part.due or 0) > part.now and (part.waits or part.phase) for part in left)
    if run.state != State.RUNNING or not left or not wait or any(part.lacks_holds for part in left):
        return None
    return datetime.fromtimestamp(min(part.due for part in left) / 1000, UTC)


def asleep(parts: list[Any]) -> Reason:
    """Why a part waits, where its items have said so."""
    return next(({"code": "waiting", "text": part.waits} for part in parts if part.waits), None)


def progress(run: Run, parts: list[Any], stalled: bool) -> dict[str, Any]:
    """Counts that add up, a percentage that is rounded down, and a rate while somebody works."""
    counts = sum((Counts(part.succeeded, part.failed, part.skipped) for part in parts), Counts())
    step = step_of(run, parts)
    known = None if run.total is None else run.total + sum(part.added for part in parts)
    if step and parts[0].bounds:
        known = step["of"] - parts[0].before  # it needn't be counted
    # A total that was counted before rows were added must not be passed by.
    total = None if known is None else max(known, counts.processed)
    grows = may_grow(run, parts) and not (run.is_done and total == counts.processed)
    paces, now = [part.pace for part in parts], parts[0].now
    # Three steps say nothing about how long the fourth takes.
    working = run.state == State.RUNNING and not stalled and step is None
    return {
        "total": total,
        "total_exact": (run.total_exact or step is not None) and total == known and not grows,
        "processed": counts.processed,
        "succeeded": counts.succeeded,
        "failed": counts.failed,
        "skipped": counts.skipped,
        "retrying": sum(part.retrying for part in parts),
        "percent": None if grows else percent(counts.processed, total, done=run.is_done),
        "rate": rounded(rate(paces, now, interval_ms(run))) if working else None,
        "eta_seconds": eta_seconds(paces, now, counts, total) if working and not grows else None,
        "finishing": run.state == State.RUNNING and any(part.kind == Kind.FINISH for part in parts),
        "step": step,
    }


def step_of(run: Run, parts: list[Any]) -> dict[str, Any] | None:
    """Of a run that has steps, the one that is under way or comes next, and in the end the last; None: it has items."""
    titles = step_titles(run.operation)
    if not titles:
        return None
    part = parts[0]
    names = part.bounds["steps"] if part.bounds else list(titles)
    number = min((part.cursor or 0) + 1, len(names))
    name = names[number - 1]
    stand = part.step or {}
    begun = bool(not run.is_done and part.token is not None and stand.get("name") == name and stand["begun"])
    done, total = (stand["done"], stand["total"]) if begun else (None, None)
    return {
        "name": name,
        "title": titles.get(name, name),
        "number": number,
        "of": len(names),
        "under_way": begun,
        "done": done,
        "total": total,
        "percent": None if done is None else percent(done, total, done=False),
        "eta_seconds": eta_seconds([stand["pace"]], part.now, Counts(stand["pace"][-1][1]), 1000) if begun else None,
    }


def may_grow(run: Run, parts: list[Any]) -> bool:
    """Whether its items add others: then its total is what is known so far, and a share of that would fall again."""
    operation = registry.find(run.operation)
    return any(part.added for part in parts) or bool(operation and operation.discovers)


def interval_ms(run: Run) -> int:
    """How long its operation's rate lets at least pass from one item to the next."""
    operation = registry.find(run.operation)
    limit = rate_of(operation) if operation else None
    return limit.interval_us // 1_000 if limit else 0


def rounded(speed: float | None) -> float | None:
    """To three digits: 0.0833 is one item in 12 seconds, not none."""
    return None if speed is None else float(f"{speed:.3g}")


def waiting_reasons(there: dict[UUID, list[Any]]) -> dict[UUID, Reason]:
    """Why runs don't go on although nothing was asked of them: they stand behind another, in line, or lack a worker."""
    behind = [run_id for run_id, parts in there.items() if parts[0].run.state == State.WAITING]
    unowned = {run_id: parts for run_id, parts in there.items() if needs_worker(parts)}
    in_line: dict[UUID, Reason] = {run_id: why for run_id, parts in unowned.items() if (why := kept_waiting(parts))}
    if standing := [run_id for run_id, parts in unowned.items() if stands_in_line(parts)]:
        in_line |= {run_id: held_elsewhere(names) for run_id, names in holds.wanted_by(standing).items()}
    unowned = {run_id: parts for run_id, parts in unowned.items() if run_id not in in_line}
    return dict.fromkeys(behind, BEHIND) | in_line | (unowned_reasons(unowned) if unowned else {})


def stands_in_line(parts: list[Any]) -> bool:
    """Whether the run waits for names that other runs hold."""
    return any(part.lacks_holds and part.due is None and not part.closed for part in parts)


def kept_waiting(parts: list[Any]) -> Reason:
    """That another service has the names that the run is to hold, or nobody can tell; None: neither."""
    kept = (part for part in parts if part.lacks_holds and part.waits and not part.closed)
    return next(({"code": "hold", "text": part.waits} for part in kept), None)


def held_elsewhere(names: list[str]) -> Reason:
    """Which run has them isn't said: not everybody who sees this run may see that one."""
    listed = ", ".join(f"“{name}”" for name in names)
    return {"code": "hold", "text": f"Another run comes first for {listed}. It goes on by itself after that one."}


def needs_worker(parts: list[Any]) -> bool:
    """Whether a run is to be worked, and no lease says that a worker does it."""
    wanted = parts[0].run.state in (State.QUEUED, State.RUNNING)
    return wanted and not any(part.token is not None and part.due >= part.now for part in parts)


def unowned_reasons(there: dict[UUID, list[Any]]) -> dict[UUID, Reason]:
    """For runs that need a worker: that there is none, or how many stand before those that haven't begun."""
    queued = {run_id: parts[0] for run_id, parts in there.items() if parts[0].run.state == State.QUEUED}
    if not workers.alive():
        return {run_id: no_worker("starts" if run_id in queued else "goes on") for run_id in there}
    if not queued:
        return {}
    queue_of = {run_id: queues.of(part.run.operation) for run_id, part in queued.items()}
    lines = {queue: places_among(queues.among([queue]))() for queue in set(queue_of.values())}

    def standing_before(run_id: UUID, part: Any) -> int:
        # Counted, not looked up: a run that was claimed a moment ago isn't in the line any more, and not behind it.
        own = (part.due or 0, part.pk)
        return len({other for due, pk, other in lines[queue_of[run_id]] if other != run_id and (due, pk) < own})

    return {run_id: before(standing_before(run_id, part)) for run_id, part in queued.items()}


@cache
def places_among(condition: Q | None) -> Rows:
    """(due, part, run) of those among these that wait for their first worker, in their order."""
    waiting = due_parts().filter(condition or Q(), served_ms=0, run__state=State.QUEUED)
    return Rows(waiting.order_by("due", "id").values_list("due", "id", "run_id")[:LONGEST_LINE])


def no_worker(what: str) -> Reason:
    return {"code": "no-worker", "text": f"It {what} by itself as soon as a worker is there."}


def before(count: int) -> Reason:
    """The reason of a run that has so many before it; none for the next one."""
    if not count:
        return None
    many = f"{count:,} runs or more stand" if count >= LONGEST_LINE else f"{count:,} runs stand"
    return {"code": "in-line", "text": f"{'One run stands' if count == 1 else many} before it. It starts by itself."}


def step_titles(operation: str) -> dict[str, str]:
    """What people call each of the operation's steps; none where it has none, or this code doesn't have it any more."""
    declared = registry.find(operation)
    return {name: str(title) for name, title in declared.step_titles.items()} if declared else {}
