"""Somebody who looks at the site in a browser window of their own."""

import re
from types import TracebackType
from typing import Any

from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from headway.models import Run
from tests.browser import LIKES

__all__ = ["STREAMS", "Visitor"]

WIDE = {"width": 1440, "height": 900}
PATIENCE_MS = 30_000  # far more than anything takes; a test that needs it has failed
expect.set_options(timeout=PATIENCE_MS)
STREAMS = "**/events/"  # the address of each
TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
  console.error(`Content-Security-Policy: ${violatedDirective} refused ${blockedURI}`));
"""


class Visitor:
    """A window, signed in as `user`. What the console says is an error of the test, unless `expects_errors`."""

    def __init__(self, browser: Browser, url: str, user: Any, options: dict[str, Any]) -> None:
        self.url = url
        options = LIKES | {"viewport": WIDE} | options
        self.context = browser.new_context(base_url=url, **options)
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.add_init_script(TELL_VIOLATIONS)
        if user is not None:
            self.sign_in(user)
        self.errors: list[str] = []
        self.expects_errors = False
        self.page = self.tab()

    def sign_in(self, user: Any) -> None:
        """Take a session's cookie; the sign-in page has a test of its own."""
        client = Client()
        client.force_login(user)
        self.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": self.url}])

    def lacks_sockets(self) -> None:
        """From the next page on, what goes over HTTP is all there is."""
        self.context.add_init_script("globalThis.WebSocket = undefined;")

    def tab(self) -> Page:
        """Another tab of the same window."""
        page = self.context.new_page()
        page.on("console", self.hear)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        return page

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(f"{message.text} ({message.location.get('url')})")

    def open(self, run: Run | str) -> Page:
        """A run's page, or another."""
        self.page.goto(run if isinstance(run, str) else f"/runs/{run.pk}/")
        return self.page

    def sees(self, face: str) -> None:
        """Wait until the panel shows this face."""
        expect(self.page.locator(".hw-run")).to_have_attribute("data-face", face, timeout=PATIENCE_MS)

    def reads(self, text: str | re.Pattern[str], where: str = ".hw-run") -> None:
        """Wait until this is to be read."""
        expect(self.page.locator(where)).to_contain_text(text, timeout=PATIENCE_MS)

    def press(self, name: str) -> None:
        """A button, or a link that looks like one."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def stay(self) -> None:
        """Mark the page, so that a reload would show."""
        self.page.evaluate("window.stayed = true")

    @property
    def has_stayed(self) -> bool:
        """Whether the page is still the one that was marked."""
        return bool(self.page.evaluate("window.stayed === true"))

    @property
    def run_id(self) -> str:
        """Of the run whose page is open."""
        found = re.search(r"/runs/([0-9a-f-]{36})/", self.page.url)
        assert found, self.page.url
        return found[1]

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.context.close()
        if kind is None and not self.expects_errors:
            assert self.errors == []
