"""A run that waits behind another becomes live in the very transaction that ends the other."""

from django.db.models import Exists, OuterRef

from headway.database import NowMs, write
from headway.database.statements import First, Given
from headway.models import Part, Run
from headway.states import Event, State, after
from headway.store.announcing import announce_change, announce_due


def promote_next(concurrency_key: str) -> None:
    """The oldest run that waits for this key gets it. The key must be free, by this transaction at the latest."""
    waiting = NEXT(concurrency_key=concurrency_key)
    if waiting is None:
        return
    Run.objects.filter(pk=waiting.pk).update(
        state=after(State(waiting.state), Event.PROMOTE),
        live_key=concurrency_key,
        waiting_key=None,
        revision=waiting.revision + 1,
        changed=NowMs(),
    )
    Part.objects.filter(run=waiting).update(due=NowMs(), changed=NowMs())
    announce_due(waiting.operation)
    announce_change(waiting.pk)


NEXT = First(
    Run.objects.select_for_update(of=("self",), no_key=True)
    .filter(concurrency_key=Given("concurrency_key", Run), waiting_key__isnull=False)
    .order_by("created_at", "id")
)


def promote_stranded() -> None:
    """Runs that wait for a key that no run holds: there are none, unless a person has edited the tables by hand."""
    live = Run.objects.filter(live_key=OuterRef("concurrency_key"))
    stranded = Run.objects.filter(~Exists(live), waiting_key__isnull=False).order_by()
    for key in set(stranded.values_list("concurrency_key", flat=True)):
        with write():
            if not Run.objects.filter(live_key=key).exists():
                promote_next(key)
