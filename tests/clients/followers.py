"""Followers of each kind, as programs have them: what they have heard so far, and how it ended."""

import json
import os
import shutil
import threading
from pathlib import Path
from typing import IO, Any, Protocol, TypeAlias

import pytest
from playwright._impl._driver import compute_driver_executable
from playwright.sync_api import Page

from tests.forked import Process, start_fresh
from tests.processes import spawn

__all__ = ["FOLLOW_JS", "Follower", "InPage", "Program", "found", "nodes"]

Run: TypeAlias = dict[str, Any]
HERE = Path(__file__).parent
FOLLOW_JS = HERE.parents[1] / "src/headway/static/headway/follow.js"
MISSING = "The tests need Node 18 or newer on PATH. As root: apt-get install nodejs"


class Follower(Protocol):
    """Something that follows a run in its own time."""

    def heard(self) -> list[Run]:
        """The run, as often as it was told."""

    def error(self) -> str:
        """Why it ended before the run; "" as long as it hasn't."""

    def is_over(self) -> bool: ...


def nodes() -> list[str]:
    """Node on PATH, and the one that Playwright brings: an older one without sockets, and a newer one with them."""
    own = str(compute_driver_executable()[0])
    return [shutil.which("node") or "", own]


def found(node: str) -> str:
    """This Node. Fails the test where it is missing."""
    if not node:
        pytest.fail(MISSING, pytrace=False)
    return node


def begin(kind: str, asked: list[str], environment: dict[str, str], out: IO[bytes]) -> Process:
    """A program of this kind that follows the run at the address, with the headers, that are asked for."""
    if "python" in kind:
        return start_fresh([str(HERE / "follow.py"), kind, *asked], environment, out)
    node = found(nodes()[kind == "newest node"])
    return spawn([node, str(HERE / "follow.mjs"), FOLLOW_JS.as_uri(), *asked], stdout=out, env=environment)


class Program:
    """A program that says a line of JSON each time."""

    def __init__(self, kind: str, address: str, headers: dict[str, str]) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        ours, theirs = os.pipe()
        with open(theirs, "wb") as out:
            self.process = begin(kind, [address, json.dumps(headers)], environment, out)
        self.said = open(ours, "rb")  # noqa: SIM115  (until `close`)
        self.lines: list[Run] = []
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self) -> None:
        self.lines.extend(map(json.loads, self.said))

    def heard(self) -> list[Run]:
        return [line for line in list(self.lines) if "revision" in line]

    def error(self) -> str:
        return next((line["error"] for line in list(self.lines) if "error" in line), "")

    def is_over(self) -> bool:
        """Whether the program has ended: nothing keeps it alive."""
        return self.process.poll() is not None and not self.thread.is_alive()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.thread.join()
        self.said.close()


class InPage:
    """A script of a page."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        page.evaluate(
            """async (address) => {
              const { follow } = await import("/static/headway/follow.js");
              const seen = (window.seen = { heard: [], error: "", over: false });
              (async () => {
                try {
                  for await (const run of follow(address)) seen.heard.push(run);
                } catch (error) {
                  seen.error = error.code ?? String(error);
                }
                seen.over = true;
              })();
            }""",
            address,
        )

    def heard(self) -> list[Run]:
        return list(self.page.evaluate("seen.heard"))

    def error(self) -> str:
        return str(self.page.evaluate("seen.error"))

    def is_over(self) -> bool:
        return bool(self.page.evaluate("seen.over"))
