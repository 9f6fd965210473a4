"""What comes from outside: mishaps, wishes of people, and time. How often, each scene says."""

from collections.abc import Iterator
from typing import NamedTuple

from .state import LATER, LEASED, NOW, Data, Worker, World
from .store import Store, change, put
from .worker import IDLE, Runner, Step

__all__ = ["KINDS", "Move", "Nature"]

KINDS = ("crash", "freeze", "lost", "rewind", "break", "pause", "cancel", "submit", "bell")
CRASH, FREEZE, LOST, REWIND, BREAK, PAUSE, CANCEL, SUBMIT, BELL = range(len(KINDS))
MOST_BELLS = 2


class Move(NamedTuple):
    """One step of the world."""

    name: str
    after: World
    mishap: bool = False
    """Whether the way to the end must do without it."""
    caller: Worker | None = None
    """Who has sent a call with it."""


class Nature:
    """All that may happen next in a world."""

    polls = True
    """Whether a worker looks for what is due without having heard a doorbell."""

    def __init__(self, store: Store, runner: Runner, *, with_bells: bool) -> None:
        self.store = store
        self.runner = runner
        self.with_bells = with_bells

    def moves(self, world: World) -> Iterator[Move]:
        """Every move that is possible."""
        for number in range(len(world.workers)):
            yield from self.of_worker(world, number)
        yield from self.of_time(world)
        yield from self.of_people(world)
        yield from self.of_bells(world)

    # Workers

    def of_worker(self, world: World, number: int) -> Iterator[Move]:
        me, who = world.workers[number], f"worker {number}: "
        if me.next == "claim" and not self.is_awake(world):
            return
        for step in self.runner.steps(world.data, me, fresh_token(world), world.landed, world.wire):
            after = self.done(world, number, step)
            caller = me if step.calls is not None else None
            yield Move(who + step.name, after, caller=caller)
            if step.writes:
                yield from self.lost(world, number, step, who)
            if step.name.startswith("chunk") and world.left[REWIND] and step.data != world.data:
                forgotten = spend(set_worker(world, number, step.then), REWIND)
                yield Move(f"{who}{step.name}, which a failover undoes", forgotten, mishap=True)
        if me.part is None:
            if self.with_bells and world.bells:
                yield Move(who + "heard a bell in vain", world._replace(bells=world.bells - 1))
            return
        if world.left[CRASH]:
            yield Move(who + "is killed", spend(set_worker(world, number, IDLE), CRASH), mishap=True)
        if world.left[BREAK] and me.next in ("plan", "items", "finish", "calls"):
            broken = set_worker(world, number, me._replace(next="halt-pause"))
            yield Move(who + "the operation's own code fails", spend(broken, BREAK), mishap=True)

    def is_awake(self, world: World) -> bool:
        return not self.with_bells or self.polls or world.bells > 0

    def done(self, world: World, number: int, step: Step) -> World:
        """The world with the step done; whatever has become due rings."""
        wire = world.wire
        if step.calls is not None:
            wire = add_to(wire, step.calls, 1)
        after = set_worker(world, number, step.then)._replace(data=step.data, wire=wire)
        if not self.with_bells:
            return after
        heard = world.bells - (step.name.startswith("claim") and world.bells > 0)
        return after._replace(bells=min(MOST_BELLS, heard + rings(world.data, step.data)))

    def lost(self, world: World, number: int, step: Step, who: str) -> Iterator[Move]:
        """COMMIT's answer is lost: it was done, or it was not, and the worker can't know."""
        if not world.left[LOST]:
            return
        me = world.workers[number]
        then = IDLE if me.part is None else me._replace(next="lost", calls=())
        unknowing = spend(set_worker(world, number, then), LOST)
        yield Move(f"{who}{step.name}, its answer is lost", unknowing._replace(data=step.data), mishap=True)
        if me.part is not None:
            yield Move(f"{who}{step.name}, lost before it was done", unknowing, mishap=True)

    # Time and the network

    def of_time(self, world: World) -> Iterator[Move]:
        yield from self.leases(world)
        yield from self.waits(world)
        for item, calls in enumerate(world.wire):
            if calls:
                landed = world._replace(wire=add_to(world.wire, item, -1), landed=add_to(world.landed, item, 1))
                yield Move(f"the call for item {item} lands", landed)
                if not any(self.is_calling(worker, item) for worker in world.workers):
                    yield Move(
                        f"the call for item {item} is dropped", world._replace(wire=add_to(world.wire, item, -1))
                    )

    def is_calling(self, worker: Worker, item: int) -> bool:
        if worker.part is None:
            return False
        items = self.store.ranges[worker.part.range] if worker.calls else []
        at = items.index(item) - worker.part.cursor if item in items else -1
        return 0 <= at < len(worker.calls) and worker.calls[at] == "calling"

    def leases(self, world: World) -> Iterator[Move]:
        for row in world.data.parts:
            if row.token is None or row.due != LEASED:
                continue
            owners = [at for at, worker in enumerate(world.workers) if worker.part and worker.part.token == row.token]
            after = world._replace(data=put(world.data, row._replace(due=NOW)))
            for at in owners:
                after = set_worker(after, at, after.workers[at]._replace(lease_runs=False))
            if not owners:
                yield Move(f"the lease of part {row.id} ends", after)
            elif world.left[FREEZE]:
                yield Move(f"worker {owners[0]}: frozen past its lease", spend(after, FREEZE), mishap=True)

    def waits(self, world: World) -> Iterator[Move]:
        data = world.data
        unripe = {each.part for each in data.outcomes if not each.ripe}
        for row in data.parts:
            if row.id in unripe or row.due == LATER:
                ripe = tuple(each._replace(ripe=True) if each.part == row.id else each for each in data.outcomes)
                later = change(data, [row] if row.due == LATER else [], due=NOW)
                yield Move(f"what part {row.id} waits for is over", world._replace(data=later._replace(outcomes=ripe)))

    # People

    def of_people(self, world: World) -> Iterator[Move]:
        data, left = world.data, world.left
        for number in range(len(data.runs)):
            wishes = [("resume", self.store.ask_resume(data, number), None)]
            if left[PAUSE]:
                wishes.append(("pause", self.store.ask_pause(data, number), PAUSE))
            if left[CANCEL]:
                wishes.append(("cancel", self.store.ask_cancel(data, number), CANCEL))
            wishes.append(("look at", self.store.end_deserted(data, number), None))
            for name, after, kind in wishes:
                if after is not None and after != data:
                    yield self.wish(world, f"{name} run {number}", after, kind)
        if left[SUBMIT]:
            yield self.wish(world, "submit another run", self.store.submit(data), SUBMIT)

    def wish(self, world: World, name: str, data: Data, kind: int | None) -> Move:
        after = world._replace(data=data)
        if self.with_bells:
            after = after._replace(bells=min(MOST_BELLS, world.bells + rings(world.data, data)))
        return Move(name, after if kind is None else spend(after, kind), mishap=kind is not None)

    # Doorbells

    def of_bells(self, world: World) -> Iterator[Move]:
        if not self.with_bells or not world.left[BELL]:
            return
        if world.bells:
            yield Move("a doorbell is lost", spend(world._replace(bells=world.bells - 1), BELL), mishap=True)
        if 0 < world.bells < MOST_BELLS:
            yield Move("a doorbell comes twice", spend(world._replace(bells=world.bells + 1), BELL), mishap=True)


def fresh_token(world: World) -> int:
    """The smallest that neither the database nor a worker has."""
    used = {row.token for row in world.data.parts} | {me.part.token for me in world.workers if me.part}
    return next(token for token in range(len(used) + 1) if token not in used)


def set_worker(world: World, number: int, worker: Worker) -> World:
    workers = world.workers
    return world._replace(workers=(*workers[:number], worker, *workers[number + 1 :]))


def spend(world: World, kind: int) -> World:
    return world._replace(left=add_to(world.left, kind, -1))


def add_to(numbers: tuple[int, ...], at: int, by: int) -> tuple[int, ...]:
    return (*numbers[:at], numbers[at] + by, *numbers[at + 1 :])


def rings(before: Data, after: Data) -> int:
    """How many parts that nobody owns have become due."""
    old = {row.id for row in before.parts if is_free(row.due, row.token)}
    return sum(is_free(row.due, row.token) and row.id not in old for row in after.parts)


def is_free(due: int | None, token: int | None) -> bool:
    return due == NOW and token is None
