"""A page of the docs as a reader follows it: its sections, and in each the files to write and the commands to type."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PLACE", "ROOT", "Block", "own_lines", "sections"]

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PLACE = re.compile(r"# (?P<path>[\w./]+\.py)(?P<at_the_end>, at the end)?\n")


@dataclass(frozen=True)
class Block:
    """What stands between two fences."""

    language: str
    text: str

    @property
    def place(self) -> re.Match[str] | None:
        """The first line, where it names a file."""
        return PLACE.match(self.text)

    @property
    def code(self) -> str:
        """All but that line."""
        return self.text[self.place.end() :] if self.place else self.text

    @property
    def lines(self) -> list[str]:
        """Those that say something."""
        return [line for line in self.code.splitlines() if line.strip()]


def sections(page: Path) -> Iterator[tuple[str, list[Block]]]:
    """Each section's title and blocks, in their order."""
    for part in re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, _, text = part.partition("\n")
        yield title, [Block(*found) for found in FENCE.findall(text)]


def own_lines(blocks: list[Block]) -> int:
    """How many lines the reader writes into files."""
    return sum(len(block.lines) for block in blocks if block.place)
