"""Errors have a quota for each caller: beyond it they are refused before anything is done."""

from __future__ import annotations

from starlette.testclient import TestClient

from claudia_core import Claudia
from claudia_core.services.errors.quota import Quota


def test_beyond_the_quota_an_error_is_refused(hub: Claudia, api: TestClient) -> None:
    """With 429 and the seconds until there is room; nothing is saved, and everything else works."""
    hub.errors.quota.per_minute = 3
    answers = [api.post("/api/v1/errors", json={"type": "E", "message": str(n)}) for n in range(5)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
    assert answers[-1].json()["code"] == "rate_limited"
    assert hub.errors.issues().issues[0].count == 3
    assert api.get("/api/v1/issues").status_code == 200


def test_secrets_do_not_enter_over_the_api(hub: Claudia, api: TestClient) -> None:
    """Whatever field they are in."""
    told = {
        "type": "E",
        "message": "password=hunter2",
        "traceback": "x\npassword=hunter2",
        "context": {"password": "hunter2", "note": "pwd=hunter2"},
        "request": {"url": "http://me:hunter2@x/?token=hunter2", "headers": {"cookie": "a=hunter2"}},
        "breadcrumbs": [{"message": "token: hunter2", "data": {"secret": "hunter2"}}],
        "exceptions": [{"type": "E", "message": "secret=hunter2", "frames": [{"code": "password = 'hunter2'"}]}],
        "tags": {"token": "hunter2"},
        "user": {"api_key": "hunter2"},
    }
    answer = api.post("/api/v1/errors", json=told)
    assert answer.status_code == 201
    assert "hunter2" not in answer.text
    hub.flush()
    assert "hunter2" not in api.get(f"/api/v1/errors/{answer.json()['id']}").text
    assert "hunter2" not in str([event.data for event in hub.store.events(0).events])


def test_an_allowance_fills_up_again() -> None:
    """Evenly: callers are remembered up to a number, the oldest is forgotten."""
    quota = Quota(60_000)
    for n in range(10_050):
        quota.take(f"key:{n}")
    assert len(quota._left) == 10_000
