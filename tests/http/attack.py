"""Requests that Schemathesis makes of the served schema, and what it asks of the answers.

In a module of its own, since its imports take a second of CPU in each process that collects the tests.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from example.wsgi import application
from tests.http import operations  # noqa: F401  (they register themselves)

__all__ = ["EXAMPLES", "attack_all"]

SIGNED_IN = {"Authorization": "Token demo"}
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.allow_header_conformance,
]
STRICT = [*CHECKS, checks.negative_data_rejection]
OF_EACH = 15 if os.environ.get("CI") else 10  # of each operation, right and wrong ones
EXAMPLES = 30 * OF_EACH  # in all, at least
OF_A_RUN = "{run_id}"
STARTED = (
    "airports.import_airports",
    "tests.write_ledger",
    "tests.http_people",
    "tests.stand_in_hooks",
    "tests.http_keyed",
)


def attack_all(run_ids: list[str]) -> list[int]:
    """The status of each answer."""
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", application, headers=SIGNED_IN)
    found = [each for result in schema.get_all_operations() if is_wanted((each := result.ok()).path)]
    sent: list[int] = []
    for operation in found:
        for mode in GenerationMode.POSITIVE, GenerationMode.NEGATIVE:
            with suppress(Unsatisfiable):  # what takes no parameter can't be given a wrong one
                attack(operation, mode, run_ids, sent)
    print(f"{len(sent)} examples over {len(found)} operations: {sorted(set(sent))}")
    return sent


def is_wanted(address: str) -> bool:
    """A few of the starts, which are all made alike; and everything else."""
    return "/operations/" not in address or address.endswith("/operations/") or any(each in address for each in STARTED)


def attack(operation: Any, mode: GenerationMode, run_ids: list[str], sent: list[int]) -> None:
    """So many requests to one operation, with parameters as the schema wants them, or not."""

    @given(
        case=operation.as_strategy(generation_mode=mode),
        run_id=st.sampled_from(run_ids) if OF_A_RUN in operation.path else st.none(),
    )
    @settings(
        max_examples=OF_EACH,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any, run_id: str | None) -> None:
        if run_id is not None:
            case.path_parameters["run_id"] = run_id
        response = case.call(headers=SIGNED_IN)
        sent.append(response.status_code)
        # A wrong id was replaced above; and to Django a form whose parts have no names is an empty one.
        # A null is an emptied field, which the form judges, whatever type the schema gives it.
        empties = isinstance(case.body, dict) and None in case.body.values()
        may_be_right = run_id is not None or case.media_type == "multipart/form-data" or empties
        case.validate_response(response, checks=CHECKS if may_be_right else STRICT)

    run: Callable[[], None] = ask
    run()
