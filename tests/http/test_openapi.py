"""The generated schema: valid in both versions of OpenAPI, without a warning, typed for each operation."""

from functools import cache
from typing import Any

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from drf_spectacular.validation import validate_schema

from headway.operations import registry
from headway.problems import PROBLEMS, uri
from tests.http import operations  # noqa: F401  (they register themselves)

from .client import path

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@cache  # making and validating it takes seconds
def generated(version: str) -> dict[str, Any]:
    with patched_settings({"OAS_VERSION": version}):
        GENERATOR_STATS.reset()
        schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
        assert not GENERATOR_STATS
        validate_schema(schema)
    return schema


@pytest.fixture
def schema() -> dict[str, Any]:
    return generated("3.1.0")


def post(schema: dict[str, Any], operation: str) -> dict[str, Any]:
    found: dict[str, Any] = schema["paths"][path("start", operation)]["post"]
    return found


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_it_is_valid_and_without_a_warning(version: str) -> None:
    assert generated(version)["openapi"] == version


def test_each_operation_has_a_path_of_its_own_with_its_own_parameters(schema: dict[str, Any]) -> None:
    start = post(schema, "tests.write_ledger")

    assert start["operationId"] == "start_tests_write_ledger"
    assert start["summary"] == "Write ledger"
    body = start["requestBody"]["content"]
    assert list(body) == ["application/json"]
    assert body["application/json"]["schema"]["properties"]["items"] == {
        "type": "integer", "minimum": 0, "default": 10,
    }  # fmt: skip
    assert body["application/json"]["schema"]["additionalProperties"] is False
    assert start["requestBody"]["required"] is False
    for operation in registry.every():
        if path("start", operation.name) in schema["paths"]:
            assert post(schema, operation.name)["operationId"].startswith("start_")


def test_a_file_may_be_sent_as_multipart_and_the_rest_as_json(schema: dict[str, Any]) -> None:
    content = post(schema, "airports.import_airports")["requestBody"]["content"]
    assert content["multipart/form-data"]["schema"]["properties"]["file"]["format"] == "binary"
    assert content["application/json"]["schema"]["properties"] == {}


def test_every_endpoint_is_there_and_no_address_is_said_twice(schema: dict[str, Any]) -> None:
    said = {
        (method, address.rsplit("/api/", 1)[1])
        for address, methods in schema["paths"].items()
        for method in methods
        if "/operations/" not in address or address.endswith("/operations/")
    }
    run = "runs/{run_id}/"
    assert said == {
        ("get", "operations/"), ("get", "runs/"), ("get", run), ("delete", run), ("post", f"{run}pause/"),
        ("post", f"{run}resume/"), ("post", f"{run}cancel/"), ("post", f"{run}retry/"), ("get", f"{run}items/"),
        ("get", f"{run}failures.csv"), ("get", f"{run}failures.ndjson"),
    }  # fmt: skip
    ids = [told["operationId"] for methods in schema["paths"].values() for told in methods.values()]
    assert len(ids) == len(set(ids))


def test_every_refusal_is_a_problem_of_named_types(schema: dict[str, Any]) -> None:
    known = {uri(slug): problem.status for slug, problem in PROBLEMS.items()}
    for methods in schema["paths"].values():
        for told in methods.values():
            refusals = {status: answer for status, answer in told["responses"].items() if int(status) >= 400}
            assert {"400", "401", "429", "503"} <= set(refusals)
            for status, answer in refusals.items():
                problem, types = answer["content"]["application/problem+json"]["schema"]["allOf"]
                assert problem == {"$ref": "#/components/schemas/Problem"}
                assert {known[each] for each in types["properties"]["type"]["enum"]} == {int(status)}


def test_headers_and_security_are_said(schema: dict[str, Any]) -> None:
    start = post(schema, "tests.write_ledger")
    assert set(start["responses"]["202"]["headers"]) == {
        "Location", "Retry-After", "Headway-Disposition", "Idempotent-Replayed",
    }  # fmt: skip
    assert [parameter["name"] for parameter in start["parameters"]] == ["Idempotency-Key"]
    assert "WWW-Authenticate" in start["responses"]["401"]["headers"]
    assert start["security"] == [{"tokenAuth": []}, {"cookieAuth": []}]
    assert set(schema["components"]["securitySchemes"]) == {"tokenAuth", "cookieAuth"}


def test_openapi_3_0_has_no_list_of_types() -> None:
    def types(value: Any) -> Any:
        if isinstance(value, dict):
            yield from ([value["type"]] if isinstance(value.get("type"), str | list) else [])
            value = list(value.values())
        if isinstance(value, list):
            for each in value:
                yield from types(each)

    older = generated("3.0.3")
    assert all(isinstance(kind, str) for kind in types([older["paths"], older["components"]]))
    assert older["components"]["schemas"]["Run"]["properties"]["started_at"] == {
        "type": "string", "nullable": True, "format": "date-time",
    }  # fmt: skip


def test_the_schema_is_served_with_the_example(client: Any) -> None:
    from django.contrib.auth.models import User

    client.force_login(User.objects.create(username="reader"))
    response = client.get("/api/schema/", {"format": "json"})
    assert response.status_code == 200
    assert path("start", "airports.import_airports") in response.json()["paths"]
