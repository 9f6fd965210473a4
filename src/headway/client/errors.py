"""What the client raises.

ClientError
├── Problem         the server refuses: `code`, `status`, `detail`, `members`
│   ├── SignedOut       401
│   ├── Forbidden       403: may see, but not steer, or not start
│   ├── NotFound        404: no such run or operation, or it isn't yours to see
│   ├── Conflict        409: another run is live, or the run's state doesn't allow it
│   ├── Invalid         400, 413, 415, 422: `members["errors"]` says which parameters
│   └── Busy            429, 503: too much at the moment, for longer than the client's patience
└── Unreachable     Headway hasn't told of a run for as long as the client's patience lasts
"""

from collections.abc import Mapping
from typing import Any

import httpx

NAMESPACE = "urn:headway:problem:"


class ClientError(Exception):
    """The base of all that the client raises on purpose."""


class Unreachable(ClientError):
    """Headway hasn't told of a run for as long as the client's patience lasts, or is to be asked only later than that;
    what happened last is its cause."""


class Problem(ClientError):
    """The server refuses."""

    def __init__(self, code: str, status: int, detail: str, members: Mapping[str, Any]) -> None:
        super().__init__(f"{detail} ({code})")
        self.code = code
        """The end of the problem's `type`, such as `run-conflict`; `status-404` where it isn't Headway's API."""
        self.status = status
        self.detail = detail
        """A sentence for people."""
        self.members = members
        """All of the problem's document."""

    @property
    def is_foreign(self) -> bool:
        """Whether somebody else has answered, such as a proxy: another address, or Headway isn't there just now."""
        return self.code == f"status-{self.status}"


class SignedOut(Problem):
    """The caller isn't signed in (401)."""


class Forbidden(Problem):
    """The caller may see, but not do this (403)."""


class NotFound(Problem):
    """There is no such run or operation, or it isn't the caller's to see (404)."""


class Conflict(Problem):
    """Another run is live, or the run's state doesn't allow this (409)."""


class Invalid(Problem):
    """What was sent can't be taken (400, 413, 415, 422)."""


class Busy(Problem):
    """Too much at the moment (429, 503)."""


BY_STATUS: dict[int, type[Problem]] = {
    **dict.fromkeys((400, 413, 415, 422), Invalid),
    **dict.fromkeys((429, 503), Busy),
    401: SignedOut,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
}


def problem_of(response: httpx.Response) -> Problem:
    """What an answer that brings no run says. Its body has been read."""
    status = response.status_code
    members = document_of(response)
    kind = BY_STATUS.get(status, Problem)
    if members is None:
        detail = f"{response.url.copy_with(query=None)} answers {status}, and it isn't Headway's API that says so."
        return kind(f"status-{status}", status, detail, {})
    return kind(str(members.get("type", "")).removeprefix(NAMESPACE), status, str(members.get("detail", "")), members)


def document_of(response: httpx.Response) -> dict[str, Any] | None:
    """The problem's document; None where the answer has none."""
    if not response.headers.get("Content-Type", "").startswith("application/problem+json"):
        return None
    try:
        found = response.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
