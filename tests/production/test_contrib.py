"""headway.contrib in a project that has little else."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headway.contrib.checks import check_metrics
from servers.server import ROOT
from tests.shell import manage
from tests.shell.manage import Said

PROJECT = """
import sys
sys.modules["prometheus_client"] = None  # as where the extra isn't installed
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="for-this-test",
    DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", {apps}],
    MIDDLEWARE=["headway.contrib.probes.probes"],
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["testserver"],
    {settings}
)
django.setup()
from django.http import HttpResponse
from django.test import Client
from django.urls import path
urlpatterns = [path("metrics", lambda request: HttpResponse("of the project's own"))]
from django.core.management import call_command
{then}
"""

pytestmark = pytest.mark.once


ASK = """
for address in ("/healthz", "/metrics"):
    print(Client().get(address).content.decode())
"""


def run(settings: str = "", apps: str = '"headway", "headway.contrib"', then: str = ASK) -> Said:
    without = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return manage.run(["-c", PROJECT.format(settings=settings, apps=apps, then=then)], without)


@pytest.mark.parametrize("settings", ["", "HEADWAY_METRICS=None,"])
def test_a_project_without_metrics_needs_no_package_for_them_and_keeps_its_own_address(settings: str) -> None:
    ran = run(settings)

    assert (ran.stdout, ran.stderr) == ('{"status": "alive"}\nof the project\'s own\n', "")


def faults(settings: Any, **chosen: Any) -> list[str]:
    settings.HEADWAY_METRICS = chosen
    return [f"{found.msg} {found.hint}" for found in check_metrics() if found.id == "headway.W031"]


def test_metrics_that_are_set_up_are_no_fault(settings: Any, tmp_path: Path) -> None:
    assert faults(settings, DIRECTORY=tmp_path / "new" / "metrics", TOKEN="a-token", OPEN=False) == []


def test_metrics_that_nothing_counts_or_shows_are_told_by_check(settings: Any, tmp_path: Path) -> None:
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "headway.contrib"]
    settings.MIDDLEWARE = []

    not_counted, not_shown = faults(settings, DIRECTORY=tmp_path)

    assert not_counted.endswith('nothing is counted. Add "headway.contrib" to INSTALLED_APPS.')
    assert 'there is no /metrics. Put "headway.contrib.probes.probes" first in MIDDLEWARE;' in not_shown


def test_a_misspelt_key_of_the_metrics_is_told_by_check(settings: Any, tmp_path: Path) -> None:
    (fault,) = faults(settings, DIRECTORY=tmp_path, TOKN="a-token")
    assert fault == (
        "HEADWAY_METRICS has 'TOKN', which means nothing. Did you mean 'TOKEN'? There are: DIRECTORY, OPEN, TOKEN."
    )


@pytest.mark.parametrize("folder", ["a-file", "a-file/metrics"])
def test_a_folder_of_the_metrics_that_cannot_be_written_is_told_by_check(
    settings: Any, tmp_path: Path, folder: str
) -> None:
    (tmp_path / "a-file").touch()
    (fault,) = faults(settings, DIRECTORY=tmp_path / folder)
    assert fault.startswith("This process can't write to HEADWAY_METRICS")


def test_metrics_without_a_folder_are_refused_at_the_start() -> None:
    ran = run('HEADWAY_METRICS={"TOKEN": "a-token"},')

    assert ran.returncode != 0
    assert 'HEADWAY_METRICS must be a dictionary with a "DIRECTORY", a folder' in ran.stderr


def test_a_project_that_forgot_the_app_is_told_so() -> None:
    ran = run('HEADWAY_METRICS={"DIRECTORY": "/tmp"},', apps='"headway"', then="call_command('check')")

    assert "(headway.W031) HEADWAY_METRICS is set, and INSTALLED_APPS has no headway.contrib" in ran.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('HEADWAY_METRICS="/run/metrics",', 'HEADWAY_METRICS must be a dictionary with a "DIRECTORY", a folder'),
        (
            'HEADWAY_METRICS={"DIRECTORY": "/run/metrics"},',  # a web process: no check runs there
            "HEADWAY_METRICS needs prometheus-client: pip install 'django-headway[metrics]'",
        ),
    ],
)
def test_metrics_that_can_not_be_say_what_they_need(settings: str, said: str) -> None:
    ran = run(settings)

    assert ran.returncode != 0
    assert said in ran.stderr


def test_the_doctor_says_that_the_package_of_the_metrics_is_missing_and_goes_on() -> None:
    ran = run('HEADWAY_METRICS={"DIRECTORY": "/tmp"},', then="call_command('headway_doctor')")

    assert (ran.returncode, ran.stderr) == (1, "")
    assert "HEADWAY_METRICS needs prometheus-client, which isn't installed. (headway.E033)" in ran.stdout
    assert "Run: manage.py migrate" in ran.stdout


def test_the_api_without_its_extra_says_what_to_install() -> None:
    mounted = 'import sys; sys.modules["rest_framework"] = None; import headway.http.urls'
    command = [sys.executable, "-c", mounted]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert "Headway's API and its pages need Django REST framework: pip install 'django-headway[api]'" in ran.stderr
