"""Followers that ask again and again, over HTTP/1.1, /2 or /3."""

import niquests

from tests.e2e.follower import TIMEOUT, Follower, Target, client

__all__ = ["LongPoll", "ShortPoll", "http3"]


class LongPoll(Follower):
    """One question after the other, each answered as soon as there is something new."""

    def __init__(self, target: Target, *, seconds: int, version: int = 1) -> None:
        super().__init__(target)
        self.seconds = seconds
        chosen = http3(target) if version == 3 else client(target, http2=version == 2)
        self.client = self.open.enter_context(chosen)

    def follow(self) -> None:
        revision = self.now["revision"] if self.heard else 0
        answer = self.client.get(self.target.at("wait", after=revision, seconds=self.seconds))
        answer.raise_for_status()
        if answer.status_code == 200:
            self.hear(answer.json())


class ShortPoll(Follower):
    """The run itself, as often as `Retry-After` has it, over HTTP/3."""

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self.client = self.open.enter_context(http3(target))
        self.etag = ""

    def follow(self) -> None:
        answer = self.client.get(self.target.at("self"), headers={"If-None-Match": self.etag} if self.etag else {})
        answer.raise_for_status()
        if answer.status_code == 200:
            run = answer.json()
            self.etag = str(answer.headers["ETag"])
            self.hear({"type": "end" if run["done"] else "snapshot", "run": run})
        self.over.wait(float(answer.headers.get("Retry-After") or 1))


def http3(target: Target) -> niquests.Session:
    """A client that speaks HTTP/3 and nothing else."""
    session = niquests.Session(disable_http1=True, disable_http2=True, timeout=TIMEOUT)
    session.headers.update(target.headers)
    session.verify = str(target.authority)
    session.trust_env = False  # or a certificate file that the environment names would be trusted instead
    return session
