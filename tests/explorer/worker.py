"""What a worker does next: the runner's slice, cut where others may come between two of its steps."""

from collections.abc import Iterator
from typing import NamedTuple

from headway.states import State, Want

from .state import NOW, Data, Part, Worker
from .store import FENCED, POISON_DEATHS, Done, Store, parts_of

__all__ = ["IDLE", "Runner", "Step", "next_of"]

IDLE = Worker()


class Step(NamedTuple):
    """Something a worker may do now, and what it comes to."""

    name: str
    data: Data
    then: Worker
    writes: bool = False
    """Whether it is a transaction, whose COMMIT may be lost on the way."""
    calls: int | None = None
    """The item for which a call goes out."""


class Runner:
    """A worker's program."""

    def __init__(self, store: Store, most: int, window: int) -> None:
        self.store = store
        self.most = most  # items in a chunk
        self.window = window  # calls at the same time; 0: the effects are in the database

    def steps(
        self, data: Data, me: Worker, token: int, landed: tuple[int, ...], wire: tuple[int, ...]
    ) -> Iterator[Step]:
        """What `me` may do; `token`: the one that a claim would draw."""
        match me.next:
            case "claim":
                yield from self.claims(data, token)
            case "plan":
                yield self.plan(data, me)
                yield self.release(data, me)
            case "items":
                yield from self.items(data, me)
            case "begun":
                yield from self.chunks(data, me, most=1)
            case "bury":
                yield self.left_out(data, me)
            case "end-of-part":
                yield self.end_of_part(data, me)
            case "begin-pass":
                yield self.after("begin pass", self.store.begin_pass(data, me.part), me, "claim")
            case "close":
                yield self.close(data, me)
            case "finish":
                yield self.after("finish", self.store.finish(data, me.part), me, "claim")
                yield self.release(data, me)
            case "give-in":
                yield self.after("yield", self.store.yield_part(data, me.part), me, "claim")
            case "halt-stop":
                yield self.after("halt: stop", self.store.halt(data, me.part, Want.STOP), me, "claim")
            case "halt-pause":
                yield self.after("halt: pause", self.store.halt(data, me.part, Want.PAUSE), me, "claim")
            case "halt-limit":
                yield self.after("halt: too many failed", self.store.halt(data, me.part, Want.PAUSE, True), me, "claim")
            case "lost":
                yield self.recover(data, me)
            case "list-in-doubt":
                yield self.after("list what is in doubt", self.store.list_in_doubt(data, me.part), me, "calls")
                yield self.release(data, me)
            case "calls" | "wind-up":
                yield from self.outside(data, me, landed, wire)
        if (
            me.part is not None
            and me.next != "lost"
            and any(row.due == NOW for row in self.store.same_token(data, me.part))
        ):
            yield Step("heartbeat", self.store.renew(data, me.part).data, me._replace(lease_runs=True))

    def claims(self, data: Data, token: int) -> Iterator[Step]:
        for row in data.parts:
            if self.store.may_be_claimed(row):
                taken = self.store.take(data, row.id, token)
                then = IDLE if taken.part is None else self.owner(taken.part)  # else its run stands in line
                yield Step(f"claim part {row.id}", taken.data, then, writes=True)
                if row.lacks_holds and data.runs[row.run].state != State.QUEUED:
                    yield self.claim_late(data, row.id, token)

    def claim_late(self, data: Data, part: int, token: int) -> Step:
        """Since the worker saw the part its run has been paused and resumed."""
        taken = self.store.take_late(data, part, token)
        then = IDLE if taken.part is None else self.owner(taken.part)
        return Step(f"claim part {part}, seen before its run's pause", taken.data, then, writes=True)

    def owner(self, part: Part) -> Worker:
        return Worker(self.next_of(part), part)

    def next_of(self, part: Part) -> str:
        """Where a slice of this part begins."""
        return next_of(part, self.window)

    def after(self, name: str, done: Done, me: Worker, then: str) -> Step:
        """The transaction, and what the worker goes on with: `then`, unless it is fenced or no longer wanted."""
        if done.answer == FENCED:
            follows = IDLE
        elif done.answer == "unwanted":
            follows = me._replace(next="give-in")
        else:
            follows = IDLE if then == "claim" else Worker(then, done.part)
        return Step(name, done.data, follows, writes=True)

    def plan(self, data: Data, me: Worker) -> Step:
        done = self.store.plan(data, me.part)
        return self.after("plan", done, me, "" if done.answer else self.next_of(done.part))

    def release(self, data: Data, me: Worker) -> Step:
        done = self.store.release(data, me.part)
        return Step("release", done.data, me._replace(next="give-in") if done.answer else IDLE, writes=True)

    def items(self, data: Data, me: Worker) -> Iterator[Step]:
        yield from self.look(data, me)
        yield self.release(data, me)
        if me.part.careful and self.store.entries(data, me.part):
            begun = self.store.begin_item(data, me.part)
            yield Step("begin item", begun.data, IDLE if begun.answer else Worker("begun", begun.part), writes=True)
        else:
            yield from self.chunks(data, me, self.most)

    def look(self, data: Data, me: Worker) -> Iterator[Step]:
        row = data.parts[me.part.id]
        if not self.store.is_ours(row, me.part):
            yield Step("look: fenced", data, IDLE)
        elif row.want != Want.RUN:
            yield Step("look: unwanted", data, me._replace(next="give-in"))

    def chunks(self, data: Data, me: Worker, most: int) -> Iterator[Step]:
        entries = self.store.entries(data, me.part)
        if not entries:
            yield Step("the end is reached", data, me._replace(next="end-of-part"))
        for size in range(1, min(most, len(entries)) + 1):
            yield from self.chunk(data, me, entries[:size])

    def chunk(self, data: Data, me: Worker, entries: list[tuple[int, int, int]]) -> Iterator[Step]:
        items = [item for _, item, _ in entries]
        does = [self.store.items[item].does for item in items]
        if "kill" in does:
            yield Step(f"item {items[does.index('kill')]} kills the worker", data, IDLE)
        elif does == ["stop"]:
            yield Step(f"item {items[0]} stops the run", data, me._replace(next="halt-stop"))
        elif "stop" not in does:
            done = self.store.chunk(data, me.part, entries)
            then = IDLE if done.answer else Worker(self.heed(done), done.part)
            yield Step(f"chunk of {items}", done.data, then, writes=True)

    def heed(self, done: Done) -> str:
        return "halt-limit" if self.is_over_limit(done.data, done.part) else "items"

    def is_over_limit(self, data: Data, part: Part) -> bool:
        limit = self.store.most_failed
        return limit is not None and part.failed > 0 and sum(each.failed for each in parts_of(data, part.run)) > limit

    def left_out(self, data: Data, me: Worker) -> Step:
        entries = self.store.entries(data, me.part)[:1]
        if not entries:
            return Step("nothing to leave out", data, me._replace(next="items"))
        done = self.store.chunk(data, me.part, entries, left_out=True)
        return Step(
            f"leave out item {entries[0][1]}", done.data, IDLE if done.answer else Worker("items", done.part), True
        )

    def end_of_part(self, data: Data, me: Worker) -> Step:
        if self.is_over_limit(data, me.part):
            return Step("too many failed", data, me._replace(next="halt-limit"))
        left = self.store.is_left(data, me.part)
        return Step("is anything left?", data, me._replace(next="begin-pass" if left else "close"))

    def close(self, data: Data, me: Worker) -> Step:
        done = self.store.close_part(data, me.part)
        if done.answer == "finish":
            return Step("close", done.data, Worker("finish", done.part), writes=True)
        return Step("close", done.data, me._replace(next="give-in") if done.answer == "unwanted" else IDLE, writes=True)

    def recover(self, data: Data, me: Worker) -> Step:
        """The connection was lost: what is in memory is void."""
        done = self.store.reclaim(data, me.part)
        return Step("reclaim", done.data, IDLE if done.answer else self.owner(done.part))

    # Calls to others

    def outside(self, data: Data, me: Worker, landed: tuple[int, ...], wire: tuple[int, ...]) -> Iterator[Step]:
        part, items = me.part, self.store.ranges[me.part.range]
        for at, each in enumerate(me.calls):
            item = items[part.cursor + at] if part.cursor + at < len(items) else -1
            if each == "ready" and self.may_call(me):
                yield Step(f"call for item {item}", data, with_call(me, at, "calling"), calls=item)
            if each == "calling" and landed[item] and not wire[item]:
                yield Step(f"answer for item {item}", data, with_call(me, at, "answered"))
        answered = [at for at, each in enumerate(me.calls) if each == "answered"]
        room = 0 if me.next == "wind-up" else min(self.window, len(items) - part.cursor) - len(part.flight)
        if answered or room > 0:
            yield self.settle(data, me, answered, max(0, room))
        if me.next == "calls":
            row = data.parts[part.id]
            if not self.store.is_ours(row, part):
                yield Step("look: fenced", data, IDLE)
            elif row.want != Want.RUN:
                yield Step("look: unwanted", data, me._replace(next="wind-up"))
            yield Step("the slice is over", data, me._replace(next="wind-up"))
            if not part.flight and part.cursor == len(items):
                yield Step("the end is reached", data, me._replace(next="end-of-part"))
        elif not part.flight:
            yield Step("wound up", data, me._replace(next="give-in"))

    def may_call(self, me: Worker) -> bool:
        return me.lease_runs

    def settle(self, data: Data, me: Worker, answered: list[int], room: int) -> Step:
        done = self.store.settle(data, me.part, answered, room)
        if done.answer:
            return Step("settle", done.data, IDLE, writes=True)
        calls = ["" if at in answered else each for at, each in enumerate(me.calls)] + ["ready"] * room
        moved = done.part.cursor - me.part.cursor
        then = me._replace(part=done.part, calls=tuple(calls[moved:]), lease_runs=True)
        return Step(f"settle {len(answered)}, start {room}", done.data, then, writes=True)


def next_of(part: Part, window: int) -> str:
    if part.want != Want.RUN:
        return "give-in"
    if part.kind != "items":
        return str(part.kind)
    if part.flight:
        return "list-in-doubt"
    if window:
        return "calls"
    return "bury" if part.deaths >= POISON_DEATHS else "items"


def with_call(me: Worker, at: int, to: str) -> Worker:
    return me._replace(calls=(*me.calls[:at], to, *me.calls[at + 1 :]))
