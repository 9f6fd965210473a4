"""What must hold in every state, and over every move. Each is named for the promise that it holds."""

from collections.abc import Callable

from headway.states import LIVE, TERMINAL, State, Want

from .mishaps import Move
from .state import FOUND, LEASED, Data, Part, World
from .store import Store

__all__ = ["Promises"]

MOST_SEQ, MOST_PASSES = 20, 8
CALLER = "a call goes out by its part's owner"


class Promises:
    """Judges the states and moves of one scene."""

    def __init__(self, store: Store, *, outside: bool) -> None:
        self.store = store
        self.outside = outside
        self.of_moves: list[tuple[str, Callable[[World, Move], bool]]] = [
            ("an ended run never changes", self.ends_are_final),
            ("an accepted cancel is never forgotten", self.cancels_are_kept),
            ("no effect without the run's key", self.effects_need_the_key),
            ("no effect without the run's holds", self.effects_need_the_holds),
            ("no part is claimed before its owner's lease has ended", self.leases_are_kept),
        ]
        self.of_states: list[tuple[str, Callable[[World], bool]]] = [
            ("an effect at most once", self.each_effect_at_most_once),
            ("a finish at most once", self.each_finish_at_most_once),
            ("the counters equal the rows", self.counters_equal_rows),
            ("an item is behind the checkpoint, or undone", self.nothing_is_skipped),
            ("one live run per key", self.one_run_holds_the_key),
            ("what an item adds is there with its effect", self.added_with_the_effect),
            ("nothing pending in a closed part", self.closed_parts_have_nothing_pending),
            ("at the end each item has its fate", self.ends_are_complete),
            ("at the end nothing is owned or due", self.ends_are_at_rest),
            ("a name is held by one run", self.names_have_one_holder),
            ("a run at rest holds nothing", self.resting_runs_hold_nothing),
            ("nothing is stuck", self.nothing_is_stuck),
            ("nothing goes round for ever", self.nothing_goes_round),
        ]
        if outside:
            self.of_states += [
                ("nothing is silently sent twice", self.nothing_is_sent_twice),
                ("what was sent is known at the end", self.what_was_sent_is_known),
            ]

    def broken_by(self, before: World, move: Move) -> str | None:
        """The first promise about moves that this one breaks."""
        if before.data is move.after.data:
            return None if self.callers_own_their_part(before, move) else CALLER
        return next((name for name, holds in self.of_moves if not holds(before, move)), None)

    def broken_in(self, world: World) -> str | None:
        """The first promise about states that doesn't hold in this one."""
        return next((name for name, holds in self.of_states if not holds(world)), None)

    # States

    def each_effect_at_most_once(self, world: World) -> bool:
        return all(count <= 1 for count in world.data.effects)

    def each_finish_at_most_once(self, world: World) -> bool:
        return all(run.finished <= 1 for run in world.data.runs)

    def counters_equal_rows(self, world: World) -> bool:
        data = world.data
        return all(self.counts_are_true(data, part) for part in data.parts if part.kind == "items")

    def counts_are_true(self, data: Data, part: Part) -> bool:
        rows = [each.state for each in data.outcomes if each.part == part.id]
        items = self.store.ranges[part.range] + [each.item for each in data.added if each.part == part.id]
        if self.outside:
            behind = part.cursor + part.flight.count("settled")
            if part.succeeded != behind - rows.count("failed"):
                return False
        elif part.succeeded != sum(data.effects[item] for item in items):
            return False
        added = sum(each.part == part.id for each in data.added)
        told = part.failed, part.retrying, part.added
        return told == (rows.count("failed"), rows.count("retrying"), added)

    def added_with_the_effect(self, world: World) -> bool:
        """Once in all, and by those alone whose effect is there."""
        data = world.data
        adders = [item for item, each in enumerate(self.store.items) if each.does == "adds" and data.effects[item]]
        new = [item for item, each in enumerate(self.store.items) if each.part == FOUND] if adders else []
        return sorted(each.item for each in data.added) == new

    def nothing_is_skipped(self, world: World) -> bool:
        """What stands behind the cursor has an effect or a row, and nothing else has."""
        data = world.data
        if self.outside:
            return True
        told = {each.item for each in data.outcomes}
        for part in data.parts:
            if part.kind == "items":
                items = self.store.ranges[part.range]
                behind = len(items) if part.phase else part.cursor
                done = [data.effects[item] > 0 or item in told for item in items]
                if done != [at < behind for at in range(len(items))]:
                    return False
        for each in data.added:
            was_done = data.effects[each.item] > 0 or each.item in told
            if was_done != (each.id <= data.parts[each.part].behind):
                return False
        return True

    def one_run_holds_the_key(self, world: World) -> bool:
        runs = world.data.runs
        most = len(runs) if self.store.holds else 1  # each has a key of its own
        return sum(run.holds_key for run in runs) <= most and all(run.holds_key == (run.state in LIVE) for run in runs)

    def closed_parts_have_nothing_pending(self, world: World) -> bool:
        closed = {part.id for part in world.data.parts if part.closed}
        added = (each for each in world.data.added if each.id > world.data.parts[each.part].behind)
        again = (each for each in world.data.outcomes if each.state == "retrying")
        return not any(each.part in closed for each in (*added, *again))

    def ends_are_complete(self, world: World) -> bool:
        data = world.data
        return all(self.is_complete(data, number) for number, run in enumerate(data.runs) if run.state in TERMINAL)

    def is_complete(self, data: Data, number: int) -> bool:
        run, parts = data.runs[number], [part for part in data.parts if part.run == number]
        rows = [each for each in data.outcomes if data.parts[each.part].run == number]
        if any(each.state == "retrying" for each in rows):
            return False
        if run.want != Want.RUN:
            return run.state in (State.CANCELLED, State.FAILED)
        failed = {each.item for each in rows}
        items = [item for part in self.store.ranges_of(number) for item in self.store.ranges[part]]
        items += [each.item for each in data.added if data.parts[each.part].run == number]
        if not self.outside and any((data.effects[item] == 1) == (item in failed) for item in items):
            return False
        whole = all(part.closed for part in parts) and run.parts_left == 0 and run.finished == self.store.has_finish
        return whole and (run.state == State.SUCCEEDED) == (not failed)

    def ends_are_at_rest(self, world: World) -> bool:
        data = world.data
        ended = {number for number, run in enumerate(data.runs) if run.state in TERMINAL}
        return all(part.due is None and part.token is None for part in data.parts if part.run in ended)

    def nothing_is_stuck(self, world: World) -> bool:
        """Whoever isn't done, at rest or in line has a part that will be due."""
        due = {part.run for part in world.data.parts if part.due is not None}
        data, resting = world.data, (*TERMINAL, State.PAUSED, State.WAITING)
        left = [number for number, run in enumerate(data.runs) if run.state not in resting]
        return all(number in due or self.store.is_behind(data, number) for number in left)

    def names_have_one_holder(self, world: World) -> bool:
        held = [place.name for place in world.data.places if place.held]
        return len(held) == len(set(held))

    def resting_runs_hold_nothing(self, world: World) -> bool:
        runs = world.data.runs
        return not any(runs[place.run].state in (*TERMINAL, State.PAUSED) for place in world.data.places)

    def nothing_goes_round(self, world: World) -> bool:
        """No part of so few items needs so many checkpoints, or so many passes."""
        return all(part.seq <= MOST_SEQ and part.phase <= MOST_PASSES for part in world.data.parts)

    def nothing_is_sent_twice(self, world: World) -> bool:
        return all(under_way + had <= 1 for under_way, had in zip(world.wire, world.landed, strict=True))

    def what_was_sent_is_known(self, world: World) -> bool:
        """At the end an item that was, or may have been, sent is counted or listed; none is counted that was not."""
        data = world.data
        for number, run in enumerate(data.runs):
            if run.state in TERMINAL and not all(
                self.is_known(world, part) for part in data.parts if part.run == number
            ):
                return False
        return True

    def is_known(self, world: World, part: Part) -> bool:
        if part.range < 0:
            return True
        listed = {each.item for each in world.data.outcomes}
        for at, item in enumerate(self.store.ranges[part.range]):
            sent = world.wire[item] + world.landed[item]
            if at >= part.cursor and (sent or part.flight):
                return False
            if at < part.cursor and not sent and item not in listed:
                return False
        return True

    # Moves

    def ends_are_final(self, before: World, move: Move) -> bool:
        return all(
            run.state not in TERMINAL or (now == run and same_parts(before.data, move.after.data, number))
            for number, (run, now) in enumerate(zip(before.data.runs, move.after.data.runs, strict=False))
        )

    def cancels_are_kept(self, before: World, move: Move) -> bool:
        runs = zip(before.data.runs, move.after.data.runs, strict=False)
        return all(
            was.want != Want.CANCEL or (now.want == Want.CANCEL and now.state in (State.CANCELLING, State.CANCELLED))
            for was, now in runs
        )

    def effects_need_the_key(self, before: World, move: Move) -> bool:
        effects = before.data.effects
        if effects == move.after.data.effects:
            return True
        changed = {at for at, count in enumerate(effects) if count != move.after.data.effects[at]}
        return all(before.data.runs[self.store.items[item].part // 100].holds_key for item in changed)

    def effects_need_the_holds(self, before: World, move: Move) -> bool:
        data, effects = before.data, before.data.effects
        changed = {at for at, count in enumerate(effects) if count != move.after.data.effects[at]}
        for run in {self.store.items[item].part // 100 for item in changed}:
            held = {place.name for place in data.places if place.held and place.run == run}
            if held != set(self.store.names_of(run)):
                return False
        return True

    def leases_are_kept(self, before: World, move: Move) -> bool:
        parts = zip(before.data.parts, move.after.data.parts, strict=False)
        return all(was.due != LEASED or was.token is None or now.token in (was.token, None) for was, now in parts)

    def callers_own_their_part(self, before: World, move: Move) -> bool:
        if move.caller is None or move.caller.part is None:
            return True
        row = before.data.parts[move.caller.part.id]
        return row.token == move.caller.part.token


def same_parts(before: Data, after: Data, run: int) -> bool:
    return [part for part in before.parts if part.run == run] == [part for part in after.parts if part.run == run]
