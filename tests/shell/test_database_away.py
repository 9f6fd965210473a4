"""While the database can't be reached, each command says so in a sentence and ends."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from headway.management import commands
from tests.away import database_away

pytestmark = pytest.mark.django_db(transaction=True)

ID = "0198f3c2-0000-7000-8000-000000000000"
NEEDS = {
    "headway_cancel": [ID],
    "headway_pause": [ID],
    "headway_resume": [ID],
    "headway_retry": [ID],
    "headway_run": ["tests.write_ledger"],
    "headway_settle": [ID, "--went-out"],
}
TELLS_ITSELF, ASKS_NONE = "headway_doctor", "headway_watch"
NAMES = sorted({file.stem for file in Path(commands.__path__[0]).glob("headway_*.py")} - {TELLS_ITSELF, ASKS_NONE})


@pytest.mark.parametrize("name", NAMES)
def test_a_command_says_that_the_database_cannot_answer(name: str, settings: Any) -> None:
    if name == "headway_reaper":
        settings.HEADWAY = {"ENGINE": "django_tasks"}
    with database_away(), pytest.raises(CommandError) as raised:
        call_command(name, *NEEDS.get(name, []))

    assert str(raised.value).startswith("The database can't answer. See to it, and to DATABASES. It says: ")
    assert "\n" not in str(raised.value)
