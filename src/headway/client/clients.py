"""The two clients. What they do between two requests is the same; how they wait differs."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Generator, Iterator
from contextlib import aclosing, closing
from typing import Any, Self

import anyio
import httpx

from .calls import Calls, Known, let_rest
from .errors import problem_of
from .following import Following, Patience, is_worth_another_try, retry_after
from .run import Run

PATIENCE = 60.0  # s; a server that is restarted is back by then


class Client(Calls[Run]):
    """A client of the API at `url`, such as https://example.com/api/.

    `patience`: for how many seconds it tries again when nobody answers, or the server has too much to do; a restart
    takes less than a minute. It counts from the first failure. All other options are httpx's, such as
    `headers={"Authorization": "Token …"}`.
    """

    http: httpx.Client

    def __init__(self, url: str, *, patience: float = PATIENCE, **options: Any) -> None:
        super().__init__(url, patience)
        self.http = httpx.Client(**self.httpx_options(options))

    def follow(self, run: Known) -> Iterator[Run]:
        """The run as it is, then each time that it has changed, up to its end, which always comes.

        Raises SignedOut, Forbidden, NotFound; Busy or Unreachable when nothing comes for as long as the patience lasts.
        """
        known = run if isinstance(run, dict) else self.get(run)
        following = Following(known, Patience(self.patience))
        yield following.run
        while not following.is_over:
            time.sleep(following.pause)
            request = self._asking(following.question())
            try:
                with closing(self._told(request, following)) as changes:
                    for is_news in changes:
                        if is_news:
                            yield following.run
            except (httpx.RequestError, ValueError) as error:
                following.end(error)

    def _told(self, request: httpx.Request, following: Following) -> Generator[bool]:
        """Whether the run has changed, with each thing that is said."""
        with closing(self.http.send(request, stream=True)) as response:
            if not following.is_stream(response):
                response.read()
                yield following.answer(response)
                return
            let_rest(request)
            for line in response.iter_lines():
                yield following.line(line)
                if following.turns or following.is_over:
                    break
            following.end()

    def _answer_to(self, request: httpx.Request) -> Run:
        patience = Patience(self.patience)
        while True:
            try:
                response = self.http.send(request)
            except httpx.TransportError as error:
                pause = patience.pause_after(error)
            else:
                if response.is_success:
                    return run_of(response)
                pause = pause_after(response, patience)
            time.sleep(pause)

    def close(self) -> None:
        self.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class AsyncClient(Calls[Awaitable[Run]]):
    """The same for asynchronous code: each answer is awaited, and followed is by `async for`."""

    http: httpx.AsyncClient

    def __init__(self, url: str, *, patience: float = PATIENCE, **options: Any) -> None:
        super().__init__(url, patience)
        self.http = httpx.AsyncClient(**self.httpx_options(options))

    async def follow(self, run: Known) -> AsyncIterator[Run]:
        """As Client.follow."""
        known = run if isinstance(run, dict) else await self.get(run)
        following = Following(known, Patience(self.patience))
        yield following.run
        while not following.is_over:
            await anyio.sleep(following.pause)
            request = self._asking(following.question())
            try:
                async with aclosing(self._told(request, following)) as changes:
                    async for is_news in changes:
                        if is_news:
                            yield following.run
            except (httpx.RequestError, ValueError) as error:
                following.end(error)

    async def _told(self, request: httpx.Request, following: Following) -> AsyncGenerator[bool]:
        async with aclosing(await self.http.send(request, stream=True)) as response:
            if not following.is_stream(response):
                await response.aread()
                yield following.answer(response)
                return
            let_rest(request)
            async for line in response.aiter_lines():
                yield following.line(line)
                if following.turns or following.is_over:
                    break
            following.end()

    async def _answer_to(self, request: httpx.Request) -> Run:
        patience = Patience(self.patience)
        while True:
            try:
                response = await self.http.send(request)
            except httpx.TransportError as error:
                pause = patience.pause_after(error)
            else:
                if response.is_success:
                    return run_of(response)
                pause = pause_after(response, patience)
            await anyio.sleep(pause)

    async def aclose(self) -> None:
        await self.http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()


def run_of(response: httpx.Response) -> Run:
    """The run that is answered. Raises Problem where something else is."""
    try:
        found = response.json()
        if "links" in found and "revision" in found:
            return found  # type: ignore[no-any-return]
    except (ValueError, TypeError):
        pass
    raise problem_of(response)


def pause_after(response: httpx.Response, patience: Patience) -> float:
    """The seconds until the same is asked again. Raises Problem where that helps nothing, Busy or Unreachable."""
    problem = problem_of(response)
    if not is_worth_another_try(problem):
        raise problem
    return patience.pause_after(problem, retry_after(response))
