"""Whatever is sent: a clear answer that names the field, no traceback, and nothing changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from claudia_core import Claudia
from claudia_core.api.rest import reading
from tests.api.rest.conftest import api_of

JSON = {"content-type": "application/json"}
BODIES: dict[str, tuple[bytes, int, str]] = {
    "cut off": (b'{"type": "x"', 400, "malformed"),
    "no JSON": (b"type=x", 400, "malformed"),
    "two documents": (b"{}{}", 400, "malformed"),
    "invalid UTF-8": (b'{"type": "\xff\xfe"}', 400, "malformed"),
    "half a surrogate pair": (b'{"type": "\\ud800"}', 400, "malformed"),
    "byte order mark": (b"\xef\xbb\xbf{}", 400, "malformed"),
    "UTF-16": ('{"type": "x"}'.encode("utf-16"), 400, "malformed"),
    "nested deeply": (b'{"payload": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "malformed"),
    "a list": (b"[]", 422, "invalid_value"),
    "a number": (b"7", 422, "invalid_value"),
    "null": (b"null", 422, "invalid_value"),
    "unknown field": (b'{"kind": "x"}', 422, "invalid_value"),
    "number for text": (b'{"type": 7}', 422, "invalid_value"),
    "text for a number": (b'{"attempts": "3"}', 422, "invalid_value"),
    "true for a number": (b'{"estimated_steps": true}', 422, "invalid_value"),
    "text for a list": (b'{"tags": "a"}', 422, "invalid_value"),
    "negative": (b'{"estimated_steps": -1}', 422, "invalid_value"),
    "not a number": (b'{"estimated_steps": NaN}', 422, "invalid_value"),
    "NaN in the payload": (b'{"payload": {"x": NaN}}', 422, "invalid_value"),
    "infinity in the payload": (b'{"payload": 1e999}', 422, "invalid_value"),
    "integer of 80 bits": (b'{"payload": 999999999999999999999999}', 422, "invalid_value"),
    "no such moment": (b'{"deadline": "2026-13-01T00:00:00Z"}', 422, "invalid_value"),
    "a moment without a zone": (b'{"deadline": "2026-12-01T00:00:00"}', 422, "invalid_value"),
    "a moment before all time": (b'{"deadline": "0001-01-01T00:00:00+23:00"}', 422, "invalid_value"),
    "control characters": (b'{"name": "a\\u0000b"}', 422, "invalid_value"),
    "empty name": (b'{"name": ""}', 422, "invalid_value"),
    "no UUID": (b'{"id": "seven"}', 422, "invalid_value"),
    "name too long": (b'{"name": "' + b"x" * 201 + b'"}', 413, "too_large"),
    "too many tags": (json.dumps({"tags": [str(n) for n in range(51)]}).encode(), 413, "too_large"),
    "payload too large": (b'{"payload": "' + b"x" * 1_000_001 + b'"}', 413, "too_large"),
    "body too large": (b'{"payload": "' + b"x" * reading.BODY_LIMIT + b'"}', 413, "too_large"),
}


@pytest.fixture
def hub() -> Iterator[Claudia]:
    """In memory: what is refused never comes to the store."""
    with Claudia("memory://", display="off") as claudia:
        yield claudia


def require_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert (response.status_code, found["status"], found["code"]) == (status, status, code), found
    assert found["title"]
    assert found["detail"]
    assert "Traceback" not in response.text
    return found


@pytest.mark.parametrize("name", BODIES)
def test_bad_bodies_are_refused_and_change_nothing(name: str, hub: Claudia, api: TestClient) -> None:
    """Each with its status and code; the field is named where there is one."""
    body, status, code = BODIES[name]
    before = hub.store.head()
    problem = require_problem(api.post("/api/v1/tasks", content=body, headers=JSON), status, code)
    assert "field" in problem or body in (b"[]", b"7", b"null")
    assert hub.store.head() == before


QUERIES = {
    "unknown parameter": ("?colour=red", 422, "invalid_value", "colour"),
    "twice": ("?limit=1&limit=2", 422, "invalid_value", "limit"),
    "no number": ("?limit=many", 422, "invalid_value", "limit"),
    "a fraction": ("?limit=1.5", 422, "invalid_value", "limit"),
    "empty": ("?limit=", 422, "invalid_value", "limit"),
    "too small": ("?limit=0", 422, "invalid_value", "limit"),
    "too large": ("?limit=1001", 422, "invalid_value", "limit"),
    "too many digits": ("?limit=" + "9" * 5000, 422, "invalid_value", "limit"),
    "no truth value": ("?roots=maybe", 422, "invalid_value", "roots"),
    "no such order": ("?order=colour", 422, "invalid_value", "order"),
    "no cursor": ("?after=nonsense!", 422, "bad_cursor", "after"),
    "another order's cursor": ("?after=WyJpZCIsIiIsIngiXQ", 422, "bad_cursor", "after"),
    "no UTF-8": ("?name=%ff", 400, "malformed", "query"),
    "too many parameters": ("?" + "status=active&" * 500, 400, "malformed", "query"),
}


@pytest.mark.parametrize("name", QUERIES)
def test_bad_queries_name_the_parameter(name: str, api: TestClient) -> None:
    """Nothing is guessed and nothing is left out of account."""
    query, status, code, field = QUERIES[name]
    assert require_problem(api.get(f"/api/v1/tasks{query}"), status, code)["field"] == field


@pytest.mark.parametrize("cursor", ["x", "x:1", ":1", "x:-1", "x:" + "9" * 40, "\x00:1", "x" * 1_500])
def test_cursors_of_other_logs_are_refused(cursor: str, api: TestClient) -> None:
    """A foreign epoch is not read as a place in this log."""
    response = api.get("/api/v1/events", params={"after": cursor})
    code = "too_large" if len(cursor) > 1_000 else "bad_cursor"
    require_problem(response, 413 if code == "too_large" else 422, code)


def test_a_cursor_beyond_the_end_is_refused(hub: Claudia, api: TestClient) -> None:
    """It can only come from a log that was restored to an earlier state."""
    require_problem(api.get("/api/v1/events", params={"after": f"{hub.store.epoch}:99"}), 422, "bad_cursor")


@pytest.mark.parametrize("type", ["", "text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_only_json_is_read(type: str, api: TestClient) -> None:
    """What a form of a foreign page can send is refused before it is read."""
    response = api.post("/api/v1/tasks", content=b"{}", headers={"content-type": type})
    require_problem(response, 415, "unsupported_media_type")


def test_compressed_bodies_are_refused(api: TestClient) -> None:
    """A small body must not become a large one."""
    response = api.post("/api/v1/tasks", content=b"x", headers={**JSON, "content-encoding": "gzip"})
    require_problem(response, 415, "unsupported_media_type")


def test_a_field_of_the_path_is_not_taken_from_the_body(api: TestClient, task: dict) -> None:
    """Two ids in one request would be a riddle."""
    response = api.post(f"/api/v1/tasks/{task['id']}/complete", json={"id": "other", "result": 1})
    assert require_problem(response, 422, "invalid_value")["field"] == "id"


def test_a_query_on_a_change_is_refused(api: TestClient) -> None:
    """A field in the wrong place is not silently without effect."""
    assert require_problem(api.post("/api/v1/tasks?type=x", json={}), 422, "invalid_value")["field"] == "query"


def test_a_field_inside_a_batch_is_named_by_its_place(api: TestClient) -> None:
    """The third task's name, not just a name."""
    response = api.post("/api/v1/tasks/batch", json={"tasks": [{}, {}, {"name": 7}]})
    assert require_problem(response, 422, "invalid_value")["field"] == "tasks.2.name"


@pytest.mark.parametrize("id", ["x", "%00", "..%2f..", "%ff", "a" * 101, "🙂"])
def test_ids_that_are_none_are_not_found(id: str, api: TestClient) -> None:
    """Or over their limit; never an error of the hub's."""
    response = api.get(f"/api/v1/tasks/{id}")
    assert response.status_code in (404, 413)
    assert response.headers["content-type"] == "application/problem+json"


def test_unknown_addresses_are_problems_too(api: TestClient) -> None:
    """Also outside of the table."""
    require_problem(api.get("/api/v1/nothing"), 404, "not_found")
    require_problem(api.get("/nothing"), 404, "not_found")


def run_asgi(hub: Claudia, messages: list[dict[str, Any]], headers: list[tuple[bytes, bytes]]) -> list[dict[str, Any]]:
    """Send a request message by message; returns what comes back."""
    sent: list[dict[str, Any]] = []
    waiting = iter(messages)

    async def receive() -> dict[str, Any]:
        message = next(waiting, None)
        if message is None:
            await asyncio.sleep(3600)  # a client that says no more
        assert message is not None
        return message

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/api/v1/tasks", "raw_path": b"/api/v1/tasks", "query_string": b"",
        "headers": headers, "scheme": "http", "server": ("127.0.0.1", 80), "http_version": "1.1",
    }  # fmt: skip
    asyncio.run(asyncio.wait_for(api_of(hub)(scope, receive, send), 20))  # type: ignore[arg-type]
    return sent


def chunk(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


CHUNKED = [(b"content-type", b"application/json")]


def test_a_body_in_chunks_is_read_whole(hub: Claudia) -> None:
    """However it is cut."""
    sent = run_asgi(hub, [chunk(b'{"na'), chunk(b""), chunk(b'me": "x"}'), chunk(b"", more=False)], CHUNKED)
    assert sent[0]["status"] == 201
    assert json.loads(sent[1]["body"])["name"] == "x"


def test_a_body_in_chunks_without_end_is_stopped_at_the_limit(hub: Claudia) -> None:
    """Not collected first and measured afterwards."""
    sent = run_asgi(hub, [chunk(b" " * 500_000)] * 5, CHUNKED)
    assert (sent[0]["status"], json.loads(sent[1]["body"])["code"]) == (413, "too_large")


def test_a_client_that_goes_away_in_the_middle_leaves_no_trace(hub: Claudia) -> None:
    """No answer, no change, no error in the log."""
    assert run_asgi(hub, [chunk(b'{"na'), {"type": "http.disconnect"}], CHUNKED) == []
    assert hub.store.head() == 0


def test_a_client_that_stops_sending_is_told_off(hub: Claudia, monkeypatch: pytest.MonkeyPatch) -> None:
    """A half-sent body does not hold its request for ever."""
    monkeypatch.setattr(reading, "BODY_SECONDS", 0.05)
    sent = run_asgi(hub, [chunk(b'{"na')], CHUNKED)
    assert (sent[0]["status"], json.loads(sent[1]["body"])["code"]) == (408, "request_timeout")


def test_a_batch_may_be_larger_than_one_thing(api: TestClient) -> None:
    """3 MB are too much for one task and fine for many events."""
    events = [{"type": "row:read", "data": {"text": "x" * 3_000}}] * 1_000
    assert api.post("/api/v1/events", json={"events": events}).status_code == 201
    assert api.post("/api/v1/tasks", json={"payload": "x" * 3_000_000}).status_code == 413
