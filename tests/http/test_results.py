"""Rows 7 and 8 of the contract: what was kept of each item, and the file that the items have written."""

import csv
import io
import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient

from headway import Stop, runs
from headway.http.downloads.limits import MOST
from headway.models import Block, Run
from headway.runs import start
from headway.snapshots import snapshot
from tests.app.driving import after_items, claim, drive, work
from tests.http import operations

from .client import Api, assert_problem, path

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]


def body(response: Any) -> str:
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


def rows(response: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body(response), newline="")))


def lines(response: Any) -> list[Any]:
    return [json.loads(line) for line in body(response).splitlines()]


def greeted(user: Any, content: str) -> Run:
    """A run over this file that keeps what it made of each row; who has an exclamation mark fails."""
    file = SimpleUploadedFile("people.csv", content.encode())
    return drive(start("tests.http_greet_people", {"file": file}, user=user).run)


class TestResults:
    def test_the_items_own_columns_come_first_then_key_and_the_values_members(
        self, api: Api, demo: Any, media: Any
    ) -> None:
        run = greeted(demo, "name,age\nAda,36\nBob!,40\nEve,7\n")
        response = api.get(path("run-results", run.pk, "csv"))
        assert rows(response) == [
            ["name", "age", "key", "greeting", "older", "value"],
            ["Ada", "36", "9", "Hello Ada", "37", ""],
            ["Eve", "7", "24", "Hello Eve", "8", ""],
        ]
        assert response["Content-Disposition"] == 'attachment; filename="tests.http_greet_people-results.csv"'
        assert "Link" not in response

    @pytest.mark.once
    def test_ndjson_has_the_value_whole(self, api: Api, demo: Any, media: Any) -> None:
        run = greeted(demo, "name,age\nAda,36\n")
        assert lines(api.get(path("run-results", run.pk, "ndjson"))) == [
            {"name": "Ada", "age": "36", "key": "9", "value": {"greeting": "Hello Ada", "older": 37}}
        ]

    @pytest.mark.once
    def test_what_has_no_column_of_its_own_stands_in_the_last(self, api: Api, demo: Any, script: Script) -> None:
        values = [{"a": 1}, {"a": 2, "b": "=1+1"}, ["x"], "=2", None]
        script["result"] = values.__getitem__
        run = drive(start("tests.scripted_results", user=demo).run)
        assert rows(api.get(path("run-results", run.pk, "csv"))) == [
            ["item", "key", "a", "b", "value"],
            ["0", "0", "1", "", ""],
            ["1", "1", "2", "'=1+1", ""],
            ["2", "2", "", "", '["x"]'],
            ["3", "3", "", "", "'=2"],
            ["4", "4", "", "", ""],
        ]

    @pytest.mark.once
    def test_a_member_that_the_first_values_lack_is_not_lost(
        self, api: Api, demo: Any, script: Script, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("headway.http.downloads.originals.SAMPLE", 1)
        script["result"] = lambda number: {"a": 1} if number == 0 else {"b": 2}
        run = drive(start("tests.scripted_results", user=demo).run)
        assert rows(api.get(path("run-results", run.pk, "csv")))[:3] == [
            ["item", "key", "a", "value"],
            ["0", "0", "1", ""],
            ["1", "1", "", '{"b": 2}'],
        ]

    def test_the_list_of_items_has_them_page_by_page(self, api: Api, demo: Any, script: Script) -> None:
        run = drive(start("tests.scripted_results", user=demo).run)
        address = path("run-items", run.pk)
        page = api.get(address, {"state": "succeeded", "limit": 3}).json()
        assert [(item["key"], item["value"]) for item in page["results"]] == [("0", 0), ("1", 1), ("2", 4)]
        assert [item["value"] for item in api.get(page["next"]).json()["results"]] == [9, 16]

    def test_a_long_list_of_results_goes_on_behind_the_link(
        self, api: Api, demo: Any, script: Script, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("headway.http.downloads.file.LARGEST", 3)
        monkeypatch.setattr("headway.http.downloads.file.FIRST_PAGE", 1)
        monkeypatch.setattr("headway.http.downloads.file.MOST_ROWS", 1)
        run = drive(start("tests.scripted_results", user=demo).run)
        first = api.get(path("run-results", run.pk, "ndjson"))
        following = first["Link"].removeprefix("<").removesuffix('>; rel="next"')
        assert [line["key"] for line in lines(first) + lines(api.get(following))] == ["0", "1", "2", "3", "4"]

    @pytest.mark.once
    def test_a_snapshot_links_to_them(self, demo: Any, script: Script) -> None:
        run = start("tests.scripted_results", user=demo).run
        assert snapshot(run.pk)["links"]["results"] == path("run-results", run.pk, "csv")
        assert "results" not in snapshot(start("tests.scripted", user=demo).run.pk)["links"]

    @pytest.mark.once
    def test_a_stranger_finds_none(self, other: Api, demo: Any, script: Script) -> None:
        run = drive(start("tests.scripted_results", user=demo).run)
        assert_problem(other.get(path("run-results", run.pk, "csv")), "not-found")


class TestFile:
    def test_it_is_what_the_items_have_written(self, api: Api, demo: Any, script: Script) -> None:
        run = drive(start("tests.scripted_file", user=demo).run)
        response = api.get(path("run-file", run.pk, "csv"))
        assert rows(response) == [["number", "square"], ["0", "0"], ["1", "1"], ["2", "4"], ["3", "9"], ["4", "16"]]
        assert response["Content-Type"] == "text/csv; charset=utf-8; header=present"
        assert response["Content-Disposition"] == 'attachment; filename="squares.csv"'

    @pytest.mark.once
    def test_ndjson_says_the_same(self, api: Api, demo: Any, script: Script) -> None:
        run = drive(start("tests.scripted_file", user=demo).run)
        response = api.get(path("run-file", run.pk, "ndjson"))
        assert lines(response) == [{"number": number, "square": number**2} for number in range(5)]
        assert response["Content-Disposition"] == 'attachment; filename="squares.ndjson"'

    @pytest.mark.once
    def test_no_cell_is_a_formula_to_a_spreadsheet(self, api: Api, demo: Any, script: Script) -> None:
        script["after"] = lambda operation, number: number == 0 and operation.write({"number": "=1+1"})
        run = drive(start("tests.scripted_file", user=demo).run)
        assert rows(api.get(path("run-file", run.pk, "csv")))[2] == ["'=1+1", ""]

    @pytest.mark.once
    def test_where_nothing_was_written_it_has_a_header_alone(self, api: Api, demo: Any, script: Script) -> None:
        script["items"] = lambda: operations.Numbers(0)
        run = drive(start("tests.scripted_file", user=demo).run)
        assert rows(api.get(path("run-file", run.pk, "csv"))) == [["number", "square"]]

    @pytest.mark.once
    def test_it_is_there_when_the_run_has_ended(self, api: Api, demo: Any, script: Script) -> None:
        run = start("tests.scripted_file", user=demo).run
        assert "file" not in snapshot(run.pk)["links"]
        assert_problem(api.get(path("run-file", run.pk, "csv")), "invalid-state", state="queued", actions=["cancel"])
        drive(run)
        assert snapshot(run.pk)["links"]["file"] == path("run-file", run.pk, "csv")

    @pytest.mark.once
    def test_a_run_that_did_not_succeed_has_what_was_written_and_says_so(
        self, api: Api, demo: Any, script: Script
    ) -> None:
        def after(operation: Any, number: int) -> None:
            if number == 2:
                raise Stop("Enough.")

        script["after"] = after
        run = drive(start("tests.scripted_file", user=demo).run)
        response = api.get(path("run-file", run.pk, "csv"))
        assert rows(response) == [["number", "square"], ["0", "0"], ["1", "1"]]
        assert response["Content-Disposition"] == 'attachment; filename="squares-incomplete.csv"'

    @pytest.mark.once
    def test_so_has_a_cancelled_one(self, api: Api, demo: Any, script: Script) -> None:
        run = start("tests.scripted_file", user=demo).run
        work(claim(run), after_items(2))
        runs.cancel(run)
        response = api.get(path("run-file", run.pk, "ndjson"))
        assert [line["number"] for line in lines(response)] == [0, 1]
        assert "squares-incomplete.ndjson" in response["Content-Disposition"]

    @pytest.mark.once
    def test_columns_that_a_deploy_has_changed_meanwhile_are_all_there(
        self, api: Api, demo: Any, script: Script
    ) -> None:
        run = drive(start("tests.scripted_file", user=demo).run)
        block = Block.objects.latest("seq")
        Block.objects.create(
            run=run, part=block.part, seq=block.seq + 1, piece=0, columns=["number", "cube"], text="[5,125]"
        )
        header, *_, last = rows(api.get(path("run-file", run.pk, "csv")))
        assert dict(zip(header, last, strict=True)) == {"number": "5", "square": "", "cube": "125"}

    def test_a_run_that_is_deleted_meanwhile_breaks_the_download_off(
        self, api: Api, demo: Any, script: Script, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("headway.store.parts.output.PIECE", 1)
        run = drive(start("tests.scripted_file", user=demo).run)
        sent = iter(api.get(path("run-file", run.pk, "csv")).streaming_content)
        assert [next(sent), next(sent)] == [b"number,square\r\n", b"0,0\r\n"]
        runs.delete(run)
        with pytest.raises(Block.DoesNotExist):
            list(sent)

    @pytest.mark.once
    def test_it_is_sent_as_it_is_read_under_asgi_too(self, demo: Any, script: Script, monkeypatch: Any) -> None:
        monkeypatch.setattr("headway.store.parts.output.PIECE", 1)
        run = drive(start("tests.scripted_file", user=demo).run)

        async def fetch() -> list[bytes]:
            response = await AsyncClient().get(path("run-file", run.pk, "csv"), headers={"Authorization": "Token demo"})
            assert response.is_async
            return [block async for block in response.streaming_content]

        assert len(async_to_sync(fetch)()) == 6

    @pytest.mark.once
    def test_nobody_has_more_than_some_under_way(self, api: Api, demo: Any, script: Script) -> None:
        run = drive(start("tests.scripted_file", user=demo).run)
        under_way = [api.get(path("run-file", run.pk, "csv")) for _ in range(MOST)]
        assert_problem(api.get(path("run-file", run.pk, "csv")), "rate-limited")
        for response in under_way:
            response.close()
        assert api.get(path("run-file", run.pk, "csv")).status_code == 200

    @pytest.mark.once
    def test_a_stranger_finds_none(self, other: Api, demo: Any, script: Script) -> None:
        run = drive(start("tests.scripted_file", user=demo).run)
        assert_problem(other.get(path("run-file", run.pk, "csv")), "not-found")
