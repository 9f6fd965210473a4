"""The wheel, where there is what it declares and no more, migrates, works and serves; the source makes the same."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.installed import ROOT, bare_environment, build, install
from tests.shapes.project import write
from tests.shapes.shapes import Shape

pytestmark = pytest.mark.slow

WORKS = """
import os, sys
sys.path.insert(0, os.getcwd())
os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
import django
django.setup()
from django.core.management import call_command
call_command("check")
call_command("makemigrations", "headway", check=True)
call_command("migrate", run_syncdb=True, verbosity=0)

from headway.testing import run_to_end
from shop.models import Thing
Thing.objects.create(name="apple")
assert run_to_end("shop.price", {"price": 7}).state == "succeeded"
"""
SERVES = """
import re
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.views import serve
from django.test import Client, RequestFactory
from headway.models import Run

client = Client(headers={"host": "127.0.0.1"})
client.force_login(get_user_model().objects.create(username="ada", is_superuser=True))
named = set()
for page in ("/", "/start/shop.price/", f"/runs/{Run.objects.get().pk}/"):
    answer = client.get(page)
    assert answer.status_code == 200, page
    named.update(re.findall(r'/static/([^"#?]+)', answer.content.decode()))
modules = {name for name in named if name.endswith(".js")}
while modules:
    text = b"".join(serve(RequestFactory().get("/"), modules.pop(), insecure=True)).decode()
    found = {f"headway/{name}" for name in re.findall(r'from "\\./([^"]+)"', text)} - named
    named |= found
    modules |= found
for name in named:
    assert serve(RequestFactory().get("/"), name, insecure=True).status_code == 200
print("served", *sorted(named))
assert client.get("/api/runs/").json()["results"]
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def wheel_of_sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from what the source distribution has, and nothing else."""
    home = tmp_path_factory.mktemp("sdist")
    shutil.unpack_archive(build(ROOT, "sdist", home), home / "unpacked", filter="data")
    [unpacked] = (home / "unpacked").iterdir()
    return build(unpacked, "wheel", home)


def test_the_wheel_alone_needs_django_alone(wheel: Path, tmp_path: Path) -> None:
    write(tmp_path, Shape(urls="urlpatterns = []\n"))
    (tmp_path / "mysite/urls.py").write_text("urlpatterns = []\n")

    said = run(installed(wheel, tmp_path), WORKS, tmp_path)

    assert "no issues" in said


def test_with_the_api_it_serves_its_pages_and_all_that_they_name(wheel: Path, tmp_path: Path) -> None:
    write(tmp_path, Shape(settings="MIDDLEWARE = MIDDLEWARE[1:]  # without WhiteNoise\n"))

    said = run(installed(wheel, tmp_path, "api"), WORKS + SERVES, tmp_path)

    assert "headway/headway-run.js" in said
    assert "headway/icons.svg" in said or "headway/headway.css" in said


def test_the_source_distribution_makes_the_same_wheel(wheel: Path, wheel_of_sdist: Path) -> None:
    assert wheel.read_bytes() == wheel_of_sdist.read_bytes()


def installed(package: Path, home: Path, *extras: str) -> Path:
    """The Python of an environment with the package."""
    python = bare_environment(home, package, *extras)
    install(python, package)
    return python


def run(python: Path, script: str, home: Path) -> str:
    done = subprocess.run([str(python), "-I", "-c", script], cwd=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
