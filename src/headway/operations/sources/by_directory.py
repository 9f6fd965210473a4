"""The files of a directory."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from headway.errors import ChangedMeanwhile
from headway.operations.outcomes import Gone

from .copied import CopiedSource, key_text

ANY_DEPTH = "**"


class DirectorySource(CopiedSource[Path]):
    """The files in a directory that match a pattern, each a `Path`: those that are there at the start.

    `pattern` is of the shell's kind: "*.jpg"; "**/*.jpg" matches those of all subdirectories as well. Files that are
    links are followed, directories that are links are not. A key is a path within the directory, so that another worker
    may find that under another name; files come in the order of their names, those of a directory before those of its
    subdirectories. A file that isn't there any more is a `Gone`.

    Raises ChangedMeanwhile where the directory is missing, and where it is empty though the run has files in it.
    """

    def __init__(self, directory: str | os.PathLike[str], pattern: str = "*") -> None:
        self.directory, self.pattern = Path(os.path.abspath(directory)), pattern
        self.parts = tuple(pattern.split("/"))
        if {"", ".", ".."} & set(self.parts):
            raise ValueError(
                f"The pattern {pattern!r} must lie within the directory, such as '*.jpg', or '**/*.jpg' for all "
                "subdirectories as well."
            )

    def identity(self) -> str:
        return f"files {self.pattern} of the directory {self.directory.name}"

    def keys_now(self) -> Iterator[str]:
        self.check_directory()
        for parts in self.walk():
            if matches(parts, self.parts) and os.path.isfile(os.path.join(self.directory, *parts)):
                yield key_text(as_key("/".join(parts)), f"The directory {self.directory}")

    def walk(self) -> Iterator[tuple[str, ...]]:
        """All that is no directory, as deep as the pattern goes, as parts of paths."""
        for folder, folders, names in os.walk(self.directory, onerror=refuse):
            above = Path(folder).relative_to(self.directory).parts
            if ANY_DEPTH not in self.parts and len(above) + 1 >= len(self.parts):
                folders.clear()
            folders.sort()
            yield from ((*above, name) for name in sorted(names))

    def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, Path]]:
        found = [(key, path) for key in keys if (path := self.directory / as_path(key)).is_file()]
        if len(found) < len(keys):
            self.check_directory()
            self.check_content()
        return found

    def label(self, item: Path | Gone) -> str:
        return item.label if isinstance(item, Gone) else as_key(item.relative_to(self.directory).as_posix())

    def check_directory(self) -> None:
        if not self.directory.is_dir():
            raise ChangedMeanwhile(f"There is no directory {self.directory} here. Is it mounted on this worker?")

    def check_content(self) -> None:
        with os.scandir(self.directory) as found:
            if not any(found):
                raise ChangedMeanwhile(f"The directory {self.directory} is empty. Is it mounted on this worker?")


def matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a path matches, part by part; "**" stands for any number of parts."""
    if not pattern:
        return not parts
    if pattern[0] == ANY_DEPTH:
        return any(matches(parts[start:], pattern[1:]) for start in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and matches(parts[1:], pattern[1:])


def as_key(path: str) -> str:
    """The path as text that a database keeps: "%FF" for a byte that is no UTF-8, and so "%25" for "%"."""
    return re.sub("[%\udc80-\udcff]", lambda found: f"%{ord(found[0]) & 0xFF:02X}", path)


def as_path(key: str) -> str:
    """The reverse of `as_key`."""
    return re.sub("%(..)", lambda found: os.fsdecode(bytes.fromhex(found[1])), key)


def refuse(error: OSError) -> None:
    raise error
