"""An NDJSON file gives each object once, and the same rest from wherever it is taken up."""

import io
import json
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.operations import sources
from headway.operations.sources import text

from .contract import assert_keeps_its_promises, shape

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32")
PIECES = ["{}", '{"a": 1}', '{"a": "é\u0a0a"}', "[1]", "{", "\n", "\r\n", "\n", "\r", " ", "\0", '"a"', "\u00a0"]
leaf = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
)
thing = st.dictionaries(st.text(max_size=3), leaf | st.lists(leaf, max_size=2), max_size=3)


def read(content: bytes, **options: Any) -> list[Any]:
    source = sources.ndjson(io.BytesIO(content), **options)
    return [shape(item) for _, _, item in source.read(source.freeze(), None)]


def test_items_are_dictionaries_that_know_their_line() -> None:
    assert read(b'{"a": 1}\n\r\n \n{"b": [null, {"c": 2.5}]}') == [({"a": 1}, 1), ({"b": [None, {"c": 2.5}]}, 4)]


def test_an_empty_file_has_no_items() -> None:
    assert read(b"\xef\xbb\xbf\n") == []


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"{", "Expecting property name enclosed in double quotes: line 2 column 1 (char 2)"),
        (b"[1]", "it is an array"),
        (b'"a"', "it is a string"),
        (b"1", "it is a number"),
        (b"1.5", "it is a number"),
        (b"true", "it is a boolean"),
        (b"null", "it is null"),
        (b'{"a": NaN}', "NaN is not a number that can be stored"),
        (b'{"a": -Infinity}', "-Infinity is not a number that can be stored"),
        (b'{"a": 1e999}', "1e999 is not a number that can be stored"),
        (b'{"a": {"b": 1, "c": 2, "b": 3}}', "the name 'b' occurs twice"),
        (b"[" * 100_000, "it is nested too deeply"),
    ],
)
def test_a_line_that_is_not_one_object_is_malformed(line: bytes, sentence: str) -> None:
    assert read(line + b"\n{}") == [
        ("malformed", f"The line is not a JSON object: {sentence}.", "line 1"),
        ({}, 2),
    ]


def test_a_line_that_is_no_text_says_so() -> None:
    assert [item[0] for item in read(b'{"a": "\xe9"}\n\0\n')] == ["undecodable", "nul-character"]


@given(things=st.lists(thing, max_size=8), encoding=st.sampled_from(ENCODINGS), block=st.sampled_from([5, 1 << 16]))
def test_objects_are_those_that_were_written(things: list[Any], encoding: str, block: int) -> None:
    content = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in things).encode(encoding, "replace")
    with mock.patch.object(text, "BLOCK", block):
        entries = assert_keeps_its_promises(lambda: sources.ndjson(io.BytesIO(content)))
    written = [json.loads(line) for line in content.decode(encoding).split("\n") if line]
    assert [item for _, _, (item, _) in entries] == written


@given(
    pieces=st.lists(st.sampled_from(PIECES), max_size=30),
    encoding=st.sampled_from(ENCODINGS),
    noise=st.binary(max_size=3),
    longest=st.sampled_from([16, 1 << 20]),
)
def test_whatever_the_file_holds_the_promises_are_kept(
    pieces: list[str], encoding: str, noise: bytes, longest: int
) -> None:
    content = "".join(pieces).encode(encoding)
    content = content[:20] + noise + content[20:]
    with mock.patch.object(text, "LONGEST", longest):
        assert_keeps_its_promises(lambda: sources.ndjson(io.BytesIO(content)))
