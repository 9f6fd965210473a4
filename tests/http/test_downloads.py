"""Row 8 of the contract: failures as a file, with the columns that the source gave them."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient

from headway.http.downloads.rows import GONE, LARGEST
from headway.models import ItemOutcome, Run
from headway.runs import start
from tests.app.driving import drive
from tests.app.models import Thing
from tests.app.sources import Numbers
from tests.http import operations  # noqa: F401  (they register themselves)

from .client import Api, assert_problem, path

pytestmark = pytest.mark.django_db(transaction=True)


def imported(user: Any, content: str) -> Run:
    """A run over this file; who has an exclamation mark fails."""
    file = SimpleUploadedFile("people.csv", content.encode())
    return drive(start("tests.http_people", {"file": file}, user=user).run)


def body(response: Any) -> str:
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


def rows(response: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body(response), newline="")))


def lines(response: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in body(response).splitlines()]


def test_failures_have_the_files_own_columns_then_key_code_and_text(api: Api, demo: Any, media: Any) -> None:
    run = imported(demo, "name,age\nAda,36\nBob!,40\n")
    response = api.get(path("run-failures", run.pk, "csv"))

    assert rows(response) == [["name", "age", "key", "code", "text"], ["Bob!", "40", "16", "too-loud", "Not so loud."]]
    assert response["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert response["Content-Disposition"] == 'attachment; filename="tests.http_people-failures.csv"'
    assert "Link" not in response


def test_ndjson_says_the_same(api: Api, demo: Any, media: Any) -> None:
    run = imported(demo, "name,age\nAda,36\nBob!,40\n")
    response = api.get(path("run-failures", run.pk, "ndjson"))

    assert lines(response) == [{"name": "Bob!", "age": "40", "key": "16", "code": "too-loud", "text": "Not so loud."}]
    assert response["Content-Type"] == "application/x-ndjson"


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("=1+1!", "'=1+1!"),
        ("+1 555!", "'+1 555!"),
        ("-cmd!", "'-cmd!"),
        ("@sum!", "'@sum!"),
        ("\t=1!", "'\t=1!"),
        ("＝1!", "'＝1!"),
        ("a=1!", "a=1!"),
    ],
)
def test_no_cell_is_a_formula_to_a_spreadsheet(api: Api, demo: Any, media: Any, cell: str, told: str) -> None:
    run = imported(demo, f'name\n"{cell}"\nAda\n')
    assert rows(api.get(path("run-failures", run.pk, "csv")))[1][0] == told


@pytest.mark.parametrize("number", ["-12.5", "+3", "-0,5", "-1e5"])
def test_a_plain_number_stays_one(api: Api, demo: Any, media: Any, number: str) -> None:
    run = imported(demo, f'name,height\nBob!,"{number}"\n')
    assert rows(api.get(path("run-failures", run.pk, "csv")))[1][1] == number


def test_a_column_of_the_file_keeps_its_name_and_ours_gets_another(api: Api, demo: Any, media: Any) -> None:
    run = imported(demo, "name,code\nBob!,DE\n")

    assert rows(api.get(path("run-failures", run.pk, "csv")))[0] == ["name", "code", "key", "headway_code", "text"]
    line = lines(api.get(path("run-failures", run.pk, "ndjson")))[0]
    assert (line["code"], line["headway_code"]) == ("DE", "too-loud")


def test_a_row_that_was_never_readable_says_why(api: Api, demo: Any, media: Any) -> None:
    run = imported(demo, "name,age\nAda,36\nBob\n")
    assert rows(api.get(path("run-failures", run.pk, "csv")))[1] == [
        *("", "", "16", "too-few-fields"),
        "The row has 1 field; the header has 2.",
    ]


def test_a_file_that_is_gone_costs_the_columns_and_the_rows_say_so(api: Api, demo: Any, media: Any) -> None:
    run = imported(demo, "name,age\nBob!,40\n")
    for file in media.rglob("*.csv"):
        file.unlink()

    told = rows(api.get(path("run-failures", run.pk, "csv")))
    assert told == [["item", "key", "code", "text"], ["", "9", "too-loud", f"Not so loud. {GONE}"]]


def test_a_row_of_a_model_is_told_by_its_label_and_one_that_is_gone_says_so(
    api: Api, demo: Any, script: dict[str, Any]
) -> None:
    from headway import Reject, sources

    for number in range(2):
        Thing.objects.create(name=f"thing {number}", code=f"code-{number}")

    def refuse(operation: Any, thing: Any) -> None:
        raise Reject("no", "No.")

    script["items"], script["before"] = lambda: sources.queryset(Thing.objects.all()), refuse
    run = drive(start("tests.scripted", user=demo).run)
    first, last = Thing.objects.order_by("id")
    gone = str(last.pk)
    last.delete()

    assert rows(api.get(path("run-failures", run.pk, "csv"))) == [
        ["item", "key", "code", "text"],
        ["thing 0", str(first.pk), "no", "No."],
        ["", gone, "no", f"No. {GONE}"],
    ]
    assert lines(api.get(path("run-failures", run.pk, "ndjson")))[0]["item"] == "thing 0"


def test_a_source_that_fails_costs_no_failure(api: Api, demo: Any, script: dict[str, Any]) -> None:
    from headway import Reject

    def refuse(operation: Any, number: int) -> None:
        raise Reject("no", "No.")

    script["before"] = refuse
    run = drive(start("tests.scripted", user=demo).run)
    script["items"] = lambda: 1 / 0

    told = rows(api.get(path("run-failures", run.pk, "csv")))
    assert len(told) == 6
    assert told[1] == ["", "0", "no", f"No. {GONE}"]


class Things(Numbers):
    """One item for each of these, under "thing"; its number beside it."""

    def __init__(self, *things: Any) -> None:
        super().__init__(len(things))
        self.things = things

    def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, Any]]:
        return [(key, {"thing": self.things[int(key)], 2: int(key)}) for key in keys]


class Speechless:
    """Has no text."""

    def __str__(self) -> str:
        raise ValueError("no text")


def endless() -> Any:
    """A list that contains itself."""
    found: list[Any] = []
    found.append(found)
    return found


UNSAYABLE = [
    ({"a"}, "{'a'}"),
    (b"a", "b'a'"),
    (1j, "1j"),
    (float("nan"), "nan"),
    ([float("-inf")], ["-inf"]),
    ({(1, 2): {3: {"a"}}}, {"(1, 2)": {"3": "{'a'}"}}),
    (Thing(name="a thing"), "a thing"),
    (Speechless(), "<Speechless>"),
    (endless(), "<list>"),
    (10**5000, "<int>"),
    (Decimal("1.50"), "1.50"),
    (date(2026, 11, 24), "2026-11-24"),
]


def test_what_json_cannot_say_is_told_as_text_and_breaks_no_file_off(
    api: Api, demo: Any, script: dict[str, Any]
) -> None:
    from headway import Reject

    def refuse(operation: Any, number: int) -> None:
        raise Reject("no", "No.")

    script["before"], script["items"] = refuse, lambda: Things(*(thing for thing, _ in UNSAYABLE))
    run = drive(start("tests.scripted", user=demo).run)

    told = lines(api.get(path("run-failures", run.pk, "ndjson")))
    assert told == [
        {"thing": text, "2": number, "key": str(number), "code": "no", "text": "No."}
        for number, (_, text) in enumerate(UNSAYABLE)
    ]
    first, *rest = rows(api.get(path("run-failures", run.pk, "csv")))
    assert first == ["item", "key", "code", "text"]
    assert [json.loads(row[0]) for row in rest] == [{"thing": row["thing"], "2": row["2"]} for row in told]


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_a_value_that_json_cannot_say_may_be_the_item_itself(
    api: Api, demo: Any, script: dict[str, Any], form: str
) -> None:
    from headway import Reject

    class Bare(Things):
        def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, Any]]:
            return [(key, self.things[int(key)]) for key in keys]

    def refuse(operation: Any, number: int) -> None:
        raise Reject("no", "No.")

    script["before"], script["items"] = refuse, lambda: Bare(float("nan"), 10**5000)
    run = drive(start("tests.scripted", user=demo).run)
    told = body(api.get(path("run-failures", run.pk, form))).splitlines()

    assert len(told) == (3 if form == "csv" else 2)
    assert "nan" in told[-2]
    assert "<int>" in told[-1]


def test_an_operation_that_is_no_more_costs_no_failure(api: Api, demo: Any, media: Any) -> None:
    run = imported(demo, "name\nBob!\n")
    Run.objects.filter(pk=run.pk).update(operation="tests.long_gone")
    assert rows(api.get(path("run-failures", run.pk, "csv")))[1][1:3] == ["5", "too-loud"]


@pytest.mark.slow
def test_a_download_has_at_most_100_000_rows_and_links_to_the_rest(api: Api, demo: Any) -> None:
    run = drive(start("tests.write_ledger", {"items": 2, "reject": "0"}, user=demo).run)
    part = run.parts.get()
    ItemOutcome.objects.all().delete()
    ItemOutcome.objects.bulk_create(
        ItemOutcome(run=run, part=part, key=str(key), state="failed", code="no", text="No.", label=str(key))
        for key in range(LARGEST + 3)
    )
    first = api.get(path("run-failures", run.pk, "csv"))
    address, _, relation = first["Link"].partition(";")
    second = api.get(address.strip("<>"))

    told, rest = rows(first), rows(second)
    assert relation == ' rel="next"'
    assert (len(told), len(rest)) == (LARGEST + 1, 4)
    assert told[0] == rest[0] == ["item", "key", "code", "text"]
    assert [row[1] for row in (*told[1:], *rest[1:])] == [str(key) for key in range(LARGEST + 3)]
    assert "Link" not in second


def test_a_run_that_failed_nowhere_has_a_header_and_no_row(api: Api, demo: Any, media: Any) -> None:
    run = imported(demo, "name,age\nAda,36\n")
    assert rows(api.get(path("run-failures", run.pk, "csv"))) == [["name", "age", "key", "code", "text"]]
    assert body(api.get(path("run-failures", run.pk, "ndjson"))) == ""


def test_under_asgi_a_download_is_sent_as_it_is_read(demo: Any, media: Any) -> None:
    run = imported(demo, "name,age\nBob!,40\n")

    async def fetch() -> list[bytes]:
        response = await AsyncClient().get(path("run-failures", run.pk, "csv"), headers={"Authorization": "Token demo"})
        assert response.is_async
        return [block async for block in response.streaming_content]

    blocks = async_to_sync(fetch)()
    assert len(blocks) == 2
    assert blocks[1].startswith(b"Bob!")


@pytest.mark.parametrize("name", ["run-failures", "run-results"])
def test_other_forms_are_not_found(api: Api, demo: Any, name: str) -> None:
    run = start("tests.http_join", user=demo).run
    assert_problem(api.get(path(name, run.pk, "xlsx")), "not-found")


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_results_are_not_there_while_no_operation_keeps_them(api: Api, demo: Any, form: str) -> None:
    run = start("tests.http_join", user=demo).run
    assert_problem(api.get(path("run-results", run.pk, form)), "not-found")


@pytest.mark.parametrize("after", ["-1", "x", "99999999999999999999"])
def test_a_place_that_was_not_given_out_is_malformed(api: Api, demo: Any, after: str) -> None:
    run = start("tests.http_join", user=demo).run
    assert_problem(api.get(path("run-failures", run.pk, "csv"), {"after": after}), "malformed")
