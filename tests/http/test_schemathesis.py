"""Schemathesis against the served schema, signed in: no answer is a 5xx, and each is as the schema says."""

from typing import Any

import pytest

from headway.models import Run
from headway.runs import start
from tests.app.driving import drive

# In CI about 20 s of CPU, most of it Hypothesis's; on a busy machine many times as long. Once: whether answers are as
# the schema says doesn't depend on the database; what does (NUL, forged cursors) has tests of its own, run on both.
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.once,
    pytest.mark.timeout(900),
]


@pytest.fixture
def runs_of_demo(demo: Any) -> list[str]:
    """The ids of runs in several states, so that most requests for one find it."""

    def started(items: int = 3, **more: Any) -> Run:
        return start("tests.write_ledger", {"items": items, **more}, user=demo).run

    return [str(run.pk) for run in (drive(started()), drive(started(reject="1")), started(), started(4))]


def test_whatever_is_sent_every_answer_is_as_the_schema_says(runs_of_demo: list[str], media: Any) -> None:
    from tests.http.attack import EXAMPLES, attack_all  # a second of imports, for this test alone

    sent = attack_all(runs_of_demo)

    assert len(sent) >= EXAMPLES
    assert not [status for status in sent if status >= 500]
