"""headway.contrib in a project that has little else."""

import subprocess
import sys

import pytest

from servers.server import ROOT

PROJECT = """
import sys
sys.modules["prometheus_client"] = None  # as where the extra isn't installed
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="for-this-test",
    DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "headway", "headway.contrib"],
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
for address in ("/healthz", "/metrics"):
    print(Client().get(address).content.decode())
"""

pytestmark = pytest.mark.once


def run(settings: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROJECT.format(settings=settings)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_a_project_without_metrics_needs_no_package_for_them_and_keeps_its_own_address() -> None:
    ran = run()

    assert (ran.stdout, ran.stderr) == ('{"status": "alive"}\nof the project\'s own\n', "")


def test_metrics_without_a_folder_are_refused_at_the_start() -> None:
    ran = run('HEADWAY_METRICS={"TOKEN": "a-token"},')

    assert ran.returncode != 0
    assert 'HEADWAY_METRICS has no "DIRECTORY": name a folder' in ran.stderr
