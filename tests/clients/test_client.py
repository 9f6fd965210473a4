"""headway.client, sync and async: what it starts and steers, what it raises, and what it tries again."""

import asyncio
import inspect
import io
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
from django.test import RequestFactory

from headway import runs
from headway.client import (
    AsyncClient,
    Busy,
    Client,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Run,
    SignedOut,
    Unreachable,
    calls,
)  # fmt: skip
from headway.client.following import Following, Patience, retry_after
from headway.client.run import Progress, RunLinks, Step
from headway.http.openapi.schemas import SCHEMAS, STEP
from headway.idempotency import header
from headway.models import Run as StoredRun
from tests.live.server import Server
from tests.ui.scenes import begin, finish, go_on

from .proxy import LOSE, REFUSE, CuttingProxy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

LEDGER = "tests.write_ledger"


class Waiting:
    """The asynchronous client, each call of which is waited for."""

    def __init__(self, url: str, **options: Any) -> None:
        self.runner = asyncio.Runner()
        self.client = AsyncClient(url, **options)

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **given: Any) -> Any:
            async def awaited() -> Any:
                found = getattr(self.client, name)(*args, **given)
                return await found if inspect.isawaitable(found) else [run async for run in found]

            return self.runner.run(awaited())

        return call

    def fetch(self, address: str) -> Any:
        return self.runner.run(self.client.http.get(address))

    def close(self) -> None:
        self.aclose()
        self.runner.close()


@pytest.fixture(params=[Client, Waiting], ids=["sync", "async"])
def connect(
    request: pytest.FixtureRequest, server: Server, proxy: CuttingProxy, headers: dict[str, str]
) -> Iterator[Callable[..., Any]]:
    """connect(patience=1): a client of ada's, through the proxy."""
    opened: list[Any] = []

    def open_one(**options: Any) -> Any:
        opened.append(request.param(f"{proxy.url}/api/", **{"headers": headers} | options))
        return opened[-1]

    yield open_one
    for client in opened:
        client.close()


@pytest.fixture
def client(connect: Callable[..., Any]) -> Any:
    return connect()


@pytest.mark.parametrize("declared", [Run, Progress, RunLinks, Step], ids=lambda declared: declared.__name__)
def test_the_types_have_each_property_of_the_schema(declared: Any) -> None:
    schema = STEP if declared is Step else SCHEMAS[declared.__name__]
    assert list(declared.__annotations__) == list(schema["properties"])
    assert declared.__required_keys__ == set(schema["required"])


def heard(**more: Any) -> Run:
    run: dict[str, Any] = {"revision": 7, "stalled": False, "reason": None, "done": False, "links": {"events": "/"}}
    return cast(Run, run | more)


def line(**told: Any) -> str:
    return f"data: {json.dumps({'type': 'snapshot', 'run': heard(**told)})}"


def test_what_is_older_is_passed_over_unless_a_stream_opens_with_it() -> None:
    """As a restored database may have it."""
    following = Following(heard(), Patience(60))
    following.question()

    opening = following.line(line(revision=5)), following.run["revision"]
    older = following.line(line(revision=4)), following.run["revision"]
    same = following.line(line(revision=5)), following.run["revision"]
    stalled = following.line(line(revision=5, stalled=True)), following.run["revision"]

    assert (opening, older, same, stalled) == ((True, 5), (False, 5), (False, 5), (True, 5))


def test_an_answer_restores_the_patience() -> None:
    following = Following(heard(), Patience(0.0))
    following.question()
    following.fail(OSError("away"))  # there are other ways
    following.fail(OSError("away"))
    with pytest.raises(Unreachable):
        following.fail(OSError("away"))

    following.line(line())

    assert following.patience.since == float("inf")


BROKEN = [
    "[1]", "null", '{"run": null}', '{"run": [1]}', '{"revision": "7"}', '{"run": {"revision": null}}', "{",
]  # fmt: skip


@pytest.mark.parametrize("said", BROKEN)
def test_a_stream_of_something_else_is_left_for_the_next_way(said: str) -> None:
    following = Following(heard(), Patience(60))
    following.question()
    with pytest.raises(ValueError) as error:
        following.line(f"data: {said}")
    following.end(error.value)
    assert following.way == 1


@pytest.mark.parametrize(
    ("asked", "pause"), [(1500, 1.5), (None, 0), ("soon", 0), (-5, 0), (1e15, 60), (float("nan"), 0)]
)
def test_a_stream_that_turns_asks_for_no_more_than_a_minute(asked: Any, pause: float) -> None:
    following = Following(heard(), Patience(60))
    following.question()
    following.line(f"data: {json.dumps({'type': 'rotate', 'retry_ms': asked})}")
    assert following.pause == pause


@pytest.mark.parametrize(
    ("status", "said"),
    [(200, {"portal": "sign in"}), (200, heard(revision="7")), (204, None), (304, None), (301, None)],
    ids=["portal", "another's", "nothing", "as before", "moved"],
)
def test_a_server_that_always_says_something_else_is_left_when_the_patience_ends(status: int, said: Any) -> None:
    following = Following(heard(links={"events": "/", "wait": "/", "self": "/"}), Patience(20))
    paused = 0.0

    said_so = f"answers {status}, and it isn't Headway's API that says so"

    def ask() -> None:
        nonlocal paused
        following.question()
        try:
            following.answer(httpx.Response(status, json=said, request=httpx.Request("GET", "http://a/")))
        except ValueError as error:
            following.end(error)
        following.patience.since -= following.pause  # as if it were over
        paused += following.pause

    with pytest.raises(Unreachable, match=rf"No run within 20 s: http://a/ {said_so}"):
        [ask() for _ in range(200)]
    assert paused > 10


def test_a_pause_that_is_longer_than_the_patience_is_told() -> None:
    following = Following(heard(), Patience(3))
    following.question()
    answer = httpx.Response(503, headers={"Retry-After": "3600"}, request=httpx.Request("GET", "http://a/"))
    with pytest.raises(Unreachable, match=r"http://a/ answers 503, .* It asks for a pause of 3600 s\."):
        following.answer(answer)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7),
        ("Sun, 06 Nov 2094 08:49:37 GMT", pytest.approx(2.1e9, rel=0.5)),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("soon", None),
    ],
)
def test_a_pause_may_be_asked_for_by_a_date(said: str, seconds: Any) -> None:
    assert retry_after(httpx.Response(503, headers={"Retry-After": said})) == seconds


@pytest.mark.parametrize("asked", ["1000000000", "inf"])
def test_a_poll_is_repeated_after_a_minute_whatever_is_asked_for(asked: str) -> None:
    following = Following(heard(links={"self": "/"}), Patience(60), way=2)
    following.question()
    following.answer(httpx.Response(200, json=heard(revision=8), headers={"Retry-After": asked}))
    assert (following.run["revision"], following.pause) == (8, 60)


def test_a_long_poll_that_is_answered_at_once_without_news_isnt_repeated_at_once() -> None:
    following = Following(heard(links={"wait": "/"}), Patience(60), way=1)
    following.question()
    following.answer(httpx.Response(204))
    assert following.pause == 2


@pytest.mark.parametrize(
    "address", ["https://other.example/api/runs/1/", "//other.example/runs/1/", "http://a.example/x/"]
)
def test_headers_that_sign_in_go_to_no_other_server(address: str) -> None:
    with Client("https://a.example/api/", headers={"Authorization": "Token hush"}) as client:
        with pytest.raises(ValueError, match=r"isn't an address at a\.example"):
            client.get(address)
        with pytest.raises(ValueError, match=r"isn't an address at a\.example"):
            list(client.follow(heard(links={"events": address})))


def test_an_id_may_be_a_uuid_and_what_names_no_run_is_told(client: Any) -> None:
    run = client.start(LEDGER, {"items": 1})
    assert client.get(UUID(run["id"]))["id"] == run["id"]
    with pytest.raises(TypeError, match="None names no run; give"):
        client.get(None)
    with pytest.raises(TypeError, match="None names no run; give"):
        list(client.follow(None))
    with pytest.raises(ValueError, match=r"'\.\.' names no run; give"):
        client.cancel("..")


def test_a_key_that_is_empty_is_no_new_one_each_time(client: Any) -> None:
    with pytest.raises(Invalid) as refused:
        client.start(LEDGER, {"items": 1}, key="")
    assert refused.value.code == "idempotency-key-invalid"
    assert not StoredRun.objects.exists()


@pytest.mark.parametrize("key", ["straße", "a\nb", 7])
def test_a_key_that_no_header_can_hold_is_refused_before_it_is_sent(connect: Callable[..., Any], key: Any) -> None:
    with pytest.raises(ValueError, match="give text of printable ASCII characters"):
        connect().start(LEDGER, {"items": 1}, key=key)


@pytest.mark.parametrize("key", ["monday,tuesday,1", '"monday" \\ 1', " monday "])
def test_a_key_that_would_be_taken_for_something_else_is_quoted(key: str) -> None:
    request = RequestFactory().post("/", headers={"Idempotency-Key": calls.key_of(key)})
    assert header.key_of(request) == key
    assert calls.key_of("import of monday") == "import of monday"


@pytest.mark.parametrize("name", ["../../x", "..", "", "a/b", "a?b", "a b"])
def test_what_names_no_operation_is_refused_before_it_is_sent(connect: Callable[..., Any], name: str) -> None:
    with pytest.raises(ValueError, match="names no operation; give a name such as"):
        connect().start(name)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("value", ["Token é", "Token a\nb", "Token a\n", b"Token \r", "Token \udcff"])
def test_a_header_that_cant_be_sent_is_refused_at_once_without_its_value(kind: Any, value: Any) -> None:
    with pytest.raises(ValueError, match="The header 'Authorization' can't be sent") as refused:
        kind("https://a.example/api/", headers={"Authorization": value})
    assert "Token" not in str(refused.value)
    assert refused.value.__context__ is None


def test_dates_decimals_and_uuids_are_sent_as_the_text_that_a_form_reads(client: Any) -> None:
    given = {
        "items": 3,
        "gate": Decimal("1.50"),
        "reject": datetime(2026, 11, 30, 9, tzinfo=UTC),
        "skip": date(2026, 11, 30),
    }
    client.start(LEDGER, given | {"fail": datetime(2026, 11, 30, 9, 30).time(), "stop": UUID(int=7)})
    assert StoredRun.objects.get().params.items() >= {
        "items": 3,
        "gate": "1.50",
        "reject": "2026-11-30T09:00:00+00:00",
        "skip": "2026-11-30",
        "fail": "09:30:00",
        "stop": str(UUID(int=7)),
    }.items()  # fmt: skip


def test_a_parameter_that_no_form_would_read_back_is_refused_before_it_is_sent(connect: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=r"A parameter holds \{1\}; give what JSON can hold"):
        connect().start(LEDGER, {"items": [{1}]})
    with pytest.raises(ValueError, match="not JSON compliant"):
        connect().start(LEDGER, {"items": float("nan")})


def test_a_file_that_can_be_read_only_once_is_refused_before_it_is_sent(client: Any) -> None:
    reading, writing = os.pipe()
    os.close(writing)
    with open(reading, "rb") as pipe, pytest.raises(ValueError, match=r"'file' can't be read from its beginning again"):
        client.start(LEDGER, {"file": pipe})


def test_a_run_is_started_steered_followed_and_retried(client: Any) -> None:
    run = client.start(LEDGER, {"items": 4, "reject": "2"}, key="import-of-monday")
    again = client.start(LEDGER, {"items": 4, "reject": "2"}, key="import-of-monday")
    go_on(StoredRun.objects.get(), 1)
    paused = client.pause(run)
    resumed = client.resume(run["links"]["self"])
    finish(StoredRun.objects.get())
    told = list(client.follow(run))
    ended = client.get(run)
    retried = client.retry(run["id"])
    cancelled = client.cancel(retried)

    assert again["id"] == run["id"]
    assert (paused["state"], resumed["state"], told[-1]["state"]) == ("paused", "running", "partial")
    assert ended | {"links": {}} == told[-1] | {"links": {}}  # in which each answer has its own tickets
    assert (retried["retry_of"], cancelled["state"]) == (run["id"], "cancelled")
    assert client.get(run)["retried_by"] == retried["id"]


def test_a_dry_run_and_a_file(client: Any) -> None:
    head = b"icao,iata,name,city,subd,country,elevation,lat,lon,tz\n"
    run = client.start("airports.import_airports", {"file": io.BytesIO(head)}, dry_run=True)

    assert run["dry_run"]
    assert run["params"]["file"]["size"] == len(head)


def test_a_runs_file_is_fetched_by_the_address_that_the_run_names(client: Any) -> None:
    run = client.start("tests.export_numbers", {"count": 1})
    finish(StoredRun.objects.get())
    fetch = client.fetch if isinstance(client, Waiting) else client.http.get

    file = fetch(client.get(run)["links"]["file"])

    assert file.text.splitlines() == ["number,name,square", '0,"Number 0, of all numbers",0']


def test_what_is_refused_is_raised(client: Any, connect: Callable[..., Any], ada: Any, django_user_model: Any) -> None:
    from django.contrib.auth.models import Permission  # needs Django's apps

    run = client.start(LEDGER, {"items": 4})
    other = begin(django_user_model.objects.create(username="bob"), items=3)

    with pytest.raises(Conflict) as conflict:
        client.start(LEDGER, {"items": 4, "reject": "1"})
    with pytest.raises(Invalid) as invalid:
        client.start(LEDGER, {"items": "many"})
    with pytest.raises(NotFound) as not_found:
        client.get(str(other.pk))
    ada.user_permissions.add(Permission.objects.get(codename="view_run"))
    with pytest.raises(Forbidden):
        client.pause(str(other.pk))
    with pytest.raises(NotFound) as elsewhere:
        client.get("/nothing/")
    with pytest.raises(SignedOut):
        connect(headers={}).get(run)

    assert (conflict.value.code, conflict.value.members["existing"]) == ("run-conflict", run["links"]["self"])
    assert [error["pointer"] for error in invalid.value.members["errors"]] == ["/items"]
    assert (not_found.value.code, elsewhere.value.code) == ("not-found", "status-404")


def test_a_start_whose_answer_is_lost_is_one_run(client: Any, proxy: CuttingProxy) -> None:
    proxy.blocked = {r"/runs/$": LOSE}

    run = client.start("tests.side_by_side", {"count": 4})

    assert [str(each.pk) for each in StoredRun.objects.all()] == [run["id"]]
    assert len(proxy.seen) == 2


def test_a_start_waits_for_a_server_that_is_restarted(
    client: Any, serve: Callable[..., Server], proxy: CuttingProxy
) -> None:
    serve().end()
    proxy.upstream = None
    restart = threading.Timer(1, serve)
    restart.start()

    run = client.start(LEDGER, {"items": 4})

    restart.join()
    assert run["state"] == "queued"
    assert len(proxy.seen) > 2


def test_patience_has_an_end(connect: Callable[..., Any], proxy: CuttingProxy, ada: Any) -> None:
    run = go_on(begin(ada, items=400), 50)
    client = connect(patience=1)
    known = client.get(str(run.pk))
    proxy.blocked = {"": REFUSE}
    began = time.monotonic()

    with pytest.raises(Unreachable, match=r"No run within 1 s: .* answers 502"):
        client.get(known)
    with pytest.raises(Unreachable):
        list(client.follow(known))

    assert time.monotonic() - began < 30


def test_who_is_told_to_wait_for_longer_than_that_is_told_so(
    connect: Callable[..., Any], serve: Callable[..., Server]
) -> None:
    serve(RUNS_PER_USER=1)
    client = connect(patience=10)
    client.start(LEDGER, {"items": 4})

    with pytest.raises(Busy) as busy:
        client.start("tests.take_time", {"items": 4})

    assert busy.value.code == "quota-exceeded"


def test_the_pause_that_the_server_asks_for_is_kept(
    connect: Callable[..., Any], serve: Callable[..., Server], proxy: CuttingProxy, ada: Any
) -> None:
    """After the last of its ways as well: the answer to each poll says when to ask again."""
    proxy.blocked = {r"/events/|/wait/": REFUSE}
    run = go_on(begin(ada, items=400), 50)
    later = threading.Timer(3, runs.cancel, [run])
    later.start()
    began = time.monotonic()

    told = list(connect().follow(str(run.pk)))

    later.join()
    assert told[-1]["state"] == "cancelled"
    asked = [path for path in proxy.seen if path == f"/api/runs/{run.pk}/"]
    assert len(asked) <= (time.monotonic() - began) / 2 + 2


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8392/api/",
        "localhost:8392/api",
        "/api/",
        "https:///api/",
        "ftp://a.example/",
        "http://[::1",
        "http://a:8x/",
    ],
)
def test_an_address_without_scheme_or_host_is_refused_at_once(kind: Any, url: str) -> None:
    with pytest.raises(ValueError, match=r"is no address.*: https://example\.com/api/\."):
        kind(url)


def test_parameters_that_are_no_dictionary_are_refused_before_they_are_sent(connect: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=r"The parameters are \[1\]; give a dictionary"):
        connect().start(LEDGER, [1])
