"""Problems: RFC 9457, and the contract's list of types."""

import json
import re
from pathlib import Path

import pytest

from headway import problems

CONTRACT = {
    "idempotency-key-required": 400, "idempotency-key-invalid": 400, "idempotency-key-reused": 422,
    "run-conflict": 409, "invalid-state": 409, "nothing-to-retry": 409, "already-retried": 409,
    "validation": 422, "malformed": 400, "payload-too-large": 413, "unsupported-media-type": 415,
    "unauthenticated": 401, "forbidden": 403, "not-found": 404,
    "request-in-progress": 409, "answer-not-kept": 409,
    "rate-limited": 429, "quota-exceeded": 429, "too-many-streams": 429, "overloaded": 503,
    "not-migrated": 503,
}  # fmt: skip


@pytest.mark.parametrize(("slug", "status"), CONTRACT.items())
def test_each_type_of_the_contract_has_its_status(slug: str, status: int) -> None:
    response = problems.response(slug, "What happened.")
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert json.loads(response.content)["type"] == f"urn:headway:problem:{slug}"


def test_only_what_no_contract_needs_to_list_is_beside_them() -> None:
    assert set(problems.PROBLEMS) - set(CONTRACT) == {"method-not-allowed", "server-error"}


def test_the_reference_lists_each_with_its_status() -> None:
    reference = (Path(__file__).parents[2] / "docs/reference/problems.md").read_text()
    listed = dict(re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", reference, re.MULTILINE))
    assert listed == {slug: str(problem.status) for slug, problem in problems.PROBLEMS.items()}


def test_members_stand_beside_those_of_the_rfc() -> None:
    body = json.loads(problems.response("run-conflict", "One is live.", existing="/api/runs/1/").content)
    assert body == {
        "type": "urn:headway:problem:run-conflict",
        "title": "Another run is live",
        "status": 409,
        "detail": "One is live.",
        "existing": "/api/runs/1/",
    }


@pytest.mark.parametrize("slug", [slug for slug, status in CONTRACT.items() if status in (429, 503)])
def test_where_trying_again_helps_it_says_when(slug: str) -> None:
    assert int(problems.response(slug, "Later.")["Retry-After"]) >= 1
    assert problems.response(slug, "Later.", retry_after=7)["Retry-After"] == "7"


def test_elsewhere_it_does_not() -> None:
    assert "Retry-After" not in problems.response("not-found", "Nothing.")


def test_nobody_is_told_how_to_sign_in() -> None:
    assert problems.response("unauthenticated", "Who is it?")["WWW-Authenticate"] == 'Session realm="api"'


def test_who_is_overloaded_says_that_polling_still_works() -> None:
    assert json.loads(problems.response("overloaded", "Full.").content)["fallback"] == "poll"


def test_a_detail_may_quote_what_no_encoding_can_say() -> None:
    assert json.loads(problems.response("malformed", "It is \ud800.").content)["detail"] == "It is \ud800."
