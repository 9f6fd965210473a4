"""What the clients' tests share: a web process, a proxy before it that cuts, and a follower of each kind."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from playwright.sync_api import Browser

from headway.models import Run
from tests.browser import LIKES, chromium
from tests.live.clients import cookie
from tests.live.server import Server, serving

from .followers import Follower, InPage, Program
from .proxy import CuttingProxy, cutting_proxy

# Playwright's loop runs in the thread of the tests, which Django would take for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

KINDS = ["node", "newest node", "page", "python", "async python"]
ASKS_EACH_TIME = {"PERMITS": False}
Follow: TypeAlias = Callable[[Run], Follower]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def proxy() -> Iterator[CuttingProxy]:
    with cutting_proxy() as running:
        yield running


@pytest.fixture(scope="module")
def site(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The web process that the module's tests share. It asks at each opening who may watch."""
    with serving(tmp_path_factory.mktemp("site") / "server.log", headway=ASKS_EACH_TIME) as server:
        yield server


@pytest.fixture
def serve(transactional_db: None, proxy: CuttingProxy, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """serve(): a web process of the test's own, to which the proxy leads from now on."""
    with ExitStack() as stack:

        def start(**headway: Any) -> Server:
            server = stack.enter_context(serving(tmp_path / "server.log", headway=ASKS_EACH_TIME | headway))
            proxy.upstream = server.port
            return server

        yield start


@pytest.fixture
def server(transactional_db: None, site: Server, proxy: CuttingProxy) -> Server:
    proxy.upstream = site.port
    return site


@pytest.fixture
def ada(transactional_db: None) -> Any:
    """Whose runs these are."""
    from django.contrib.auth.models import User  # needs Django's apps

    return User.objects.create(username="ada")


@pytest.fixture
def headers(ada: Any) -> dict[str, str]:
    """By which programs of ada's sign in."""
    from rest_framework.authtoken.models import Token  # needs Django's apps

    return {"Authorization": f"Token {Token.objects.create(user=ada).key}"}


@pytest.fixture
def sign_out() -> Callable[[], None]:
    """End all sessions and withdraw all tokens."""
    from django.contrib.sessions.models import Session  # need Django's apps
    from rest_framework.authtoken.models import Token

    def now() -> None:
        Session.objects.all().delete()
        Token.objects.all().delete()

    return now


@pytest.fixture(params=KINDS)
def follow(
    request: pytest.FixtureRequest, server: Server, proxy: CuttingProxy, headers: dict[str, str], ada: Any
) -> Iterator[Follow]:
    """follow(run): a follower of ada's, through the proxy."""
    with ExitStack() as stack:

        def begin(run: Run) -> Follower:
            address = f"{proxy.url}/api/runs/{run.pk}/"
            if request.param == "page":
                return stack.enter_context(page_of(request.getfixturevalue("browser"), proxy, ada, address))
            return stack.enter_context(closing(Program(request.param, address, headers)))

        yield begin


@contextmanager
def page_of(browser: Browser, proxy: CuttingProxy, user: Any, address: str) -> Iterator[InPage]:
    """A page of the site's in which a script follows."""
    name, _, value = cookie(user)["Cookie"].partition("=")
    with closing(browser.new_context(**LIKES)) as context:
        context.add_cookies([{"name": name, "value": value, "url": proxy.url}])
        page = context.new_page()
        page.goto(f"{proxy.url}/")
        yield InPage(page, address)
