"""Every state that can be reached, breadth first, so that a counterexample is a shortest one."""

from dataclasses import dataclass, field

from headway.states import TERMINAL
from headway.states.machine import InvalidMove

from .mishaps import Move, Nature
from .promises import Promises
from .state import World

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
        self.numbers = {start: 0}
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
                    if self.note(number, move):
                        queue.append(move.after)
                        broken = broken or self.promises.broken_in(move.after)
                    if broken:
                        return self.found(broken, [*self.story(number), move.name])
            except InvalidMove as error:
                return self.found("every move is in the table", [*self.story(number), str(error)])
        return self.ways_out(queue)

    def note(self, number: int, move: Move) -> bool:
        """Whether it leads to a new world."""
        known = self.numbers.setdefault(move.after, len(self.came_from))
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
