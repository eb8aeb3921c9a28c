"""What is too much, malformed or not allowed gets a clear answer and changes nothing."""

from __future__ import annotations

import time

import pytest

from claudia_core.api.graphql import limits
from tests.api.graphql.conftest import Endpoint


def nested(levels: int) -> str:
    return "{ tasks " + "{ children " * levels + "{ id }" + " }" * levels + " }"


def test_depth_is_limited(endpoint: Endpoint) -> None:
    """Ten levels are allowed, eleven are not."""
    endpoint.ask(nested(limits.MAX_DEPTH - 2))
    refused = endpoint.refused(nested(limits.MAX_DEPTH))
    assert refused["code"] == "too_large"
    assert "limit of 10" in refused["message"]


def test_absurd_depth_is_refused_by_its_tokens_or_depth(endpoint: Endpoint) -> None:
    """A query nested a thousand times neither hangs nor breaks the server."""
    assert endpoint.refused(nested(450))["code"] == "too_large"
    assert endpoint.refused(nested(5_000))["code"] == "too_large"


def test_tokens_are_limited(endpoint: Endpoint) -> None:
    """A query of more than 2,000 words is refused before it is understood."""
    assert endpoint.refused("{ " + "health { status } " * 700 + "}")["code"] == "too_large"


def test_aliases_are_limited(endpoint: Endpoint) -> None:
    """The same question may be asked 30 times in one request, not more."""
    many = " ".join(f"a{number}: health {{ status }}" for number in range(31))
    assert endpoint.refused(f"{{ {many} }}")["code"] == "too_large"


def test_fragments_of_fragments_are_counted_in_no_time(endpoint: Endpoint) -> None:
    """A query that would be 2^60 fields long when written out is refused at once."""
    parts = [f"fragment F{n} on Task {{ x: parent {{ ...F{n + 1} }} y: parent {{ ...F{n + 1} }} }}" for n in range(60)]
    query = "{ tasks { ...F0 } } " + " ".join(parts) + " fragment F60 on Task { id }"
    started = time.monotonic()
    assert endpoint.refused(query)["code"] == "too_large"
    assert time.monotonic() - started < 5


def test_fragment_that_holds_itself_is_refused(endpoint: Endpoint) -> None:
    """A cycle of fragments is GraphQL's own error, with a code."""
    query = "{ tasks { ...A } } fragment A on Task { ...B } fragment B on Task { ...A }"
    assert endpoint.refused(query)["code"] == "invalid_value"


def test_items_of_an_answer_are_limited(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """All lists of one answer together hold at most 10,000 items."""
    monkeypatch.setattr(limits.Budget, "__init__", lambda self: setattr(self, "left", 10))
    top = endpoint.hub.tasks.create("top")
    for _ in range(6):
        endpoint.hub.tasks.create("below", parent_id=top.id)
    endpoint.ask("{ tasks(roots: true) { children { id } } }")
    refused = endpoint.refused("{ tasks(roots: true) { children { parent { children { id } } } } }")
    assert (refused["code"], refused["field"]) == ("too_large", "limit")


def test_introspection_is_allowed(endpoint: Endpoint) -> None:
    """Tools can read the schema; every type and field has a place in it."""
    found = endpoint.ask("{ __schema { types { name fields { name type { ofType { ofType { name } } } } } } }")
    assert {"Task", "Event", "Gap", "JSON", "Long"} <= {type["name"] for type in found["__schema"]["types"]}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_value"),
        (b"\xff\xfe", 400, "invalid_value"),
        (b"[" * 100_000, 400, "invalid_value"),
        (b'{"query": "{ health { status } }", "variables": {"a": NaN}}', 400, "invalid_value"),
        (b"[]", 400, "invalid_value"),
        (b'"text"', 400, "invalid_value"),
        (b"{}", 400, "invalid_value"),
        (b'{"query": 5}', 400, "invalid_value"),
        (b'{"query": "{ health { status } }", "variables": []}', 400, "invalid_value"),
        (b'{"query": "{ health { status } }", "operationName": "other"}', 400, "invalid_value"),
        (b'{"query": "subscription { tasks { cursor } }"}', 400, "invalid_value"),
        (b'{"query": "{ health { status }"}', 200, "invalid_value"),
        (b'{"query": "{ helth { status } }"}', 200, "invalid_value"),
        (b"x" * (limits.MAX_BYTES + 1), 413, "too_large"),
    ],
)
def test_malformed_bodies_are_refused(endpoint: Endpoint, body: bytes, status: int, code: str) -> None:
    """Whatever cannot be read is answered in GraphQL's form with a code."""
    response = endpoint.client.post("/graphql", content=body, headers={"content-type": "application/json"})
    error = response.json()["errors"][0]
    assert (response.status_code, error["extensions"]["code"]) == (status, code)
    assert "Traceback" not in response.text


def test_form_posts_are_refused(endpoint: Endpoint) -> None:
    """A body that a foreign page could send without asking is not looked at."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        body = b'{"query": "mutation { createTask { id } }"}'
        response = endpoint.client.post("/graphql", content=body, headers={"content-type": kind})
        assert response.status_code == 400
    assert endpoint.ask("{ taskCounts { pending } }")["taskCounts"]["pending"] == 0


def test_mutations_by_get_are_refused(endpoint: Endpoint) -> None:
    """A link can ask, and cannot change anything."""
    assert endpoint.client.get("/graphql", params={"query": "{ health { status } }"}).json()["data"]
    response = endpoint.client.get("/graphql", params={"query": "mutation { createTask { id } }"})
    assert response.status_code == 400
    assert endpoint.ask("{ taskCounts { pending } }")["taskCounts"]["pending"] == 0


def test_payload_over_its_limit_is_refused(endpoint: Endpoint) -> None:
    """A megabyte of payload is too much, and nothing is made."""
    query = "mutation($payload: JSON) { createTask(payload: $payload) { id } }"
    assert endpoint.refused(query, payload="x" * 1_000_001)["code"] == "too_large"
    assert endpoint.ask("{ taskCounts { pending } }")["taskCounts"]["pending"] == 0
