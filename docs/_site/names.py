"""The public names: each has its entry in the reference, under the name by which a project imports it."""

import importlib
import re
import sys
from collections.abc import Iterator
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

import headway

__all__ = ["missing", "setup"]

PUBLIC = [
    "headway",
    "headway.client",
    "headway.contrib.logs",
    "headway.errors",
    "headway.forms",
    "headway.http.handlers",
    "headway.live",
    "headway.middleware",
    "headway.runs",
    "headway.signals",
    "headway.snapshots",
    "headway.sources",
    "headway.testing",
    "headway.ui",
]
OUTSIDE = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+)(?![.])[^)]*\)")
FOR_THE_REPOSITORY = re.compile(r"^In the repository this page shows directives .*\n\n", re.MULTILINE)
OF_MARKUP = re.compile(r"(^ .*$|`[^`]*`)|([*|]|(?<=\w)_(?!\w))", re.MULTILINE)
BEFORE_CODE = re.compile(r":(?=\n\n )")
log = logging.getLogger(__name__)


def public_names() -> Iterator[str]:
    """All of them, but for modules among them, which have their own."""
    for module in PUBLIC:
        for name in importlib.import_module(module).__all__:
            if f"{module}.{name}" not in PUBLIC:
                yield f"{module}.{name}"


def missing(entries: Any) -> list[str]:
    """The public names that have no entry."""
    return [name for name in public_names() if name not in entries]


def tell_what_is_missing(app: Sphinx, env: BuildEnvironment) -> None:
    for name in missing(env.domains["py"].objects):  # type: ignore[attr-defined]
        log.warning("%s is public, and has no entry in the reference", name)


def without_what_is_for_the_repository(app: Sphinx, name: str, source: list[str]) -> None:
    """Links that lead out of the docs' folder work where the repository is read; the site has only their words."""
    depth = name.count("/")
    page = FOR_THE_REPOSITORY.sub("", source[0])
    source[0] = OUTSIDE.sub(lambda link: link[1] if link[2].count("../") > depth else link[0], page)


def as_it_stands(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Docstrings are text with code between backticks or indented, no reStructuredText; that of the errors has a
    tree."""
    text = OF_MARKUP.sub(lambda found: found[1] or f"\\{found[2]}", "\n".join(lines))
    lines[:] = BEFORE_CODE.sub("::", text).split("\n")
    if name == "headway.errors":
        lines[:] = [*lines[:1], "", "::", "", *(f"   {line}" for line in lines[1:])]


def setup(app: Sphinx) -> dict[str, bool]:
    sys.modules["headway.sources"] = headway.sources
    for name in headway.sources.__all__:
        source = getattr(headway.sources, name)
        if isinstance(source, type):
            source.__name__ = name  # `sources.csv` is the class CsvSource; people know it by the first
    app.connect("source-read", without_what_is_for_the_repository)
    app.connect("autodoc-process-docstring", as_it_stands)
    app.connect("env-check-consistency", tell_what_is_missing)
    return {"parallel_read_safe": True}
