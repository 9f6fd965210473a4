"""A set-up of Django's tasks in which no worker would hear the doorbell is told at start-up."""

from typing import Any

import pytest
from django.core.checks import Error
from django.core.exceptions import ImproperlyConfigured

from headway.checks import check_engine
from headway.conf import conf
from headway.engines.django_tasks import flavour

pytestmark = pytest.mark.once

WITH_WORKERS = {"BACKEND": "django_tasks_db.DatabaseBackend"}
IMMEDIATE = {"BACKEND": f"{flavour.NAME}.backends.immediate.ImmediateBackend"}
DUMMY = {"BACKEND": f"{flavour.NAME}.backends.dummy.DummyBackend"}
AT_ONCE = "which would run whole operations inside the request."


def found(settings: Any, tasks: dict[str, Any], **headway: Any) -> Error:
    """What is said of these settings; fails when nothing is."""
    settings.TASKS = tasks
    settings.HEADWAY = {"ENGINE": "django_tasks"} | headway
    (error,) = check_engine()
    assert isinstance(error, Error)
    return error


def test_a_backend_with_workers_is_fine(settings: Any) -> None:
    settings.TASKS = {"default": WITH_WORKERS}
    assert check_engine() == []


@pytest.mark.parametrize(
    ("backend", "does"),
    [
        (IMMEDIATE, "is ImmediateBackend, which would run whole operations inside the request."),
        (DUMMY, "is DummyBackend, which runs nothing."),
        (
            {"BACKEND": "tests.tasks.test_checks.Quick"},
            "is Quick, which would run whole operations inside the request.",
        ),
    ],
    ids=["immediate", "dummy", "a subclass"],
)
def test_a_backend_without_workers_is_refused(settings: Any, backend: dict[str, Any], does: str) -> None:
    error = found(settings, {"default": backend})
    assert (error.id, error.msg) == ("headway.E012", f"TASKS['default'] {does}")
    assert error.hint is not None
    assert "django_tasks_db.DatabaseBackend" in error.hint


def test_what_the_other_tasks_of_the_project_run_on_is_its_own_business(settings: Any) -> None:
    settings.TASKS = {"default": IMMEDIATE, "long": WITH_WORKERS}
    settings.HEADWAY = {"ENGINE": "django_tasks", "TASKS_BACKEND": "long"}
    assert check_engine() == []


def test_without_the_engine_tasks_may_run_on_anything(settings: Any) -> None:
    settings.TASKS = {"default": IMMEDIATE}
    settings.HEADWAY = {"ENGINE": "embedded"}
    assert check_engine() == []


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ({"other": WITH_WORKERS}, "The connection 'default' doesn't exist."),
        ({"default": {"BACKEND": "nowhere.Backend"}}, "Could not find backend 'nowhere.Backend'"),
    ],
    ids=["not declared", "not found"],
)
def test_a_backend_that_is_not_there_is_told(settings: Any, tasks: dict[str, Any], said: str) -> None:
    error = found(settings, tasks)
    assert error.id == "headway.E011"
    assert said in error.msg


def test_a_queue_that_the_backend_has_not_is_told(settings: Any) -> None:
    error = found(settings, {"default": WITH_WORKERS | {"QUEUES": ["mail", "files"]}})
    assert (error.id, error.msg) == ("headway.E013", "TASKS['default'] has no queue 'default'; it has files, mail.")


def test_a_missing_package_is_told_with_its_name(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flavour, "NAME", "no_tasks_here")
    error = found(settings, {"default": WITH_WORKERS})
    assert (error.id, error.msg) == ("headway.E010", "no_tasks_here isn't installed.")
    assert error.hint == "Run: pip install 'django-headway[tasks]' (from 6.0 on, Django itself has them)."


@pytest.mark.parametrize("key", ["TASKS_BACKEND", "TASKS_QUEUE"])
def test_a_name_is_a_text(settings: Any, key: str) -> None:
    settings.HEADWAY = {key: ""}
    with pytest.raises(ImproperlyConfigured, match=f"HEADWAY\\['{key}'\\] is ''; it must be a name."):
        conf()


class Quick(flavour.without_worker()[0]):  # type: ignore[misc]
    """Somebody's own, which runs tasks at once as well."""
