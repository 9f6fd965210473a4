"""Those who use a project: a person by the forms of its pages, and a program by its API."""

import html
import json
import re
from collections.abc import Callable
from typing import Any

import httpx
from httpx_sse import connect_sse

from .project import PASSWORD, PERSON, Project

__all__ = ["Person", "Program"]

FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
FIELD = re.compile(r"<input\b([^>]*)>")
ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
Run = dict[str, Any]


def attributes(tag: str) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in ATTRIBUTE.findall(tag)}


class Person:
    """Has signed in by the project's own page; sends what the forms have."""

    def __init__(self, project: Project) -> None:
        self.client = httpx.Client(base_url=project.host, timeout=30, follow_redirects=True)
        self.page = self.client.get(f"{project.shape.below}/")
        self.send("", username=PERSON, password=PASSWORD)
        self.home = self.page

    def start(self) -> None:
        """Follow the page's link, and send its form as it stands."""
        self.follow(r'href="([^"]*/start/shop\.price/)"')
        self.send("")

    def follow(self, link: str) -> None:
        found = re.search(link, self.page.text)
        assert found, self.page.text
        self.page = self.good(self.client.get(html.unescape(found[1])))

    def send(self, action: str, **typed: str) -> None:
        """The page's first form with such an action, with what was typed into it."""
        asked, content = next(
            (asked, content)
            for tag, content in FORM.findall(self.page.text)
            for asked in [attributes(tag)]
            if asked.get("action", "").endswith(action) and not ("action" in asked and not action)
        )
        fields = {
            given["name"]: given.get("value", "")
            for given in map(attributes, FIELD.findall(content))
            if "name" in given and given.get("type") != "checkbox"
        }
        address = self.page.url.join(asked.get("action", ""))
        sent = {"params" if asked["method"] == "get" else "data": fields | typed}
        self.page = self.good(
            self.client.request(asked["method"], address, headers={"Referer": str(self.page.url)}, **sent)
        )

    def __enter__(self) -> "Person":
        return self

    def __exit__(self, *error: object) -> None:
        self.client.close()

    def look_again(self) -> None:
        self.page = self.good(self.client.get(self.page.url))

    def download(self) -> str:
        """The failures, by the page's link."""
        self.look_again()
        found = re.search(r'data-action="download"[^>]* href="([^"]+)"', self.page.text)
        assert found, self.page.text
        return self.good(self.client.get(html.unescape(found[1]))).text

    def watch(self, until: Callable[[Run], bool]) -> Run:
        """The run by the stream that the page names, from the first message that is so."""
        found = re.search(r'data-run="([^"]+)"', self.page.text)
        assert found, self.page.text
        return watch(self.client, json.loads(html.unescape(found[1]))["links"]["events"], until)

    def good(self, answer: httpx.Response) -> httpx.Response:
        assert answer.status_code == 200, (answer.status_code, answer.url, answer.text)
        return answer


class Program:
    """Shows a token in its header, and follows links."""

    def __init__(self, project: Project) -> None:
        headers = {"Authorization": f"Bearer {project.token}"}
        self.client = httpx.Client(base_url=project.host, timeout=30, headers=headers)
        self.api = f"{project.shape.below}/api"
        self.run: Run = {}

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *error: object) -> None:
        self.client.close()

    def start(self) -> None:
        self.run = self.good(self.client.post(f"{self.api}/operations/shop.price/runs/", json={"price": 7})).json()

    def steer(self, action: str) -> None:
        self.run = self.good(self.client.post(f"{self.run['links']['self']}{action}/")).json()

    def watch(self, until: Callable[[Run], bool]) -> Run:
        """As a browser's EventSource does: without the header, by the ticket in the link."""
        link = self.good(self.client.get(self.run["links"]["self"])).json()["links"]["events"]
        with httpx.Client(base_url=self.client.base_url, timeout=30) as bare:
            return watch(bare, link, until)

    def download(self) -> str:
        return self.good(self.client.get(self.run["links"]["failures"])).text

    def good(self, answer: httpx.Response) -> httpx.Response:
        assert answer.status_code in (200, 201, 202), (answer.status_code, answer.url, answer.text)
        return answer


def watch(client: httpx.Client, events: str, until: Callable[[Run], bool]) -> Run:
    seen = []
    with connect_sse(client, "GET", events) as opened:
        assert opened.response.status_code == 200, opened.response.read()
        for event in opened.iter_sse():
            if event.data:
                seen.append(json.loads(event.data))
                run: Run = seen[-1].get("run") or {}
                if run and until(run):
                    return run
    raise AssertionError(seen)
