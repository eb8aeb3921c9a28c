"""Every error has one status and a document that says what was wrong, and bugs say nothing of the inside."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from claudia_core import Claudia, errors
from claudia_core.api import problems
from claudia_core.api.contract.operations import OPERATIONS
from claudia_core.services.tasks.service import Tasks
from tests.api.rest.conftest import api_of


def kinds(base: type[errors.ClaudiaError]) -> Iterator[type[errors.ClaudiaError]]:
    yield base
    for kind in base.__subclasses__():
        yield from kinds(kind)


ALL = {kind for kind in kinds(errors.ClaudiaError) if kind.__module__.startswith("claudia_core")}


@pytest.mark.parametrize("kind", sorted(ALL, key=lambda kind: kind.code))
def test_every_error_has_a_status(kind: type[errors.ClaudiaError]) -> None:
    """A new error without a line in the table would become a 500; what a retry helps says when."""
    assert kind.code in problems.KINDS
    response = problems.of_error(kind("what was wrong", field="name", hint="what is right"), "/a b")
    assert response.status_code == problems.KINDS[kind.code].status
    assert ("retry-after" in response.headers) == kind.retryable


def test_codes_are_unique() -> None:
    """One code, one class: a client can raise the same class again."""
    assert len({kind.code for kind in ALL}) == len(ALL)


def test_a_problem_has_all_that_the_standard_asks_for(api: TestClient) -> None:
    """RFC 9457's members, and ours."""
    found = api.post("/api/v1/tasks", json={"unit": 7}).json()
    assert found == {
        "type": "/api/docs#invalid_value",
        "title": "A value breaks a rule",
        "status": 422,
        "detail": found["detail"],
        "code": "invalid_value",
        "instance": "/api/v1/tasks",
        "field": "unit",
    }


def test_a_bug_is_answered_without_its_traceback(
    api: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has it, without the values of variables; the caller gets a 500 problem."""

    def broken(self: Tasks) -> None:
        secret = "s3cret" + "-token"
        raise RuntimeError(f"internal detail {len(secret)}")

    monkeypatch.setattr(Tasks, "counts", broken)
    response = api.get("/api/v1/tasks/counts", headers={"authorization": "Bearer s3cret-header"})
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "internal detail" not in response.text
    logged = caplog.text
    assert "internal detail" in logged
    assert "s3cret-" not in logged


def test_a_store_that_is_away_is_a_503_to_be_retried(api: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller is told when to come again."""

    def busy(self: Tasks) -> None:
        raise errors.StoreBusy("another process holds the store")

    monkeypatch.setattr(Tasks, "counts", busy)
    response = api.get("/api/v1/tasks/counts")
    assert (response.status_code, response.json()["code"], response.headers["retry-after"]) == (503, "store_busy", "1")


def test_a_closed_hub_answers_503() -> None:
    """Reads and changes alike, while the server ends."""
    hub = Claudia("memory://", display="off")
    with TestClient(api_of(hub), raise_server_exceptions=False) as api:
        hub.close()
        for operation in (OPERATIONS["tasks.create"], OPERATIONS["events.append"]):
            body = {"events": [{"type": "a:b"}]} if operation.name == "events.append" else {}
            response = api.post(f"/api/v1{operation.path}", json=body)
            assert (response.status_code, response.json()["code"]) == (503, "store_closed")


def test_routes_of_others_answer_problems_too() -> None:
    """Validation by FastAPI, HTTPException, errors of ours and bugs: all in one form."""
    app = FastAPI()
    with Claudia("memory://", display="off") as hub:
        problems.mount(app, hub)

        @app.get("/number/{n}")
        def number(n: int) -> int:
            if n == 1:
                raise errors.NotFound("no number 1", field="n")
            if n == 2:
                raise HTTPException(418, "a teapot", {"x-tea": "green"})
            return n // 0

        client = TestClient(app, raise_server_exceptions=False)
        expected = {
            "x": (422, "invalid_value"),
            "1": (404, "not_found"),
            "2": (418, "malformed"),
            "3": (500, "internal_error"),
        }
        for path, (status, code) in expected.items():
            response = client.get(f"/number/{path}")
            assert response.headers["content-type"] == problems.MEDIA_TYPE
            assert (response.status_code, response.json()["code"]) == (status, code)
        assert client.get("/number/2").headers["x-tea"] == "green"
        assert client.get("/number/x").json()["field"] == "n"
        assert client.post("/number/3").headers["allow"] == "GET"


def test_what_cannot_be_encoded_is_replaced() -> None:
    """A detail may quote what was sent, and that may be anything."""
    response = problems.problem("invalid_value", "value \ud800", path="/x\udcff")
    assert b"value ?" in response.body
