import pytest, time
from headway import runs
from headway.models import Part
from tests.workers import Workers, wait_for_end
pytestmark = pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("careful", [0, 10])
def test_time(workers, careful, capsys):
    run = runs.start("tests.import_with_ledger", {}).run
    Part.objects.update(careful=40000 if careful else 0)
    t=time.monotonic()
    workers.start(lease_seconds=2)
    if careful:
        from tests.workers import until
        until(lambda: sum(p.processed for p in run.parts.all()) > 3000, 100)
        with capsys.disabled(): print("careful 3000", time.monotonic()-t)
    else:
        e = wait_for_end(run.pk, 200)
        with capsys.disabled(): print("plain", time.monotonic()-t, e.state)
