"""Single items of a file, fetched page by page: what a retry and a download do."""

import io
import random

import pytest

from headway import sources
from headway.operations.sources.file_source import FileSource

ROWS = 5_000
CONTENT = {
    "csv": "name,text\n" + "".join(f'{number},"two\nlines"\n' for number in range(ROWS)),
    "ndjson": "".join(f'{{"name": "{number}", "text": "one line"}}\n' for number in range(ROWS)),
}


class Counting(io.BytesIO):
    """A file that says how much of it was read, however often it is opened."""

    read_so_far = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.read_so_far += len(found)
        return found

    def close(self) -> None: ...


@pytest.fixture(params=list(CONTENT))
def content(request: pytest.FixtureRequest) -> bytes:
    return CONTENT[request.param].encode()


def source_of(content: bytes, file: io.BytesIO) -> FileSource[object]:
    source = sources.csv(io.BytesIO(content)) if content.startswith(b"name") else sources.ndjson(io.BytesIO(content))
    source.open = lambda: file  # type: ignore[method-assign]
    return source  # type: ignore[return-value]


@pytest.mark.parametrize("step", [1, 3, 50])
def test_page_by_page_the_file_is_read_once(content: bytes, step: int) -> None:
    file = Counting(content)
    source = source_of(content, file)
    wanted = [(key, item.line) for _, key, item in source.read(source.freeze(), None)][::step]
    file.read_so_far = 0
    found = []
    for start in range(0, len(wanted), 50):
        found += [(key, item.line) for key, item in source.fetch([key for key, _ in wanted[start : start + 50]])]

    assert found == wanted
    # What lies between two items is counted, and an item that stands alone is read with 2 KB behind it.
    assert file.read_so_far <= 2 * len(content) + 2_100 * len(wanted)


def test_whatever_is_asked_for_in_whatever_order_each_has_its_own_line(content: bytes) -> None:
    source = source_of(content, Counting(content))
    lines = {key: item.line for _, key, item in source.read(source.freeze(), None)}
    chance = random.Random(1)
    for _ in range(50):
        keys = chance.sample(list(lines), chance.randrange(1, 40))
        assert {key: item.line for key, item in source.fetch(keys)} == {key: lines[key] for key in keys}
