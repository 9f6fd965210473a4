"""A run in one line: it fits the terminal, however narrow, and says the most important first."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.management.terminal import cells, draw, spell
from headway.states import State

UNTIL = datetime(2026, 11, 29, 16, 12, 30, tzinfo=UTC)
COUNTS = st.integers(0, 10**12)


def seen(**changed: Any) -> dict[str, Any]:
    """A snapshot, as far as it is drawn."""
    progress = {
        "total": 200,
        "total_exact": True,
        "processed": 50,
        "succeeded": 50,
        "failed": 0,
        "skipped": 0,
        "retrying": 0,
        "percent": 25.0,
        "rate": None,
        "eta_seconds": None,
        "finishing": False,
        "step": None,
    }
    run = {"title": "Import airports", "state": "running", "done": False, "stalled": False, "reason": None}
    run |= {"waiting_until": None, "dry_run": False}
    return (
        run
        | {name: value for name, value in changed.items() if name in run}
        | {"progress": progress | {name: value for name, value in changed.items() if name in progress}}
    )


STEP = {"title": "Convert", "number": 2, "of": 3, "under_way": True, "done": 1234, "total": 5000, "percent": 24.6,
        "eta_seconds": 95}  # fmt: skip


@given(
    width=st.integers(20, 160),
    changed=st.fixed_dictionaries({
        "title": st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1, max_size=80),
        "state": st.sampled_from([str(state) for state in State]),
        "finishing": st.booleans(),
        "stalled": st.booleans(),
        "reason": st.sampled_from([None, {"code": "no-worker", "text": "It starts by itself."}]),
        "total": COUNTS,
        "processed": COUNTS,
        "failed": COUNTS,
        "skipped": COUNTS,
        "retrying": COUNTS,
        "waiting_until": st.sampled_from([None, "2026-11-29T16:12:30Z"]),
        "percent": st.none() | st.floats(0, 100),
        "rate": st.none() | st.floats(0, 1e9, allow_subnormal=False),  # 1 / rate is finite
        "eta_seconds": st.none() | st.integers(0, 10**9),
    }),
)  # fmt: skip
def test_a_line_never_exceeds_its_width(width: int, changed: dict[str, Any]) -> None:
    line = draw(seen(**changed), width)
    assert cells(line) < width  # the last column is left free, where some terminals wrap
    assert "\n" not in line


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (80, "Import airports  running  ████████░░░░░░░░░░░░░░░░░░░░░░░░  25.0 %  50 of 200"),
        (60, "Import airports  running  ███░░░░░░░░░  25.0 %  50 of 200"),
        (55, "Import airports  running  25.0 %  50 of 200"),
        (40, "Import airports  running  25.0 %  50 o…"),
        (20, "Import airports  r…"),
    ],
)
def test_the_bar_gives_way_first_then_the_line_is_cut_visibly(width: int, line: str) -> None:
    assert draw(seen(), width) == line


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"percent": None, "total": None}, "Import airports  running  50 so far"),
        ({"percent": None, "total_exact": False}, "Import airports  running  50 of at least 200"),
        ({"percent": None, "dry_run": True}, "Import airports (dry run)  running  50 so far"),
        (
            {"state": "queued", "percent": None, "processed": 0, "reason": {"code": "no-worker", "text": ""}},
            "Import airports  queued: no worker is there  0 so far",
        ),
        (
            {"state": "queued", "percent": None, "processed": 0, "reason": {"code": "turn", "text": "2 before it"}},
            "Import airports  queued  0 so far",
        ),
        ({"stalled": True, "percent": None}, "Import airports  changing workers  50 so far"),
        (
            {"stalled": True, "percent": None, "reason": {"code": "no-worker", "text": ""}},
            "Import airports  running: no worker is there  50 so far",
        ),
        (
            {"stalled": True, "percent": None, "state": "cancelling"},
            "Import airports  cancelling: its worker is silent  50 so far",
        ),
        (
            {"step": STEP},
            "Import airports  running  █████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  24.6 %  "
            "Convert (2 of 3) · 1,234 of 5,000 · about 2 min left in it",
        ),
        (
            {"step": STEP | {"of": 1, "done": None, "total": None, "percent": None, "eta_seconds": None}},
            "Import airports  running",
        ),
        ({"step": STEP | {"under_way": False}, "percent": None}, "Import airports  running  50 so far"),
        ({"percent": None, "finishing": True}, "Import airports  finishing  50 so far"),
        ({"percent": None, "retrying": 1_216}, "Import airports  running  50 so far · 1,216 to try again"),
        (
            {"percent": None, "waiting_until": "2026-11-29T16:12:30Z"},
            f"Import airports  waiting until {UNTIL.astimezone():%H:%M:%S}  50 so far",
        ),
        ({"percent": None, "rate": 0.0833}, "Import airports  running  50 so far · 1 every 12 s"),
        ({"percent": None, "rate": 0.75}, "Import airports  running  50 so far · 0.8/s"),
        (
            {"percent": None, "failed": 1_204, "skipped": 3, "rate": 410.5, "eta_seconds": 66},
            "Import airports  running  50 so far · 1,204 failed · 3 skipped · 410/s · about 66 s left",
        ),
        (
            {"percent": None, "state": "paused", "done": True, "rate": 410.5, "eta_seconds": 66},
            "Import airports  paused  50 so far",
        ),
    ],
)
def test_what_is_known_is_said(changed: dict[str, Any], line: str) -> None:
    assert draw(seen(**changed), 160) == line


def test_the_bar_is_full_only_at_the_end() -> None:
    assert "░" in draw(seen(percent=99.9), 160)
    assert "░" not in draw(seen(percent=100.0, state="succeeded", done=True), 160)


def test_a_character_of_two_columns_counts_twice() -> None:
    assert cells("空港 a") == 6
    assert draw(seen(title="空港をインポート", percent=None), 20) == "空港をインポート  …"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (89, "89 s"), (90, "2 min"), (5_399, "90 min"), (5_400, "1.5 h")]
)
def test_a_duration_is_rounded_as_people_would(seconds: int, said: str) -> None:
    assert spell(seconds) == said
