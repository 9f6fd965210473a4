"""What every worker tidies up beside its work."""

import pytest

from headway.models import Worker
from headway.store.parts import workers
from headway.store.upkeep import tidying

pytestmark = pytest.mark.django_db


def test_workers_that_have_been_silent_for_long_are_forgotten() -> None:
    for name in ("killed", "busy"):
        workers.beat(name, "host", 1, 0)
    Worker.objects.filter(pk="killed").update(beat=1)
    tidying.tidy()
    assert list(Worker.objects.values_list("id", flat=True)) == ["busy"]
