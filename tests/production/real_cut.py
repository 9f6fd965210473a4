"""`python -m tests.production.real_cut [SECONDS]`: a run of 100 s behind the real cut of 60 s, watched to its end.

By hand, for the figures: the suite does the same with a shorter run behind a shorter cut (test_demo_full.py).
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()  # what the tests share knows models

from servers.topology import CUT_SECONDS  # noqa: E402
from tests.e2e.api import api, start  # noqa: E402
from tests.e2e.follower import Follower, never_falls  # noqa: E402
from tests.e2e.page import InPage  # noqa: E402
from tests.e2e.polls import LongPoll  # noqa: E402
from tests.e2e.streams import Curl  # noqa: E402
from tests.production.scrapes import scrape  # noqa: E402
from tests.production.shape import demo_full, told  # noqa: E402

STREAM, POLL = 50, 25  # s, as in production


def main(seconds: int) -> int:
    """0 when everybody has heard the end and nothing was cut."""
    with tempfile.TemporaryDirectory() as folder, demo_full(Path(folder), CUT_SECONDS, STREAM) as shape:
        with api(shape.url) as client:
            run = start(client, "paced.take_time", seconds=seconds)
            began = time.monotonic()
            secure = shape.target(run["links"], secure=True)
            followers: list[Follower] = [
                Curl(secure, http2=True).start(),
                Curl(shape.target(run["links"], secure=False)).start(),
                LongPoll(secure, seconds=POLL, version=3).start(),
                InPage(secure, seconds=3 * seconds + 60).start(),
            ]
            for follower in followers:
                follower.wait(3 * seconds + 60)
            ended = client.get(run["links"]["self"]).json()
        took = time.monotonic() - began
        requests = [json.loads(line) for line in shape.requests.read_text().splitlines()]
        counters = scrape(shape.inside).counters
        said = shape.end()
    print(f"{ended['state']} after {took:.1f} s, {ended['progress']['processed']} items; {told(followers, requests)}")
    print(f"counters: {counters}; ended: {said}")
    for follower in followers:
        print(follower.openings, follower.broken, never_falls(follower), follower.heard[-1].run["revision"])
    heard = all(follower.heard[-1].run["revision"] == ended["revision"] for follower in followers)
    return 0 if heard and not any(follower.broken for follower in followers) else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
