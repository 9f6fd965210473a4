"""Row 8 of the contract: failures as a file, with the columns that the source gave them."""

import csv
import io
import json
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import AsyncClient

from headway import sources
from headway.http.downloads.file import LARGEST, LONGEST
from headway.http.downloads.limits import MOST
from headway.http.downloads.originals import GONE
from headway.models import ItemOutcome, Run
from headway.runs import start
from tests.app.driving import drive, with_failures
from tests.app.models import Thing
from tests.app.sources import Numbers
from tests.http import operations  # noqa: F401  (they register themselves)
from tests.once import once

from .client import Api, assert_problem, path
from .conftest import Caller

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


@pytest.mark.once
def test_ndjson_says_the_same(api: Api, demo: Any, media: Any) -> None:
    run = imported(demo, "name,age\nAda,36\nBob!,40\n")
    response = api.get(path("run-failures", run.pk, "ndjson"))

    assert lines(response) == [{"name": "Bob!", "age": "40", "key": "16", "code": "too-loud", "text": "Not so loud."}]
    assert response["Content-Type"] == "application/x-ndjson"


@pytest.mark.once
def test_no_cell_is_a_formula_to_a_spreadsheet(api: Api, demo: Any, media: Any) -> None:
    cells = ["=1+1!", "+1 555!", "-cmd!", "@sum!", "\t=1!", "＝1!"]
    run = imported(demo, "\n".join(["name", *(f'"{cell}"' for cell in cells), "a=1!", "Ada\n"]))
    told = [row[0] for row in rows(api.get(path("run-failures", run.pk, "csv")))[1:]]
    assert told == [*(f"'{cell}" for cell in cells), "a=1!"]


@pytest.mark.once
def test_a_plain_number_stays_one(api: Api, demo: Any, media: Any) -> None:
    numbers = ["-12.5", "+3", "-0,5", "-1e5"]
    run = imported(demo, "name,height\n" + "".join(f'Bob!,"{number}"\n' for number in numbers))
    assert [row[1] for row in rows(api.get(path("run-failures", run.pk, "csv")))[1:]] == numbers


@pytest.mark.once
def test_a_column_of_the_file_keeps_its_name_and_ours_gets_another(api: Api, demo: Any, media: Any) -> None:
    run = imported(demo, "name,code\nBob!,DE\n")

    assert rows(api.get(path("run-failures", run.pk, "csv")))[0] == ["name", "code", "key", "headway_code", "text"]
    line = lines(api.get(path("run-failures", run.pk, "ndjson")))[0]
    assert (line["code"], line["headway_code"]) == ("DE", "too-loud")


@pytest.mark.once
def test_a_row_that_was_never_readable_says_why(api: Api, demo: Any, media: Any) -> None:
    run = imported(demo, "name,age\nAda,36\nBob\n")
    assert rows(api.get(path("run-failures", run.pk, "csv")))[1] == [
        *("", "", "16", "too-few-fields"),
        "The row has 1 field; the header has 2. Is a cell with a line end in it quoted?",
    ]


@pytest.mark.once
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


@pytest.mark.once
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


@pytest.mark.once
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
@pytest.mark.once
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


@pytest.mark.once
def test_an_operation_that_is_no_more_costs_no_failure(api: Api, demo: Any, media: Any) -> None:
    run = imported(demo, "name\nBob!\n")
    Run.objects.filter(pk=run.pk).update(operation="tests.long_gone")
    assert rows(api.get(path("run-failures", run.pk, "csv")))[1][1:3] == ["5", "too-loud"]


def behind(response: Any) -> str | None:
    """Where the next rows are."""
    address, _, relation = response.headers.get("Link", "").partition(";")
    assert relation in ("", ' rel="next"')
    return address.strip("<>") or None


@pytest.mark.slow
def test_a_download_has_at_most_100_000_rows_and_links_to_the_rest(api: Api, demo: Any) -> None:
    run = with_failures(start("tests.http_join", user=demo).run, LARGEST + 3)
    told, sizes, address = [], [], path("run-failures", run.pk, "csv")
    while address:
        response = api.get(address)
        header, *found = rows(response)
        assert header == ["item", "key", "code", "text"]
        told, sizes, address = told + found, [*sizes, len(found)], behind(response)

    assert len(sizes) > 1
    assert max(sizes) <= LARGEST
    assert [row[1] for row in told] == [str(key) for key in range(LARGEST + 3)]


SLOW = 0.005  # s


class Slow(Numbers):
    """A source that takes its time for each item."""

    def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, int]]:
        for each in super().fetch(keys):
            time.sleep(SLOW)
            yield each


@pytest.mark.once
@pytest.mark.alone
def test_the_slower_its_source_the_fewer_rows_has_a_download_and_none_is_lost(
    api: Api, demo: Any, script: dict[str, Any]
) -> None:
    script["items"] = lambda: Slow(0)
    run = with_failures(start("tests.scripted", user=demo).run, LARGEST // 10)
    with closing(api.get(path("run-failures", run.pk, "csv"))) as response:
        address = behind(response)
        assert address
        last = int(address.partition("after=")[2])
    before = ItemOutcome.objects.filter(run=run, id__lte=last).count()
    assert before > 1_000
    assert before * SLOW <= LONGEST

    first_of_the_rest = next(iter(lines_so_far(api.get(address.replace(".csv", ".ndjson")))))
    assert first_of_the_rest["key"] == str(before)


def lines_so_far(response: Any) -> list[dict[str, Any]]:
    """What the first block says; the rest is left."""
    with closing(response):
        return [json.loads(line) for line in next(iter(response.streaming_content)).splitlines()]


@pytest.mark.once
def test_rows_as_heavy_as_rows_can_be_come_few_at_a_time(api: Api, demo: Any, script: dict[str, Any]) -> None:
    class Heavy(Numbers):
        def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, Any]]:
            return [(key, "x" * 100_000) for key in keys]

    script["items"] = lambda: Heavy(0)
    run = with_failures(start("tests.scripted", user=demo).run, 1_000)
    response = api.get(path("run-failures", run.pk, "csv"))

    assert behind(response)
    assert 0 < len(body(response)) < 60_000_000


@pytest.mark.once
def test_one_of_a_persons_downloads_is_read_at_a_time(api: Api, demo: Any, script: dict[str, Any]) -> None:
    reading, at_once = [], []

    class Watched(Numbers):
        def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, int]]:
            reading.append(self)
            time.sleep(0.002)  # long enough for another to come in
            at_once.append(len(reading))
            reading.remove(self)
            return super().fetch(keys)

    script["items"] = lambda: Watched(0)
    run = with_failures(start("tests.scripted", user=demo).run, 100)

    def download(_: int) -> int:
        found = rows(Api("demo").get(path("run-failures", run.pk, "csv")))
        connection.close()
        return len(found)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(download, range(4))) == [101] * 4
    assert len(at_once) >= 8
    assert set(at_once) == {1}


@pytest.mark.once
def test_one_person_has_so_many_downloads_under_way_and_holds_up_nobody_elses(
    api: Api, demo: Any, person: Caller
) -> None:
    run = with_failures(start("tests.http_join", user=demo).run, 3)
    person("auditor", "headway.view_run")
    address = path("run-failures", run.pk, "csv")
    open_ones = [api.get(address) for _ in range(MOST)]

    refused = api.get(address)
    assert_problem(refused, "rate-limited")
    assert int(refused["Retry-After"]) > 0
    assert len(rows(Api("auditor").get(address))) == 4

    assert len(rows(open_ones.pop())) == 4  # one that has come to its end,
    open_ones.pop().close()  # and one that was left
    open_ones += [api.get(address) for _ in range(2)]
    assert_problem(api.get(address), "rate-limited")
    assert [len(rows(each)) for each in open_ones] == [4] * MOST


@pytest.mark.once
@pytest.mark.parametrize("form", ["csv", "ndjson"])
@pytest.mark.alone
def test_a_row_costs_a_few_times_what_the_source_takes_to_read_it(api: Api, demo: Any, media: Any, form: str) -> None:
    count, columns = 1_000, 10
    header = ",".join(["name", *(f"column_{number}" for number in range(columns))])
    content = f"{header}\n" + "".join(f"Name of {row}!{',a value' * columns}\n" for row in range(count))
    run = start("tests.http_people", {"file": SimpleUploadedFile("people.csv", content.encode())}, user=demo).run
    source = sources.csv(SimpleUploadedFile("people.csv", content.encode()))
    entries = list(source.read(source.freeze(), None))
    part = run.parts.get()
    ItemOutcome.objects.bulk_create(
        ItemOutcome(run=run, part=part, key=key, state="failed", code="no", text="No.", label=key)
        for _, key, _ in entries
    )
    address = path("run-failures", run.pk, form)

    def download() -> None:
        assert body(api.get(address)).count("Name of") == count

    def read() -> None:
        assert sum(1 for _ in source.read(source.freeze(), None)) == count

    # The quickest of ten, side by side: what it takes where nothing else disturbs it.
    costs = [(cost(download), cost(read)) for _ in range(10)]
    assert min(took for took, _ in costs) < 15 * min(took for _, took in costs)


def cost(action: Callable[[], None]) -> float:
    """CPU seconds."""
    began = time.process_time()
    action()
    return time.process_time() - began


@pytest.mark.once
def test_a_run_that_failed_nowhere_has_a_header_and_no_row(api: Api, demo: Any, media: Any) -> None:
    run = imported(demo, "name,age\nAda,36\n")
    assert rows(api.get(path("run-failures", run.pk, "csv"))) == [["name", "age", "key", "code", "text"]]
    assert body(api.get(path("run-failures", run.pk, "ndjson"))) == ""


@pytest.mark.once
def test_under_asgi_a_download_is_sent_as_it_is_read(demo: Any, media: Any) -> None:
    run = imported(demo, "name,age\nBob!,40\n")

    async def fetch() -> list[bytes]:
        response = await AsyncClient().get(path("run-failures", run.pk, "csv"), headers={"Authorization": "Token demo"})
        assert response.is_async
        return [block async for block in response.streaming_content]

    blocks = async_to_sync(fetch)()
    assert len(blocks) == 2
    assert blocks[1].startswith(b"Bob!")


@pytest.mark.parametrize("name", ["run-failures", "run-results", "run-file"])
@pytest.mark.once
def test_other_forms_are_not_found(api: Api, demo: Any, name: str) -> None:
    run = start("tests.http_join", user=demo).run
    assert_problem(api.get(path(name, run.pk, "xlsx")), "not-found")


@pytest.mark.parametrize("form", ["csv", "ndjson"])
@pytest.mark.once
def test_results_and_a_file_are_not_there_where_the_operation_gives_none(api: Api, demo: Any, form: str) -> None:
    run = start("tests.http_join", user=demo).run
    assert_problem(api.get(path("run-results", run.pk, form)), "not-found")
    assert_problem(api.get(path("run-file", run.pk, form)), "not-found")


@pytest.mark.parametrize("after", ["99999999999999999999", *once("-1", "x")])
def test_a_place_that_was_not_given_out_is_malformed(api: Api, demo: Any, after: str) -> None:
    run = start("tests.http_join", user=demo).run
    assert_problem(api.get(path("run-failures", run.pk, "csv"), {"after": after}), "malformed")
