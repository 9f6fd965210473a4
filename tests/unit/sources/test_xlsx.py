"""A workbook gives each row once, with the values that Excel shows, from wherever it is taken up."""

import io
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import ChangedMeanwhile
from headway.operations import sources
from headway.operations.sources.text import LONGEST
from headway.workbooks import WorkbookError

from .contract import as_stored, assert_keeps_its_promises, frozen, shape

FORMATS: dict[Any, str] = {
    date: "yyyy-mm-dd",
    datetime: "yyyy-mm-dd hh:mm:ss",
    time: "hh:mm:ss",
    timedelta: "[h]:mm:ss",
}


def book(*rows: Iterable[Any], change: Callable[[Any], None] = lambda sheet: None) -> bytes:
    """What Excel would save, with shared texts and number formats."""
    out = io.BytesIO()
    made = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = made.add_worksheet("Sheet")
    formats = {kind: made.add_format({"num_format": code}) for kind, code in FORMATS.items()}
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(number, column, value)
            else:
                sheet.write(number, column, value, formats.get(type(value)))
    change(sheet)
    made.close()
    return out.getvalue()


def saved(made: Any) -> bytes:
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def raw(sheet: str, strings: str = "", styles: str = "") -> bytes:
    """A workbook with this sheet's XML, as other programs write them."""
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    related = "".join(
        f'<Relationship Id="{name[0]}" Type="{kinds}/{kind}" Target="{name}.xml"/>'
        for kind, name in {"worksheet": "sheet", "sharedStrings": "t", "styles": "f"}.items()
    )
    parts = {
        "_rels/.rels": f'<Relationships><Relationship Id="a" Type="{kinds}/officeDocument" Target="/x/workbook.xml"/>'
        "</Relationships>",
        "x/workbook.xml": '<workbook xmlns:r="r"><sheets><sheet name="One" sheetId="1" r:id="s"/></sheets></workbook>',
        "x/_rels/workbook.xml.rels": f"<Relationships>{related}</Relationships>",
        "x/sheet.xml": sheet,
        "x/t.xml": f"<sst>{strings}</sst>",
        "x/f.xml": styles or "<styleSheet/>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def source(content: bytes, **options: Any) -> Any:
    return sources.xlsx(io.BytesIO(content), **options)


def read(content: bytes, **options: Any) -> list[Any]:
    of = source(content, **options)
    return [shape(item) for _, _, item in of.read(frozen(of), None)]


def items(content: bytes, **options: Any) -> list[Any]:
    return [item[0] if isinstance(item[0], dict) else item for item in read(content, **options)]


text = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=6).filter(lambda text: text[:1] != "=")
moments = st.datetimes(datetime(1901, 1, 1), datetime(2200, 1, 1)).map(lambda moment: moment.replace(microsecond=0))
values = st.one_of(
    st.none(),
    text,
    st.booleans(),
    st.integers(-(10**14), 10**14),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    moments,
    st.dates(date(1901, 1, 1), date(2200, 1, 1)),
)


class TestRows:
    def test_rows_are_dictionaries_that_know_their_number(self) -> None:
        content = book(["icao", "elevation"], ["EDDF", 364], [], ["EDDM", 1487])
        assert read(content) == [({"icao": "EDDF", "elevation": 364}, 2), ({"icao": "EDDM", "elevation": 1487}, 4)]
        of = source(content)
        entries = list(of.read(frozen(of), None))
        assert [(key, of.label(item)) for _, key, item in entries] == [("2", "row 2"), ("4", "row 4")]

    @given(st.lists(st.lists(values, min_size=3, max_size=3), max_size=12))
    def test_whatever_the_cells_hold_they_are_what_openpyxl_reads_and_the_promises_are_kept(
        self, rows: list[list[Any]]
    ) -> None:
        content = book(["a", "b", "c"], *rows)
        other = openpyxl.load_workbook(io.BytesIO(content), data_only=True).active
        expected = []
        for number, row in enumerate(other.iter_rows(min_row=2, values_only=True), start=2):
            if any(str(value).strip() for value in row if value is not None):
                expected.append(([value or None if value == "" else value for value in row], number))
        entries = assert_keeps_its_promises(lambda: source(content))
        found = [([*item.values()], number) for _, _, (item, number) in entries]
        assert [([as_openpyxl(value) for value in row], number) for row, number in found] == [
            ([as_openpyxl(value) for value in row], number) for row, number in expected
        ]

    def test_values_are_of_the_kind_that_excel_shows(self) -> None:
        row = [1, 1.0, 1.5, True, date(2026, 1, 2), datetime(2026, 1, 2, 3, 4), time(5, 6), timedelta(hours=30), "1.0"]
        (found,) = items(book("abcdefghi", row))
        assert [*found.values()] == row
        assert [type(value) for value in found.values()] == [
            int, int, float, bool, date, datetime, time, timedelta, str,
        ]  # fmt: skip

    def test_its_label_says_the_row_with_its_thousands(self) -> None:
        content = book(["n"], *([number] for number in range(4_620)))
        of = source(content)
        *_, (_, key, last) = of.read(frozen(of), None)
        assert (key, of.label(last)) == ("4621", "row 4,621")

    @pytest.mark.slow
    def test_a_cursor_goes_on_behind_its_row_without_what_lies_before(self) -> None:
        content = book(["n"], *([number] for number in range(20_000)))
        of = source(content)
        bounds = frozen(of)
        entries = list(of.read(bounds, None))
        cursor = as_stored(entries[15_000][0])
        assert [item["n"] for _, _, item in source(content).read(bounds, cursor)] == list(range(15_001, 20_000))

    @pytest.mark.slow
    def test_the_memory_does_not_grow_with_the_sheet(self) -> None:
        peaks = []
        for count in (2_000, 20_000):
            content = book(["n", "text"], *([number, f"text {number}"] for number in range(count)))
            of = source(content)
            bounds = frozen(of)
            tracemalloc.start()
            assert sum(1 for _ in of.read(bounds, None)) == count
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert peaks[1] < peaks[0] * 2


def as_openpyxl(value: Any) -> Any:
    """As openpyxl has it: without dates, only moments; text without the spelling of control characters."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value


class TestSheets:
    def two(self) -> bytes:
        made = openpyxl.Workbook()
        made.active.title, made.active.sheet_state = "Notes", "hidden"
        made.active.append(["note"])
        rows = made.create_sheet("Rows")
        rows.append(["n"])
        rows.append([1])
        made.create_sheet("Other").append(["m"])
        return saved(made)

    def test_the_first_sheet_that_is_not_hidden_or_the_one_that_is_named(self) -> None:
        assert items(self.two()) == [{"n": 1}]
        assert items(self.two(), sheet="Other") == []
        with pytest.raises(WorkbookError, match=r"no sheet “Rows 2”\. Its sheets: “Rows”, “Other”, “Notes”\."):
            items(self.two(), sheet="Rows 2")

    def test_the_run_stays_with_the_sheet_it_began_with(self) -> None:
        bounds = frozen(source(self.two()))
        assert [shape(item)[0] for _, _, item in source(self.two()).read(bounds, None)] == [{"n": 1}]
        made = openpyxl.load_workbook(io.BytesIO(self.two()))
        made["Rows"]["A2"] = 2
        changed = saved(made)
        with pytest.raises(ChangedMeanwhile, match="The sheet “Rows” isn't as it was when this run began"):
            list(source(changed).read(bounds, None))

    def test_the_header_is_the_first_row_with_anything_in_it_wherever_the_table_begins(self) -> None:
        assert items(book([], [None, "a", None, "b", " "], [None, 1, None, 2], [None, None, None, 3])) == [
            {"a": 1, "b": 2},
            {"a": None, "b": 3},
        ]

    @pytest.mark.parametrize(
        ("rows", "sentence"),
        [
            ([["a", "a"]], "The header has the column “a” twice"),
            ([], "The sheet “Sheet” is empty; its first row should name the columns"),
            ([[" "], []], "is empty"),
        ],
    )
    def test_a_header_that_cannot_be_used_is_told(self, rows: list[list[Any]], sentence: str) -> None:
        with pytest.raises(WorkbookError, match=sentence):
            frozen(source(book(*rows)))

    def test_of_merged_cells_the_first_has_the_value(self) -> None:
        content = book(["a", "b"], ["x", None], change=lambda sheet: sheet.merge_range("A2:B3", "x"))
        assert items(content) == [{"a": "x", "b": None}]


class TestDirt:
    def test_what_cannot_be_read_costs_its_row_alone(self) -> None:
        cells = (
            '<row r="2"><c r="A2" t="e"><v>#DIV/0!</v></c></row>'
            '<row r="3"><c r="A3"><f>1+1</f></c></row>'
            '<row r="4"><c r="A4"><f>1+1</f><v>2</v></c></row>'
            '<row r="5"><c r="A5"><v>5</v></c><c r="C5"><v>6</v></c></row>'
            '<row r="6"><c r="A6" t="s"><v>x</v></c></row>'
            '<row r="7"><c r="A7" t="str"><f>""</f><v></v></c><c r="B7"><v>7</v></c></row>'
            '<row r="8"><c r="A8" t="s"><v>9</v></c></row>'
        )
        content = raw(sheet(header("a", "b") + cells))
        assert items(content) == [
            ("cell-error", "Cell A2 has the error #DIV/0!.", "row 2"),
            (
                "not-calculated",
                "The formula in cell A3 has no result in the file. Open it in Excel and save it.",
                "row 3",
            ),
            {"a": 2, "b": None},
            ("unnamed-column", "Cell C5 has a value, but its column has no name in the header.", "row 5"),
            ("malformed", "Cell A6 can't be read: 'x'.", "row 6"),
            {"a": None, "b": 7},
            ("malformed", "The row has a text that isn't in the file (number 9).", "row 8"),
        ]
        assert_keeps_its_promises(lambda: source(content))

    def test_prefixes_missing_references_and_rich_texts_are_read(self) -> None:
        strings = (
            '<si><r><t>Frank</t></r><r><rPr/><t xml:space="preserve">furt </t></r>'
            '<rPh sb="0" eb="1"><t>phonetic</t></rPh></si><si><t>a_x000D_b</t></si>'
        )
        rows = (
            "<x:row><x:c t='inlineStr'><x:is><x:t>a</x:t></x:is></x:c></x:row>"
            "<x:row><x:c t='s'><x:v>0</x:v></x:c></x:row><x:row/>"
            "<x:row r='7'><x:c t='s'><x:v>1</x:v></x:c></x:row>"
        )
        content = raw(f"<x:worksheet xmlns:x='y'><x:sheetData>{rows}</x:sheetData></x:worksheet>", strings)
        assert read(content) == [({"a": "Frankfurt "}, 2), ({"a": "a\rb"}, 7)]
        assert_keeps_its_promises(lambda: source(content))

    @pytest.mark.parametrize(
        ("code", "value", "expected"),
        [
            ("yyyy-mm-dd", 45_000, date(2023, 3, 15)),
            ("d.m.yy", 45_000.5, datetime(2023, 3, 15, 12)),
            ("[$-407]d. mmmm yyyy;@", 45_000, date(2023, 3, 15)),
            ("h:mm", 0.25, time(6)),
            ("[h]:mm", 1.25, timedelta(hours=30)),
            ('0.0" days"', 2, 2),
            ("[Red]0.00", 2.5, 2.5),
            ("General", 45_000, 45_000),
            ("yyyy-mm-dd", -1, -1),
            ("yyyy-mm-dd", 59, date(1900, 2, 28)),
            ("yyyy-mm-dd", 61, date(1900, 3, 1)),
        ],
    )
    def test_a_number_is_what_its_format_makes_of_it(self, code: str, value: float, expected: Any) -> None:
        styles = (
            f"<styleSheet><numFmts><numFmt numFmtId='164' formatCode='{code}'/></numFmts><cellStyleXfs><xf/>"
            "</cellStyleXfs><cellXfs><xf numFmtId='0'/><xf numFmtId='164'/></cellXfs></styleSheet>"
        )
        content = raw(sheet(header("a") + f"<row r='2'><c r='A2' s='1'><v>{value}</v></c></row>"), styles=styles)
        assert items(content) == [{"a": expected}]


def sheet(rows: str) -> str:
    return f"<worksheet><sheetData>{rows}</sheetData></worksheet>"


def header(*names: str) -> str:
    cells = "".join(f"<c t='inlineStr'><is><t>{name}</t></is></c>" for name in names)
    return f"<row r='1'>{cells}</row>"


GOOD = book(["a"], *([number] for number in range(3_000)))


def bad(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
    return out.getvalue()


class TestRefusals:
    @pytest.mark.parametrize(
        ("content", "code", "sentence"),
        [
            (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "xls", "or one with a password. Save it as .xlsx"),
            (b"a,b\n1,2\n", "no-workbook", "no Excel workbook"),
            (b"", "no-workbook", "no Excel workbook"),
            (GOOD[: len(GOOD) // 2], "no-workbook", "or only a part of one"),
            (bad("a.txt", b"a"), "no-workbook", "This ZIP archive is no Excel workbook"),
            (bad("mimetype", b"application/vnd.oasis"), "ods", "an OpenDocument file (.ods). Save it as"),
            (bad("xl/workbook.bin", b"a"), "xlsb", "a binary workbook (.xlsb). Save it as"),
            (raw("<worksheet><sheetData><row>"), "damaged", "The workbook is damaged"),
            (raw('<!DOCTYPE a [<!ENTITY b "c">]><worksheet/>'), "damaged", "declares a document type"),
            (raw(sheet("<row r='1048577'/>")), "damaged", "the last that Excel has is 1,048,576"),
            (raw(sheet("<row><c r='XFE1'><v>1</v></c></row>")), "damaged", "more than 16,384 columns"),
            (raw(sheet(f"<row><c><v>{'1' * (LONGEST + 1)}</v></c></row>")), "damaged", "a cell has more than"),
            (raw(sheet(f"<row a='{'1' * (2 * LONGEST)}'/>")), "damaged", "a tag without end"),
        ],
    )  # fmt: skip
    def test_a_file_that_is_no_workbook_is_refused_with_what_to_do(
        self, content: bytes, code: str, sentence: str
    ) -> None:
        with pytest.raises(WorkbookError) as refusal:
            frozen(source(content))
        assert refusal.value.code == code
        assert sentence in str(refusal.value)

    @pytest.mark.slow
    def test_damage_further_down_is_told_when_it_is_reached(self) -> None:
        content = bytearray(raw(sheet(header("a") + "".join(f"<row><c><v>{n}</v></c></row>" for n in range(90_000)))))
        at = content.index(b"x/sheet.xml") + 200_000
        content[at : at + 100] = bytes(100)
        of = source(bytes(content))
        given: list[Any] = []
        with pytest.raises(WorkbookError, match="The workbook is damaged"):
            given.extend(of.read(frozen(of), None))
        assert len(given) > 1_000

    def test_one_cell_far_away_costs_nothing(self) -> None:
        # Other readers make a table of 17 thousand million cells of it, and the process is gone.
        content = book(["a"], [1], change=lambda sheet: sheet.write("A1048576", 2))
        assert read(content) == [({"a": 1}, 2), ({"a": 2}, 1_048_576)]
