"""A file that can't be read as a whole is refused at once, with a sentence that says what to do."""

import io
import zipfile
from typing import Any

import pytest
import xlsxwriter
from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given
from hypothesis import strategies as st

from headway.forms import CsvFileField, NdjsonFileField, XlsxFileField
from headway.operations import sources

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


def uploaded(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("airports.csv", content)


def refusal(field: forms.Field, content: bytes) -> tuple[str, str]:
    """(code, sentence) with which the field refuses the file."""
    with pytest.raises(ValidationError) as raised:
        field.clean(uploaded(content))
    (error,) = raised.value.error_list
    return error.code or "", error.messages[0]


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("xl/workbook.xml", "<workbook/>")
    return out.getvalue()


class TestCsv:
    @pytest.mark.parametrize(
        ("content", "code", "sentence"),
        [
            (b"", "empty", "The submitted file is empty."),
            (b"\xef\xbb\xbf\r\n", "empty", "The submitted file is empty."),
            (PNG, "binary", "This is not a text file."),
            (
                archive(),
                "workbook",
                "This is a spreadsheet or a ZIP archive, not text. Open it and save it as CSV in UTF-8.",
            ),
            (
                "icao,city\n".encode("utf-16-le"),
                "nul-character",
                "The file has NUL characters: it is no text, or its encoding isn't marked. Save it as UTF-8.",
            ),
            (
                b"icao,city\nEDDF,Frankfurt\nSBGR,S\xe3o Paulo\n",
                "undecodable",
                "The file is not UTF-8 (byte 0xE3 on line 3). Save it as UTF-8.",
            ),
            (
                b"icao,city\rEDDF,Frankfurt\r",
                "bare-cr",
                "The lines end in carriage returns alone. Save the file with the line ends of Windows or Unix.",
            ),
            (
                b"icao;city\nEDDF;Frankfurt\n",
                "delimiter",
                "Only one column was found, separated by “,”. Is the delimiter “;”?",
            ),
            (
                b"icao\tcity\nEDDF\tFrankfurt\n",
                "delimiter",
                "Only one column was found, separated by “,”. Is the delimiter “tab”?",
            ),
            (b"icao\nEDDF\n", "one-column", "Only one column was found, separated by “,”. Needed: icao, city."),
            (b",,\n", "empty", "The submitted file is empty."),
            (b"sep=;\nicao,city\n", "delimiter", "Only one column was found, separated by “;”. Is the delimiter “,”?"),
            (b"icao,,city\n", "unnamed-column", "Column 2 has no name in the first line."),
            (b"icao,city,icao\n", "duplicate-column", "The first line has the column “icao” twice."),
            (b"icao,town,x\n", "missing-columns", "Columns are missing: city. Found: icao, town, x."),
            (
                b'icao,"city\nEDDF,Frankfurt\n',
                "malformed",
                "The first line is not well-formed CSV. Is each quotation mark closed, or doubled?",
            ),
            (
                b"icao,city" + b"y" * 70_000,
                "header-too-long",
                "No line ends within the first 64.0\xa0KB, so this is not a CSV file with a header.",
            ),
        ],
    )
    def test_a_file_is_refused_with_a_code_and_a_sentence(self, content: bytes, code: str, sentence: str) -> None:
        assert refusal(CsvFileField(columns=["icao", "city"]), content) == (code, sentence)

    @pytest.mark.parametrize(
        ("content", "options"),
        [
            (b"icao,city\nEDDF,Frankfurt\n", {}),
            (b"city,icao,more", {}),
            (b'\r\n\r\n"icao","city"\r\n', {}),
            (b"icao;city\n", {"delimiter": ";"}),
            ("icao,city\nSBGR,São Paulo\n".encode("cp1252"), {"encoding": "cp1252"}),
            ("icao,city\nSBGR,São Paulo\n".encode("utf-8-sig"), {}),
            ("icao,city\nSBGR,São Paulo\n".encode("utf-16"), {}),
            ("icao,city\n".encode("utf-16-le"), {"encoding": "utf-16-le"}),
            (b"sep=;\r\nicao;city\r\n", {}),
            (b",,\nicao,city,\nEDDF,Frankfurt,\n", {}),
            ("icao,city\nSBGR,São Paulo\n".encode("utf-8-sig"), {"encoding": "cp1252"}),
        ],
    )
    def test_a_good_file_is_given_back_at_its_start(self, content: bytes, options: Any) -> None:
        file = CsvFileField(columns=["icao", "city"], **options).clean(uploaded(content))
        assert file.tell() == 0
        assert file.read() == content

    def test_a_refused_file_is_at_its_start_too(self) -> None:
        file = uploaded(PNG)
        with pytest.raises(ValidationError):
            CsvFileField().clean(file)
        assert file.tell() == 0

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "gb18030"])
    @pytest.mark.parametrize("shift", range(5))
    def test_a_character_that_is_cut_where_the_look_ends_is_no_error(self, encoding: str, shift: int) -> None:
        content = ("a" * shift + "\n" + "€😀" * 12_000 + "\n").encode(encoding)
        field = CsvFileField(encoding=encoding)
        if shift:
            field.clean(uploaded(content))
        else:
            assert refusal(field, content)[0] == "header-too-long"

    def test_what_lies_behind_the_first_64_kib_is_left_to_the_run(self) -> None:
        CsvFileField().clean(uploaded(b"a\n" + b"1\n" * 40_000 + b"\xff\0\n"))

    def test_a_file_may_be_limited_in_size(self) -> None:
        assert refusal(CsvFileField(max_size=4), b"a\n1\n2\n") == (
            "too-big",
            "The file has 6\xa0bytes; at most 4\xa0bytes are allowed.",
        )

    def test_an_optional_field_may_stay_empty_and_keeps_what_was_there(self) -> None:
        assert CsvFileField(required=False).clean(None) is None
        assert CsvFileField().clean(None, "before.csv") == "before.csv"

    def test_the_browser_is_told_which_files_fit(self) -> None:
        assert 'accept=".csv,text/csv"' in str(form_with(CsvFileField()))
        assert 'accept=".txt"' in str(form_with(CsvFileField(widget=forms.FileInput(attrs={"accept": ".txt"}))))

    def test_a_wrong_declaration_fails_when_the_field_is_made(self) -> None:
        with pytest.raises(TypeError, match=r"must be a list of names, such as \['icao'\]"):
            CsvFileField(columns="icao")
        with pytest.raises(ValueError, match="There is no text encoding 'utf-99'"):
            CsvFileField(encoding="utf-99")

    @given(
        head=st.lists(st.sampled_from(["a", ",", '"', "sep=;", "\n", "\r\n", "\r", " ", "é"]), max_size=8).map("".join)
    )
    def test_a_header_that_the_field_accepts_is_one_that_the_source_accepts(self, head: str) -> None:
        content = (head + "\n1\n").encode()
        try:
            CsvFileField().clean(uploaded(content))
        except ValidationError:
            with pytest.raises(ValueError):
                sources.csv(io.BytesIO(content)).freeze()
        else:
            sources.csv(io.BytesIO(content)).freeze()


def form_with(field: forms.Field) -> forms.Form:
    form: type[forms.Form] = type("UploadForm", (forms.Form,), {"file": field})
    return form()


class TestNdjson:
    @pytest.mark.parametrize(
        ("content", "code", "sentence"),
        [
            (b"", "empty", "The submitted file is empty."),
            (PNG, "binary", "This is not a text file."),
            (
                b'\n[{"a": 1}]\n',
                "not-an-object",
                "Line 2 is not a JSON object. Each line must be one, such as {“name”: “value”}.",
            ),
            (
                b'{\n  "a": 1\n}\n',
                "not-an-object",
                "Line 1 is not a JSON object. Each line must be one, such as {“name”: “value”}.",
            ),
        ],
    )
    def test_a_file_is_refused_with_a_code_and_a_sentence(self, content: bytes, code: str, sentence: str) -> None:
        assert refusal(NdjsonFileField(), content) == (code, sentence)

    @pytest.mark.parametrize(
        "content", [b'{"a": 1}\n', b'\r\n\xef\xbb\xbf{"a": 1}'[2:], b'{"a": "' + b"x" * 70_000 + b'"}\n']
    )
    def test_a_good_file_is_given_back_at_its_start(self, content: bytes) -> None:
        assert NdjsonFileField().clean(uploaded(content)).read() == content


def workbook(*rows: list[Any]) -> bytes:
    out = io.BytesIO()
    made = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = made.add_worksheet()
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    made.close()
    return out.getvalue()


class TestXlsx:
    @pytest.mark.parametrize(
        ("content", "code", "sentence"),
        [
            (b"icao,city\n", "no-workbook", "This is no Excel workbook (.xlsx), or only a part of one."),
            (workbook(["icao"])[:-100], "no-workbook", "This is no Excel workbook (.xlsx), or only a part of one."),
            (
                b"\xd0\xcf\x11\xe0" + bytes(100),
                "xls",
                "This is an old workbook (.xls), or one with a password. Save it as .xlsx, without a password.",
            ),
            (workbook(), "empty", "The sheet is empty. Its first row should name the columns."),
            (
                workbook(["icao", "icao"]),
                "duplicate-column",
                "The first row has a column's name twice; each name may be there once.",
            ),
            (workbook(["icao", "name"]), "missing-columns", "Columns are missing: city. Found: icao, name."),
        ],
    )
    def test_what_cannot_be_read_is_refused(self, content: bytes, code: str, sentence: str) -> None:
        assert refusal(XlsxFileField(columns=["icao", "city"]), content) == (code, sentence)

    def test_a_sheet_that_is_not_there_is_told_by_its_name(self) -> None:
        found = refusal(XlsxFileField(sheet="Rows"), workbook(["a"]))
        assert found == ("missing-sheet", "The workbook has no sheet “Rows”.")

    def test_a_good_one_is_given_on_from_its_start(self) -> None:
        file = XlsxFileField(columns=["icao"], max_size=100_000).clean(uploaded(workbook(["icao"], ["EDDF"])))
        assert file.tell() == 0
        source = sources.xlsx(file)
        assert [item["icao"] for _, _, item in source.read(source.freeze(), None)] == ["EDDF"]

    def test_a_header_whose_texts_come_last_is_found(self) -> None:
        content = workbook(["icao"], *([f"a text of its own {number}"] for number in range(20_000)))
        moved = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(moved, "w") as after:
            for name in before.namelist():
                part = before.read(name)
                if name.endswith("sheet1.xml"):
                    part = part.replace(b"<v>0</v>", b"<v>20000</v>", 1)
                after.writestr(name, part)
        found = refusal(XlsxFileField(columns=["icao"]), moved.getvalue())
        assert found == ("missing-columns", "Columns are missing: icao. Found: a text of its own 19999.")

    def test_it_asks_browsers_for_workbooks(self) -> None:
        assert ".xlsx" in str(XlsxFileField().widget_attrs(forms.FileInput())["accept"])

    def test_columns_are_a_list(self) -> None:
        with pytest.raises(TypeError, match="must be a list of names"):
            XlsxFileField(columns="icao")
