"""What happens to the processes, at moments that nobody chose: each kind of blow has a thread and dice of its own."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.db import Error, connection, connections

from headway.models import Part, Worker
from servers.web import Web

from .crew import Crew
from .settings import LEASE_SECONDS
from .sizes import Size
from .stage import Stage

__all__ = ["Blows"]

LONGEST_FREEZE = 2.5 * LEASE_SECONDS
LONGEST_SEARCH = 10.0  # s for a moment at which a worker owns something
WITH_THE_LOCK = 0.2
AFTER_TAKE_OVER = 1.0  # s at most that the frozen one sleeps on while its successor works


@dataclass
class Blows:
    """Begins with `begin`; after `cease` everything runs again."""

    stage: Stage
    seed: int
    size: Size
    tally: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def begin(self) -> None:
        self.over = threading.Event()
        kinds: list[tuple[str, tuple[float, float], Callable[[random.Random], None]]] = [
            ("workers", self.size.worker_gap, self.strike_worker),
            ("webs", self.size.web_gap, self.strike_web),
            ("freezes", self.size.freeze_gap, self.freeze_worker),
        ]
        if self.stage.restart_database:
            kinds.append(("database", self.size.restart_gap, self.restart_database))
        if self.stage.broker:
            kinds.append(("broker", self.size.broker_gap, self.strike_broker))
        self.threads = [threading.Thread(target=self.keep_on, args=kind, daemon=True) for kind in kinds]
        for thread in self.threads:
            thread.start()

    def cease(self) -> None:
        """No more, and whatever is down comes up again."""
        self.over.set()
        for thread in self.threads:
            thread.join()
        for server in [*self.stage.webs, *(crew.server for crew in self.stage.crews)]:
            server.start()

    def keep_on(self, name: str, gap: tuple[float, float], strike: Callable[[random.Random], None]) -> None:
        dice = random.Random(f"{self.seed}/{name}")
        while not self.over.wait(dice.uniform(*gap)):
            try:
                strike(dice)
            except Exception as error:
                self.faults.append(f"{name}: {error!r}")
        connections.close_all()

    @property
    def kills(self) -> int:
        return sum(count for name, count in self.tally.items() if name.startswith("killed"))

    def is_enough(self) -> bool:
        """Whether as much has happened as must."""
        enough = self.kills >= self.size.kills and self.tally["woken after a take-over"] >= self.size.freezes
        return enough and (not self.stage.restart_database or self.tally["database restarted"] >= self.size.restarts)

    def strike_worker(self, dice: random.Random) -> None:
        """A worker that nobody is busy with."""
        what, how = dice.choices(
            [
                ("killed: child", Crew.kill_child),
                ("killed: parent", Crew.kill_parent),
                ("killed: worker", Crew.kill_all),
                ("stopped: worker", Crew.deploy),
            ],
            weights=(60, 14, 16, 6),
        )[0]
        for crew in shuffled(self.stage.crews, dice):
            if crew.busy.acquire(blocking=False):
                try:
                    if how(crew, dice):
                        self.tally[what] += 1
                finally:
                    crew.busy.release()
                return

    def strike_web(self, dice: random.Random) -> None:
        web: Web = dice.choice(list(self.stage.webs))
        web.crash()
        self.tally["killed: web"] += 1
        web.start()

    def restart_database(self, dice: random.Random) -> None:
        assert self.stage.restart_database
        self.stage.restart_database()
        self.tally["database restarted"] += 1

    def strike_broker(self, dice: random.Random) -> None:
        """Killed with all that it holds in memory, or emptied."""
        assert self.stage.broker
        if dice.random() < 0.5:
            self.stage.broker.crash()
            time.sleep(dice.uniform(0, 2))
            self.stage.broker.start()
            self.tally["killed: broker"] += 1
        else:
            self.stage.empty_broker()
            self.tally["broker emptied"] += 1

    def freeze_worker(self, dice: random.Random) -> None:
        """One that owns something, until another has taken it over (or for so long that it should have been)."""
        for crew in shuffled(self.stage.crews, dice):
            if crew.busy.acquire(blocking=False):
                try:
                    self.freeze(crew, dice)
                finally:
                    crew.busy.release()
                return

    def freeze(self, crew: Crew, dice: random.Random) -> None:
        """At a moment when it owns something. Frozen with the database's one lock it holds up everybody, and nobody
        can take over: that is tried too, but not every time.
        """
        anyhow = dice.random() < WITH_THE_LOCK
        owned: dict[int, int] = {}
        taken: list[float] = []
        since = time.monotonic()

        def is_no_moment() -> bool:
            owned.clear()
            owned.update(owned_by(crew))
            return not owned or (not anyhow and self.stage.is_locked())

        def is_over() -> bool:
            if not taken and is_taken_over(owned):
                taken.append(time.monotonic() + dice.uniform(0, AFTER_TAKE_OVER))
            return time.monotonic() > (taken[0] if taken else since + LONGEST_FREEZE)

        give_up = time.monotonic() + LONGEST_SEARCH
        while not crew.freeze(is_over, unless=is_no_moment):
            if time.monotonic() > give_up:
                self.tally["found no moment to freeze"] += 1
                return
            time.sleep(dice.uniform(0.02, 0.2))
            since = time.monotonic()
        self.tally["frozen"] += 1
        self.tally["woken after a take-over" if taken else "woken before one"] += 1


def owned_by(crew: Crew) -> dict[int, int]:
    """The tokens of the parts that its processes own, by part."""
    try:
        workers = Worker.objects.filter(pid__in=crew.pids).values("id")
        return dict(Part.objects.filter(worker__in=workers, token__isnull=False).values_list("id", "token"))
    except Error:
        connection.close()
        return {}


def is_taken_over(owned: dict[int, int]) -> bool:
    """Whether another has claimed any of them since."""
    try:
        now = dict(Part.objects.filter(id__in=owned, token__isnull=False).values_list("id", "token"))
    except Error:
        connection.close()
        return False
    return any(now[part] != owned[part] for part in now)


def shuffled(crews: Sequence[Crew], dice: random.Random) -> list[Crew]:
    return dice.sample(list(crews), len(crews))
