"""Whatever happens on the way, a client that follows a run hears of its last revision, and of none twice."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from headway.models import Run
from headway.snapshots import snapshot
from tests.live.clients import stream
from tests.live.server import Server
from tests.ui.scenes import begin, finish, go_on
from tests.workers import until

from .conftest import Follow
from .followers import Follower
from .proxy import HOLD, REFUSE, SOCKETS, CuttingProxy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

STREAMS, LONG_POLLS = r"/events/", r"/wait/"


def hears_of(follower: Follower, run: Run, seconds: float = 60) -> None:
    """Wait until it has heard of the run as it is now."""
    revision = snapshot(run.pk)["revision"]
    until(lambda: any(told["revision"] == revision for told in follower.heard()) or follower.error(), seconds)
    assert follower.error() == ""


def has_heard_all(follower: Follower, run: Run, seconds: float = 60) -> None:
    """Wait until it is over: nothing was told twice or backwards, and the run as it has ended came last."""
    until(follower.is_over, seconds)
    told = [(each["revision"], each["stalled"], (each["reason"] or {}).get("code")) for each in follower.heard()]
    ended = snapshot(run.pk)
    assert follower.error() == ""
    assert [revision for revision, *_ in told] == sorted(revision for revision, *_ in told)
    assert len(set(told)) == len(told)
    last = follower.heard()[-1]
    assert {name: last[name] for name in ended if name != "links"} == {
        name: ended[name] for name in ended if name != "links"
    }


def test_it_hears_of_each_change_and_ends_with_the_run(follow: Follow, ada: Any) -> None:
    run = go_on(begin(ada, items=400), 50)
    follower = follow(run)
    for _ in range(3):
        hears_of(follower, run)
        go_on(run, 50)
    hears_of(follower, run)
    finish(run)

    has_heard_all(follower, run)


@pytest.mark.parametrize(
    "blocked",
    [
        {STREAMS: REFUSE},
        {STREAMS: HOLD},
        {STREAMS: REFUSE, SOCKETS: REFUSE},
        {SOCKETS: HOLD, STREAMS: REFUSE, LONG_POLLS: REFUSE},
    ],
    ids=["no streams", "streams held back", "long polls", "short polls"],
)
def test_where_a_transport_is_blocked_it_takes_another(
    follow: Follow, proxy: CuttingProxy, ada: Any, blocked: dict[str, str]
) -> None:
    proxy.blocked = blocked
    run = go_on(begin(ada, items=400), 50)
    follower = follow(run)
    hears_of(follower, run)
    go_on(run, 50)
    hears_of(follower, run)
    finish(run)

    has_heard_all(follower, run)


@pytest.mark.parametrize("how", ["terminate", "end"], ids=["restarted", "killed"])
def test_a_server_that_comes_back_is_found(
    follow: Follow, serve: Callable[..., Server], proxy: CuttingProxy, ada: Any, how: str
) -> None:
    server = serve()
    run = go_on(begin(ada, items=400), 50)
    follower = follow(run)
    hears_of(follower, run)
    go_on(run, 50)
    hears_of(follower, run)
    getattr(server, how)()
    server.process.wait(30)
    proxy.upstream = None
    go_on(run, 50)
    asked = len(proxy.seen)
    until(lambda: len(proxy.seen) > asked + 3)  # in vain
    serve()
    hears_of(follower, run)
    finish(run)

    has_heard_all(follower, run)


def test_connections_that_break_lose_nothing(follow: Follow, proxy: CuttingProxy, ada: Any) -> None:
    run = go_on(begin(ada, items=400), 50)
    follower = follow(run)
    for _ in range(3):
        hears_of(follower, run)
        proxy.cut()
        go_on(run, 50)
    proxy.cut()
    finish(run)

    has_heard_all(follower, run)


def test_where_there_are_too_many_streams_it_polls(
    follow: Follow, serve: Callable[..., Server], proxy: CuttingProxy, ada: Any
) -> None:
    server = serve(STREAMS_PER_USER=1)
    run = go_on(begin(ada, items=400), 50)
    with stream(server, ada, run):
        follower = follow(run)
        hears_of(follower, run)
        go_on(run, 50)
        hears_of(follower, run)
        finish(run)

        has_heard_all(follower, run)
    refused = [path for path in proxy.seen if re.search(f"{run.pk}({STREAMS}|{LONG_POLLS})", path)]
    assert len(refused) <= 2, "each asks to be left alone for five seconds"


def test_who_is_signed_out_is_told(follow: Follow, proxy: CuttingProxy, ada: Any, sign_out: Callable[[], None]) -> None:
    run = go_on(begin(ada, items=400), 50)
    follower = follow(run)
    hears_of(follower, run)
    sign_out()
    proxy.cut()

    until(follower.is_over)

    assert follower.error() == "signed-out"


def test_a_run_of_another_is_not_there(follow: Follow, django_user_model: Any) -> None:
    follower = follow(begin(django_user_model.objects.create(username="bob"), items=3))

    until(follower.is_over)

    assert (follower.error(), follower.heard()) == ("gone", [])


def test_a_run_that_has_ended_is_told_once(follow: Follow, ada: Any) -> None:
    run = finish(begin(ada, items=3))

    follower = follow(run)

    has_heard_all(follower, run)
    assert len(follower.heard()) == 1
