"""Keys on their way into the database, in a file: so that they take no memory, and gathering them no transaction."""

import json
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile

IN_MEMORY = 1 << 20  # bytes


class Spool:
    """Texts in the order in which they were added; the file goes with the spool."""

    def __init__(self) -> None:
        self.file = SpooledTemporaryFile(IN_MEMORY, "w+", encoding="utf-8")  # noqa: SIM115  (closed by __del__)

    def add(self, text: str) -> None:
        self.file.write(f"{json.dumps(text)}\n")  # in which no line ends

    def __iter__(self) -> Iterator[str]:
        self.file.seek(0)
        return (json.loads(line) for line in self.file)

    def __del__(self) -> None:
        self.file.close()
