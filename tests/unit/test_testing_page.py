"""The tests on the page about testing are tests, and pass."""

import builtins
import unittest
from pathlib import Path
from typing import Any

import pytest

from tests.tutorial.page import ROOT

from .test_code_blocks import Known, snippets_of

PAGE = ROOT / "docs/how-to/testing.md"
pytestmark = pytest.mark.django_db


def written_on(page: Path) -> dict[str, Any]:
    """What a reader's file has when all blocks are in it, one after the other."""
    names: dict[str, Any] = {"__builtins__": Known(vars(builtins)), "__name__": "page"}
    for snippet in snippets_of(page):
        if snippet.language == "python":
            exec(compile(snippet.text, str(snippet), "exec"), names)
    own = {name: value for name, value in names.items() if getattr(value, "__module__", "") == "page"}
    return {name: value for name, value in own.items() if name.startswith("test_") or name.endswith("Test")}


@pytest.mark.parametrize("name", sorted(written_on(PAGE)))
def test_each_of_them_passes(name: str, media: Path) -> None:
    written = written_on(PAGE)[name]
    if isinstance(written, type):
        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromTestCase(written).run(result)
        assert (result.testsRun, result.errors, result.failures) == (1, [], [])
    else:
        written(None)
