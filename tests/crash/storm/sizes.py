"""How long and how hard a crash run is, and what the runs in it look like."""

import random
from dataclasses import dataclass
from typing import Any

__all__ = ["LONG", "SHORT", "Size"]

KINDS = ("reject", "skip", "fail", "mend")


@dataclass(frozen=True)
class Size:
    """Seconds, counts, and gaps (least and most seconds) between two blows of a kind."""

    seconds: float
    longest: float
    """s until it ends even when not enough has happened, which then counts as a failure."""
    patience: float
    """s of peace without any change after which what still lives is stuck."""
    crews: int
    most_items: int
    kills: int
    freezes: int
    restarts: int
    clients: int
    client_gap: tuple[float, float]
    live_runs: int
    """Of one person; more aren't started."""
    long_runs: int
    worker_gap: tuple[float, float]
    web_gap: tuple[float, float]
    freeze_gap: tuple[float, float]
    restart_gap: tuple[float, float]
    broker_gap: tuple[float, float]

    def params(self, dice: random.Random, name: str, *, allow_long: bool) -> dict[str, Any]:
        """Parameters of a run: short, middling, or one that takes minutes because its source is slow."""
        throw = dice.random()
        if allow_long and throw < 0.3:
            items, read_ms, work_us = dice.randint(1_500, 4_000), dice.choice((20, 30, 40)), 0
        elif throw < 0.6:
            items, read_ms, work_us = dice.randint(20, 300), 0, dice.choice((200, 1_000))
        else:
            items, read_ms, work_us = dice.randint(300, self.most_items), 0, dice.choice((0, 100, 300))
        wrong = dice.sample(range(items), dice.choice((0, 0, 4, 12)))
        lists = {kind: ",".join(str(number) for number in wrong[index::4]) for index, kind in enumerate(KINDS)}
        again = dice.sample(range(items), dice.choice((0, 3, 12)))
        lists["again"] = ",".join(map(str, again))
        return {"name": name, "items": items, "read_ms": read_ms, "work_us": work_us, **lists}


LONG = Size(
    seconds=660,
    longest=1_320,
    patience=45,
    crews=3,
    most_items=1_500,
    kills=150,
    freezes=15,
    restarts=5,
    clients=6,
    client_gap=(0.2, 1.5),
    live_runs=5,
    long_runs=2,
    worker_gap=(0.5, 3),
    web_gap=(8, 20),
    freeze_gap=(10, 30),
    restart_gap=(50, 100),
    broker_gap=(15, 45),
)

SHORT = Size(
    seconds=8,
    longest=90,
    patience=20,
    crews=2,
    most_items=500,
    kills=5,
    freezes=1,
    restarts=1,
    clients=3,
    client_gap=(0.1, 0.6),
    live_runs=3,
    long_runs=0,
    worker_gap=(0.5, 2),
    web_gap=(3, 5),
    freeze_gap=(0.5, 2),
    restart_gap=(5, 9),
    broker_gap=(3, 6),
)
