"""A CSV file gives each row once, and the same rest from wherever it is taken up."""

import csv
import io
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headway.operations import sources
from headway.operations.outcomes import Unreadable
from headway.operations.sources import csv_parser, text
from headway.operations.sources.csv_file import HeaderError

from .contract import assert_keeps_its_promises, shape

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1252", "shift_jis")
MARKED = ("utf-8-sig", "utf-16", "utf-32")
PIECES = [
    "a",
    "b,",
    ",",
    '"',
    '""',
    "\n",
    "\r\n",
    "\r",
    "\0",
    " ",
    "é",
    "\u0a0a",
    "\u0a00",
    "x,y\n",
    '"q\nr",s\n',
    '","\n',
]
dirt = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
value = st.lists(st.sampled_from(["a", " ", '"', ",", ";", "\n", "\r\n", "é", "\u0a0a", "😀"]), max_size=8).map("".join)


def read(content: bytes, **options: Any) -> list[Any]:
    source = sources.csv(io.BytesIO(content), **options)
    return [shape(item) for _, _, item in source.read(source.freeze(), None)]


class TestRows:
    def test_rows_are_dictionaries_that_know_their_line(self) -> None:
        assert read(b"icao,city\nEDDF,Frankfurt\n\r\n\nEDDM,Munich") == [
            ({"icao": "EDDF", "city": "Frankfurt"}, 2),
            ({"icao": "EDDM", "city": "Munich"}, 5),
        ]

    def test_the_label_is_the_line_where_the_row_starts(self) -> None:
        source = sources.csv(io.BytesIO(b'a\n"1\n2"\n' + b"3\n" * 4618))
        (_, _, first), *_, (_, _, last) = source.read(source.freeze(), None)
        assert [source.label(first), source.label(last)] == ["line 2", "line 4,621"]

    def test_the_label_is_right_after_resuming_and_for_what_cannot_be_read(self) -> None:
        source = sources.csv(io.BytesIO(b'a,b\n"1\n1",2\n3\n4,5\n'))
        bounds = source.freeze()
        (cursor, _, _), *_ = source.read(bounds, None)
        assert [source.label(item) for _, _, item in source.read(bounds, cursor)] == ["line 4", "line 5"]

    def test_a_key_is_the_offset_where_the_row_starts_and_a_cursor_where_the_next_may(self) -> None:
        source = sources.csv(io.BytesIO(b"a,b\n1,2\n\n3,4\n"))
        entries = [(cursor, key) for cursor, key, _ in source.read(source.freeze(), None)]
        assert entries == [([8, 2], "4"), ([13, 4], "9")]

    @given(
        rows=st.lists(st.lists(value, min_size=3, max_size=3), max_size=12),
        encoding=st.sampled_from(ENCODINGS),
        line_end=st.sampled_from(["\n", "\r\n"]),
        quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        delimiter=st.sampled_from(",;\t"),
        block=st.sampled_from([5, 64, 1 << 16]),
    )
    def test_well_formed_rows_are_those_of_the_standard_module(
        self, rows: list[list[str]], encoding: str, line_end: str, quoting: Any, delimiter: str, block: int
    ) -> None:
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator=line_end, quoting=quoting, delimiter=delimiter)
        writer.writerows([["a", "b", "c"], *rows])
        content = out.getvalue().encode(encoding, "ignore")
        standard = csv.DictReader(io.StringIO(content.decode(encoding), newline=""), delimiter=delimiter)
        expected = [row for row in standard if any(cell.strip() for cell in row.values())]
        options: Any = {"delimiter": delimiter, "encoding": None if encoding in MARKED else encoding}
        with mock.patch.object(text, "BLOCK", block):
            entries = assert_keeps_its_promises(lambda: sources.csv(io.BytesIO(content), **options))
        assert [item for _, _, (item, _) in entries] == expected


class TestDirt:
    @pytest.mark.parametrize(
        ("line", "code", "sentence"),
        [
            (
                b"1,2,3",
                "too-many-fields",
                "The row has 3 fields; the header has 2. Is a cell with a delimiter in it quoted?",
            ),
            (b"1", "too-few-fields", "The row has 1 field; the header has 2. Is a cell with a line end in it quoted?"),
            (b"1,2\0", "nul-character", "The line has a NUL character, which text never has."),
            (b"1,2\xe9", "undecodable", "The line is not UTF-8: byte 0xE9 at position 4."),
            (
                b'1,"2',
                "malformed",
                "The row is not well-formed CSV: unexpected end of data. Is each quotation mark closed, or doubled?",
            ),
            (
                b"1,\r2",
                "malformed",
                "The row is not well-formed CSV: new-line character seen in unquoted field. "
                "Is each quotation mark closed, or doubled?",
            ),
        ],
    )
    def test_a_row_that_cannot_be_read_says_what_was_expected_and_found(
        self, line: bytes, code: str, sentence: str
    ) -> None:
        assert read(b"a,b\n" + line + b"\n3,4\n") == [(code, sentence, "line 2"), ({"a": "3", "b": "4"}, 3)]

    @pytest.mark.slow
    def test_a_quotation_mark_that_is_never_closed_costs_one_row(self) -> None:
        rows = read(b'a,b\n1,"2\n' + b"3,4\n" * 100_000)
        assert rows[0][0] == "malformed"
        assert rows[1:] == [({"a": "3", "b": "4"}, line) for line in range(3, 100_003)]

    def test_a_file_full_of_quotation_marks_that_are_not_closed_is_read_in_one_go(self) -> None:
        began = time.monotonic()
        rows = read(b"a,b\n" + b'x","y\n' * 20_000)
        assert [item[::2] for item in rows] == [("malformed", f"line {line:,}") for line in range(2, 20_002)]
        assert "more than 2 fields, over several lines" in rows[0][1]
        assert time.monotonic() - began < 20  # row by row to the end of the file, it would be minutes

    def test_a_row_whose_quoted_second_line_cannot_be_decoded_is_one_item(self) -> None:
        assert [item[0] for item in read(b'a,b\n1,"2\n\xff"\n3,4\n')] == ["undecodable", {"a": "3", "b": "4"}]

    def test_a_line_that_is_too_long_is_one_item(self) -> None:
        rows = read(b"a,b\n1," + b"x" * (text.LONGEST + 1) + b"\n3,4\n")
        assert rows[0][::2] == ("malformed", "line 2")
        assert rows[1:] == [({"a": "3", "b": "4"}, 3)]

    @given(
        dirt=dirt,
        encoding=st.sampled_from(ENCODINGS),
        noise=st.none() | st.tuples(st.integers(0, 40), st.binary(min_size=1, max_size=3)),
        block=st.sampled_from([5, 64, 1 << 16]),
        longest=st.sampled_from([9, 1 << 20]),
        limit=st.sampled_from([2, 1 << 17]),
    )
    @example(dirt='x","y\n' * 5, encoding="utf-8", noise=None, block=64, longest=9, limit=2)
    @example(dirt="\r\r\n", encoding="utf-8", noise=None, block=64, longest=9, limit=2)
    @example(dirt="\u0a00\u0a0a\n\u0a00" * 5, encoding="utf-16-be", noise=(11, b"\n"), block=5, longest=9, limit=2)
    def test_whatever_the_file_holds_the_promises_are_kept(
        self, dirt: str, encoding: str, noise: tuple[int, bytes] | None, block: int, longest: int, limit: int
    ) -> None:
        content = ("a,b\n" + dirt).encode(encoding, "ignore")
        if noise:
            at = 20 + noise[0]  # behind the header in every encoding
            content = content[:at] + noise[1] + content[at:]
        declared = None if encoding in MARKED else encoding
        longest *= 4 if encoding == "utf-32" else 2 if encoding.startswith("utf-16") else 1
        with (
            mock.patch.object(text, "BLOCK", block),
            mock.patch.object(text, "LONGEST", longest),
            mock.patch.object(csv_parser, "LONGEST", longest),
            field_size_limit(limit),
        ):
            assert_keeps_its_promises(lambda: sources.csv(io.BytesIO(content), encoding=declared))

    @given(dirt=dirt.map(lambda dirt: dirt.replace("\0", "")), limit=st.sampled_from([2, 1 << 17]))
    def test_rows_are_those_of_a_parser_that_starts_anew_behind_each_malformed_one(self, dirt: str, limit: int) -> None:
        with field_size_limit(limit):  # of the standard parser, which is not to be noticed
            entries = read(("a,b\n" + dirt).encode())
        assert [(item[-1], item[0]) for item in entries] == by_restarting(dirt)


@contextmanager
def field_size_limit(limit: int) -> Iterator[None]:
    """As long as it lasts, the standard parser refuses longer fields."""
    before = csv.field_size_limit(limit)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def by_restarting(dirt: str) -> list[tuple[Any, Any]]:
    """(line or label, row or code) by the plainest means: a new parser at each row."""
    lines = io.StringIO(dirt, newline="\n").readlines()
    found: list[tuple[Any, Any]] = []
    at = 0
    while at < len(lines):
        reader = csv.reader(lines[at:], strict=True)
        try:
            fields = next(reader)
            beyond = "".join(fields[2:])
            if reader.line_num > 1 and (beyond.strip() or "\n" in beyond):
                raise csv.Error
        except csv.Error:
            found.append((f"line {at + 2}", "malformed"))
            at += 1
            continue
        if not any(field.strip() for field in fields):
            pass
        elif len(fields) == 2 or (len(fields) > 2 and not any(field.strip() for field in fields[2:])):
            found.append((at + 2, {"a": fields[0], "b": fields[1]}))
        else:
            found.append((f"line {at + 2}", "too-many-fields" if len(fields) > 2 else "too-few-fields"))
        at += reader.line_num
    return found


class TestSpreadsheets:
    """Files as people save them."""

    def test_the_delimiter_that_excels_first_line_names_is_used(self) -> None:
        assert read(b"sep=;\r\nname;city\r\na;Aarau\r\n") == [({"name": "a", "city": "Aarau"}, 3)]
        assert read(b'\xef\xbb\xbf"sep=,"\nname,city\na,Aarau\n', delimiter=";") == [
            ({"name": "a", "city": "Aarau"}, 3)
        ]
        assert read(b"sep=\nx\n") == [({"sep=": "x"}, 2)]

    def test_a_column_without_a_name_at_the_end_is_dropped_as_long_as_it_is_empty(self) -> None:
        assert read(b"a,b,\n1,2,\n3,4\n5,6,7\n") == [
            ({"a": "1", "b": "2"}, 2),
            ({"a": "3", "b": "4"}, 3),
            (
                "too-many-fields",
                "The row has 3 fields; the header has 2. Is a cell with a delimiter in it quoted?",
                "line 4",
            ),
        ]

    def test_cells_beyond_the_last_column_are_dropped_when_they_are_empty(self) -> None:
        assert read(b'a,b\n1,2,, \n"3\n3",4,\n5,6,,7\n') == [
            ({"a": "1", "b": "2"}, 2),
            ({"a": "3\n3", "b": "4"}, 3),
            (
                "too-many-fields",
                "The row has 4 fields; the header has 2. Is a cell with a delimiter in it quoted?",
                "line 5",
            ),
        ]

    def test_empty_cells_at_the_end_may_be_missing_if_more_than_half_are_there(self) -> None:
        assert read(b"name,city,note\na,Aarau,x\nb,Basel\nc\n") == [
            ({"name": "a", "city": "Aarau", "note": "x"}, 2),
            ({"name": "b", "city": "Basel", "note": ""}, 3),
            (
                "too-few-fields",
                "The row has 1 field; the header has 3. Is a cell with a line end in it quoted?",
                "line 4",
            ),
        ]

    def test_rows_without_anything_to_read_are_none(self) -> None:
        rows = b",\n  \n , \n" * 1000
        source = sources.csv(io.BytesIO(rows + b"a,b\n1,2\n" + rows + b'"",\n" \n",""\n3,4\n' + rows))
        bounds = source.freeze()
        assert [dict(item) for _, _, item in source.read(bounds, None)] == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
        assert source.count(bounds) == 2

    def test_a_byte_order_mark_outdoes_a_declared_encoding(self) -> None:
        assert read("\ufeffname\nZürich\n".encode(), encoding="cp1252") == [({"name": "Zürich"}, 2)]
        assert read("name\nZürich\n".encode("cp1252"), encoding="cp1252") == [({"name": "Zürich"}, 2)]

    @pytest.mark.parametrize("mark", ["", '"'])
    def test_a_field_may_be_as_long_as_a_line(self, mark: str) -> None:
        long = "x" * 1_000_000
        limit = csv.field_size_limit()
        rows = read(f"a,b\n1,{mark}{long}{mark}\n2,3\n".encode())
        assert rows == [({"a": "1", "b": long}, 2), ({"a": "2", "b": "3"}, 3)]
        assert csv.field_size_limit() == limit, "it belongs to the project"

    def test_a_long_field_may_have_lines_delimiters_and_quotation_marks(self) -> None:
        long = 'He said, "no".\r\n' * 20_000
        out = io.StringIO(newline="")
        csv.writer(out).writerows([["a", "b"], [long, "1"], ["2", "3"]])
        source = sources.csv(io.BytesIO(out.getvalue().encode()))
        (cursor, key, first), (_, _, second) = source.read(bounds := source.freeze(), None)
        assert (first["a"] == long, first["b"], second, second.line) == (True, "1", {"a": "2", "b": "3"}, 20_003)
        assert [dict(item) for _, _, item in source.read(bounds, cursor)] == [{"a": "2", "b": "3"}]
        assert [item == first for _, item in source.fetch([key])] == [True]
        assert source.count(bounds) == 2


class TestHeader:
    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"", "The file is empty; its first line should name the columns."),
            (b"\xef\xbb\xbf\r\n\n", "The file is empty; its first line should name the columns."),
            (b",,\n \n", "The file is empty; its first line should name the columns."),
            (b"a,,c\n", "Column 2 of 3 has no name in the header."),
            (b"a,b,a\n", "The header has the column 'a' twice; each name may be there once."),
            (b"a,\xe9\n", "The header is not readable. The line is not UTF-8: byte 0xE9 at position 3."),
            (b"a,\0\n", "The header is not readable. The line has a NUL character, which text never has."),
        ],
    )
    def test_a_file_that_does_not_name_its_columns_is_refused(self, content: bytes, sentence: str) -> None:
        source = sources.csv(io.BytesIO(content))
        with pytest.raises(HeaderError) as raised:
            source.freeze()
        assert str(raised.value) == sentence

    def test_a_header_whose_quotation_mark_is_not_closed_is_refused(self) -> None:
        with pytest.raises(HeaderError, match="not well-formed CSV: unexpected end of data"):
            sources.csv(io.BytesIO(b'a,"b\n1,2\n')).freeze()

    def test_a_header_may_span_lines_and_follow_blank_ones(self) -> None:
        assert read(b'\n"a\nb",c\n1,2\n') == [({"a\nb": "1", "c": "2"}, 4)]

    @pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n", "\0", None])
    def test_a_delimiter_is_one_character(self, delimiter: Any) -> None:
        with pytest.raises(ValueError, match="it must be one character"):
            sources.csv(io.BytesIO(b"a"), delimiter=delimiter)


class TestFile:
    def test_what_is_appended_later_lies_beyond_the_bounds(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_bytes(b"a\n1")
        source = sources.csv(path)
        bounds = source.freeze()
        path.write_bytes(b"a\n1\n2\n")
        assert bounds == {"size": 3}
        assert [item for _, _, item in source.read(bounds, None)] == [{"a": "1"}]
        assert source.count(bounds) == 1

    def test_keys_that_no_row_has_are_left_out(self) -> None:
        source = sources.csv(io.BytesIO(b"a\n1\n"))
        assert list(source.fetch(["999", "0", "x", "", "2", "2"])) == [("2", {"a": "1"})]

    def test_readers_do_not_disturb_each_other_nor_a_count_in_another_thread(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_text("a,b\n" + "".join(f'{n},"{n}\n"\n' for n in range(20_000)))
        source = sources.csv(path)
        bounds = source.freeze()
        counts: list[int | None] = []
        thread = threading.Thread(target=lambda: counts.append(source.count(bounds)))
        thread.start()
        pairs = zip(source.read(bounds, None), source.read(bounds, None), strict=True)
        assert sum(one == two for one, two in pairs) == 20_000
        thread.join()
        assert counts == [20_000]

    @pytest.mark.slow
    def test_a_big_file_is_read_and_counted_in_little_memory(self, tmp_path: Path) -> None:
        path = tmp_path / "big.csv"
        with path.open("w") as file:
            file.write("number,text\n")
            for number in range(32):
                file.write(f'{number},"{"é" * 1000}\n"\n' * 500)
        source = sources.csv(path)
        bounds = source.freeze()
        assert path.stat().st_size > 30_000_000
        tracemalloc.start()
        try:
            assert sum(not isinstance(item, Unreadable) for _, _, item in source.read(bounds, None)) == 16_000
            assert source.count(bounds) == 16_000
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 2_000_000

    def test_a_big_file_without_line_ends_is_one_item_in_little_memory(self, tmp_path: Path) -> None:
        path = tmp_path / "big.csv"
        with path.open("wb") as file:
            file.write(b"a\n")
            for _ in range(64):
                file.write(b"x" * 1_000_000)
            file.write(b"\n1\n")
        source = sources.csv(path)
        tracemalloc.start()
        try:
            items = [shape(item) for _, _, item in source.read(source.freeze(), None)]
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert [item[0] for item in items] == ["malformed", {"a": "1"}]
        assert peak < 8_000_000
