"""No order of steps and mishaps breaks a promise; and each rule that is taken away breaks one."""

import pytest

from .mutations import MUTATIONS, Mutation
from .scenes import SCENES, Scene

pytestmark = [pytest.mark.once, pytest.mark.slow]


@pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])
def test_every_state_that_can_be_reached_keeps_the_promises(scene: Scene) -> None:
    found = scene.explore()
    assert not found.broken, "\n".join([found.broken, *found.story])
    assert found.states > 500


@pytest.mark.parametrize("mutation", MUTATIONS, ids=[mutation.name for mutation in MUTATIONS])
def test_a_rule_that_is_taken_away_breaks_a_promise(mutation: Mutation) -> None:
    assert mutation.explore().broken
