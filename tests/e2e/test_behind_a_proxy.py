"""A run that outlasts the proxy's cut several times, followed to its end at once by every kind of client.

No request lasts as long as the cut: the server ends each in time and says so, and the client comes back.
"""

import json

import pytest

from servers.caddy import Caddy
from tests.crash.aloud import Tell
from tests.e2e.api import api, start
from tests.e2e.conftest import StartWeb
from tests.e2e.follower import Follower, Target, never_falls
from tests.e2e.page import InPage
from tests.e2e.polls import LongPoll, ShortPoll
from tests.e2e.streams import Curl, Socket, Sse
from tests.processes import whole_lines
from tests.workers import Workers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


RUN = 24  # s
CUT = 12  # s
STREAM = 5  # s: a stream lives shorter than the cut, by 7 s for a machine that has other work too
POLL = 5  # s
OPENINGS = RUN // STREAM - 1  # of a stream at least, when the last client is there one life later than the run
PATIENCE = 3 * RUN + 30  # s


def test_every_client_follows_the_run_to_its_end_and_the_proxy_cuts_nothing(
    start_web: StartWeb, workers: Workers, tell: Tell
) -> None:
    web = start_web(processes=2, TEST_STREAM_SECONDS=str(STREAM))
    workers.start()
    with Caddy(web.ports[0], CUT) as caddy, api(caddy.url) as client:
        run = start(client, "tests.take_time", items=RUN * 50, seconds=RUN)
        followers = [follower.start() for follower in all_kinds(caddy, run["links"])]
        for follower in followers:
            follower.wait(PATIENCE)
        ended = client.get(run["links"]["self"]).json()
        requests = [json.loads(line) for line in whole_lines(caddy.requests)]

    longest = max(request["duration"] for request in requests)
    tell(f"{len(requests)} requests, the longest {longest:.2f} s before a cut at {CUT} s; {kinds(followers)}")
    assert ended["state"] == "succeeded"
    assert [follower for follower in followers if follower.broken] == []
    for follower in followers:
        assert follower.heard[-1].message["type"] == "end", follower
        assert follower.heard[-1].run["revision"] == ended["revision"], follower
        assert never_falls(follower), follower
        assert follower.openings >= OPENINGS, follower
    assert [page.protocol for page in followers if isinstance(page, InPage)] == ["http/1.1", "h2"]
    assert longest < CUT
    assert {request["status"] for request in requests} <= {101, 200, 202, 204, 302, 304}
    assert {request["request"]["proto"] for request in requests} == {"HTTP/1.1", "HTTP/2.0", "HTTP/3.0"}


def all_kinds(caddy: Caddy, links: dict[str, str]) -> list[Follower]:
    """One of each."""
    plain = Target(caddy.url, links)
    secure = Target(caddy.secure_url, links, authority=caddy.authority)
    return [
        Sse(plain),
        Sse(secure, http2=True),
        Curl(plain),
        Curl(secure, http2=True),
        LongPoll(plain, seconds=POLL),
        LongPoll(secure, seconds=POLL, version=2),
        LongPoll(secure, seconds=POLL, version=3),
        ShortPoll(secure),
        Socket(plain),
        Socket(secure),
        InPage(plain, seconds=PATIENCE),
        InPage(secure, seconds=PATIENCE),
    ]


def kinds(followers: list[Follower]) -> str:
    return ", ".join(f"{type(follower).__name__} {follower.openings}×" for follower in followers)
