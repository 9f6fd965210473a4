"""manage.py headway_pause, headway_resume, headway_retry and headway_settle."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.app import outside
from tests.app.driving import after_items, claim, drive, fresh, start, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


def said(command: str, given: object, *options: str) -> str:
    """What a command prints."""
    out = StringIO()
    call_command(command, str(given), *options, stdout=out)
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
    with pytest.raises(CommandError, match="has no failed item to do again and left none out"):
        said("headway_retry", run.pk)
    with pytest.raises(CommandError, match="The run is succeeded, so it can't be asked to resume"):
        said("headway_resume", run.pk)


def test_what_is_in_doubt_is_settled_by_its_key_and_no_other_key_is_taken(script: Any) -> None:
    run = outside.doubtful(None)
    settle = f"headway_settle {run.pk} --went-out, or --not-sent."
    assert f"Say whether they went out before you retry: manage.py {settle}\n" in said("headway_status", run.pk)

    with pytest.raises(CommandError, match=r"no item in doubt with the key '1', 'nonsense'\. Nothing was settled"):
        said("headway_settle", run.pk, "--not-sent", "--key=nonsense", "--key=1", "--key=5")
    assert set(outside.codes(run).values()) == {"in-doubt"}

    assert said("headway_settle", run.pk, "--went-out", "--key=5") == "1 item was settled as gone out.\n"
    assert said("headway_settle", run.pk, "--not-sent", "--key=2").startswith(
        "1 item was settled as not sent. It is done again by: manage.py headway_retry"
    )
    said("headway_settle", run.pk, "--not-sent")
    told = said("headway_settle", outside.doubtful(None).pk, "--not-sent")
    assert told.startswith("3 items were settled as not sent. They are done again by: manage.py headway_retry")
    said("headway_retry", run.pk)
    newest = fresh(run).retried_as
    with pytest.raises(CommandError, match=f"Settle the newest run of its chain instead: {newest.pk}"):
        said("headway_settle", run.pk, "--not-sent")
