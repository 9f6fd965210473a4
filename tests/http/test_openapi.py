"""The generated schema: valid in both versions of OpenAPI, without a warning, typed for each operation."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from drf_spectacular import validation
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.settings import patched_settings
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.jsonschema import specification_with

from headway.operations import registry
from headway.problems import PROBLEMS, uri
from tests.http import operations  # noqa: F401  (they register themselves)
from tests.tutorial.page import ROOT

from .client import Api, path
from .conftest import Caller

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@cache  # it takes a second
def generated(version: str) -> dict[str, Any]:
    with patched_settings({"OAS_VERSION": version}):
        GENERATOR_STATS.reset()
        schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
        assert not GENERATOR_STATS
    return schema


@pytest.fixture
def schema() -> dict[str, Any]:
    return generated("3.1.0")


def post(schema: dict[str, Any], operation: str) -> dict[str, Any]:
    found: dict[str, Any] = schema["paths"][path("start", operation)]["post"]
    return found


def body_of(schema: dict[str, Any], start: dict[str, Any], media_type: str) -> dict[str, Any]:
    """The schema of what is sent."""
    name = start["requestBody"]["content"][media_type]["schema"]["$ref"].removeprefix("#/components/schemas/")
    found: dict[str, Any] = schema["components"]["schemas"][name]
    return found


def test_the_reference_names_each_address(schema: dict[str, Any]) -> None:
    _, _, page = (ROOT / "docs/reference/http.md").read_text().partition("## Addresses")
    told = {address.replace("{id}", "{run_id}") for address in re.findall(r"^\| `(\w+ /api/.*?)`", page, re.MULTILINE)}
    there = {
        f"{method.upper()} {address.replace('ndjson', 'csv')}"
        for address, methods in schema["paths"].items()
        for method in methods
        if address.startswith("/api/") and not re.search(r"/operations/(?!airports\.import_airports/).", address)
    }
    assert told == {address for address in there if re.search(r"/api/((operations|runs|events)/|$)", address)}


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_it_is_valid_and_without_a_warning(version: str) -> None:
    schema = generated(version)
    validate(schema)
    assert schema["openapi"] == version


def validate(schema: dict[str, Any]) -> None:
    """As drf-spectacular has it, with the specification read once instead of for each reference: 2 s instead of 8."""
    major, minor, _ = schema["openapi"].split(".")
    file = Path(validation.__file__).parent / f"openapi_{major}_{minor}_schema.json"
    specification = json.loads(file.read_text())
    resource = specification_with(specification["$schema"]).create_resource(specification)
    validator = validator_for(specification)(specification, registry=(resource @ Registry()).crawl())
    validator.validate(json.loads(OpenApiJsonRenderer().render(schema)))


def test_each_operation_has_a_path_of_its_own_with_its_own_parameters(schema: dict[str, Any]) -> None:
    start = post(schema, "tests.write_ledger")

    assert start["operationId"] == "start_tests_write_ledger"
    assert start["summary"] == "Write ledger"
    assert list(start["requestBody"]["content"]) == ["application/json"]
    body = body_of(schema, start, "application/json")
    assert body["properties"]["items"] == {"type": "integer", "minimum": 0, "default": 10}
    assert body["additionalProperties"] is False
    assert start["requestBody"]["required"] is False
    for operation in registry.every():
        if path("start", operation.name) in schema["paths"]:
            assert post(schema, operation.name)["operationId"].startswith("start_")


def test_a_file_may_be_sent_as_multipart_and_the_rest_as_json(schema: dict[str, Any]) -> None:
    start = post(schema, "airports.import_airports")
    assert body_of(schema, start, "multipart/form-data")["properties"]["file"]["format"] == "binary"
    assert body_of(schema, start, "application/json")["properties"] == {}


def test_every_endpoint_is_there_and_no_address_is_said_twice(schema: dict[str, Any]) -> None:
    said = {
        (method, address.rsplit("/api/", 1)[1])
        for address, methods in schema["paths"].items()
        for method in methods
        if "/operations/" not in address or address.endswith("/operations/")
    }
    run = "runs/{run_id}/"
    assert said == {
        ("get", ""), ("get", "operations/"), ("get", "runs/"), ("get", run), ("delete", run), ("post", f"{run}pause/"),
        ("post", f"{run}resume/"), ("post", f"{run}cancel/"), ("post", f"{run}retry/"), ("get", f"{run}items/"),
        ("get", f"{run}failures.csv"), ("get", f"{run}failures.ndjson"), ("get", f"{run}results.csv"),
        ("get", f"{run}results.ndjson"), ("get", f"{run}file.csv"), ("get", f"{run}file.ndjson"),
        ("post", f"{run}items/settle/"),
        ("get", f"{run}log/"),
        ("get", "runs/{run_id}/wait/"), ("get", "runs/{run_id}/events/"), ("get", "events/"),
    }  # fmt: skip
    ids = [told["operationId"] for methods in schema["paths"].values() for told in methods.values()]
    assert len(ids) == len(set(ids))


def test_every_refusal_is_a_problem_of_named_types(schema: dict[str, Any]) -> None:
    for methods in schema["paths"].values():
        for told in methods.values():
            refusals = {status: answer for status, answer in told["responses"].items() if int(status) >= 400}
            assert {"400", "401", "429", "503"} <= set(refusals)
            for status, answer in refusals.items():
                content = answer["content"]["application/problem+json"]
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
                assert {PROBLEMS[slug].status for slug in content["examples"]} == {int(status)}
                assert all(uri(slug) in answer["description"] for slug in content["examples"])


def test_one_shape_is_one_model(schema: dict[str, Any]) -> None:
    def inline(value: Any) -> Any:
        if isinstance(value, dict):
            yield from [value] if "properties" in value or "allOf" in value or "enum" in value else []
            value = list(value.values())
        if isinstance(value, list):
            for each in value:
                yield from inline(each)

    answers = [told["responses"] for methods in schema["paths"].values() for told in methods.values()]
    assert list(inline([answer.get("content") for told in answers for answer in told.values()])) == []
    bodies = [told.get("requestBody") for methods in schema["paths"].values() for told in methods.values()]
    assert list(inline(bodies)) == []


def test_types_of_problems_may_become_more(schema: dict[str, Any]) -> None:
    assert "enum" not in schema["components"]["schemas"]["Problem"]["properties"]["type"]


def test_a_key_is_marked_as_required_where_it_is(schema: dict[str, Any]) -> None:
    for operation, required in (("tests.http_keyed", True), ("tests.http_join", False)):
        told = {each["name"]: each["required"] for each in post(schema, operation)["parameters"]}
        assert told == {"Idempotency-Key": required, "dry_run": False}


def test_the_messages_are_told(schema: dict[str, Any]) -> None:
    wait = schema["paths"][path("runs") + "{run_id}/wait/"]["get"]["responses"]
    assert wait["200"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Message"}
    assert list(schema["paths"][path("events")]["get"]["responses"]["200"]["content"]) == ["text/event-stream"]
    message = schema["components"]["schemas"]["Message"]
    assert message["required"] == ["type"]
    assert message["properties"]["run"] == {"$ref": "#/components/schemas/Run"}


@pytest.mark.parametrize(("permissions", "sees"), [((), False), (("airports.add_airport",), True)])
def test_a_caller_sees_only_what_they_may_start(person: Caller, permissions: tuple[str, ...], sees: bool) -> None:
    person("reader", *permissions)
    told = Api("reader").get("/api/schema/", {"format": "json"}).json()
    assert (path("start", "tests.http_guarded") in told["paths"]) is sees
    assert path("start", "tests.http_join") in told["paths"]


def test_headers_and_security_are_said(schema: dict[str, Any]) -> None:
    start = post(schema, "tests.write_ledger")
    assert set(start["responses"]["202"]["headers"]) == {
        "Location", "Retry-After", "Headway-Disposition", "Idempotent-Replayed",
    }  # fmt: skip
    assert [parameter["name"] for parameter in start["parameters"]] == ["Idempotency-Key", "dry_run"]
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
