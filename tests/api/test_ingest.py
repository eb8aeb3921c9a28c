"""Programs with the real `sentry_sdk` tell a real server their errors and check-ins."""

from __future__ import annotations

import gzip
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from claudia_core import Claudia
from claudia_core.api import server
from claudia_core.model.identity import Scope
from claudia_core.model.task import Status
from claudia_core.testing.waiting import eventually
from tests.clients.serving import TOKEN, Served, serving

PROGRAM = """
import sys, sentry_sdk
from sentry_sdk.crons import capture_checkin
sentry_sdk.init(sys.argv[1], release="shop@2", environment="test", traces_sample_rate=1.0, auto_session_tracking=True)
sentry_sdk.set_tag("task_id", sys.argv[2])
sentry_sdk.add_breadcrumb(category="db", message="read 120 rows")
run = capture_checkin(monitor_slug="nightly", status="in_progress", monitor_config={
    "schedule": {"type": "interval", "value": 1, "unit": "day"}, "max_runtime": 5})
def load(row):
    password = "hunter2hunter2"
    try:
        return {}["price"]
    except KeyError as error:
        raise ValueError(f"row {row} has no price") from error
with sentry_sdk.start_transaction(name="job"):
    pass
capture_checkin(monitor_slug="nightly", check_in_id=run, status="error", duration=2.5)
capture_checkin(monitor_slug="hourly", status="ok", duration=1)
sentry_sdk.capture_message("disk is nearly full", level="warning")
sentry_sdk.flush(10)
load(17)
"""


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(server, "PAGES", "no.pages")
    with Claudia("memory://", display="off", errors_per_minute=60) as hub, serving(hub) as running:
        yield running


def post(
    served: Served, key: str, body: bytes, path: str = "/api/1/envelope/", **headers: str
) -> tuple[int, dict, dict]:
    connection = http.client.HTTPConnection(served.base.removeprefix("http://"), timeout=20)
    told = {"X-Sentry-Auth": f"Sentry sentry_key={key}, sentry_version=7"} if key else {}
    try:
        with suppress(BrokenPipeError):  # a body that is too large is answered before all of it was sent
            connection.request("POST", path, body, {**told, **headers})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()), dict(answer.headers)
    finally:
        connection.close()


def envelope(event: dict) -> bytes:
    body = json.dumps(event).encode()
    return b'{}\n{"type":"event","length":%d}\n%s\n{"type":"session"}\n{}\n' % (len(body), body)


def test_a_program_with_the_sdk(served: Served) -> None:
    """Its crash is an issue with cause, source, breadcrumbs and task, without its secrets; its runs are tasks."""
    hub = served.hub
    task = hub.tasks.create("load prices", start=True)
    _, key = hub.keys.create("shop")
    dsn = served.base.replace("http://", f"http://{key}@") + "/1"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, dsn, task.id], check=False, capture_output=True, text=True, timeout=60
    )
    assert "ValueError: row 17 has no price" in done.stderr
    eventually(lambda: len(hub.errors.issues().issues) == 3)
    issues = {issue.type: issue for issue in hub.errors.issues().issues}
    assert set(issues) == {"ValueError", "Message", "CheckInFailed"}
    (found,) = hub.errors.occurrences(issue_id=issues["ValueError"].id)
    error = hub.errors.occurrence(found.id)
    assert (error.message, error.task_id, error.release) == ("row 17 has no price", task.id, "shop@2")
    assert (error.service, error.kind, error.handled) == ("shop", "uncaught_exception", False)
    assert [one["type"] for one in error.exceptions] == ["ValueError", "KeyError"]
    assert error.breadcrumbs[-1]["message"] == "read 120 rows"
    assert "hunter2hunter2" not in repr(error)
    runs = {run.name: run for run in hub.tasks.list(type="check-in").tasks}
    assert (runs["nightly"].status, runs["hourly"].status) == (Status.FAILED, Status.COMPLETED)
    assert runs["nightly"].deadline is not None


def test_who_may_tell(served: Served) -> None:
    """Only whoever shows the key of an operator; what is told by others is not saved."""
    hub = served.hub
    viewer, operator = (hub.keys.create(scope, scope=scope)[1] for scope in (Scope.VIEWER, Scope.OPERATOR))
    confined = hub.keys.create("confined", projects=["north"])[1]
    body = envelope({"message": "hello"})
    assert post(served, "", body)[0] == 401
    assert post(served, "clk_of_nobody", body)[0] == 401
    assert post(served, viewer, body)[0] == post(served, confined, body)[0] == 403
    assert hub.errors.issues().issues == []
    assert post(served, operator, body)[0] == post(served, TOKEN, body)[0] == 200
    assert post(served, operator, body, "/api/v1/ingest/7/envelope/")[0] == 200
    assert hub.errors.issues().issues[0].count == 3


def test_the_same_event_counts_once(served: Served) -> None:
    """An SDK that sends again what was saved adds nothing."""
    body = envelope({"event_id": "9ec79c33ec9942ab8353589fcb2e04dc", "message": "hello"})
    assert post(served, TOKEN, body)[0] == post(served, TOKEN, body)[0] == 200
    assert served.hub.errors.issues().issues[0].count == 1


def test_over_the_quota(served: Served) -> None:
    """429 with Retry-After, before anything is written."""
    statuses = [post(served, TOKEN, envelope({"message": f"no {n % 3}"}))[0] for n in range(62)]
    assert statuses[:60] == [200] * 60
    status, problem, headers = post(served, TOKEN, envelope({"message": "one more"}))
    assert (status, problem["code"]) == (429, "rate_limited")
    assert int(headers["retry-after"]) >= 1
    assert sum(issue.count for issue in served.hub.errors.issues().issues) < 63


def test_what_cannot_be_read(served: Served) -> None:
    """A problem that says why; no traceback, nothing saved."""
    bomb = gzip.compress(b"{}\n" + bytes(20_000_000))
    for body, headers, status in (
        (b"nothing", {}, 400),
        (bomb, {"Content-Encoding": "gzip"}, 413),
        (b"x" * 2_000_001, {}, 413),
        (b"{}", {"Content-Encoding": "zstd"}, 415),
        (b'{}\n{"type":"check_in"}\n{"status":"ok"}', {}, 422),
        (b"{}\n" + b'{"type":"x"}\n{}\n' * 101, {}, 413),
    ):
        found, problem, _ = post(served, TOKEN, body, **headers)
        assert (found, problem["status"]) == (status, status)
    assert served.hub.errors.issues().issues == []
    assert post(served, TOKEN, envelope({"message": "hello"}), "/api/x/envelope/")[0] == 401  # no project
