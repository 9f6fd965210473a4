"""A directive whose content is Markdown that Python makes."""

from collections.abc import Callable, Iterable
from typing import ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

__all__ = ["Generated", "cell"]


class Generated(SphinxDirective):
    """Parses what `lines` gives, where it stands."""

    lines: ClassVar[Callable[[], Iterable[str]]]

    def run(self) -> list[nodes.Node]:
        container = nodes.container()
        self.state.nested_parse(StringList(list(type(self).lines()), source="generated"), 0, container)
        return container.children


def cell(text: str) -> str:
    """The text as a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("{", "&#123;")
