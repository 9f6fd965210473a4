"""Lines and their offsets are the same from wherever and in whatever blocks a text is read."""

import io
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import ChangedMeanwhile
from headway.operations.sources import text
from headway.operations.sources.text import Text

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "gb18030")


def lines(content: bytes, encoding: str, offset: int = 0) -> list[text.Line]:
    return list(Text(io.BytesIO(content), encoding).lines(offset))


@given(content=st.text(st.sampled_from("ab\r\n\u0a00\u000a\u0a0aé😀")), encoding=st.sampled_from(ENCODINGS))
def test_only_a_line_feed_ends_a_line(content: str, encoding: str) -> None:
    found = lines(content.encode(encoding), encoding)
    assert [line for _, line, _ in found] == io.StringIO(content, newline="\n").readlines()


@given(
    content=st.lists(st.sampled_from([b"\n", b"\0", b"a", b"\n\0", b"\0\n", b"\0\0\0\n", b"\xd8"])).map(b"".join),
    encoding=st.sampled_from(ENCODINGS),
    block=st.integers(1, 70),
)
def test_lines_are_the_same_in_any_blocks_and_from_any_line_on(content: bytes, encoding: str, block: int) -> None:
    with mock.patch.object(text, "LONGEST", 12):
        whole = lines(content, encoding)
        with mock.patch.object(text, "BLOCK", block):
            assert lines(content, encoding) == whole
        start = 0
        for number, (end, _, _) in enumerate(whole):
            assert lines(content, encoding, start) == whole[number:]
            assert Text(io.BytesIO(content), encoding).lines_between(0, start) == number
            start = end


def test_a_line_that_cannot_be_used_is_flawed_and_reading_goes_on_behind_it() -> None:
    content = b"a\n\xff\n\0\n" + b"x" * (text.LONGEST + 1) + b"\nb"
    assert [(line, flaw and flaw.code) for _, line, flaw in lines(content, "utf-8")] == [
        ("a\n", None),
        ("\ufffd\n", "undecodable"),
        ("\0\n", "nul-character"),
        ("", "malformed"),
        ("b", None),
    ]


def test_a_line_of_just_the_greatest_length_is_read() -> None:
    content = b"x" * (text.LONGEST - 1) + b"\n"
    assert [flaw for _, _, flaw in lines(content, "utf-8")] == [None]


def test_two_readers_of_one_open_file_do_not_disturb_each_other() -> None:
    content = b"".join(b"%d\n" % number for number in range(200))
    with mock.patch.object(text, "BLOCK", 7):
        reader = Text(io.BytesIO(content), "utf-8")
        pairs = list(zip(reader.lines(0), reader.lines(0), strict=True))
    assert len(pairs) == 200
    assert all(one == two for one, two in pairs)


def test_a_file_that_is_cut_while_it_is_read_gives_no_half_of_a_line() -> None:
    file = io.BytesIO(b"one\ntwo\nthree\n")
    text = Text(file, None, stop=14)
    file.truncate(10)
    lines = text.lines(0)
    assert [next(lines)[1], next(lines)[1]] == ["one\n", "two\n"]
    with pytest.raises(ChangedMeanwhile, match="The file has 10 bytes; when this run began, it had 14"):
        next(lines)
    with pytest.raises(ChangedMeanwhile, match="The file has 10 bytes"):
        Text(file, None, stop=14)
