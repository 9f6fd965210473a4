"""How things stand, as the database has it: the same whichever process is asked. A few queries, each by an index.

The database would have to count all runs that have ended, so they are counted as they end (metrics.py).
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from django.db.models import Count, Min
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from headway.database import NowMs, now_ms
from headway.database.bounded import Bounded
from headway.models import Part, Run
from headway.states import LIVE, State, rate
from headway.store.parts import workers
from headway.store.parts.candidates import due_parts

LIMIT = 2.0  # s
UNENDED = [*sorted(str(state) for state in LIVE), str(State.WAITING)]


def read() -> list[Metric]:
    """All of it, now."""
    runs = GaugeMetricFamily("headway_runs", "Runs that have not ended.", labels=["state"])
    counted = by_state()
    for state in UNENDED:
        runs.add_metric([state], counted[state])
    due, lag = waiting()
    return [
        runs,
        GaugeMetricFamily("headway_items_per_second", "Items that all runs together get done.", items_per_second()),
        GaugeMetricFamily("headway_parts_due", "Parts that wait for a worker.", due),
        GaugeMetricFamily("headway_due_lag_seconds", "How long the first of them has waited.", lag),
        GaugeMetricFamily("headway_workers", "Workers heard of lately.", workers.alive()),
    ]


def by_state() -> Counter[str]:
    """How many runs are in each state that isn't an end; by the keys that only those have."""
    counts: Counter[str] = Counter()
    for unended in (Run.objects.filter(live_key__isnull=False), Run.objects.filter(waiting_key__isnull=False)):
        counts.update(dict(unended.order_by().values_list("state").annotate(Count("pk"))))
    return counts


def items_per_second() -> float:
    """Of all owned parts together, over the last 20 s."""
    owned = Part.objects.filter(token__isnull=False, due__gte=NowMs())
    return rate(list(owned.values_list("pace", flat=True)), now_ms()) or 0.0


def waiting() -> tuple[int, float]:
    """How many parts are due, and for how many seconds the first has been."""
    found = due_parts().aggregate(parts=Count("pk"), first=Min("due"))
    return found["parts"], max(0, now_ms() - found["first"]) / 1000 if found["parts"] else 0.0


ask = Bounded(read, LIMIT)


class Gauges(Collector):
    """The database's figures; if it gives none, only that."""

    def collect(self) -> Iterator[Metric]:
        try:
            found: Iterable[Metric] = ask()
        except Exception:  # noqa: BLE001  (whatever a driver raises: no answer, or no tables)
            found = ()
        yield GaugeMetricFamily("headway_database_up", "Whether the database gives Headway's figures.", bool(found))
        yield from found
