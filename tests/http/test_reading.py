"""Rows 1, 3, 4 and 7 of the contract: operations, one run, many runs, and items."""

from copy import copy
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from headway.models import Part, Run
from headway.operations import base, registry
from headway.runs import Disposition, start
from tests.app.driving import drive
from tests.http import operations  # noqa: F401  (they register themselves)
from tests.once import once

from .client import Api, assert_problem, path
from .conftest import Caller

pytestmark = pytest.mark.django_db(transaction=True)


def started(user: Any, count: int = 1, **given: Any) -> Run:
    return start("tests.http_allow", {"count": count, **given}, user=user).run


def cursor(moment: str, run_id: str = "0198f3c2-0000-4000-8000-000000000000") -> str:
    """As the API would write it."""
    return f"{moment}~{run_id}"


def pages(api: Api, address: str) -> list[list[Any]]:
    """The results of each page, following `next`."""
    found, following = [], address
    while following:
        body = api.get(following).json()
        found.append(body["results"])
        following = body["next"]
    return found


@pytest.mark.once
def test_operations_are_listed_with_schema_policy_and_where_to_start_them(api: Api) -> None:
    listed = {each["name"]: each for each in api.get(path("operations")).json()["results"]}

    found = listed["airports.import_airports"]
    assert found["title"] == "Import airports"
    assert found["description"] == "Create or update airports from a CSV file."
    assert found["on_conflict"] == "join"
    assert found["require_idempotency_key"] is False
    assert found["params"]["properties"]["file"]["format"] == "binary"
    assert found["params"]["additionalProperties"] is False
    assert found["links"] == {"start": path("start", "airports.import_airports")}
    assert listed["tests.http_queue"]["on_conflict"] == "queue"
    assert listed["tests.http_keyed"]["require_idempotency_key"] is True


@pytest.mark.once
def test_only_operations_that_the_caller_may_start_are_listed(api: Api, person: Caller) -> None:
    person("clerk", "airports.add_airport")

    def names(caller: Api) -> list[str]:
        return [each["name"] for each in caller.get(path("operations")).json()["results"]]

    assert "tests.http_guarded" not in names(api)
    assert "tests.http_guarded" in names(Api("clerk"))


@pytest.mark.once
def test_a_run_has_an_etag_and_says_when_to_ask_again_until_it_is_done(api: Api, demo: Any) -> None:
    run = started(demo)
    live = api.get(path("run", run.pk))
    drive(run)
    done = api.get(path("run", run.pk))

    assert live.status_code == done.status_code == 200
    assert live["Retry-After"] == "2"
    assert "Retry-After" not in done
    assert live["ETag"] != done["ETag"]
    assert (live.json()["done"], done.json()["done"]) == (False, True)
    assert live["Cache-Control"] == "private, no-cache"


@pytest.mark.once
def test_nothing_new_is_304_without_a_body(api: Api, demo: Any) -> None:
    address = path("run", started(demo).pk)
    tag = api.get(address)["ETag"]
    unchanged = api.get(address, headers={"If-None-Match": tag})

    assert unchanged.status_code == 304
    assert unchanged.content == b""
    assert unchanged["ETag"] == tag
    assert unchanged["Retry-After"] == "2"
    assert api.get(address, headers={"If-None-Match": '"older"'}).status_code == 200


def test_a_worker_that_falls_silent_changes_the_etag_without_a_revision(api: Api, demo: Any) -> None:
    run = started(demo)
    Run.objects.filter(pk=run.pk).update(state="running")
    Part.objects.filter(run=run).update(token=1, due=F("due") + 60_000)
    before = api.get(path("run", run.pk))
    Part.objects.filter(run=run).update(due=1)
    after = api.get(path("run", run.pk), headers={"If-None-Match": before["ETag"]})

    assert after.status_code == 200
    assert (before.json()["stalled"], after.json()["stalled"]) == (False, True)
    assert before.json()["revision"] == after.json()["revision"]


@pytest.mark.once
def test_links_are_paths_so_that_they_hold_behind_any_proxy(api: Api, demo: Any) -> None:
    run = started(demo)
    links = api.get(path("run", run.pk), headers={"Host": "localhost", "X-Forwarded-Host": "shop.example"}).json()[
        "links"
    ]

    assert set(links) == {"self", "events", "wait", "socket", "items", "failures"}
    assert all(link.startswith("/") and not urlsplit(link).netloc for link in links.values())


def test_runs_are_listed_newest_first_and_only_those_that_the_caller_may_see(
    api: Api, demo: Any, other: Api, person: Caller
) -> None:
    first, second = started(demo), started(demo)
    foreign = start("tests.http_allow", user=person("third")).run
    person("auditor", "headway.view_run")

    def ids(caller: Api) -> list[str]:
        return [run["id"] for run in caller.get(path("runs")).json()["results"]]

    assert set(ids(api)) == {str(first.pk), str(second.pk)}
    assert ids(other) == []
    assert str(foreign.pk) in ids(Api("auditor"))
    newest = list(Run.objects.filter(started_by=demo).order_by("-created_at", "id").values_list("id", flat=True))
    assert ids(api) == [str(each) for each in newest]


def test_runs_can_be_asked_for_by_operation_state_and_whether_they_are_active(api: Api, demo: Any) -> None:
    done, live = drive(started(demo)), start("tests.http_join", user=demo).run

    def ids(**query: str) -> list[str]:
        return [run["id"] for run in api.get(path("runs"), query).json()["results"]]

    assert ids(operation="tests.http_join") == [str(live.pk)]
    assert ids(state="succeeded") == ids(active="false") == [str(done.pk)]
    assert ids(state="queued") == ids(active="true") == [str(live.pk)]
    assert ids(operation="no.such") == []


def test_runs_are_found_by_every_name_that_their_operation_has_had(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    before, now = (api.start("tests.http_allow").json()["id"] for _ in range(2))
    Run.objects.filter(pk=before).update(operation="tests.before")
    operation = registry.get("tests.http_allow")
    monkeypatch.setattr(operation, "aliases", ("tests.before",))
    monkeypatch.setitem(base.by_name, "tests.before", operation)

    for name in ("tests.before", "tests.http_allow"):
        found = api.get(path("runs"), {"operation": name}).json()["results"]
        assert [run["id"] for run in found] == [now, before]
        assert {run["operation"] for run in found} == {"tests.http_allow"}
        assert api.get(path("runs") + f"{before}/failures.csv")["Content-Disposition"].endswith(
            'filename="tests.http_allow-failures.csv"'
        )


@pytest.mark.once
def test_a_start_by_a_former_name_is_one_of_the_operation(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    operation = registry.get("tests.http_join")
    monkeypatch.setattr(operation, "aliases", ("tests.before",))
    monkeypatch.setitem(base.by_name, "tests.before", operation)

    started = api.start("tests.before", {"count": 3})
    assert (started.status_code, started.json()["operation"]) == (202, "tests.http_join")
    assert api.start("tests.http_join", {"count": 3})["Headway-Disposition"] == "joined"
    listed = api.get(path("operations")).json()["results"]
    assert "tests.before" not in {each["name"] for each in listed}


def test_an_operation_with_a_character_that_no_database_has_is_none(api: Api, demo: Any) -> None:
    started(demo)
    assert api.get(path("runs"), {"operation": "tests.http_allow\0"}).json()["results"] == []


def test_a_run_that_waits_behind_another_is_found_as_queued(api: Api) -> None:
    api.start("tests.http_queue", {"count": 1})
    api.start("tests.http_queue", {"count": 2})
    assert len(api.get(path("runs"), {"state": "queued"}).json()["results"]) == 2


def test_each_run_is_on_one_page_whenever_they_were_created(api: Api, demo: Any) -> None:
    runs = [started(demo) for _ in range(7)]
    # Several in the same millisecond, one of them a whole second: SQLite compares moments as texts.
    for moment, ids in (("2026-11-24T10:00:00Z", runs[:3]), ("2026-11-24T10:00:00.999Z", runs[3:6])):
        Run.objects.filter(pk__in=[run.pk for run in ids]).update(created_at=moment)
    seen = [[run["id"] for run in page] for page in pages(api, f"{path('runs')}?limit=2")]

    expected = [str(run_id) for run_id in Run.objects.values_list("id", flat=True)]
    assert [len(page) for page in seen] == [2, 2, 2, 1]
    assert [run_id for page in seen for run_id in page] == expected


@pytest.mark.parametrize("moment", ["10:00:00.999", *once("10:00:00", "10:00:00.000", "10:00:00.999000")])
def test_runs_of_one_moment_come_once_each_however_the_database_spells_it(api: Api, demo: Any, moment: str) -> None:
    runs = [started(demo) for _ in range(4)]
    with connection.cursor() as database:
        database.execute("UPDATE headway_run SET created_at = %s", [f"2026-11-24 {moment}"])
    seen = [run["id"] for page in pages(api, f"{path('runs')}?limit=1") for run in page]

    assert seen == sorted(str(run.pk) for run in runs)


@pytest.mark.parametrize("permissions", [(), ("headway.view_run",)], ids=["one's own", "everybody's"])
def test_a_page_of_many_runs_reads_no_more_than_its_rows_by_an_index(person: Caller, permissions: Any) -> None:
    user = person("reader", *permissions)
    many(user, 3000)
    first = Api("reader").get(path("runs"), {"limit": 2}).json()
    with CaptureQueriesContext(connection) as asked:
        Api("reader").get(path("runs"), {"limit": 2})
        Api("reader").get(first["next"])
    lists = [each["sql"] for each in asked.captured_queries if "DESC" in each["sql"]]

    assert len(lists) == 2
    assert all(sql.endswith("LIMIT 3") for sql in lists)
    for plan in map(plan_of, lists):
        assert "headway_run_newest" in plan or "headway_run_of_user" in plan
    assert "created_at<" in plan or "created_at <" in plan  # it begins at its place, and not at the newest


def many(user: Any, count: int) -> None:
    """Runs that have ended, each a second older than the one before; the database knows how many there are."""
    pattern = Run.objects.get(pk=drive(started(user)).pk)
    older = [copy(pattern) for _ in range(count)]
    for number, run in enumerate(older, 1):
        run.pk, run.created_at = uuid4(), pattern.created_at - timedelta(seconds=number)
    Run.objects.bulk_create(older)
    with connection.cursor() as database:
        database.execute("ANALYZE")


def plan_of(sql: str) -> str:
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as database:
        database.execute(f"{explain} {sql}")
        return "\n".join(str(row) for row in database.fetchall())


def test_a_page_still_follows_when_the_run_at_its_edge_has_been_deleted(api: Api, demo: Any) -> None:
    for _ in range(3):
        drive(started(demo))
    first = api.get(path("runs"), {"limit": 1}).json()
    api.delete(path("run", first["results"][0]["id"]))
    assert len(pages(api, first["next"])) == 2


def test_a_list_costs_the_same_for_one_run_as_for_many(api: Api, demo: Any, django_assert_num_queries: Any) -> None:
    started(demo, 3)
    with CaptureQueriesContext(connection) as one:
        api.get(path("runs"))
    for _ in range(10):
        started(demo, 3)
    with django_assert_num_queries(len(one)):
        assert len(api.get(path("runs")).json()["results"]) == 11


def test_items_that_failed_or_were_skipped_come_in_pages(api: Api, demo: Any) -> None:
    given = {"items": 10, "reject": "1,3,5", "skip": "2", "fail": "7"}
    run = drive(start("tests.write_ledger", given, user=demo).run)
    failed = pages(api, f"{path('run-items', run.pk)}?limit=3")

    assert [[item["key"] for item in page] for page in failed] == [["1", "3", "5"], ["7"]]
    assert failed[0][0] == {
        "key": "1", "label": "1", "state": "failed", "code": "rejected", "text": "1 is not wanted.",
    }  # fmt: skip
    skipped = api.get(path("run-items", run.pk), {"state": "skipped"}).json()
    assert [item["key"] for item in skipped["results"]] == ["2"]
    assert skipped["next"] is None


@pytest.mark.once
def test_the_error_itself_is_for_staff(api: Api, demo: Any, person: Caller) -> None:
    person("boss", is_staff=True, is_superuser=True)
    run = drive(start("tests.write_ledger", {"items": 3, "fail": "1"}, user=demo).run)

    def item(caller: Api) -> dict[str, Any]:
        return dict(caller.get(path("run-items", run.pk)).json()["results"][0])

    assert "detail" not in item(api)
    assert "1 fails" not in item(api)["text"]
    assert "1 fails" in item(Api("boss"))["detail"]


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("runs", {"cursor": cursor("9999-12-31T23:59:59.999999+00:00")}),
        ("runs", {"cursor": cursor("0001-01-01T00:00:00+14:00")}),
        ("run-items", {"cursor": "9" * 19}),
        *once(
            ("runs", {"limit": "0"}),
            ("runs", {"limit": "201"}),
            ("runs", {"limit": "many"}),
            ("runs", {"limit": "9" * 5000}),
            ("runs", {"state": "waiting"}),
            ("runs", {"active": "perhaps"}),
            ("runs", {"cursor": "no-cursor"}),
            ("runs", {"cursor": "é"}),
            ("runs", {"cursor": ""}),
            ("runs", {"cursor": "2026-11-24T10:00:00Z"}),
            ("runs", {"cursor": cursor("2026-11-24T10:00:00")}),
            ("runs", {"cursor": cursor("2026-11-24T10:00:00Z", "5")}),
            ("run-items", {"state": "succeeded"}),
            ("run-items", {"limit": "-1"}),
            ("run-items", {"cursor": "x"}),
            ("run-items", {"cursor": "-1"}),
            ("run-items", {"cursor": "1e50"}),
        ),
    ],
)
def test_a_query_that_cannot_be_meant_is_malformed(api: Api, demo: Any, name: str, query: dict[str, str]) -> None:
    address = path(name, *([started(demo).pk] if name == "run-items" else []))
    assert_problem(api.get(address, query), "malformed")


@pytest.mark.once
def test_what_starts_say_is_what_dispositions_there_are() -> None:
    assert [str(each) for each in Disposition] == ["created", "joined", "queued", "replayed"]
