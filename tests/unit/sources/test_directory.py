"""The files of a directory: those that were there at the start, under names of any kind."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import ChangedMeanwhile
from headway.operations import sources
from headway.operations.sources import Source
from headway.operations.sources.by_directory import as_key, as_path, matches

from .contract import Listed, assert_keeps_its_promises, attached, frozen, shape

NOBODY = 65534  # a user that owns nothing


def made(directory: Path, pattern: str = "*") -> Callable[[], Source[Any]]:
    return attached(lambda: sources.files(directory, pattern))


def fill(directory: Path, *names: str) -> None:
    for name in names:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, errors="surrogateescape")


def keys(directory: Path, pattern: str = "*") -> list[str]:
    return [key for _, key, _ in assert_keeps_its_promises(made(directory, pattern))]


def test_files_come_by_name_those_of_a_directory_before_those_of_its_subdirectories(tmp_path: Path) -> None:
    fill(tmp_path, "b.jpg", "a.jpg", "c.txt", "below/a.jpg", "below/deep/z.jpg", "above/a.jpg")
    assert keys(tmp_path, "*.jpg") == ["a.jpg", "b.jpg"]
    assert keys(tmp_path, "*/*.jpg") == ["above/a.jpg", "below/a.jpg"]
    assert keys(tmp_path, "**/*.jpg") == ["a.jpg", "b.jpg", "above/a.jpg", "below/a.jpg", "below/deep/z.jpg"]
    assert keys(tmp_path) == ["a.jpg", "b.jpg", "c.txt"]
    assert len(keys(tmp_path, "**")) == 6


def test_an_item_is_a_path_and_its_label_what_stands_below_the_directory(tmp_path: Path) -> None:
    fill(tmp_path, "below/a.jpg")
    source = made(tmp_path, "**/*.jpg")()
    ((_, _, item),) = source.read(frozen(source), None)
    assert item == tmp_path / "below" / "a.jpg"
    assert source.label(item) == "below/a.jpg"


def test_what_vanishes_is_told_as_gone_and_what_is_added_is_not_in_the_run(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b", "c")
    make = made(tmp_path)
    bounds = frozen(make())
    (tmp_path / "b").unlink()
    fill(tmp_path, "aa")
    items = [shape(item) for _, _, item in make().read(bounds, None)]
    assert items == [tmp_path / "a", ("gone", "It isn't there any more.", "b"), tmp_path / "c"]


def test_a_directory_that_is_missing_or_not_mounted_pauses_the_run_instead_of_telling_all_as_gone(
    tmp_path: Path,
) -> None:
    directory = tmp_path / "photos"
    fill(directory, "a", "b")
    make = made(directory)
    bounds = frozen(make())
    directory.rename(tmp_path / "away")
    with pytest.raises(ChangedMeanwhile, match=r"There is no directory .*photos here\. Is it mounted"):
        list(make().read(bounds, None))
    directory.mkdir()
    with pytest.raises(ChangedMeanwhile, match=r"photos is empty\. Is it mounted"):
        list(make().read(bounds, None))
    with pytest.raises(ChangedMeanwhile, match="There is no directory"):
        frozen(made(tmp_path / "nowhere")())


def test_links_to_files_are_followed_and_links_to_directories_are_not(tmp_path: Path) -> None:
    fill(tmp_path, "in/a.jpg", "out/b.jpg")
    (tmp_path / "in" / "link.jpg").symlink_to(tmp_path / "out" / "b.jpg")
    (tmp_path / "in" / "broken.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "in" / "round").symlink_to(tmp_path / "in")
    os.mkfifo(tmp_path / "in" / "pipe.jpg")
    assert keys(tmp_path / "in", "**/*.jpg") == ["a.jpg", "link.jpg"]


def test_a_subdirectory_that_cannot_be_read_is_not_passed_over() -> None:
    with TemporaryDirectory() as name:
        open_to_all = Path(name)
        open_to_all.chmod(0o755)
        fill(open_to_all, "closed/a")
        (open_to_all / "closed").chmod(0)
        with no_root(), pytest.raises(PermissionError, match="closed"):
            frozen(made(open_to_all, "**")())
        (open_to_all / "closed").chmod(0o700)


@contextmanager
def no_root() -> Iterator[None]:
    """Root may read everything: inside, this process is another user."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


def test_names_that_are_not_utf_8_are_kept_and_found_again(tmp_path: Path) -> None:
    fill(tmp_path, os.fsdecode(b"caf\xe9.jpg"), "100%.jpg", "é\n.jpg")
    assert keys(tmp_path) == ["100%25.jpg", "caf%E9.jpg", "é\n.jpg"]


@given(st.binary(min_size=1, max_size=12).filter(lambda name: b"\0" not in name))
def test_any_path_goes_to_a_key_and_back(name: bytes) -> None:
    path = os.fsdecode(name)
    as_key(path).encode()
    assert as_path(as_key(path)) == path


def test_a_path_too_long_for_a_key_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, "/".join(["d" * 100] * 3))
    with pytest.raises(ValueError, match="a key of 302 characters"):
        frozen(made(tmp_path, "**")())


@pytest.mark.parametrize("pattern", ["", "/tmp/*", "../*", "a//b", "./a"])
def test_a_pattern_lies_within_the_directory(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(ValueError, match="must lie within the directory"):
        sources.files(tmp_path, pattern)


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("a.jpg", "*.jpg", True),
        ("b/a.jpg", "*.jpg", False),
        ("b/a.jpg", "**/*.jpg", True),
        ("b/c/a.jpg", "b/**/a.jpg", True),
        ("b/a.jpg", "b/**/a.jpg", True),
        ("b/c", "b/**", True),
        ("c/a.jpg", "b/**/a.jpg", False),
        ("b/c/d", "**/d/**", True),
        ("b/c/d", "*/d", False),
    ],
)
def test_patterns(path: str, pattern: str, expected: bool) -> None:
    assert matches(path.split("/"), pattern.split("/")) is expected


def test_ten_thousand_files_are_told_one_by_one(tmp_path: Path) -> None:
    for number in range(10_000):
        (tmp_path / f"{number:05}").touch()
    source = sources.files(tmp_path)
    source.attach(Listed())
    assert sum(1 for _ in source.gather()) == 10_000
    assert source.count(source.freeze()) == 10_000
