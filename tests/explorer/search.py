"""Every state that can be reached, breadth first, so that a counterexample is a shortest one.

Workers have no order, and of a token it only matters where it stands: worlds that differ in nothing else are one, which
leaves a third of them. So a story's "worker 0" is the one that comes first in the world before that move.
"""

from dataclasses import dataclass, field

from headway.states import TERMINAL
from headway.states.machine import InvalidMove

from .mishaps import Move, Nature
from .promises import Promises
from .state import Part, Worker, World

__all__ = ["Found", "explore"]

MOST = 5_000_000  # states
NO_WAY_OUT = "from every state there is a way to the end"


@dataclass
class Found:
    """What an exploration came to."""

    states: int = 0
    moves: int = 0
    broken: str | None = None
    """The promise that doesn't hold; None: all do."""
    story: list[str] = field(default_factory=list)
    """The moves that lead there."""


class Search:
    """Goes through the worlds of one scene."""

    def __init__(self, start: World, nature: Nature, promises: Promises) -> None:
        self.nature = nature
        self.promises = promises
        self.numbers = {named_anew(start): 0}
        self.came_from: list[tuple[int, str]] = [(-1, "")]
        self.led_from: list[list[int]] = [[]]  # by moves that are no mishaps
        self.moves = 0

    def run(self) -> Found:
        queue = list(self.numbers)
        for number, world in enumerate(queue):  # it grows meanwhile
            if number > MOST:
                raise RuntimeError(f"More than {MOST:,} states: something grows for ever.")
            try:
                for move in self.nature.moves(world):
                    self.moves += 1
                    broken = self.promises.broken_by(world, move)
                    after = named_anew(move.after)
                    if self.note(number, move, after):
                        queue.append(after)
                        broken = broken or self.promises.broken_in(after)
                    if broken:
                        return self.found(broken, [*self.story(number), move.name])
            except InvalidMove as error:
                return self.found("every move is in the table", [*self.story(number), str(error)])
        return self.ways_out(queue)

    def note(self, number: int, move: Move, after: World) -> bool:
        """Whether it leads to a new world."""
        known = self.numbers.setdefault(after, len(self.came_from))
        if is_new := known == len(self.came_from):
            self.came_from.append((number, move.name))
            self.led_from.append([])
        if not move.mishap and known != number:
            self.led_from[known].append(number)
        return is_new

    def ways_out(self, worlds: list[World]) -> Found:
        """Whether from everywhere an end can be reached once nothing goes wrong any more."""
        reached = [all(run.state in TERMINAL for run in world.data.runs) for world in worlds]
        queue = [number for number, is_end in enumerate(reached) if is_end]
        for number in queue:
            for before in self.led_from[number]:
                if not reached[before]:
                    reached[before] = True
                    queue.append(before)
        stuck = next((number for number, is_reached in enumerate(reached) if not is_reached), None)
        return self.found(None, []) if stuck is None else self.found(NO_WAY_OUT, self.story(stuck))

    def story(self, number: int) -> list[str]:
        names = []
        while number > 0:
            number, name = self.came_from[number]
            names.append(name)
        return names[::-1]

    def found(self, broken: str | None, story: list[str]) -> Found:
        return Found(len(self.came_from), self.moves, broken, story)


def explore(start: World, nature: Nature, promises: Promises) -> Found:
    """All states from `start` on, until a promise is broken."""
    return Search(start, nature, promises).run()


def named_anew(world: World) -> World:
    """The world with its tokens numbered as they first appear, in the rows and then in the workers, who stand in the
    order of the rows that they own."""
    numbers: dict[int, int] = {}
    for row in world.data.parts:
        if row.token is not None:
            numbers.setdefault(row.token, len(numbers))
    workers = tuple(sorted(world.workers, key=lambda worker: rank(worker, numbers)))
    for worker in workers:
        if worker.part and worker.part.token is not None:
            numbers.setdefault(worker.part.token, len(numbers))
    if any(old != new for old, new in numbers.items()):
        data = world.data._replace(parts=tuple(with_token(row, numbers) for row in world.data.parts))
        workers = tuple(each._replace(part=each.part and with_token(each.part, numbers)) for each in workers)
        return world._replace(data=data, workers=workers)
    return world if workers == world.workers else world._replace(workers=workers)


def rank(worker: Worker, numbers: dict[int, int]) -> int:
    """By the first row that is its own; who owns none comes after those, and the idle last."""
    if worker.part is None:
        return MOST
    return MOST - 1 if worker.part.token is None else numbers.get(worker.part.token, MOST - 1)


def with_token(part: Part, numbers: dict[int, int]) -> Part:
    return part if part.token is None else part._replace(token=numbers[part.token])
