"""What both clients may ask, as requests; how they are sent, the clients say."""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID, uuid4

import httpx

from .following import SILENCE, Question
from .run import Run

TIMEOUT = 30.0  # s

Answer = TypeVar("Answer")
Known: TypeAlias = Run | str | UUID
ADDRESS = "Give the whole one, with its scheme: https://example.com/api/."
NAME = re.compile(r"(?!\.+$)[\w.-]+")  # one segment of an address, which leads nowhere else
NAMED = "give what was told of it, its address or its id."
SENDABLE = re.compile(r"[\t -~\x80-\xff]*")  # RFC 9110, 5.5


class Calls(ABC, Generic[Answer]):
    """`Answer` is a run, or what gives one when it is awaited.

    A run is named by what was told of it before, by its address, or by its id.
    """

    http: httpx.Client | httpx.AsyncClient
    """For all that has no method here, such as a run's files: `client.http.get(run["links"]["file"])`. Its headers sign
    in; an address without a host, as the API's links are, is the server's."""

    def __init__(self, url: str, patience: float) -> None:
        self.base = base_of(url)
        self.patience = patience

    def httpx_options(self, given: dict[str, Any]) -> dict[str, Any]:
        """Those that make a client of httpx's; what is given goes first. Raises ValueError as `check_headers` does."""
        check_headers(given.get("headers"))
        return {"timeout": TIMEOUT, "base_url": self.base.join("/")} | given

    def start(
        self,
        operation: str,
        params: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        dry_run: bool = False,
    ) -> Answer:
        """Start a run of this operation, or join the live one that is the same.

        `key` is an idempotency key: whoever sends the same start with it again gets the same run. Without one, a start
        that is tried again after a lost answer is still one. A parameter that is an open file (in binary mode, and read
        from its beginning each time) is sent as such; dates, times, Decimals and UUIDs are sent as text. Raises
        Invalid, Conflict, Forbidden, NotFound; TypeError and ValueError for what can't be sent.
        """
        if not NAME.fullmatch(operation):
            raise ValueError(f"{operation!r} names no operation; give a name such as 'airports.import_airports'.")
        if not isinstance(params or {}, Mapping):
            raise TypeError(f"The parameters are {params!r}; give a dictionary, such as {{'count': 3}}.")
        files = {name: value for name, value in (params or {}).items() if hasattr(value, "read")}
        for name, file in files.items():
            check_file(name, file)
        rest = in_json({name: value for name, value in (params or {}).items() if name not in files})
        address = f"operations/{operation}/runs/{'?dry_run=true' if dry_run else ''}"
        body: dict[str, Any] = {"data": rest, "files": files} if files else {"json": rest}
        return self._ask("POST", address, headers={"Idempotency-Key": key_of(key)}, **body)

    def get(self, run: Known) -> Answer:
        """The run now. Raises NotFound."""
        return self._ask("GET", address_of(run))

    def pause(self, run: Known) -> Answer:
        """Ask it to pause; gives the run as it is then. Raises Conflict where its state forbids it, like the others."""
        return self._ask("POST", f"{address_of(run)}pause/")

    def resume(self, run: Known) -> Answer:
        """Let a paused run go on."""
        return self._ask("POST", f"{address_of(run)}resume/")

    def cancel(self, run: Known) -> Answer:
        """Ask it to end."""
        return self._ask("POST", f"{address_of(run)}cancel/")

    def retry(self, run: Known) -> Answer:
        """The new run that does what failed, and what wasn't reached."""
        return self._ask("POST", f"{address_of(run)}retry/")

    def _ask(self, method: str, address: str, **more: Any) -> Answer:
        headers = {"Accept": "application/json"} | more.pop("headers", {})
        return self._answer_to(self.http.build_request(method, self._whole(address), headers=headers, **more))

    @abstractmethod
    def _answer_to(self, request: httpx.Request) -> Answer:
        """The run that the server answers with; sent again where that may help."""

    def _asking(self, question: Question) -> httpx.Request:
        """The request for what a follower wants to know."""
        headers, timeout = {"Accept": "application/json"} | question.headers, httpx.Timeout(question.within)
        return self.http.build_request("GET", self._whole(question.address), headers=headers, timeout=timeout)

    def _whole(self, address: str) -> httpx.URL:
        """The same with the server. Raises ValueError for one of another server's: the headers sign in at this one."""
        whole, here = self.base.join(address), self.base
        if (whole.scheme, whole.host, whole.port) != (here.scheme, here.host, here.port):
            raise ValueError(f"{address!r} isn't an address at {here.host}. Make a client of that server's.")
        return whole


def base_of(url: str) -> httpx.URL:
    """The API's address, with the slash to which the others are joined. Raises ValueError for what is no whole one."""
    try:
        base = httpx.URL(url if url.endswith("/") else f"{url}/")
    except httpx.InvalidURL as error:
        raise ValueError(f"{url!r} is no address ({error}). {ADDRESS}") from error
    if base.scheme not in ("http", "https") or not base.host:
        raise ValueError(f"{url!r} is no address. {ADDRESS}")
    return base


def check_headers(headers: Any) -> None:
    """Raises ValueError for one that can't be sent, without its value: that may be a secret."""
    for name, value in headers.items() if isinstance(headers, Mapping) else headers or ():
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if not SENDABLE.fullmatch(text) or text != text.strip() or (isinstance(value, str) and not text.isascii()):
            raise ValueError(
                f"The header {name!r} can't be sent: it has a line break, a blank at its end, or what isn't ASCII."
            )


def let_rest(request: httpx.Request) -> None:
    """From its first byte on a stream may be silent for longer than it took to open; httpx reads this for each part."""
    request.extensions["timeout"]["read"] = SILENCE


def address_of(run: Known) -> str:
    if isinstance(run, Mapping):
        return run["links"]["self"]
    if not isinstance(run, str | UUID):
        raise TypeError(f"{run!r} names no run; {NAMED}")
    if isinstance(run, str) and "/" in run:
        return run
    if not NAME.fullmatch(str(run)):
        raise ValueError(f"{run!r} names no run; {NAMED}")
    return f"runs/{run}/"


def key_of(key: str | None) -> str:
    """The header's value: bare, or quoted where it would else be taken for something else (RFC 9651, 3.3.3). Raises
    ValueError for one that no header can hold.
    """
    if key is None:
        return str(uuid4())
    if not (isinstance(key, str) and key.isascii() and key.isprintable()):
        raise ValueError(f"The key is {key!r}; give text of printable ASCII characters, such as 'import-of-monday'.")
    if "," in key or key.startswith('"') or key != key.strip():
        return '"' + re.sub(r'(["\\])', r"\\\1", key) + '"'
    return key


def in_json(params: Mapping[str, Any]) -> dict[str, Any]:
    """These parameters as JSON has them. Raises TypeError and ValueError for what it can't hold."""
    found: dict[str, Any] = json.loads(json.dumps(params, default=text_of, allow_nan=False))
    return found


def text_of(value: Any) -> str:
    """Of a parameter that JSON has no form for. Raises TypeError where a form's field wouldn't read it back."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    raise TypeError(f"A parameter holds {value!r:.200}; give what JSON can hold, a date, a time, a Decimal or a UUID.")


def check_file(name: str, file: Any) -> None:
    """Raises ValueError for one that can be read only once: a start that is sent again would bring the rest of it."""
    try:
        file.seek(0)
    except (AttributeError, OSError) as error:
        raise ValueError(f"{name!r} can't be read from its beginning again: give io.BytesIO(file.read()).") from error
