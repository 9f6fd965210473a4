"""Whatever is wrong with what somebody gives: it is told clearly, and nothing is left of it."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command

from headway import runs
from headway.errors import InvalidParams
from headway.models import ItemOutcome, Run
from tests.app.driving import drive
from tests.shell.manage import manage, without_traceback

HEADER = "icao,iata,name,city,subd,country,elevation,lat,lon,tz"
GOOD = "EDDF,FRA,Frankfurt am Main Airport,Frankfurt-am-Main,Hesse,DE,364,50.0264,8.5431,Europe/Berlin"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0"

FILES = {
    "empty": (b"", "The submitted file is empty."),
    "image": (PNG, "This is not a text file."),
    "columns": (
        b"code,town\nEDDF,Frankfurt\n",
        "Columns are missing: icao, iata, name, city, subd, country, elevation, lat, lon, tz. Found: code, town.",
    ),
    "latin-1": (
        f"{HEADER}\n{GOOD}\n{GOOD.replace('Hesse', 'São Paulo')}\n".encode("latin-1"),
        "The file is not UTF-8 (byte 0xE3 on line 3). Save it as UTF-8.",
    ),
}
PARAMS = [
    (["tests.write_ledger", "--param", "items=abc"], "items: This must be of type integer, not string."),
    (["tests.write_ledger", "--param", "items=[1]"], "items: This must be of type integer, not array."),
    (["tests.write_ledger", "--param", "items=-1"], "items: Ensure this value is greater than or equal to 0."),
    (
        ["airports.import_airports", "--param", "fiel=x.csv"],
        "fiel: There is no parameter 'fiel'. There are: file.",
    ),
    (["tests.write_ledger", "--param", "items"], "--param 'items' is not NAME=VALUE."),
    (["tests.write_ledger", "--param", "=5"], "--param '=5' is not NAME=VALUE."),
    (
        ["airports.import_airports", "--param", "file=/no/such/file.csv"],
        "The file '/no/such/file.csv' can't be read: No such file or directory.",
    ),
    (["airports.import_airports", "--param", "file=/"], "The file '/' can't be read: Is a directory."),
    (
        ["airports.import_airport"],
        "There is no operation 'airports.import_airport'. Did you mean 'airports.import_airports'? "
        "Operations are found in operations.py of each installed app; one that was "
        "renamed keeps its old name in `aliases`.",
    ),
    (["airports.import_airports", "--user", "nobody"], "There is no user 'nobody'."),
]


def nothing_is_left(media: Path) -> None:
    assert not Run.objects.exists()
    assert not [path for path in media.rglob("*") if path.is_file()]


@pytest.mark.django_db
@pytest.mark.once
class TestRefusedAtOnce:
    @pytest.mark.parametrize("kind", FILES)
    def test_a_file_that_cannot_be_read_is_refused_at_the_start(self, media: Path, kind: str) -> None:
        content, said = FILES[kind]
        with pytest.raises(InvalidParams) as raised:
            runs.start("airports.import_airports", {"file": ContentFile(content, name="airports.csv")})
        (error,) = raised.value.errors
        assert (error.pointer, error.detail) == ("/file", said)
        nothing_is_left(media)

    @pytest.mark.parametrize("kind", FILES)
    def test_in_the_shell_too(self, media: Path, tmp_path: Path, kind: str) -> None:
        content, said = FILES[kind]
        file = tmp_path / "airports.csv"
        file.write_bytes(content)
        with pytest.raises(CommandError) as raised:
            call_command("headway_run", "airports.import_airports", "--param", f"file={file}")
        assert str(raised.value) == f"file: {said}"
        nothing_is_left(media)

    @pytest.mark.parametrize(("arguments", "said"), PARAMS)
    def test_whatever_else_is_wrong_is_said_in_a_sentence(self, media: Path, arguments: list[str], said: str) -> None:
        with pytest.raises(CommandError) as raised:
            call_command("headway_run", *arguments)
        assert str(raised.value) == said
        nothing_is_left(media)


@pytest.mark.django_db(transaction=True)
@pytest.mark.once
class TestExitCode:
    @pytest.mark.slow
    def test_a_refusal_is_exit_code_1_and_one_line(self, tmp_path: Path) -> None:
        file = tmp_path / "airports.csv"
        file.write_bytes(PNG)
        said = manage("headway_run", "airports.import_airports", "--param", f"file={file}")
        assert without_traceback(said) == "CommandError: file: This is not a text file.\n"
        assert said.stdout == ""
        assert not Run.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestBadRows:
    @pytest.mark.once
    def test_a_row_that_cannot_be_read_fails_alone(self, media: Path) -> None:
        rows = [
            GOOD.encode(),
            b"EDDM,MUC,Munich Airport,Munich,Bavaria,DE,1487,48.35,11.79,Europe/Berlin,one,more",
            b"EDDH,HAM,Hamburg\0Airport,Hamburg,Hamburg,DE,53,53.63,9.99,Europe/Berlin",
            b"EDDK,CGN",
            "LFML,MRS,Marseille,Marignane,Provence-Alpes-Côte d'Azur,FR,74,43.43,5.21,Europe/Paris".encode("latin-1"),
            b'EDDV,HAJ,"Hannover,Hannover,Lower Saxony,DE,183,52.46,9.68,Europe/Berlin',
            b"EDDW,BRE,Bremen Airport,Bremen,Bremen,DE,14,53.05,8.79,Europe/Berlin",
        ]
        filler = b"\n" * (1 << 16)  # behind what the form looks at, so that nothing is refused as a whole
        content = HEADER.encode() + filler + b"\n".join(rows) + b"\n"

        run = drive(runs.start("airports.import_airports", {"file": ContentFile(content, name="a.csv")}).run)

        assert (run.state, run.total) == ("partial", 7)
        assert [(o.code, o.text, o.label) for o in ItemOutcome.objects.order_by("id")] == [
            (
                "too-many-fields",
                "The row has 12 fields; the header has 10. Is a cell with a delimiter in it quoted?",
                "line 65,538",
            ),
            ("nul-character", "The line has a NUL character, which text never has.", "line 65,539"),
            (
                "too-few-fields",
                "The row has 2 fields; the header has 10. Is a cell with a line end in it quoted?",
                "line 65,540",
            ),
            ("undecodable", "The line is not UTF-8: byte 0xF4 at position 46.", "line 65,541"),
            (
                "malformed",
                "The row is not well-formed CSV: unexpected end of data. Is each quotation mark closed, or doubled?",
                "line 65,542",
            ),
        ]

    @pytest.mark.once
    def test_a_file_that_is_deleted_under_a_run_pauses_it_with_a_sentence(self, media: Path) -> None:
        file = ContentFile(f"{HEADER}\n{GOOD}\n".encode(), name="airports.csv")
        run = runs.start("airports.import_airports", {"file": file}).run
        for path in media.rglob("*.csv"):
            path.unlink()

        run = drive(run)

        assert (run.state, run.reason_code) == ("paused", "operation-error")
        assert "airports.csv" in run.reason_detail

    @pytest.mark.once
    def test_an_operation_that_is_no_more_pauses_its_runs(self) -> None:
        run = runs.start("tests.scripted").run
        Run.objects.update(operation="airports.removed")

        run = drive(run)

        assert (run.state, run.reason_code) == ("paused", "operation-error")
        assert run.reason_text == "Its operation can't be loaded. Mend it, then resume; nothing is lost."
        assert "There is no operation 'airports.removed'." in run.reason_detail

    def test_an_instance_that_is_deleted_under_a_run_too(self, script: dict[str, Any]) -> None:
        run = runs.start("tests.scripted").run
        Run.objects.update(params={"thing": {"$instance": ["app.thing", 999]}})

        run = drive(run)

        assert (run.state, run.reason_code) == ("paused", "operation-error")
        assert "The thing 999, with which this run was started, has been deleted." in run.reason_detail
