"""manage.py headway_watch: follows a run of any server, over HTTP."""

from pathlib import Path
from typing import Any

import pytest

from headway import runs
from tests.live.server import Server, serving
from tests.ui.scenes import begin, finish, go_on

from .manage import manage, on_sqlite, without_traceback

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@pytest.fixture
def server(transactional_db: None, tmp_path: Path) -> Any:
    with serving(tmp_path / "log") as running:
        yield running


@pytest.fixture
def ada(django_user_model: Any) -> Any:
    return django_user_model.objects.create(username="ada")


@pytest.fixture
def elsewhere(ada: Any, tmp_path: Path) -> dict[str, str]:
    """The environment of a project without the server's database, where ada signs in."""
    from rest_framework.authtoken.models import Token  # needs Django's apps

    token = Token.objects.create(user=ada).key
    return on_sqlite(tmp_path / "none.sqlite3", HEADWAY_AUTHORIZATION=f"Token {token}")


def address(server: Server, run: Any) -> str:
    return f"{server.url}/api/runs/{run.pk}/"


def test_it_draws_the_run_to_its_end(server: Server, elsewhere: dict[str, str], ada: Any) -> None:
    run = finish(begin(ada, items=50, reject="3"))

    said = manage("headway_watch", address(server, run).replace("http", "HTTP"), env=elsewhere)

    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout == f"Write ledger  partial  {'█' * 40} 100.0 %  50 of 50 · 1 failed\n"


def test_a_run_that_rests_or_failed_is_exit_code_1(server: Server, elsewhere: dict[str, str], ada: Any) -> None:
    paused = go_on(begin(ada, items=50), 10)
    runs.pause(paused)
    said = manage("headway_watch", address(server, paused), env=elsewhere)
    runs.cancel(paused)
    cancelled = manage("headway_watch", address(server, paused), env=elsewhere)

    assert without_traceback(said) == ("CommandError: The run is paused; it goes on when somebody resumes it.\n")
    assert without_traceback(cancelled) == "CommandError: The run ended as cancelled.\n"


def test_what_is_wrong_is_a_sentence(server: Server, elsewhere: dict[str, str], ada: Any) -> None:
    run = begin(ada, items=3)
    nobody = {name: value for name, value in elsewhere.items() if name != "HEADWAY_AUTHORIZATION"}

    page = manage("headway_watch", f"{server.url}/runs/{run.pk}/", env=elsewhere)
    signed_out = manage("headway_watch", address(server, run), env=nobody)
    without_kind = manage("headway_watch", address(server, run), env=nobody | {"HEADWAY_AUTHORIZATION": "abc"})
    unknown = manage("headway_watch", address(server, run), env=nobody | {"HEADWAY_AUTHORIZATION": "Token abc"})
    bare = manage("headway_watch", str(run.pk), env=elsewhere)
    portless = manage("headway_watch", "http://localhost:8x/", env=elsewhere)
    unsendable = manage("headway_watch", address(server, run), env=nobody | {"HEADWAY_AUTHORIZATION": "Token é"})
    away = manage("headway_watch", "http://127.0.0.1:1/api/runs/x/", "--patience", "0", env=elsewhere)

    assert "answers 302, and it isn't Headway's API that says so" in without_traceback(page)
    assert "Give the run's address in the API, such as https://example.com/api/runs/…/." in page.stderr
    assert "(unauthenticated) Set HEADWAY_AUTHORIZATION in the environment, such as" in without_traceback(signed_out)
    assert "write before it of which kind it is, such as 'Token …'" in without_traceback(without_kind)
    assert "doesn't take what HEADWAY_AUTHORIZATION says" in without_traceback(unknown)
    assert "is no address" in without_traceback(bare)
    assert "is no address" in without_traceback(portless)
    assert "The header 'Authorization' can't be sent: it has" in without_traceback(unsendable)
    assert "No run within 0 s" in without_traceback(away)
