"""What is public is listed, in order, and is there; and declaring an operation needs neither settings nor models."""

import importlib
import os
import pkgutil
import subprocess
import sys

import pytest

import headway
from headway import errors

# Django finds these by name.
NOT_FOR_IMPORT = ("headway.apps", "headway.management.commands.", "headway.migrations.", "headway.templatetags.")
PUBLIC = [  # as docs/_site/names.py has them, which asks for an entry of each of their names
    "headway", "headway.client", "headway.contrib.logs", "headway.errors", "headway.forms", "headway.http.handlers",
    "headway.live", "headway.middleware", "headway.runs", "headway.operations.sources", "headway.signals",
    "headway.snapshots", "headway.testing", "headway.ui",
]  # fmt: skip

MODULES = [  # imported by the tests: the URLs know only the operations that there are by then
    found.name
    for found in pkgutil.walk_packages(headway.__path__, "headway.")
    if not found.name.startswith(NOT_FOR_IMPORT)
]


def rank(name: str) -> tuple[int, str]:
    """CONSTANTS, then Classes, then functions."""
    return 0 if name.isupper() else 1 if name[0].isupper() else 2, name


def test_the_words_for_declaring() -> None:
    assert headway.__all__ == [
        "File", "Operation", "Rate", "Reject", "Retry", "Skip", "Stop", "Tolerance", "TryAgain", "Wait", "sources",
    ]  # fmt: skip
    assert all(hasattr(headway, name) for name in headway.__all__)


def test_the_sources() -> None:
    assert headway.sources.__all__ == [
        "Entry", "Json", "Row", "Selections", "Source",
        "csv", "files", "ndjson", "pages", "queryset", "roots", "selection", "xlsx",
    ]  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_what_a_module_lists_is_there_and_in_order(name: str) -> None:
    module = importlib.import_module(name)
    listed: list[str] = getattr(module, "__all__", [])
    assert listed == sorted(set(listed), key=rank)
    assert all(hasattr(module, name) for name in listed)


@pytest.mark.parametrize("name", PUBLIC)
def test_what_the_reference_documents_is_listed(name: str) -> None:
    assert importlib.import_module(name).__all__


def test_every_error_says_what_it_means_and_is_one_of_headways() -> None:
    for name in errors.__all__:
        kind = getattr(errors, name)
        assert kind.__doc__
        if name != "ParamError":  # a value inside an error
            assert issubclass(kind, errors.HeadwayError)
            assert f"── {name} " in (errors.__doc__ or "") or name == "HeadwayError"


def test_live_delivery_is_imported_before_django_has_loaded_the_apps() -> None:
    """As the usual asgi.py does: imports first, then `asgi(get_asgi_application())`."""
    code = (
        "from django.core.asgi import get_asgi_application; from headway.live import asgi; asgi(get_asgi_application())"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (0, "")


def test_importing_the_words_needs_no_settings_and_no_models() -> None:
    code = (
        "import sys, headway; from headway import sources; from headway.forms import CsvFileField; "
        "sources.csv('airports.csv'); print('headway.models' in sys.modules)"
    )
    env = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    said = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert (said.stdout, said.stderr) == ("False\n", "")
