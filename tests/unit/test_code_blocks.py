"""Every block of code in the README and the docs is tried.

Python runs, and the operations that it declares are good ones; commands and their options are there; JSON, TOML, shell
and templates can be read. What the tutorial's reader writes (its first line names the file) is run by `tests/tutorial`,
JavaScript is read by `tests/clients`.
"""

import ast
import builtins
import json
import re
import shlex
import subprocess
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import load_command_class
from django.forms import Form
from django.template import engines

import headway
from example.airports import forms, models, rows
from headway.operations.base import by_name
from tests.tutorial.page import PLACE, ROOT

ONLY_READ = [
    ROOT / "docs/explanation/solutions.md",  # of other people's ways, in their libraries' words
    ROOT / "docs/how-to/services.md",  # of projects of their own; `tests/services` compares it with them
]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*)\n(?P<text>.*?)^ *```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"manage\.py (headway_\w+)([^#\n]*)")


@dataclass(frozen=True)
class Snippet:
    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def snippets(*languages: str) -> list[Snippet]:
    return [each for page in PAGES for each in snippets_of(page) if each.language in languages]


def snippets_of(page: Path) -> Iterator[Snippet]:
    text = page.read_text()
    for found in FENCE.finditer(text):
        yield Snippet(page, text.count("\n", 0, found.start()) + 1, found["language"], found["text"])


def is_followed(snippet: Snippet) -> bool:
    """Whether the tutorial's reader writes it."""
    return snippet.page in (ROOT / "README.md", ROOT / "docs/tutorial.md") and PLACE.match(snippet.text) is not None


class Known(dict[str, Any]):
    """Python's own names, and those that a page may take for known: Headway's, the example's, and any form."""

    def __missing__(self, name: str) -> Any:
        for place in (headway, forms, models, rows):
            if hasattr(place, name):
                return getattr(place, name)
        if name.endswith("Form"):
            return Form
        raise KeyError(name)


class Whole(ast.NodeTransformer):
    """A page that tells of one attribute leaves out what each operation must have."""

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        there = {getattr(statement, "name", "") for statement in node.body}
        set_there = {
            name.id for each in node.body for name in getattr(each, "targets", ()) if isinstance(name, ast.Name)
        }
        stepwise = "run" in there or "steps" in set_there
        if [ast.unparse(base) for base in node.bases] == ["Operation"] and not stepwise:
            lacking = ["items"] * ("items" not in there) + ["process"] * (not there & {"process", "process_chunk"})
            for name in lacking:
                node.body += ast.parse(f"def {name}(self, *given): ...").body
        return node


@pytest.fixture
def no_operations() -> Iterator[None]:
    """Pages may declare those of the example anew."""
    before = dict(by_name)
    by_name.clear()
    yield
    by_name.clear()
    by_name.update(before)


@pytest.mark.parametrize("snippet", [each for each in snippets("python") if not is_followed(each)], ids=str)
def test_python_runs(snippet: Snippet, no_operations: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_TOKEN", "secret")
    tree = Whole().visit(ast.parse(textwrap.dedent(snippet.text)))
    names = {
        "__builtins__": Known(vars(builtins)),
        "__name__": "example.airports.page",
        "__package__": "example.airports",
    }
    if snippet.page not in ONLY_READ:
        exec(compile(tree, str(snippet), "exec"), names)


@pytest.mark.parametrize(
    "snippet", [each for page in PAGES for each in snippets_of(page) if COMMAND.search(each.text)], ids=str
)
def test_commands_and_their_options_are_there(snippet: Snippet) -> None:
    for name, arguments in COMMAND.findall(snippet.text):
        parser = load_command_class("headway", name).create_parser("manage.py", name)
        parser.parse_args(shlex.split(arguments.replace("…", "x")))


@pytest.mark.parametrize("snippet", snippets("json", "toml"), ids=str)
def test_data_can_be_read(snippet: Snippet) -> None:
    {"json": json, "toml": tomllib}[snippet.language].loads(snippet.text)


def test_what_is_for_the_shell_can_be_read() -> None:
    for snippet in snippets("sh"):
        said = subprocess.run(["bash", "-n"], input=snippet.text, capture_output=True, text=True, check=False)
        assert not said.stderr, f"{snippet}: {said.stderr}"


@pytest.mark.parametrize("snippet", snippets("django", "html+django"), ids=str)
def test_templates_can_be_read(snippet: Snippet) -> None:
    engines["django"].from_string(snippet.text)
