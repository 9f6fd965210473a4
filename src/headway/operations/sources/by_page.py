"""The items of an API that gives them page by page."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, TypeAlias, cast

from .by_pairs import pair
from .paging import Seeking
from .protocol import Entry, Json, Source

Fetch: TypeAlias = Callable[[Any], tuple[Iterable[tuple[Any, Any]], Json]]

TOLD = "fetch()"
END: Json = []


class PagesSource(Source[Any]):
    """The items of a page-by-page API, with its own cursor.

    `fetch(cursor)` gives a page, pairs (key, item), and the cursor of the next one: any JSON, None behind the last. It
    is called with None for the first page, and again with the same cursor when a worker takes the run up in the midst
    of a page; then what is done of it is told by the keys. An item of the page before that comes once more, because the
    pages have shifted, is passed over; what shifts out of sight in between isn't seen, so ask for an order in which
    new items come last.

    `get(key)` gives one item, or None where it isn't there any more: the way a retry reads. Without it the pages are
    gone through.

    How many there are isn't known. A cursor is [the page's, marks of the keys of the page before, marks of those
    done in it], and [] behind the last. What `fetch` raises pauses the run, but `Wait`, `TryAgain` and what the
    operation's `retry` covers let it go on later.
    """

    def __init__(self, fetch: Fetch, get: Callable[[str], Any] | None = None) -> None:
        self.fetch_page, self.get = fetch, get
        self.searches = get is None
        self.seeking = Seeking(lambda: ((key, item) for _, key, item in self.read(None, None)))

    def identity(self) -> str:
        return "pages"

    def freeze(self) -> Json:
        return None

    def read(self, bounds: Json, after: Json) -> Iterator[Entry[Any]]:
        if after == END:
            return
        cursor, before, done = cast("tuple[Json, list[str], list[str]]", (None, [], []) if after is None else after)
        while True:
            page, following = self.page(cursor)
            passed = {*before, *done}
            new = {mark: each for mark, each in page.items() if mark not in passed}
            for place, (mark, (key, item)) in enumerate(new.items(), start=1):
                done = [*done, mark]
                here: Json = [cursor, [*before], [*done]]
                yield here if place < len(new) else behind(following, [*page, *done]), key, item
            if following is None:
                return
            if following == cursor:
                raise ValueError(
                    f"{TOLD} named {following!r:.200} as the page behind itself. Behind the last one is None."
                )
            cursor, before, done = following, [*dict.fromkeys([*page, *done])] or before, []

    def page(self, cursor: Json) -> tuple[dict[str, tuple[str, Any]], Json]:
        """The pairs of a page, by what marks them as done, and the cursor of the next page."""
        given: Any = self.fetch_page(cursor)
        if not isinstance(given, tuple) or len(given) != 2:
            raise TypeError(
                f"{TOLD} gave an object of type {type(given).__name__}; it must give the pairs of a page and the "
                "cursor of the next, or None: "
                "`return [(each['id'], each) for each in answer['results']], answer['next']`."
            )
        pairs = [pair(each, TOLD) for each in given[0]]
        try:
            following = json.loads(json.dumps(given[1]))
        except (TypeError, ValueError) as error:
            raise TypeError(f"{TOLD} gave {given[1]!r:.200} as a cursor; it must be JSON, such as text.") from error
        return {mark_of(key): (key, item) for key, item in pairs}, following

    def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, Any]]:
        if self.get is None:
            return self.seeking.fetch(keys)
        return [(key, item) for key in keys if (item := self.get(key)) is not None]


def behind(following: Json, marks: Iterable[str]) -> Json:
    """The cursor behind all of a page: what has shifted out of it since it was done isn't done again."""
    return END if following is None else [following, [*dict.fromkeys(marks)], []]


def mark_of(key: str) -> str:
    """What tells a key from those beside it, in eight characters: a cursor holds two pages of them."""
    return b64encode(blake2b(key.encode(), digest_size=6).digest()).decode()
