"""Openings as fast as they go: of fresh sessions, of those with a permit, and of all of them after a restart."""

from collections.abc import Iterator

from benchmarks.live.audience import audience
from benchmarks.live.publisher import channels
from benchmarks.live.site import Site
from benchmarks.live.sizes import Size
from benchmarks.live.spelling import opening
from benchmarks.table import Figure

from .shutdown import shutdown

__all__ = ["openings"]

OPENING_GOAL = 0.002  # s of CPU


def openings(size: Size) -> Iterator[Figure]:
    """The same streams again and again."""
    who = f"{size.streams:,} of one run"
    with Site() as site, audience(site, channels(1)) as crowd:
        crowd.warm_up()
        before = site.usage()
        opened = crowd.open(size.streams)
        yield opening(f"{who}: opening, session and middleware", opened, site.usage().since(before), OPENING_GOAL)
        crowd.close()
        before = site.usage()
        opened = crowd.open_again()
        yield opening(f"{who}: opening, with a permit", opened, site.usage().since(before))
        yield from shutdown(size, crowd)
