"""manage.py headway_doctor: one screen, and 1 where a promise can't be kept."""

import html
import re
import shutil
import socket
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from importlib import import_module
from io import StringIO
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils.module_loading import import_string

from example.airports.operations import ImportAirports
from headway import runs
from headway.management.diagnosis import least_free, of_servers, of_static_files, of_workers, there
from headway.management.terminal import no_worker
from headway.models import LastTick, Run
from headway.operations import registry
from headway.panel import faces_for_browser
from headway.runs.ticks import Timetable
from headway.store.parts import workers
from headway.testing import turn_clock

from .manage import manage, on_sqlite

pytestmark = pytest.mark.django_db


def screen(fails: bool = False) -> dict[str, tuple[str, str]]:
    """What it says: by its subject, the level and the sentence with its advice."""
    out = StringIO()
    if fails:
        with pytest.raises(SystemExit, match=r"^1$"):
            call_command("headway_doctor", stdout=out, no_color=True)
    else:
        call_command("headway_doctor", stdout=out, no_color=True)
    lines = re.findall(r"^(ok|warn|fail) +(\S.{11})  (.*(?:\n {20}.*)*)", out.getvalue(), re.MULTILINE)
    return {about.strip(): (level, text) for level, about, text in lines}


@pytest.fixture(autouse=True)
def healthy(settings: Any) -> None:
    settings.WHITENOISE_USE_FINDERS = True
    workers.beat("alive", "host", 1, 1)


def test_a_healthy_installation_has_nothing_to_mend() -> None:
    said = screen()
    assert {level for level, _ in said.values()} == {"ok"}
    assert list(said) == [
        "settings", "database", "workers", "clock", "addresses", "sign-in", "static files", "live", "uploads",
    ]  # fmt: skip
    assert said["workers"] == ("ok", "1 worker has been heard of lately, engine 'embedded'.")


def test_no_worker_is_a_failure_that_says_what_to_start() -> None:
    workers.leave("alive")
    level, text = screen(fails=True)["workers"]
    assert level == "fail"
    assert text.startswith("No worker is there (all have left, or have been silent for 30 s): runs would wait.")
    assert "Start: manage.py headway_worker" in text


@pytest.mark.once
def test_workers_of_another_engine_are_told_and_how_one_of_the_projects_is_started(settings: Any) -> None:
    settings.HEADWAY = settings.HEADWAY | {"ENGINE": "celery"}
    embedded, how = "1 worker has been heard of lately, 1 of them of headway_worker", "Start: celery -A PROJECT"
    found = of_workers()
    assert (found.level, found.text) == ("warn", f"{embedded}: none is of the engine 'celery'.")
    assert found.advice.startswith(how)
    workers.beat("celery's", "host", 2, 0)
    assert of_workers().text == "2 workers have been heard of lately, 1 of them of headway_worker, engine 'celery'."

    workers.leave("alive")
    settings.HEADWAY = settings.HEADWAY | {"ENGINE": "embedded"}
    found = of_workers()
    assert (
        found.text
        == "1 worker has been heard of lately, 1 of them not of headway_worker: none is of the engine 'embedded'."
    )
    assert found.level == "warn"


@pytest.mark.parametrize(
    ("engine", "command"),
    [
        ("embedded", "manage.py headway_worker"),
        ("celery", "celery -A PROJECT worker --queues headway (a Celery worker without --queues headway doesn't"),
        ("django_tasks", "manage.py headway_reaper (and the worker of your tasks' backend"),
    ],
)
@pytest.mark.once
def test_how_a_worker_is_started_is_the_engines_to_say(settings: Any, engine: str, command: str) -> None:
    settings.HEADWAY = settings.HEADWAY | {"ENGINE": engine}
    workers.leave("alive")
    assert of_workers().advice.startswith(f"Start: {command}")
    assert no_worker().startswith(f"No worker is there. Start one: {command}")
    page = html.unescape(faces_for_browser(is_staff=True))
    assert page.count(command.partition(" (")[0]) == 2
    assert not faces_for_browser(is_staff=False).count(command.partition(" (")[0])


@pytest.mark.once
def test_a_sign_in_that_is_a_404_is_a_failure_and_told_once(settings: Any) -> None:
    settings.LOGIN_URL = "/nowhere/login/"
    told = screen(fails=True)
    level, text = told["sign-in"]
    said = " ".join(text.split())
    assert level == "fail"
    assert "LOGIN_URL leads to /nowhere/login/, which is a 404. (headway.W035)" in said
    assert "django.contrib.auth.urls needs a template of your own, registration/login.html" in said
    assert told["settings"] == ("ok", "The system checks find nothing.")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"SILENCED_SYSTEM_CHECKS": ["headway.W035"]}, "LOGIN_URL leads to /nowhere/login/."),
        ({"ROOT_URLCONF": "tests.unit.test_checks"}, "No pages of Headway are mounted that would ask for one."),
    ],
    ids=["silenced", "no pages"],
)
@pytest.mark.once
def test_a_sign_in_elsewhere_is_fine(settings: Any, wrong: dict[str, Any], told: str) -> None:
    settings.LOGIN_URL = "/nowhere/login/"
    for name, value in wrong.items():
        setattr(settings, name, value)
    assert screen()["sign-in"] == ("ok", told)


def raising(name: str, error: Exception) -> ModuleType:
    """A module of the project's that raises as soon as something of it is asked for."""

    class Raising(ModuleType):
        def __getattr__(self, asked: str) -> Any:
            raise AttributeError if asked.startswith("__") else error

    return Raising(name)


@pytest.mark.parametrize(
    ("about", "wrong", "told"),
    [
        ("uploads", {"FILE_UPLOAD_TEMP_DIR": "/nowhere/at/all"}, "It can't be told: FileNotFoundError:"),
        ("live", {"ASGI_APPLICATION": "broken_asgi.application"}, "It can't be told: RuntimeError: no environment"),
    ],
)
@pytest.mark.once
def test_what_the_projects_own_parts_raise_is_told_and_the_rest_as_well(
    settings: Any, monkeypatch: pytest.MonkeyPatch, about: str, wrong: dict[str, Any], told: str
) -> None:
    monkeypatch.setitem(sys.modules, "broken_asgi", raising("broken_asgi", RuntimeError("no environment")))
    for name, value in wrong.items():
        setattr(settings, name, value)
    said = screen(fails=True)
    level, text = said.pop(about)
    assert level == "fail"
    assert told in text
    assert {level for level, _ in said.values()} == {"ok"}


@pytest.mark.once
def test_a_project_whose_urls_stand_in_no_package_has_its_application_beside_them(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = ModuleType("asgi")
    beside.application = import_string(settings.ASGI_APPLICATION)  # type: ignore[attr-defined]
    urls = ModuleType("urls")
    urls.urlpatterns = import_module(settings.ROOT_URLCONF).urlpatterns  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "asgi", beside)
    monkeypatch.setitem(sys.modules, "urls", urls)
    settings.ASGI_APPLICATION, settings.ROOT_URLCONF = None, "urls"
    assert screen()["live"][0] == "ok"


@pytest.mark.once
def test_a_middleware_that_raises_as_it_is_imported_breaks_no_check(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "broken_middleware", raising("broken_middleware", RuntimeError("no environment")))
    settings.MIDDLEWARE = ["broken_middleware.Middleware", *settings.MIDDLEWARE]
    assert screen()["settings"][0] == "ok"


@pytest.mark.once
def test_static_files_that_nobody_serves_are_a_failure(settings: Any, tmp_path: Path) -> None:
    settings.WHITENOISE_USE_FINDERS = settings.DEBUG = False
    settings.STATIC_ROOT = tmp_path
    level, text = screen(fails=True)["static files"]
    assert level == "fail"
    assert "collectstatic" in text


@pytest.mark.parametrize(
    ("server", "given", "level", "told"),
    [
        (
            "WhiteNoise",
            {"DEBUG": True},
            "ok",
            "WhiteNoise serves headway/headway-run.js below /static/, under any server.",
        ),
        (
            "runserver",
            {"DEBUG": True},
            "warn",
            "Only runserver serves headway/headway-run.js. Under uvicorn and gunicorn",
        ),
        ("a proxy", {"collected": True}, "ok", "Your proxy must serve it below /static/: uvicorn and gunicorn don't."),
        ("nothing", {"DEBUG": True, "without": "django.contrib.staticfiles"}, "fail", "not even runserver serves"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.once
def test_which_server_gives_the_static_files_is_said_and_none_is_promised(
    settings: Any, tmp_path: Path, server: str, given: dict[str, Any], level: str, told: str
) -> None:
    del settings.WHITENOISE_USE_FINDERS
    settings.STATIC_ROOT, settings.DEBUG = tmp_path, given.get("DEBUG", False)
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != given.get("without")]
    if server != "WhiteNoise":
        settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if "whitenoise" not in path]
    if given.get("collected"):
        (tmp_path / "headway").mkdir()
        (tmp_path / "headway" / "headway-run.js").touch()
    found = of_static_files()
    assert (found.level, told in found.text) == (level, True), found


@pytest.mark.once
def test_servers_that_do_not_answer_are_told_in_time_and_without_their_password(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = "redis://:secret-word@127.0.0.1:1/0"
    monkeypatch.setattr(current_app.conf, "broker_url", nobody)
    monkeypatch.setattr(current_app, "main", "shop")
    settings.HEADWAY = settings.HEADWAY | {"ENGINE": "celery", "HOLDS": nobody, "WAKE_UPS": nobody}
    found = dict(of_servers())
    assert {about: finding.level for about, finding in found.items()} == {
        "broker": "fail", "holds": "fail", "wake-ups": "warn",
    }  # fmt: skip
    assert all(re.search(r" doesn't answer \(\w+\)\. ", finding.text) for finding in found.values())
    assert all(finding.advice.startswith("Start it, or mend ") for finding in found.values())
    assert "secret-word" not in str(found)
    assert "(ConnectionError)" in found["broker"].text


@pytest.mark.once
def test_a_broker_that_no_app_names_is_not_asked(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.HEADWAY = settings.HEADWAY | {"ENGINE": "celery"}
    monkeypatch.setattr(current_app, "main", "default")
    assert screen(fails=True).keys() & {"settings", "broker"} == {"settings"}


@pytest.mark.once
def test_a_server_that_never_answers_is_given_up(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.HEADWAY = settings.HEADWAY | {"WAKE_UPS": f"redis://127.0.0.1:{silent.getsockname()[1]}/0"}
        assert "doesn't answer (TimeoutError)" in dict(of_servers())["wake-ups"].text


@pytest.mark.once
def test_further_lines_of_a_drivers_error_stand_in_the_column_of_the_first(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*given: Any) -> None:
        raise OSError("connection refused\n\tIs the server running?")

    monkeypatch.setattr(tempfile, "gettempdir", refused)
    assert screen(fails=True)["uploads"][1].splitlines()[1] == f"{'':20}\tIs the server running?"


@pytest.mark.once
def test_an_application_without_live_delivery_is_a_warning(settings: Any) -> None:
    settings.ASGI_APPLICATION = f"{__name__}.plain"
    level, text = screen()["live"]
    assert level == "warn"
    assert "headway.live.asgi(get_asgi_application())" in text


@pytest.mark.once
def test_an_upload_that_finds_no_room_is_a_warning(settings: Any) -> None:
    settings.HEADWAY = settings.HEADWAY | {"MAX_UPLOAD_BYTES": 1 << 60}
    assert screen()["uploads"][0] == "warn"


def test_the_room_for_uploads_is_that_of_the_fuller_of_both_folders(tmp_path: Path, monkeypatch: Any) -> None:
    spool, uploads = tmp_path / "spool", tmp_path / "media" / "uploads"
    free = {spool: 5, tmp_path: 3}
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free[folder]))
    assert least_free([spool, there(uploads)]) == (tmp_path, 3)


@pytest.mark.once
def test_wrong_settings_are_told_and_nothing_else(settings: Any) -> None:
    settings.HEADWAY = {"LEASE": 10}
    said = screen(fails=True)
    assert list(said) == ["settings"]
    assert "headway.E001" in said["settings"][1]


@pytest.mark.once
def test_it_says_where_pages_and_api_are_mounted() -> None:
    assert screen()["addresses"] == ("ok", "Mounted are the pages at / and the API at /api/.")


@pytest.mark.once
def test_pages_that_are_not_mounted_are_a_warning(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    said = screen()
    assert said["addresses"][0] == "warn"


@pytest.mark.once
def test_pages_without_the_api_are_a_warning_that_says_what_to_add(settings: Any) -> None:
    settings.ROOT_URLCONF = ModuleType("urls")
    settings.ROOT_URLCONF.urlpatterns = [*urlpatterns, path("", include("headway.ui.urls"))]
    level, text = screen()["addresses"]
    assert level == "warn"
    assert 'Add path("api/", include("headway.http.urls")) to the URLs' in text


@pytest.mark.once
def test_a_permission_that_is_not_there_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImportAirports, "permission", "airports.add_airprt")
    level, text = screen()["settings"]
    assert level == "warn"
    assert "declares permission = 'airports.add_airprt', and there is no such permission" in text
    assert "Did you mean 'airports.add_airport'?" in text


@pytest.mark.once
def test_a_permission_that_somebody_has_made_by_hand_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = ContentType.objects.get_for_model(User)
    Permission.objects.create(content_type=kind, codename="lead", name="Leads")
    monkeypatch.setattr(ImportAirports, "permission", "auth.lead")
    assert screen()["settings"][0] == "ok"


class TestSchedules:
    """A line for each operation that has one."""

    @pytest.fixture(autouse=True)
    def operation(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        """Each day at the minute that was two hours ago."""
        declared = registry.get("tests.write_ledger")
        moment = datetime.now(UTC) - timedelta(hours=2)
        monkeypatch.setattr(declared, "schedule", f"{moment:%M %H} * * *")
        monkeypatch.setattr(declared, "schedule_params", {"items": 1})
        return declared

    def said(self) -> tuple[str, str]:
        return screen()["schedule"]

    def test_one_that_no_worker_has_seen_is_a_warning(self) -> None:
        level, text = self.said()
        assert (level, "No worker has seen this schedule yet." in text) == ("warn", True)
        assert "Start: manage.py headway_worker" in text

    @pytest.mark.once
    def test_without_its_parser_it_says_what_to_install_and_goes_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "cronsim", None)
        said = screen(fails=True)
        assert "(headway.E032)\n                    Run: pip install" in said["settings"][1]
        assert (said["workers"][0], said["schedule"][0]) == ("ok", "fail")

    @pytest.mark.once
    def test_before_its_first_tick_it_says_when_that_is(self, operation: Any) -> None:
        Timetable().look()
        tomorrow = f"{datetime.now(UTC) + timedelta(hours=22):%Y-%m-%d %H:%M}:00+00:00"
        level, text = self.said()
        assert level == "ok"
        assert text.startswith(f"tests.write_ledger ({operation.schedule} UTC): next {tomorrow}. It has started no run")

    def sleep(self, time_passes: timedelta) -> None:
        """A worker looks, and this time passes."""
        Timetable().look()
        turn_clock(time_passes)
        workers.beat("alive", "host", 1, 0)

    def test_the_last_run_is_named(self) -> None:
        self.sleep(timedelta(days=1))
        Timetable().look()
        level, text = self.said()
        assert level == "ok"
        assert re.search(r"Its tick of \S+ \S+ was missed: no worker saw it in time\.", text)
        assert f"The last run is {Run.objects.get().pk}." in text

    @pytest.mark.once
    def test_a_tick_that_has_started_no_run_is_a_warning_that_says_why(self) -> None:
        runs.start("tests.write_ledger", {"items": 1, "work_us": 1})
        self.sleep(timedelta(days=1))
        Timetable().look()
        level, text = self.said()
        assert level == "warn", text
        assert re.search(r"Its tick of \S+ \S+ was missed: another run was in the way\. It has started no run", text)

        LastTick.objects.update(tick=F("tick") + 1)  # a later one has come
        level, text = self.said()
        assert (level, "was missed: another run was in the way." in text) == ("ok", True)
        LastTick.objects.update(missed=F("missed") - timedelta(days=7) // timedelta(milliseconds=1))
        assert "was missed" not in self.said()[1]

    @pytest.mark.once
    def test_a_tick_that_nobody_has_seen_is_a_warning(self) -> None:
        self.sleep(timedelta(days=1))
        level, text = self.said()
        assert level == "warn"
        assert re.search(r"No worker has seen its tick of \S+ \S+\.", text)

    @pytest.mark.once
    def test_without_any_worker_the_next_tick_would_be_missed(self) -> None:
        Timetable().look()
        workers.leave("alive")
        level, text = screen(fails=True)["schedule"]
        assert (level, "No worker keeps time" in text) == ("warn", True)


@pytest.mark.once
def test_a_database_without_its_tables_is_a_failure(tmp_path: Path) -> None:
    said = manage("headway_doctor", env=on_sqlite(tmp_path / "db.sqlite3"))
    assert said.returncode == 1
    found = f"Headway's tables are missing or out of date.\n{'':20}Run: manage.py migrate\n"
    assert said.stdout.endswith(f"  {found}")
    assert "Traceback" not in said.stderr


def plain(scope: Any) -> None:
    """An ASGI application of another's."""


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("sign-in/", page, name="login")]
