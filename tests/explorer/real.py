"""The real store, put into a state of the exploration, moved by one of its own functions, and read again.

The moments of a state have no length: a lease that runs ends in an hour, and what is due was due long ago.
"""

import os
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.core.management.color import no_style
from django.db import connection, transaction
from django.utils import timezone

from headway.clock import now_ms
from headway.database import write
from headway.database.statements import First, Given, Rows, object_of
from headway.errors import InvalidState
from headway.models import Discovery, Hold, ItemOutcome
from headway.models import Part as PartRow
from headway.models import Run as RunRow
from headway.operations.concurrency import OnConflict
from headway.states import LIVE, TERMINAL, Counts, State, Want
from headway.store.parts import checkpoints, discoveries, leases, outcomes, passes, planning
from headway.store.parts.candidates import Candidate
from headway.store.parts.checkpoints import Checkpoint
from headway.store.parts.flights import BEGUN, SETTLED
from headway.store.parts.leases import MOST_CAREFUL, Fenced
from headway.store.parts.outcomes import Outcome as Told
from headway.store.parts.planning import Range
from headway.store.runs import control, endings
from headway.store.runs.control import FAILURE_LIMIT, Reason
from headway.store.starts import submissions
from headway.store.starts.requests import Request, hash_key
from tests.app.models import LedgerEntry

from .state import FOUND, LATER, LEASED, NOW, Added, Data, Outcome, Part, Place, Run
from .store import FENCED, NEW, Done, Store

__all__ = ["STEPS", "RealStore"]

RUNS = [uuid.UUID(int=number + 1) for number in range(3)]
KEY = hash_key("tests.scripted", None)
HOUR = 3_600_000
ALL = {  # each is read after each step
    model: Rows(model.objects.order_by("pk").values_list(*[field.attname for field in model._meta.concrete_fields]))
    for model in (RunRow, PartRow, ItemOutcome, Hold, Discovery)
}
WRITTEN = Rows(LedgerEntry.objects.values_list("item"))
THE_RUN = First(RunRow.objects.filter(pk=Given("run", RunRow, "id")))
FAR = os.getpid() * 1_000_000  # what a token begins at: on PostgreSQL a session is ended by its name, in any database


class RealStore:
    """Does a step with the functions of `headway.store`."""

    def __init__(self, model: Store) -> None:
        self.model = model
        self.finds = any(each.part == FOUND for each in model.items)

    def put(self, data: Data) -> None:
        """Make the tables, which are empty, say what `data` says."""
        now = now_ms()
        RunRow.objects.bulk_create([self.run_row(number, run, now) for number, run in enumerate(data.runs)])
        PartRow.objects.bulk_create([self.part_row(part, now) for part in data.parts])
        ItemOutcome.objects.bulk_create([outcome_row(each, data, now) for each in data.outcomes])
        Discovery.objects.bulk_create(self.added_rows(data))
        Hold.objects.bulk_create([place_row(at, place) for at, place in enumerate(data.places, 1)])
        LedgerEntry.objects.bulk_create(
            [LedgerEntry(run=RUNS[0], item=str(at)) for at, count in enumerate(data.effects) for _ in range(count)]
        )

    def part_row(self, part: Part, now: int) -> PartRow:
        return PartRow(
            id=part.id + 1,
            run_id=RUNS[part.run],
            kind=part.kind,
            bounds=self.bounds(part.range),
            cursor=self.cursor_of(part),
            seq=part.seq,
            closed=part.closed,
            due={None: None, NOW: 1, LATER: now + HOUR, LEASED: now + HOUR}[part.due],
            token=None if part.token is None else FAR + part.token,
            want=part.want,
            succeeded=part.succeeded,
            failed=part.failed,
            retrying=part.retrying,
            phase=part.phase,
            suspected=MOST_CAREFUL * part.suspected,
            careful=MOST_CAREFUL * part.careful,
            deaths=part.deaths,
            setbacks=part.setbacks,
            lacks_holds=part.lacks_holds,
            flight=self.flight(part) or None,
            added=part.added,
            changed=now,
        )

    def added_rows(self, data: Data) -> list[Discovery]:
        """What the run knows: of its ranges, and what was added."""
        items = self.model.items if self.finds else ()
        known = [
            Discovery(id=FAR + at, run_id=RUNS[0], key=str(at)) for at, each in enumerate(items) if each.part != FOUND
        ]
        added = [
            Discovery(id=each.id, run_id=RUNS[0], part_id=each.part + 1, key=str(each.item)) for each in data.added
        ]
        return known + added

    def run_row(self, number: int, run: Run, now: int) -> RunRow:
        row = run_row(number, run, now)
        if self.model.holds:
            row.holds, row.concurrency_key = sorted(self.model.names_of(number)), self.key(number)
            row.live_key = row.live_key and row.concurrency_key
        return row

    def key(self, number: int) -> str:
        """A run that holds something has a key of its own."""
        return hash_key("tests.scripted", number if self.model.holds else None)

    def cursor_of(self, part: Part) -> Any:
        if not (part.cursor or part.behind):
            return None
        return [part.cursor, 0, part.behind] if part.phase else self.model.ranges[part.range][0] + part.cursor

    def flight(self, part: Part) -> list[list[Any]]:
        """What is under way as a column of the part has it: [key, cursor, stand, starts]."""
        first = self.model.ranges[part.range][part.cursor] if part.flight else 0
        stands = {"out": BEGUN, "settled": SETTLED}
        return [[str(first + at), first + at + 1, stands[each], 1] for at, each in enumerate(part.flight)]

    def bounds(self, number: int) -> Any:
        """A range as the bounds of `tests.app.sources.Numbers`."""
        items = self.model.ranges.get(number)
        return {"first": items[0], "n": items[-1] + 1} if items else None

    def get(self, tokens: dict[int, int]) -> Data:
        """What the tables say. `tokens`: those that were drawn since, as the exploration has them."""
        now = now_ms()
        rows_of_parts = all_of(PartRow)
        ids = [row.pk for row in rows_of_parts]
        parts = tuple(self.part(row, ids, now, tokens) for row in rows_of_parts)
        rows = tuple(outcome(each, now) for each in all_of(ItemOutcome))
        written = Counter(item for (item,) in WRITTEN())
        effects = [written[str(item)] for item in range(len(self.model.items))]
        ordered = sorted(all_of(RunRow), key=lambda row: (row.pk not in RUNS, row.pk))
        places = [Place(self.number_of(row.run_id), row.name, row.held is not None) for row in all_of(Hold)]
        return Data(tuple(map(run, ordered)), parts, rows, tuple(effects), tuple(places), self.added(ids))

    def added(self, ids: list[int]) -> tuple[Added, ...]:
        """Numbered anew, since a key that was known may cost a number."""
        if not self.finds:
            return ()
        rows = [row for row in all_of(Discovery) if row.part_id is not None]
        return tuple(Added(at, ids.index(row.part_id or 0), int(row.key)) for at, row in enumerate(rows, 1))

    def number_of_added(self, row_id: int) -> int:
        return Discovery.objects.filter(part__isnull=False, id__lte=row_id).count() if row_id else 0

    def part(self, row: PartRow, ids: list[int], now: int, tokens: dict[int, int]) -> Part:
        """A row as the exploration has it; `ids`: of all parts, in order."""
        due: int | None = None
        if row.due is not None:
            due = NOW if row.due <= now else LATER if row.token is None else LEASED
        cursor: Any = row.cursor
        return Part(
            id=ids.index(row.pk),
            run=self.number_of(row.run_id),
            kind=str(row.kind),
            range=self.range_of(row.bounds),
            cursor=self.place(row, cursor),
            seq=row.seq,
            closed=row.closed,
            due=due,
            token=None if row.token is None else tokens.get(row.token, row.token - FAR),
            want=Want(row.want),
            succeeded=row.succeeded,
            failed=row.failed,
            retrying=row.retrying,
            phase=row.phase,
            suspected=row.suspected > 0,
            careful=row.careful > 0,
            deaths=row.deaths,
            setbacks=row.setbacks,
            lacks_holds=row.lacks_holds,
            flight=tuple("settled" if stand == SETTLED else "out" for _, _, stand, _ in row.flight or []),
            added=row.added,
            behind=self.number_of_added(discoveries.behind(row)),
        )

    def number_of(self, run_id: uuid.UUID) -> int:
        return RUNS.index(run_id) if run_id in RUNS else len(RunRow.objects.all()) - 1

    def range_of(self, bounds: Any) -> int:
        return next((number for number in self.model.ranges if bounds and self.bounds(number) == bounds), -1)

    def place(self, row: PartRow, cursor: Any) -> int:
        if cursor is None:
            return 0
        return int(cursor[0]) if row.phase else int(cursor) - self.model.ranges[self.range_of(row.bounds)][0]

    def memory(self, mine: Part) -> PartRow:
        """The part as its owner has it in memory."""
        row = self.part_row(mine, now_ms())
        found = THE_RUN(run=RUNS[mine.run])
        assert found is not None
        row.run = found
        return row

    # The steps

    def take(self, part: int, token: int) -> PartRow | None:
        row = PartRow.objects.get(pk=part + 1)
        return leases.take(Candidate(row.pk, row.run_id, row.kind, row.token, row.resumes, row.lacks_holds), "worker")

    def take_late(self, part: int, token: int) -> PartRow | None:
        row = PartRow.objects.get(pk=part + 1)
        return leases.take(Candidate(row.pk, row.run_id, row.kind, row.token, row.resumes, lacks_holds=False), "worker")

    def renew(self, mine: Part) -> str:
        leases.renew(RUNS[mine.run], FAR + (mine.token or 0))
        return ""

    def release(self, mine: Part) -> str:
        return "" if leases.release(self.memory(mine)) else "unwanted"

    def reclaim(self, mine: Part) -> PartRow | str:
        return leases.reclaim(self.memory(mine)) or FENCED

    def plan(self, mine: Part) -> PartRow | str:
        row = self.memory(mine)
        ranges = [Range(self.bounds(number)) for number in self.model.ranges_of(mine.run)]
        return row if planning.plan(row, lambda: ranges) else "unwanted"

    def begin_item(self, mine: Part) -> str:
        checkpoints.begin_item(self.memory(mine))
        return ""

    def chunk(self, mine: Part, entries: list[tuple[int, int, int]], left_out: bool = False) -> str:
        """As `runner.commit` composes it: effects, what is forgotten, what is told, the checkpoint."""
        after = self.model.checkpoint(alone(mine), mine, entries, left_out)
        done = [item for _, item, tried in entries if self.model.verdict(item, mine.phase, tried) == "ok"]
        forgotten = [cursor for cursor, _, tried in entries if tried != NEW] if mine.phase else []
        if left_out:
            return self.commit(mine, after, [], forgotten)
        return self.commit(mine, after, done, forgotten, self.model.found_by(mine, entries))

    def settle(self, mine: Part, answered: list[int], start: int) -> str:
        return self.commit(mine, self.model.settle(alone(mine), mine, answered, start))

    def list_in_doubt(self, mine: Part) -> str:
        return self.commit(mine, self.model.list_in_doubt(alone(mine), mine))

    def commit(
        self,
        mine: Part,
        after: Done,
        effects: Sequence[int] = (),
        forgotten: Sequence[int] = (),
        adds: Sequence[int] = (),
    ) -> str:
        """What the runner would ask for, so that memory is as `after` has it; only the guards can say no."""
        row, part = self.memory(mine), after.part
        assert part is not None
        checkpoint = Checkpoint(
            cursor=self.cursor_of(part),
            counts=Counts(part.succeeded, part.failed),
            worked_ms=0,
            suspected=row.suspected,
            careful=row.careful,
            pace=[],
            message="",
            retrying=part.retrying,
            flight=self.flight(part) if part.flight or mine.flight else None,
        )
        with write():
            for item in effects:
                LedgerEntry.objects.create(run=row.run_id, item=str(item))
            outcomes.forget(forgotten)
            outcomes.record(row, [told_as(each) for each in after.data.outcomes])
            added = discoveries.note(row.run, row, sorted(map(str, adds)))
            checkpoint = replace(checkpoint, added=row.added + added)
            checkpoints.write_checkpoint(row, checkpoint, renew=bool(checkpoint.flight is not None))
        return ""

    def is_left(self, mine: Part) -> bool:
        return passes.is_left(self.memory(mine))

    def begin_pass(self, mine: Part) -> str:
        return "" if passes.begin_pass(self.memory(mine)) else "unwanted"

    def close_part(self, mine: Part) -> str:
        closed = endings.close_part(self.memory(mine), has_finish=self.model.has_finish)
        return "unwanted" if not closed.wanted else "finish" if closed.finish else ""

    def finish(self, mine: Part) -> str:
        row = self.memory(mine)
        return "" if endings.finish(row, lambda: 1 + (row.run.result or 0)) else "unwanted"

    def yield_part(self, mine: Part) -> str:
        control.yield_part(self.memory(mine))
        return ""

    def halt(self, mine: Part, wanted: Want, over_limit: bool = False) -> str:
        control.halt(self.memory(mine), wanted, Reason(FAILURE_LIMIT if over_limit else "test", "Test."))
        return ""

    def ask_pause(self, run: int) -> None:
        control.ask_pause(RUNS[run], Reason("test", "Test."))

    def ask_cancel(self, run: int) -> None:
        control.ask_cancel(RUNS[run], Reason("test", "Test."))

    def ask_resume(self, run: int) -> None:
        control.ask_resume(RUNS[run])

    def end_deserted(self, run: int) -> None:
        control.end_deserted(RUNS[run])

    def submit(self) -> None:
        number = RunRow.objects.count()
        given: Any = {"operation": "tests.scripted", "params": {}, "language": "en", "key": self.key(number)}
        given["holds"] = sorted(self.model.names_of(number)) or None
        submissions.submit(Request(**given, fingerprint=f"{number}", on_conflict=OnConflict.QUEUE))

    @contextmanager
    def at(self, data: Data) -> Iterator[None]:
        """The database says what `data` says, for the length of a `with`."""
        with transaction.atomic():
            self.put(data)
            yield
            transaction.set_rollback(True)

    def do(self, name: str, *given: Any) -> tuple[Data, Any]:
        """(what the tables say after the step, what it answered); "fenced" when it raised Fenced. It is undone."""
        with transaction.atomic():
            count_on()
            answer = told_of(getattr(self, name), given)
            tokens = {answer.token: given[1]} if name.startswith("take") and isinstance(answer, PartRow) else {}
            after = self.get(tokens)
            if isinstance(answer, PartRow):
                ids = sorted(PartRow.objects.values_list("id", flat=True))
                answer = self.part(answer, ids, now_ms(), tokens)
            transaction.set_rollback(True)
        return after, answer


STEPS = (
    "take",
    "take_late",
    "renew",
    "release",
    "reclaim",
    "plan",
    "begin_item",
    "chunk",
    "settle",
    "list_in_doubt",
    "is_left",
    "begin_pass",
    "close_part",
    "finish",
    "yield_part",
    "halt",
    "ask_pause",
    "ask_cancel",
    "ask_resume",
    "end_deserted",
    "submit",
)


def all_of(model: type[Any]) -> list[Any]:
    """The rows of a table, in the order of their keys."""
    return [object_of(model, row) for row in ALL[model]()]


def count_on() -> None:
    """Ids that were given, or were undone, don't move PostgreSQL's sequences."""
    statements = connection.ops.sequence_reset_sql(no_style(), [PartRow, ItemOutcome, Hold, Discovery])
    with connection.cursor() as cursor:
        if statements:
            cursor.execute("".join(statements))


def alone(mine: Part) -> Data:
    """A database with the part as its owner knows it, from which what it writes can be told."""
    return Data((), (mine,) * (mine.id + 1))


def told_of(step: Callable[..., Any], given: tuple[Any, ...]) -> Any:
    try:
        return step(*given)
    except Fenced:
        return FENCED
    except InvalidState:
        return None


def run_row(number: int, run: Run, now: int) -> RunRow:
    waits, ended = run.state == State.WAITING, run.state in TERMINAL
    return RunRow(
        id=RUNS[number],
        operation="tests.scripted",
        language="en",
        params={},
        fingerprint=str(number),
        state=run.state,
        want=run.want,
        live_key=KEY if run.state in LIVE else None,
        waiting_key=f"waiting-{number}" if waits else None,
        concurrency_key=KEY,
        parts_left=run.parts_left,
        reason_code=FAILURE_LIMIT if run.over_limit else "",
        result=run.finished or None,
        finished_at=timezone.now() if ended else None,
        total=0,
        changed=now,
    )


def run(row: RunRow) -> Run:
    return Run(
        State(row.state),
        Want(row.want),
        row.live_key is not None,
        row.parts_left,
        row.reason_code == FAILURE_LIMIT,
        row.result or 0,
    )


def place_row(at: int, place: Place) -> Hold:
    held = place.held
    return Hold(
        id=at, run_id=RUNS[place.run], name=place.name, held=place.name if held else None, fence=at if held else None
    )


def outcome_row(each: Outcome, data: Data, now: int) -> ItemOutcome:
    again = each.state == "retrying"
    return ItemOutcome(
        id=each.id,
        run_id=RUNS[data.parts[each.part].run],
        part_id=each.part + 1,
        key=str(each.item),
        state=each.state,
        code=each.code,
        label=str(each.item),
        attempts=each.attempts,
        retry_at=(1 if each.ripe else now + HOUR) if again else None,
    )


def outcome(row: ItemOutcome, now: int) -> Outcome:
    ripe = row.retry_at is None or row.retry_at <= now
    return Outcome(row.pk, row.part_id - 1, int(row.key), str(row.state), row.attempts, ripe, row.code)


def told_as(each: Outcome) -> Told:
    later = 3_600.0 if each.state == "retrying" else None
    return Told(str(each.item), each.state, each.code, "", "", attempts=each.attempts, retry_after=later)  # type: ignore[arg-type]
