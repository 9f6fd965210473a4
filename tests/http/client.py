"""A caller of the API in this process, and what a problem must look like."""

import json
from typing import Any

from django.test import Client

from headway.problems import PROBLEMS

__all__ = ["Api", "assert_problem", "path"]

JSON = "application/json"


def path(name: str, *arguments: Any) -> str:
    """The address of this name."""
    from django.urls import reverse

    return reverse(f"headway:{name}", args=arguments)


class Api(Client):
    """Signs in by a token, as programs do; without one, nobody does."""

    def __init__(self, token: str | None = None, **kwargs: Any) -> None:
        super().__init__(headers={"Authorization": f"Token {token}"} if token else None, **kwargs)

    def start(self, operation: str, given: Any = None, key: str | None = None, **headers: str) -> Any:
        """POST the parameters as JSON; None: an empty body."""
        headers |= {"Idempotency-Key": key} if key is not None else {}
        data = b"" if given is None else json.dumps(given)
        return self.post(path("start", operation), data, JSON, headers=headers)

    def upload(self, operation: str, given: dict[str, Any], **headers: str) -> Any:
        """POST the parameters as a form with files."""
        return self.post(path("start", operation), given, headers=headers)


def assert_problem(response: Any, slug: str, **members: Any) -> dict[str, Any]:
    """It is this problem, to the letter of RFC 9457; gives its body."""
    body: dict[str, Any] = json.loads(response.content)
    assert body["type"] == f"urn:headway:problem:{slug}", body
    assert response["Content-Type"] == "application/problem+json"
    assert response.status_code == body["status"] == PROBLEMS[slug].status
    assert body["title"] == PROBLEMS[slug].title
    assert body["detail"]
    assert {name: body[name] for name in members} == members
    return body
