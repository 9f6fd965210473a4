"""manage.py headway_pause, headway_resume and headway_retry."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.app.driving import after_items, claim, drive, fresh, start, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


def said(command: str, given: object) -> str:
    """What a command prints."""
    out = StringIO()
    call_command(command, str(given), stdout=out)
    return out.getvalue()


def test_a_run_is_paused_and_resumed() -> None:
    run = start(items=3)
    work(claim(run), should_stop=after_items())

    assert said("headway_pause", run.pk) == f"Run {run.pk} is paused.\n"
    assert said("headway_resume", run.pk.hex[:12]) == f"Run {run.pk} is running.\n"
    assert drive(run).state == "succeeded"


def test_the_failed_items_are_retried_in_a_new_run() -> None:
    run = drive(start(items=3, fail="1"))

    text = said("headway_retry", run.pk)

    retry = fresh(run).retried_as
    assert text.splitlines() == [
        f"Created run {retry.pk}, which retries {run.pk}.",
        f"Watch it: manage.py headway_status {retry.pk} --watch",
    ]
    assert drive(retry).parts.get(kind="items").processed == 1


def test_what_a_run_does_not_allow_is_said_without_a_traceback() -> None:
    run = drive(start(items=1))
    with pytest.raises(CommandError, match="has no failed item and left none out"):
        said("headway_retry", run.pk)
    with pytest.raises(CommandError, match="The run is succeeded, so it can't be asked to resume"):
        said("headway_resume", run.pk)
