"""The example is set up by its environment alone; what everybody knows is refused outside the demo."""

import os
import shutil
from pathlib import Path

import pytest

from tests.shell.manage import Said, run

KEY = "a-key-of-its-own-that-is-long-enough-to-be-taken-for-real-0123456789"
PRODUCTION = {"DEMO": "0", "SECRET_KEY": KEY, "ALLOWED_HOSTS": "headway.example.org"}
TABLES = "from django.core.management import call_command; call_command('migrate', verbosity=0)"
USERS = "from example.users import ensure_users; ensure_users()"

pytestmark = [pytest.mark.slow, pytest.mark.once]


def manage(data: Path, *arguments: str, **environment: str) -> Said:
    """One command of manage.py, with nothing set but this."""
    return python(data, "manage.py", *arguments, **environment)


def python(data: Path, *arguments: str, **environment: str) -> Said:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return run([*arguments], kept | {"DATA_DIR": str(data)} | environment)


@pytest.fixture(scope="module")
def users_of_the_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo's folder, with its tables and its users."""
    data = tmp_path_factory.mktemp("demo")
    made = manage(data, "shell", "-v0", "-c", f"{TABLES}; {USERS}")
    assert made.returncode == 0, made.stderr
    return data


def test_djangos_own_check_for_deployments_finds_nothing(tmp_path: Path) -> None:
    checked = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert (checked.returncode, checked.stderr) == (0, "")
    assert "no issues" in checked.stdout


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY isn't set"),
        ({"SECRET_KEY": "only-for-the-demo-on-this-machine"}, "SECRET_KEY is one that everybody knows"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY has 5 characters"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS isn't set"),
        ({"DEMO": "perhaps"}, "DEMO is 'perhaps'; it must be 1 or 0."),
        ({"SECURE_HSTS_SECONDS": "-1"}, "SECURE_HSTS_SECONDS is '-1'; it must be a number of 0 or more"),
        (
            {"DATABASE_URL": "postgres://headway:only-for-the-demo-on-this-machine@postgres/headway"},
            "The database's password is the demo's",
        ),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL is 'loud'; it must be one of DEBUG, INFO"),
        ({"LOG_FORM": "xml"}, "LOG_FORM is 'xml'; it must be one of pairs, json."),
        ({"HEADWAY_ENGINE": "steam"}, "HEADWAY['ENGINE'] is 'steam'"),
    ],
    ids=lambda given: "-".join(given) if isinstance(given, dict) else "",
)
def test_what_cannot_be_meant_is_refused_with_what_to_do(tmp_path: Path, wrong: dict[str, str], said: str) -> None:
    checked = manage(tmp_path, "check", **PRODUCTION | wrong)

    assert checked.returncode != 0
    assert said in checked.stderr


def test_whoever_gives_a_key_means_production(tmp_path: Path) -> None:
    shown = manage(
        tmp_path, "shell", "-v0", "-c", "from django.conf import settings; print(settings.DEMO)", SECRET_KEY=KEY,
        ALLOWED_HOSTS="a.example",
    )  # fmt: skip

    assert shown.stdout.strip() == "False", shown.stderr


def test_outside_the_demo_nothing_starts_with_the_demos_users(users_of_the_demo: Path) -> None:
    checked = manage(users_of_the_demo, "check", **PRODUCTION)
    worker = manage(users_of_the_demo, "headway_worker", **PRODUCTION)
    servers = [python(users_of_the_demo, "-c", f"import example.{kind}", **PRODUCTION) for kind in ("asgi", "wsgi")]

    for refused in (checked, worker, *servers):
        assert refused.returncode != 0
        assert "anybody can sign in as them: admin, demo, other." in refused.stderr


def test_a_user_of_that_name_with_a_password_of_their_own_is_no_demo_user(
    users_of_the_demo: Path, tmp_path: Path
) -> None:
    shutil.copytree(users_of_the_demo, tmp_path, dirs_exist_ok=True)
    make = "from django.contrib.auth.models import User; User.objects.all().delete(); "
    make += "User.objects.create_user('admin', password='not-the-name')"
    assert manage(tmp_path, "shell", "-v0", "-c", make).returncode == 0

    assert manage(tmp_path, "check", **PRODUCTION).returncode == 0
