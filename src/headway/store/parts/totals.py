"""The run's total, which is counted beside the work and may come late."""

from uuid import UUID

from django.db.models import F

from headway.database import NowMs, write
from headway.models import Kind, Part, Run
from headway.states import LIVE
from headway.store.announcing import announce_change


def parts_to_count(run_id: UUID) -> list[Part]:
    """The parts that hold items."""
    return list(Part.objects.filter(run_id=run_id, kind=Kind.ITEMS))


def is_first_left(part: Part) -> bool:
    """Whether no part before this one is still open."""
    return not Part.objects.filter(run=part.run_id, kind=Kind.ITEMS, closed=False, pk__lt=part.pk).exists()


def set_total(run_id: UUID, total: int) -> bool:
    """Store it, unless the run has ended or another worker was quicker."""
    with write():
        stored = Run.objects.filter(pk=run_id, total=None, state__in=sorted(LIVE)).update(
            total=total, total_exact=True, revision=F("revision") + 1, changed=NowMs()
        )
        if stored:
            announce_change(run_id)
        return bool(stored)
