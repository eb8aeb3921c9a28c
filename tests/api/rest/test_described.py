"""The OpenAPI document describes what there is, and its page needs nothing from elsewhere."""

from __future__ import annotations

import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from claudia_core.api.contract.operations import TABLE
from claudia_core.api.rest.docs import FILES


@pytest.fixture
def document(api: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = api.get("/api/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [described for methods in document["paths"].values() for described in methods.values()]


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    """By its name, with a summary and its noun as tag."""
    found = {described["operationId"]: described for described in operations(document)}
    for operation in TABLE:
        described = found[operation.name]
        assert described["tags"] == [operation.name.partition(".")[0]]
        assert described["summary"]
        assert operation.scope in described["description"]
        assert str(operation.status) in described["responses"]
    assert document["openapi"].startswith("3.1")


def test_every_refusal_is_a_problem(document: dict[str, Any]) -> None:
    """No error is documented as plain JSON, and each names its codes."""
    for described in operations(document):
        for status, response in described["responses"].items():
            if status >= "400" and described["operationId"] != "health":
                assert list(response["content"]) == ["application/problem+json"]
                assert "Codes: `" in response["description"]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """And no component is there for nothing."""
    text = str(document)
    used = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert used == set(document["components"]["schemas"])


def test_every_example_is_valid(document: dict[str, Any]) -> None:
    """What the page fills in can be sent."""
    checked = 0
    for described in operations(document):
        content = described.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            continue
        schema = {**content["schema"], "components": document["components"]}
        name = content["schema"]["$ref"].rpartition("/")[2]
        examples = [content["example"]] if "example" in content else document["components"]["schemas"][name]["examples"]
        for example in examples:
            Draft202012Validator(schema).validate(example)
            checked += 1
    assert checked >= 8


def test_the_page_and_its_files_come_from_here_alone(api: TestClient) -> None:
    """No address of another host in them, and a policy that would not let them in."""
    for path in FILES:
        response = api.get(path)
        assert response.status_code == 200
        assert re.findall(r"(?:https?:)?//[\w-]+\.[\w.-]+", response.text) == []
        assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "innerHTML" not in api.get("/api/docs/docs.js").text


def test_the_type_of_every_problem_leads_to_the_page(api: TestClient, document: dict[str, Any]) -> None:
    """The page has an anchor for each code."""
    assert set(document["components"]["schemas"]["Problem"]["x-codes"]) == set(
        document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    )
    assert api.get("/api/v1/nothing").json()["type"] == "/api/docs#not_found"
