"""The explorer's steps are the store's: from the same rows, both come to the same rows and the same answer."""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection

from headway.states.machine import InvalidMove

from .mishaps import Nature
from .mutations import MUTATIONS, Mutation
from .real import STEPS, RealStore
from .scenes import LONG, SCENES, Scene
from .state import Data, Part
from .store import Done, Store
from .worker import Runner

pytestmark = pytest.mark.django_db

WALKS, LENGTH = (1_000, 80) if LONG else (50, 60)
EVERY = {"sqlite": 1, "postgresql": 3}
"""The explorer is tried on SQLite, the store's statements on both: on PostgreSQL in a third of the situations that a
third of the walks meet."""
FEW_WALKS, MANY_WALKS = WALKS // 7, 2 * WALKS  # the first meet most mutations, the second the others
OF_EACH = 20 if LONG else 1  # of the calls of one step in one situation
LOOKED_AT = 3 * OF_EACH + 30
OWNED = ("take", "take_late", "reclaim", "plan")  # give the part as its owner has it from then on

OF_STORE = [mutation for mutation in MUTATIONS if mutation.store is not Store]

Call = tuple[Any, ...]


class Heard:
    """The calls of a store's steps on random walks through a scene, by step and situation."""

    def __init__(self, scene: Scene, kind: type[Store], walks: int) -> None:
        self.calls: dict[tuple[str, Any], dict[Call, Any]] = defaultdict(dict)
        self.kind = kind
        self.model = scene.store(kind)
        self.store = scene.store(type("Recorded", (kind,), {name: self.recorded(name) for name in STEPS}))
        self.scene = scene
        self.walk(random.Random(scene.name), walks)

    def recorded(self, name: str) -> Any:
        step = getattr(self.kind, name)

        def call(store: Store, data: Data, *given: Any) -> Any:
            answer = step(store, data, *given)
            self.note(name, data, given, answer)
            self.note_strangers(name, data, given)
            return answer

        return call

    def note(self, name: str, data: Data, given: Call, answer: Any) -> None:
        situation = (name, kind_of(answer, data), *situation_of(data, given))
        self.calls[name, situation].setdefault((data, *map(fixed, given)), answer)

    def note_strangers(self, name: str, data: Data, given: Call) -> None:
        """The same, asked for by an owner of another token, and by one who is a checkpoint behind."""
        if name != "is_left" and given and isinstance(given[0], Part):
            mine, rest = given[0], given[1:]
            for stranger in (mine._replace(token=(mine.token or 0) + 7), mine._replace(seq=mine.seq + 1)):
                answer = getattr(self.model, name)(data, stranger, *rest)
                self.note(name, data, (stranger, *rest), answer)

    def walk(self, chance: random.Random, walks: int) -> None:
        nature = Nature(self.store, Runner(self.store, self.scene.most, self.scene.window), with_bells=False)
        for _ in range(walks):
            world = self.scene.start()
            for _ in range(LENGTH):
                if not (moves := list(nature.moves(world))):
                    break
                world = chance.choice(moves).after

    def some(self) -> list[tuple[str, Call, Any]]:
        """So many of each; of a mutated store, those first in which it differs: they end the comparison soonest."""
        chance = random.Random(self.scene.name)
        chosen: list[tuple[str, Call, Any]] = []
        known: set[Data] = set()
        for (name, _), calls in sorted(self.calls.items(), key=lambda item: len(item[1]))[:: EVERY[connection.vendor]]:
            some = chance.sample(list(calls.items()), min(LOOKED_AT, len(calls)))
            some.sort(key=lambda pair: pair[0][0] not in known)  # a database that is made is asked as often as possible
            chosen += [(name, *pair) for pair in some[:OF_EACH]]
            known.update(call[0] for call, _ in some[:OF_EACH])
        return chosen if self.kind is Store else sorted(chosen, key=self.is_right)

    def by_database(self) -> Iterable[tuple[Data, list[tuple[str, Call, Any]]]]:
        """The same, with the database in which each begins."""
        found: dict[Data, list[tuple[str, Call, Any]]] = {}
        for name, (data, *given), answer in self.some():
            found.setdefault(data, []).append((name, tuple(given), answer))
        return found.items()

    def is_right(self, heard: tuple[str, Call, Any]) -> bool:
        """Whether the store as it is says the same."""
        name, (data, *given), answer = heard
        try:
            return bool(getattr(self.scene.store(), name)(data, *given) == answer)
        except InvalidMove:
            return False


def situation_of(data: Data, given: Call) -> tuple[Any, ...]:
    """What a step may go by, of the part and the run that it is about."""
    if not given or not (isinstance(given[0], Part) or len(given) == 2):
        runs = tuple((run.state, run.want, run.over_limit) for run in data.runs)
        parts = tuple((part.token is None, part.due, part.closed, part.failed > 0) for part in data.parts)
        return runs, parts, data.places
    mine = given[0] if isinstance(given[0], Part) else data.parts[given[0]]
    row = data.parts[mine.id]
    run = data.runs[row.run]
    fence = row.token == mine.token, row.token is None, row.seq == mine.seq
    other = (
        tuple((part.token is None, part.closed, part.lacks_holds) for part in data.parts if part.id != row.id),
        data.places,
    )
    new = tuple(each.part for each in data.added), mine.behind, row.behind
    of_row = row.due, row.kind, row.phase > 0, row.retrying > 0, row.flight, row.suspected, row.careful, row.want, new
    return fence, of_row, run.state, run.want, run.parts_left, other


def fixed(given: Any) -> Any:
    return tuple(given) if isinstance(given, list) else given


def kind_of(answer: Any, before: Data) -> str:
    if isinstance(answer, Done):
        return answer.answer or ("moved" if answer.data != before else "stayed")
    return "moved" if isinstance(answer, tuple) and answer != before else repr(answer)[:5]


def expected(name: str, data: Data, answer: Any) -> tuple[Data, Any]:
    """What the real step must come to: the rows, and what it says."""
    if isinstance(answer, Done):
        owned = answer.part if name in OWNED and not answer.answer else None
        return answer.data, owned if name in OWNED and not answer.answer else answer.answer
    if name == "is_left":
        return data, answer
    return (data if answer is None else answer), None


def differences(found: Heard) -> Iterator[str]:
    """Where the explorer and the store come to something else."""
    real = RealStore(found.scene.store())
    for data, calls in found.by_database():
        with real.at(data):
            for name, given, answer in calls:
                rows, said = expected(name, data, answer)
                try:
                    after, says = real.do(name, *given)
                except (IntegrityError, InvalidMove) as error:
                    after, says = data, error
                if (after, says) != (rows, said):
                    yield f"{name}{given} on {data} says {says!r}, expected {said!r}, and comes to {after}"


@pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])
def test_each_step_of_the_explorer_comes_to_the_rows_to_which_the_store_comes(scene: Scene) -> None:
    walks = WALKS // EVERY[connection.vendor]
    assert next(differences(Heard(scene, Store, walks)), None) is None


def test_no_step_of_the_explorer_is_left_uncompared() -> None:
    assert {name for scene in SCENES for name, _ in Heard(scene, Store, FEW_WALKS).calls} == set(STEPS)


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.parametrize("mutation", OF_STORE, ids=[mutation.name for mutation in OF_STORE])
def test_the_comparison_notices_each_mutation_of_the_store(mutation: Mutation) -> None:
    scene = next(scene for scene in SCENES if scene.name == mutation.scene)
    try:
        assert any(next(differences(Heard(scene, mutation.store, walks)), None) for walks in (FEW_WALKS, MANY_WALKS))
    except InvalidMove:
        pass  # the walk itself has met the table
