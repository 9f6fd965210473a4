"""Chromium's own EventSource as a follower: a page that is signed in and opens the stream by the session's cookie."""

from urllib.parse import urlsplit

from playwright.sync_api import Page

from tests.browser import LIKES, chromium
from tests.e2e.follower import TIMEOUT, Follower, Target

__all__ = ["InPage", "sign_in"]

FOLLOW = """
([path, patience]) => new Promise((resolve, reject) => {
  const heard = [];
  let openings = 0;
  const source = new EventSource(path);
  source.onopen = () => { openings += 1; };
  source.onmessage = event => {
    const message = JSON.parse(event.data);
    heard.push(message);
    if (message.type === "end") {
      source.close();
      const protocol = performance.getEntriesByType("navigation")[0].nextHopProtocol;
      resolve({heard, openings, protocol});
    }
  };
  setTimeout(() => reject(new Error(`no end: ${JSON.stringify(heard.at(-1))}`)), patience * 1000);
})
"""
LEFT = "net::ERR_ABORTED"  # by the page itself, when it had heard the end


class InPage(Follower):
    """One page, from sign-in to the run's end."""

    protocol: str | None = None

    def __init__(self, target: Target, *, seconds: float) -> None:
        super().__init__(target)
        self.seconds = seconds

    def follow(self) -> None:
        with chromium() as browser:
            page = browser.new_page(ignore_https_errors=True, **LIKES)  # the proxy's authority is its own
            page.on("requestfailed", lambda request: self.note_failure(request.url, request.failure))
            sign_in(page, self.target.url, name=self.target.token)
            path = urlsplit(self.target.at("events")).path  # without a ticket: it has a cookie
            found = page.evaluate(FOLLOW, [path, self.seconds])
        self.openings, self.protocol = found["openings"], found["protocol"]
        for message in found["heard"]:
            self.hear(message)

    def note_failure(self, url: str, failure: str | None) -> None:
        if "/events/" in url and failure != LEFT:
            self.note(f"{url}: {failure}")


def sign_in(page: Page, url: str, name: str) -> None:
    """Like a person."""
    page.goto(f"{url}/login/", timeout=TIMEOUT * 1000)
    page.fill("[name=username]", name)
    page.fill("[name=password]", name)
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda now: "/login/" not in now, timeout=TIMEOUT * 1000)
