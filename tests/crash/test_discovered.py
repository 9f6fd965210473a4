"""A tree that is discovered from its root by workers who are killed again and again."""

import random
import time

import pytest

from headway import runs
from headway.models import Discovery, Part, Run
from headway.snapshots import snapshot
from tests.crash.aloud import Tell
from tests.crash.scene import LEASE, entries, processed
from tests.crash.test_exports import kill_an_owner
from tests.once import once
from tests.workers import Workers, until, wait_for_end

pytestmark = pytest.mark.django_db(transaction=True)

NODES = 3_000
KILLS = 6


@pytest.mark.timeout(300)
@pytest.mark.parametrize("operation", [*once("tests.walk_tree"), "tests.walk_tree_in_parts"])
def test_each_node_of_a_tree_is_done_once_whoever_is_killed(
    operation: str, workers: Workers, dice: random.Random, tell: Tell
) -> None:
    supervisor = workers.start(processes=2, lease_seconds=LEASE)
    began = time.monotonic()
    run = runs.start(operation, {"nodes": NODES}).run
    for kill in range(1, KILLS + 1):
        until(lambda kill=kill: processed(run) >= NODES * kill // (KILLS + 2), seconds=120)  # type: ignore[misc]
        time.sleep(dice.uniform(0, 0.05))  # anywhere in a chunk
        until(lambda: kill_an_owner(run, supervisor.pid))
    ended = wait_for_end(run.pk, seconds=120)

    shown = snapshot(run.pk)["progress"]
    tell(f"{NODES:,} nodes in {time.monotonic() - began:.1f} s with {resumes(run)} take-overs")
    assert ended.state == "succeeded"
    assert entries(run.pk) == {str(node): 1 for node in range(NODES)}
    assert (shown["total"], shown["total_exact"], shown["succeeded"]) == (NODES, True, NODES)
    assert Discovery.objects.filter(run=run).count() == NODES
    assert resumes(run) > 0


def resumes(run: Run) -> int:
    return sum(Part.objects.filter(run=run).values_list("resumes", flat=True))
