"""The store's transactions, each with the guard that the real statement has; test_conformance.py compares them.

Every one takes the database and gives the database after it, with its answer. A mutation is a subclass that does one of
them wrongly.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from headway.states import TERMINAL, Action, Event, State, Want, after
from headway.states.machine import ACTIONS

from .state import FOUND, LATER, LEASED, NOW, Added, Data, Item, Outcome, Part, Place, Run

__all__ = ["ENDS", "FENCED", "NEW", "Done", "Store"]

ENDS = (Want.STOP, Want.CANCEL)
POISON_DEATHS = 2
ATTEMPTS = 2
NEW = -1
FENCED = "fenced"
ACTIVE = (State.QUEUED, State.RUNNING)
FINISHES = (Event.FINISH_CLEAN, Event.FINISH_SOME_FAILED, Event.FINISH_ALL_FAILED)


class Done(NamedTuple):
    """The database after a transaction, the part as its owner has it then, and what the owner is told."""

    data: Data
    part: Part | None = None
    answer: str = ""


class Store:
    """The store of a scene."""

    def __init__(
        self, items: tuple[Item, ...], *, has_finish: bool, most_failed: int | None, holds: tuple[str, ...] = ()
    ) -> None:
        self.items = items
        self.holds = holds
        """Of each run the names that it holds, each a letter; such runs have keys of their own."""
        self.has_finish = has_finish
        self.most_failed = most_failed
        self.ranges = {
            part: [number for number, item in enumerate(items) if item.part == part]
            for part in {item.part for item in items if item.part != FOUND}
        }

    # The guards

    def is_as_left(self, row: Part, mine: Part) -> bool:
        """AS_WE_LEFT_IT: the fence."""
        return row.token == mine.token and row.seq == mine.seq

    def is_ours(self, row: Part, mine: Part) -> bool:
        """OURS."""
        return row.token == mine.token

    def may_be_claimed(self, row: Part) -> bool:
        return row.due == NOW

    # Claims and leases

    def take(self, data: Data, part: int, token: int) -> Done:
        row = data.parts[part]
        if not self.may_be_claimed(row):
            return Done(data)
        if row.lacks_holds:
            data, has_all = self.take_holds(data, row.run)
            if not has_all:
                return Done(data)
            row = data.parts[part]
        if row.kind == "plan":
            data = self.begin(data, row.run)
        interrupted = row.token is not None
        row = row._replace(
            due=LEASED,
            token=token,
            seq=row.seq + interrupted,
            careful=row.careful or (interrupted and row.suspected),
            suspected=row.suspected or interrupted,
        )
        return Done(put(data, row), row)

    def take_late(self, data: Data, part: int, token: int) -> Done:
        """By a worker that saw the part while its run had its holds."""
        return Done(data) if data.parts[part].lacks_holds else self.take(data, part, token)

    def begin(self, data: Data, run: int) -> Data:
        row = data.runs[run]
        if row.want == Want.RUN and row.state in ACTIVE:
            return put_run(data, run, row._replace(state=after(row.state, Event.BEGIN)))
        return data

    # Holds

    def names_of(self, run: int) -> str:
        return self.holds[run] if self.holds else ""

    def take_holds(self, data: Data, run: int) -> tuple[Data, bool]:
        """Whether the run has all its names now; otherwise it stands in their lines."""
        if data.runs[run].state in TERMINAL or data.runs[run].want != Want.RUN:
            return data, False
        there = {place.name for place in data.places if place.run == run}
        new = tuple(Place(run, name) for name in sorted(self.names_of(run)) if name not in there)
        data = data._replace(places=(*data.places, *new))
        if self.is_behind(data, run):
            return self.move_parts(data, run, None), False
        held = tuple(place._replace(held=True) if place.run == run else place for place in data.places)
        return change(data._replace(places=held), parts_of(data, run), lacks_holds=False), True

    def is_behind(self, data: Data, run: int) -> bool:
        """Whether another run comes first for one of its names."""
        return any(first_of(data, place.name).run != run for place in data.places if place.run == run)

    def free(self, data: Data, run: int) -> Data:
        if not self.names_of(run):
            return data
        data = data._replace(places=tuple(place for place in data.places if place.run != run))
        return self.promote(change(data, parts_of(data, run), lacks_holds=True), run)

    def promote(self, data: Data, freed_by: int) -> Data:
        names = [name for name in self.names_of(freed_by) if any(place.name == name for place in data.places)]
        first = [first_of(data, name) for name in names]
        for run in sorted({place.run for place in first if not place.held}):
            data = self.move_parts(data, run, NOW)
        return data

    def move_parts(self, data: Data, run: int, due: int | None) -> Data:
        for part in self.open_parts(data, run):
            if part.lacks_holds and part.token is None and part.want == Want.RUN:
                data = put(data, part._replace(due=due, seq=part.seq + 1))
        return data

    def renew(self, data: Data, mine: Part) -> Done:
        return Done(change(data, self.same_token(data, mine), due=LEASED))

    def release(self, data: Data, mine: Part) -> Done:
        row = data.parts[mine.id]
        if not self.is_ours(row, mine) or row.want != Want.RUN:
            return Done(data, answer="unwanted")
        return Done(put(data, row._replace(token=None, due=NOW)))

    def reclaim(self, data: Data, mine: Part) -> Done:
        rows = self.same_token(data, mine)
        if not rows:
            return Done(data, answer=FENCED)
        for row in rows:
            back = row._replace(
                due=LEASED,
                seq=row.seq + 1,
                setbacks=row.setbacks + 1,
                deaths=0,
                careful=row.careful or row.setbacks > 0,
            )
            data = put(data, back)
        return Done(data, data.parts[rows[0].id])

    def same_token(self, data: Data, mine: Part) -> list[Part]:
        return [row for row in data.parts if row.run == mine.run and row.token == mine.token is not None]

    # Planning

    def plan(self, data: Data, mine: Part) -> Done:
        run = data.runs[mine.run]
        if run.want != Want.RUN:
            return Done(data, answer="unwanted")
        row = data.parts[mine.id]
        if not self.is_as_left(row, mine):
            return Done(data, answer=FENCED)
        first, *others = self.ranges_of(mine.run)
        row = row._replace(kind="items", range=first, seq=row.seq + 1, due=LEASED)
        data = put(put_run(data, mine.run, run._replace(parts_left=1 + len(others))), row)
        for each in others:
            data = add(data, Part(id=len(data.parts), run=mine.run, kind="items", range=each))
        return Done(data, row)

    def ranges_of(self, run: int) -> list[int]:
        """The ranges that the run is to read: hundreds are its number."""
        return sorted(part for part in self.ranges if part // 100 == run)

    # Chunks

    def entries(self, data: Data, mine: Part) -> list[tuple[int, int, int]]:
        """(cursor behind it, item, attempts so far) of what the part's feed gives next; attempts are NEW where it was
        added."""
        if mine.phase:
            new = [(each.id, each.item, NEW) for each in self.added_left(data, mine)]
            rows = (each for each in data.outcomes if each.part == mine.id and each.state == "retrying")
            return new + [(each.id, each.item, each.attempts) for each in rows if each.ripe and each.id > mine.cursor]
        items = self.ranges[mine.range]
        return [(at + 1, items[at], 0) for at in range(mine.cursor, len(items))]

    def added_left(self, data: Data, mine: Part) -> list[Added]:
        """What the part has added and is still to do."""
        return [each for each in data.added if each.part == mine.id and each.id > mine.behind]

    def verdict(self, item: int, phase: int, attempts: int) -> str:
        """What becomes of the item: ok, failed or retrying."""
        match self.items[item].does:
            case "fail":
                return "failed"
            case "again" if attempts in (0, NEW):
                return "retrying"
            case "always-again":
                return "retrying" if max(attempts, 0) + 1 < ATTEMPTS else "failed"
            case "mended" if phase == 0:
                return "failed"
        return "ok"

    def begin_item(self, data: Data, mine: Part) -> Done:
        row = data.parts[mine.id]
        if not self.is_as_left(row, mine):
            return Done(data, answer=FENCED)
        row = row._replace(deaths=mine.deaths + 1, seq=row.seq + 1, due=LEASED)
        return Done(put(data, row), mine._replace(seq=mine.seq + 1))

    def chunk(self, data: Data, mine: Part, entries: list[tuple[int, int, int]], left_out: bool = False) -> Done:
        """The effects of these items, their outcomes and the checkpoint."""
        if not self.is_as_left(data.parts[mine.id], mine):
            return Done(data, answer=FENCED)
        done = self.checkpoint(self.effects(data, mine, entries, left_out), mine, entries, left_out)
        return self.add_found(done, [] if left_out else self.found_by(mine, entries))

    def found_by(self, mine: Part, entries: list[tuple[int, int, int]]) -> list[int]:
        """What these items add, those included that the run knows."""
        adds = [item for _, item, tried in entries if self.items[item].does == "adds"]
        return [item for item, each in enumerate(self.items) if item == 0 or each.part == FOUND] if adds else []

    def add_found(self, done: Done, items: list[int]) -> Done:
        """What is new among them, in the chunk's transaction: each key once in the run."""
        data, mine = done.data, done.part
        new = [item for item in items if self.is_new(data, item)]
        if mine is None or not new:
            return done
        rows = tuple(Added(len(data.added) + at, mine.id, item) for at, item in enumerate(new, 1))
        row = data.parts[mine.id]
        data = put(data._replace(added=(*data.added, *rows)), row._replace(added=row.added + len(new)))
        return Done(data, mine._replace(added=mine.added + len(new)))

    def is_new(self, data: Data, item: int) -> bool:
        return self.items[item].part == FOUND and item not in {each.item for each in data.added}

    def effects(self, data: Data, mine: Part, entries: list[tuple[int, int, int]], left_out: bool) -> Data:
        effects = list(data.effects)
        for _, item, attempts in entries:
            if not left_out and self.verdict(item, mine.phase, attempts) == "ok":
                effects[item] += 1
        return data._replace(effects=tuple(effects))

    def checkpoint(self, data: Data, mine: Part, entries: list[tuple[int, int, int]], left_out: bool) -> Done:
        verdicts = ["failed" if left_out else self.verdict(item, mine.phase, tried) for _, item, tried in entries]
        again_behind = max((cursor for cursor, _, tried in entries if tried != NEW), default=mine.cursor)
        if mine.phase:
            done = {cursor for cursor, _, tried in entries if tried != NEW}
            data = data._replace(outcomes=tuple(each for each in data.outcomes if each.id not in done))
        for (_, item, tried), verdict in zip(entries, verdicts, strict=True):
            if verdict != "ok":
                tries = -1 if left_out else (max(tried, 0) + 1) * (self.items[item].does in ("again", "always-again"))
                data = record(data, mine.id, item, verdict, tries, above=again_behind if mine.phase else 0)
        failed, again = verdicts.count("failed"), verdicts.count("retrying")
        mine = mine._replace(
            cursor=again_behind,
            behind=max((cursor for cursor, _, tried in entries if tried == NEW), default=mine.behind),
            seq=mine.seq + 1,
            succeeded=mine.succeeded + len(entries) - failed - again,
            failed=mine.failed + failed,
            retrying=mine.retrying + again - (sum(tried != NEW for _, _, tried in entries) if mine.phase else 0),
            deaths=0,
            setbacks=0,
        )
        row = data.parts[mine.id]
        kept = {name: getattr(mine, name) for name in MOVED}
        return Done(put(data, row._replace(seq=row.seq + 1, **kept)), mine)

    # Calls to others

    def settle(self, data: Data, mine: Part, answered: Iterable[int], start: int) -> Done:
        """These of the flight have come back; the cursor moves over the settled prefix, and so many more are put into
        the flight: their calls go out after this has committed."""
        if not self.is_as_left(data.parts[mine.id], mine):
            return Done(data, answer=FENCED)
        flight = [("settled" if at in set(answered) else each) for at, each in enumerate(mine.flight)]
        mine = mine._replace(succeeded=mine.succeeded + len(list(answered)))
        return self.checkpoint_flight(data, mine, flight + ["out"] * start)

    def list_in_doubt(self, data: Data, mine: Part) -> Done:
        """What another owner had started may have gone out or not: it is listed, and never sent again by itself."""
        if not self.is_as_left(data.parts[mine.id], mine):
            return Done(data, answer=FENCED)
        data, mine = self.in_doubt(data, mine)
        return self.checkpoint_flight(data, mine, ["settled"] * len(mine.flight))

    def in_doubt(self, data: Data, mine: Part) -> tuple[Data, Part]:
        for at, each in enumerate(mine.flight):
            if each == "out":
                item = self.ranges[mine.range][mine.cursor + at]
                data = record(data, mine.id, item, "failed", 0, code="in-doubt")
        return data, mine._replace(failed=mine.failed + mine.flight.count("out"))

    def checkpoint_flight(self, data: Data, mine: Part, flight: list[str]) -> Done:
        settled = next((at for at, each in enumerate(flight) if each == "out"), len(flight))
        mine = mine._replace(cursor=mine.cursor + settled, flight=tuple(flight[settled:]), seq=mine.seq + 1)
        mine = mine._replace(deaths=0, setbacks=0)
        row = data.parts[mine.id]
        kept = {name: getattr(mine, name) for name in (*MOVED, "flight")}
        return Done(put(data, row._replace(seq=row.seq + 1, due=LEASED, **kept)), mine)

    def list_flights(self, data: Data, run: int) -> Data:
        """The run ends while calls may be under way: they are in doubt."""
        for part in parts_of(data, run):
            if part.flight:
                data, mine = self.in_doubt(data, part)
                data = put(data, mine._replace(cursor=mine.cursor + len(mine.flight), flight=(), seq=mine.seq + 1))
        return data

    # A part's end

    def is_left(self, data: Data, mine: Part) -> bool:
        return bool(self.added_left(data, mine)) or (mine.retrying > 0 and bool(retrying(data, mine.id)))

    def begin_pass(self, data: Data, mine: Part) -> Done:
        row = data.parts[mine.id]
        if not self.is_as_left(row, mine):
            return Done(data, answer=FENCED)
        if row.want != Want.RUN:
            return Done(data, answer="unwanted")
        ripe = self.added_left(data, mine) or any(each.ripe for each in retrying(data, mine.id))
        due = NOW if ripe else LATER
        back = row._replace(token=None, due=due, deaths=0, seq=row.seq + 1, phase=row.phase + 1, cursor=0)
        return Done(put(data, back))

    def close_part(self, data: Data, mine: Part) -> Done:
        run = data.runs[mine.run]
        if not self.may_conclude(run):
            return Done(data, answer="unwanted")
        if not self.is_as_left(data.parts[mine.id], mine):
            return Done(data, answer=FENCED)
        data = self.shut(data, mine)
        data = put_run(data, mine.run, run._replace(parts_left=run.parts_left - 1))
        if data.runs[mine.run].parts_left:
            return Done(data)
        if self.has_finish:
            last = Part(len(data.parts), mine.run, "finish", due=LEASED, token=mine.token)
            return Done(add(data, last), last, "finish")
        return Done(self.end(data, mine.run, self.verdict_on_run(data, mine.run)))

    def may_conclude(self, run: Run) -> bool:
        return run.want == Want.RUN

    def shut(self, data: Data, mine: Part) -> Data:
        row = data.parts[mine.id]
        return put(data, row._replace(closed=True, token=None, due=None, retrying=0, seq=row.seq + 1))

    def finish(self, data: Data, mine: Part) -> Done:
        run = data.runs[mine.run]
        if not self.may_conclude(run):
            return Done(data, answer="unwanted")
        if not self.is_as_left(data.parts[mine.id], mine):
            return Done(data, answer=FENCED)
        data = put_run(self.shut(data, mine), mine.run, run._replace(finished=run.finished + 1))
        return Done(self.end(data, mine.run, self.verdict_on_run(data, mine.run)))

    def verdict_on_run(self, data: Data, run: int) -> Event:
        parts = parts_of(data, run)
        failed, succeeded = sum(part.failed for part in parts), sum(part.succeeded for part in parts)
        if not failed:
            return Event.FINISH_CLEAN
        return Event.FINISH_SOME_FAILED if succeeded else Event.FINISH_ALL_FAILED

    def end(self, data: Data, run: int, event: Event) -> Data:
        row = data.runs[run]
        held = row.holds_key
        data = put_run(data, run, row._replace(state=after(row.state, event), holds_key=False))
        if event not in FINISHES:
            data = self.give_up_retrying(self.list_flights(data, run), run)
        return self.free(self.promote_next(data), run) if held else data

    def give_up_retrying(self, data: Data, run: int) -> Data:
        for part in parts_of(data, run):
            rows = retrying(data, part.id)
            if part.retrying:
                data = put(data, part._replace(failed=part.failed + len(rows), retrying=0))
                given_up = {each.id for each in rows}
                data = data._replace(
                    outcomes=tuple(
                        each._replace(state="failed", ripe=True) if each.id in given_up else each
                        for each in data.outcomes
                    )
                )
        return data

    def promote_next(self, data: Data) -> Data:
        for number, run in enumerate(data.runs):
            if run.state == State.WAITING:
                run = run._replace(state=after(run.state, Event.PROMOTE), holds_key=True)
                return change(put_run(data, number, run), parts_of(data, number), due=NOW)
        return data

    # What is wanted

    def submit(self, data: Data) -> Data:
        """Another run of the same key, which stands in line where one is live."""
        number = len(data.runs)
        taken = any(run.holds_key for run in data.runs) and not self.holds
        run = Run(State.WAITING, holds_key=False) if taken else Run(State.QUEUED)
        data = data._replace(runs=(*data.runs, run))
        lacks = bool(self.names_of(number))
        return add(data, Part(len(data.parts), number, due=None if taken else NOW, lacks_holds=lacks))

    def ask_pause(self, data: Data, run: int) -> Data | None:
        row = data.runs[run]
        if row.want == Want.STOP or row.state in (State.PAUSING, State.PAUSED) or not allowed(row, Action.PAUSE):
            return None
        data = self.move(data, run, Event.ASK_PAUSE)
        return self.rest(self.want(data, run, Want.PAUSE), run)

    def ask_cancel(self, data: Data, run: int) -> Data | None:
        row = data.runs[run]
        if row.state not in (State.CANCELLING, State.CANCELLED):
            if not allowed(row, Action.CANCEL):
                return None
            if row.state != State.WAITING:
                data = self.move(data, run, Event.ASK_CANCEL)
            data = self.want(data, run, Want.CANCEL)
        if row.state == State.WAITING:
            return self.end(data, run, Event.DROP)
        return data if data.runs[run].state in TERMINAL else self.rest(data, run)

    def ask_resume(self, data: Data, run: int) -> Data | None:
        row = data.runs[run]
        if row.want == Want.STOP or row.state == State.RUNNING or not allowed(row, Action.RESUME):
            return None
        if row.over_limit:
            data = self.try_failed_again(data, run)
        return self.want(self.move(data, run, Event.RESUME), run, Want.RUN)

    def try_failed_again(self, data: Data, run: int) -> Data:
        for part in parts_of(data, run):
            if part.kind != "items" or not part.failed or part.token is not None:
                continue
            data = data._replace(
                outcomes=tuple(
                    each._replace(state="retrying", attempts=0, ripe=True)
                    if (each.part, each.state) == (part.id, "failed")
                    else each
                    for each in data.outcomes
                )
            )
            again = part._replace(retrying=part.retrying + part.failed, failed=0, seq=part.seq + 1)
            if part.closed:
                again = again._replace(closed=False, phase=part.phase + 1, cursor=0)
            data = put(data, again)
        left = sum(not part.closed for part in parts_of(data, run))
        return put_run(data, run, data.runs[run]._replace(parts_left=left))

    def end_deserted(self, data: Data, run: int) -> Data:
        row = data.runs[run]
        return self.rest(data, run) if row.state not in TERMINAL and row.want in ENDS else data

    def halt(self, data: Data, mine: Part, wanted: Want, over_limit: bool = False) -> Done:
        run = data.runs[mine.run]
        outranked = run.want == Want.CANCEL or (run.want == Want.STOP and wanted == Want.PAUSE)
        outranked |= run.want == wanted == Want.PAUSE and run.over_limit
        before = data
        if not outranked:
            if wanted == Want.PAUSE and run.state in ACTIVE:
                data = self.move(data, mine.run, Event.BREAK)
            data = self.want(data, mine.run, wanted, over_limit)
        handed = self.hand_back(data, mine)
        return Done(self.rest(handed, mine.run)) if handed else Done(before, answer=FENCED)

    def yield_part(self, data: Data, mine: Part) -> Done:
        handed = self.hand_back(data, mine)
        return Done(self.rest(handed, mine.run)) if handed else Done(data, answer=FENCED)

    def hand_back(self, data: Data, mine: Part) -> Data | None:
        due = NOW if data.runs[mine.run].want == Want.RUN else None
        rows = self.same_token(data, mine)
        return change(data, rows, token=None, due=due) if rows else None

    def move(self, data: Data, run: int, event: Event) -> Data:
        row = data.runs[run]
        return put_run(data, run, row._replace(state=after(row.state, event)))

    def want(self, data: Data, run: int, wanted: Want, over_limit: bool = False) -> Data:
        data = put_run(data, run, data.runs[run]._replace(want=wanted, over_limit=over_limit))
        for part in self.open_parts(data, run):
            due = part.due if part.token is not None else NOW if wanted == Want.RUN else None
            data = put(data, part._replace(want=wanted, due=due))
            if wanted == Want.RUN:
                data = change(data, [data.parts[part.id]], setbacks=0)
        return data

    def open_parts(self, data: Data, run: int) -> list[Part]:
        return [part for part in parts_of(data, run) if not part.closed]

    def rest(self, data: Data, run: int) -> Data:
        wanted = data.runs[run].want
        if wanted == Want.RUN:
            return data
        if wanted in ENDS:
            data = self.disown_the_dead(data, run)
        if self.is_owned(data, run):
            return data
        if wanted == Want.PAUSE:
            return self.free(self.move(data, run, Event.YIELD_PAUSE), run)
        return self.end(data, run, Event.YIELD_CANCEL if wanted == Want.CANCEL else Event.YIELD_STOP)

    def is_owned(self, data: Data, run: int) -> bool:
        return any(part.token is not None for part in parts_of(data, run))

    def disown_the_dead(self, data: Data, run: int) -> Data:
        dead = [part for part in parts_of(data, run) if part.token is not None and part.due == NOW]
        return change(data, dead, token=None, due=None)


MOVED = ("cursor", "behind", "succeeded", "failed", "retrying", "suspected", "careful", "deaths", "setbacks")


def put(data: Data, part: Part) -> Data:
    """The database with this row in place of the one with its id."""
    parts = data.parts
    return data._replace(parts=(*parts[: part.id], part, *parts[part.id + 1 :]))


def add(data: Data, part: Part) -> Data:
    return data._replace(parts=(*data.parts, part))


def put_run(data: Data, number: int, run: Run) -> Data:
    return data._replace(runs=(*data.runs[:number], run, *data.runs[number + 1 :]))


def change(data: Data, rows: Iterable[Part], **columns: Any) -> Data:
    for row in rows:
        data = put(data, row._replace(**columns))
    return data


def parts_of(data: Data, run: int) -> list[Part]:
    return [part for part in data.parts if part.run == run]


def first_of(data: Data, name: str) -> Place:
    """Who comes first for a name."""
    return next(place for place in data.places if place.name == name)


def retrying(data: Data, part: int) -> list[Outcome]:
    return [each for each in data.outcomes if each.part == part and each.state == "retrying"]


def allowed(run: Run, action: Action) -> bool:
    return action in ACTIONS[run.state]


def record(data: Data, part: int, item: int, state: str, attempts: int, above: int = 0, code: str = "error") -> Data:
    """Write the outcome down, with an id above all others; `attempts` is -1 where it was left out."""
    number = 1 + max((each.id for each in data.outcomes), default=above)
    if attempts < 0:
        attempts, code = 0, "worker-died"
    told = Outcome(max(number, above + 1), part, item, state, attempts, state != "retrying", code)
    return data._replace(outcomes=(*(each for each in data.outcomes if each.item != item), told))
