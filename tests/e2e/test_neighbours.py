"""The neighbours of a sixth of the airports, in four parts by two workers of which one goes away on the way."""

import pytest

from example.airports.models import Airport, Neighbourhood
from example.airports.nearest import Place
from headway import runs
from headway.models import Part, Run
from headway.snapshots import snapshot
from tests.crash.aloud import Tell
from tests.crash.aloud import tell as tell
from tests.crash.scene import processed
from tests.neighbours import import_bundled, wrong_answers
from tests.workers import Workers, children_of, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.once]

AIRPORTS, PARTS = 4_000, 4


def test_every_answer_is_that_of_a_comparison_with_all(workers: Workers, tell: Tell) -> None:
    import_bundled(AIRPORTS)
    steady, killed = workers.start(), workers.start()
    run = runs.start("airports.nearest_neighbours").run
    until(lambda: owners(run) == 2)
    until(lambda: processed(run) > AIRPORTS / 10, seconds=120)
    killed.kill()
    killed.wait()
    until(lambda: Run.objects.get(pk=run.pk).is_done, seconds=500)
    shown = snapshot(run.pk)

    places = list(map(Place._make, Airport.objects.values_list("icao", "latitude", "longitude")))
    answers = {
        each.airport_id: [(kilometres, icao) for icao, kilometres in each.nearest]
        for each in Neighbourhood.objects.all()
    }
    by_part = list(Part.objects.filter(run=run).order_by("id").values_list("succeeded", flat=True))
    tell(f"neighbours of {len(answers):,} airports, parts of {by_part}, {shown['resumes']} take-overs")
    assert len(children_of(steady.pid)) == 1
    assert (shown["state"], shown["progress"]["succeeded"], shown["progress"]["total"]) == (
        "succeeded",
        AIRPORTS,
        AIRPORTS,
    )
    assert by_part == [AIRPORTS // PARTS] * PARTS
    assert len(places) == len(answers) == AIRPORTS
    assert wrong_answers(answers, places) == []


def owners(run: Run) -> int:
    return Part.objects.filter(run=run, token__isnull=False).values("worker").distinct().count()
