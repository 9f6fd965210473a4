"""Pictures of the pages in each state, wide, narrow and dark, for people to look at.

They go into the folder SCREENSHOTS (or var/shots). SCREENSHOT_ROWS: how many rows the import has; with `all` the
whole file, as in the README (`make screenshots`). Without it the rows are few, and all pictures wide and coarse.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files import File

from example.airports.operations import BUNDLED
from headway import runs
from headway.models import Run
from tests.files import first_rows, rows_without_city

from .gallery import CSP, NEXT, STEP, STEPS, faced, gallery, page_of
from .scenes import begin, finish, go_on, hear_of_a_worker, stall
from .test_starting import IMPORT
from .visitor import Visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

ROOT = Path(__file__).parents[2]
LOOKS: dict[str, dict[str, Any]] = {
    "wide": {"viewport": {"width": 1440, "height": 900}},
    "narrow": {"viewport": {"width": 360, "height": 780}},
    "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
}


class Album:
    """Takes each picture in all looks."""

    def __init__(self, visit: Callable[..., Visitor], user: Any, folder: Path) -> None:
        self.folder = folder
        asked_for = "SCREENSHOT_ROWS" in os.environ
        looks = LOOKS if asked_for else {"wide": LOOKS["wide"]}
        scale = 2 if asked_for else 1
        self.visitors = {look: visit(user, device_scale_factor=scale, **options) for look, options in looks.items()}

    def take(self, name: str, page: Run | str, face: str | None = None, *, whole: bool = False) -> None:
        """The page as it is when it shows this face."""
        for look, visitor in self.visitors.items():
            visitor.open(page)
            if face:
                visitor.sees(face)
            visitor.page.wait_for_load_state()
            visitor.page.screenshot(path=self.folder / f"{name}-{look}.png", full_page=whole)


@pytest.fixture
def album(visit: Callable[..., Visitor], demo: Any) -> Album:
    """Where the pictures go."""
    folder = ROOT / os.environ.get("SCREENSHOTS", "var/shots")
    folder.mkdir(parents=True, exist_ok=True)
    return Album(visit, demo, folder)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """The file that is imported."""
    wanted = os.environ.get("SCREENSHOT_ROWS", "700")
    return BUNDLED if wanted == "all" else first_rows(tmp_path, int(wanted))


def begin_import(user: Any, file: Path) -> Run:
    """As if it had been uploaded."""
    with file.open("rb") as opened:
        return begin(user, "airports.import_airports", file=File(opened, file.name))


def test_pictures_of_each_state(album: Album, demo: Any, rows: Path, tmp_path: Path) -> None:
    count = rows.read_bytes().count(b"\n") - 1
    hear_of_a_worker()

    run = go_on(begin_import(demo, rows), count * 441 // 1000)
    album.take("running", run, "running")
    stall(run)
    album.take("stalled", run, "stalled")
    go_on(run, 1)
    runs.pause(run, user=demo)
    album.take("paused", run, "paused")
    runs.cancel(run, user=demo)
    album.take("cancelled", run, "cancelled")
    partial = finish(begin_import(demo, rows))
    album.take("partial", partial, "partial")
    album.take("partial-whole", partial, "partial", whole=True)
    failed = finish(begin_import(demo, rows_without_city(tmp_path, "airports-export-2026-11-23-final-corrected.csv")))
    album.take("failed", failed, "all-failed")
    with rows.open("rb") as opened:
        tried = runs.start("airports.import_airports", {"file": File(opened, rows.name)}, user=demo, dry_run=True).run
    album.take("dry-run", go_on(tried, count * 441 // 1000), "running")
    album.take("dry-run-ended", finish(tried), "partial")
    running = go_on(begin_import(demo, rows), count * 441 // 1000)
    album.take("start", IMPORT)
    album.take("home", "/")
    album.take("cancel", f"/runs/{running.pk}/?confirm=cancel")

    assert [partial.state, failed.state] == ["partial", "failed"]
    assert len(list(album.folder.glob("*.png"))) >= 10 * len(album.visitors)


def test_a_picture_of_every_face(album: Album) -> None:
    html = gallery()
    for visitor in album.visitors.values():
        visitor.page.route("**/gallery/", lambda route: route.fulfill(body=html, content_type="text/html", headers=CSP))

    album.take("faces", "/gallery/", whole=True)

    assert len(list(album.folder.glob("faces-*.png"))) >= len(album.visitors)


def test_pictures_of_steps(album: Album) -> None:
    cut_off = {"progress": STEPS | {"step": STEP | NEXT}}
    alone = STEP | {"number": 1, "of": 1, "title": "Import airports"}
    shown = [
        faced("step"),
        faced("step", id="alone", progress=STEPS | {"total": 1, "processed": 0, "succeeded": 0, "step": alone}),
        faced("step", id="silent", progress=STEPS | {"step": STEP | NEXT | {"under_way": True}}),
        *(faced(name, **cut_off) for name in ("stalled", "paused", "pausing")),
    ]
    html = page_of(*shown)
    for visitor in album.visitors.values():
        visitor.page.route("**/gallery/", lambda route: route.fulfill(body=html, content_type="text/html", headers=CSP))
    album.take("steps", "/gallery/", whole=True)
