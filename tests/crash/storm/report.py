"""What a crash run tells at its end: the figures, and everything that is wrong."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from .stage import Stage

if TYPE_CHECKING:
    from .blows import Blows

__all__ = ["tell", "verdict_on"]

MOST = 40  # violations shown


def tell(stage: Stage, seed: int, blows: Blows, answers: Counter[str], verdict: dict[str, Any], seconds: float) -> None:
    """The figures."""
    print(f"\n{stage.name}: seed {seed}, {seconds:.0f} s")
    line("kills", blows.kills, {name: count for name, count in blows.tally.items() if name.startswith("killed")})
    others = {name: count for name, count in sorted(blows.tally.items()) if not name.startswith("killed")}
    line("besides", "", others)
    line("answers", sum(answers.values()), dict(sorted(answers.items())))
    if verdict:
        line(
            "runs",
            verdict["runs"],
            verdict["states"] | {"retries": verdict["retries"], "over a minute": verdict["minutes"]},
        )
        line("items", f"{verdict['items']:,}", {"effects in the ledger": verdict["effects"]})
        line("starts", verdict["starts"], {"duplicates that never ran": verdict["duplicates"]})
        line("take-overs", verdict["resumes"], {"looks by the judge": verdict["looks"]})
        line("reasons", "", dict.fromkeys(verdict["reasons"], "seen"))


def line(name: str, total: object, parts: dict[str, object]) -> None:
    print(f"  {name:12} {total!s:>8}  {', '.join(f'{key} {value}' for key, value in parts.items())}")


def verdict_on(stage: Stage, blows: Blows, answers: Counter[str], verdict: dict[str, Any]) -> int:
    """0 when nothing is wrong; says what is."""
    wrong = [f"{found['kind']}: run {found['run']}: {found['what']}" for found in verdict.get("violations", [])]
    wrong += [f"could not be done: {fault}" for fault in blows.faults]
    wrong += [f"answered {count} times: {name}" for name, count in answers.items() if name.endswith(" 500")]
    if not verdict:
        wrong.append("the judge gave no verdict")
    if not blows.is_enough():
        wrong.append(f"not enough has happened: {dict(blows.tally)}")
    for text in wrong[:MOST]:
        print(f"  WRONG {text}")
    print(f"  verdict: {f'{len(wrong)} things are wrong' if wrong else 'nothing is wrong'}", flush=True)
    return 1 if wrong else 0
