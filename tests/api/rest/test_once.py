"""`Idempotency-Key`, `ETag`, `If-None-Match`, `If-Match`: changes that happen once, and only to what was read."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from claudia_core import Claudia
from claudia_core.api.contract.operations import OPERATIONS
from claudia_core.api.rest import guarded
from claudia_core.model.times import to_text, utc_now
from claudia_core.ports import Query
from claudia_core.services.events import Events
from tests.api.rest.conftest import api_of
from tests.api.rest.test_operations import PREFIX, question

KEY = {"idempotency-key": "6f1c"}


CHANGES = [name for name, operation in OPERATIONS.items() if not operation.is_read]


@pytest.mark.parametrize("name", [name for name in CHANGES if OPERATIONS[name].is_shown_once])
def test_a_secret_is_not_kept_for_a_repeated_change(name: str, hub: Claudia, api: TestClient) -> None:
    """It happens once; who repeats it hears that the secret was shown; the store holds it nowhere."""
    operation = OPERATIONS[name]
    path, fields = question(name, hub)
    url = PREFIX + operation.path.format(**path)
    first = api.request(operation.method, url, json=fields, headers=KEY)
    assert first.status_code == operation.status
    again = api.request(operation.method, url, json=fields, headers=KEY)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert "shown once" in again.json()["detail"]
    kept = hub.store.find(Query(guarded.COLLECTION)).documents
    assert [set(document) for document in kept] == [{"id", "fingerprint", "at", "shown"}]


@pytest.mark.parametrize("name", [name for name in CHANGES if not OPERATIONS[name].is_shown_once])
def test_a_repeated_change_happens_once_and_gets_the_same_answer(name: str, hub: Claudia, api: TestClient) -> None:
    """For every change of the table: same status, same body, same headers, and nothing more in the log."""
    operation = OPERATIONS[name]
    path, fields = question(name, hub)
    url = PREFIX + operation.path.format(**path)
    first = api.request(operation.method, url, json=fields, headers=KEY)
    head = hub.store.head()
    again = api.request(operation.method, url, json=fields, headers=KEY)
    assert first.status_code == again.status_code == operation.status
    assert again.content == first.content
    assert again.headers.get("etag") == first.headers.get("etag")
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert hub.store.head() == head


@pytest.mark.parametrize("path", ["/api/v1/tasks", "/api/v1/errors"])
def test_a_key_belongs_to_one_request(path: str, hub: Claudia, api: TestClient) -> None:
    """Another body or another address with the same key is a mistake of the caller's."""
    api.post("/api/v1/tasks", json={"type": "a"}, headers=KEY)
    head = hub.store.head()
    response = api.post(path, json={"type": "b"}, headers=KEY)
    assert (response.status_code, response.json()["code"]) == (422, "idempotency_conflict")
    assert hub.store.head() == head


def test_a_refused_change_leaves_its_key_free(hub: Claudia, api: TestClient, task: dict) -> None:
    """What did not happen may be tried again once it can."""
    url = f"/api/v1/tasks/{task['id']}/complete"
    assert api.post(url, json={}, headers=KEY).status_code == 409
    hub.tasks.start(task["id"])
    assert api.post(url, json={}, headers=KEY).status_code == 200


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\xe9"])
def test_bad_keys_are_refused(key: str, api: TestClient) -> None:
    """A key must fit into a header and a log line."""
    response = api.post("/api/v1/tasks", json={}, headers={b"idempotency-key": key.encode("latin-1")})  # type: ignore[dict-item]
    assert (response.status_code, response.json()["field"]) == (422, "Idempotency-Key")


def test_repeats_at_the_same_time_make_one_task(hub: Claudia, api: TestClient) -> None:
    """Whoever comes second gets the first one's answer, or is asked to come again; nobody makes another task."""

    def post(_: int) -> Any:
        return api.post("/api/v1/tasks", json={"type": "x"}, headers=KEY)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(32)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(hub.tasks.list().tasks) == 1


def test_while_a_change_is_carried_out_its_repeat_is_asked_to_come_again(
    hub: Claudia, api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """409 with Retry-After between the commit and the keeping of the answer; then the answer."""
    committed, go_on = threading.Event(), threading.Event()
    cursor = hub.events.cursor

    def slow_cursor(_: Any, sequence: int | None = None) -> Any:
        committed.set()
        go_on.wait(10)
        return cursor(sequence)

    monkeypatch.setattr(Events, "cursor", slow_cursor)
    body = {"events": [{"type": "row:read"}]}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda: api.post("/api/v1/events", json=body, headers=KEY))
        assert committed.wait(10)
        second = api.post("/api/v1/events", json=body, headers=KEY)
        go_on.set()
        assert (second.status_code, second.json()["code"]) == (409, "idempotency_busy")
        assert second.headers["retry-after"] == "1"
        third = api.post("/api/v1/events", json=body, headers=KEY) if first.result(10) else None
    assert third is not None
    assert third.content == first.result().content
    assert hub.store.head() == 1


def age(hub: Claudia, by: timedelta, *, without_answer: bool = False) -> None:
    """Make what is kept look older."""

    def work(tx: Any) -> None:
        for document in tx.find(guarded.Query(guarded.COLLECTION)).documents:
            kept = {key: value for key, value in document.items() if not (without_answer and key == "body")}
            tx.put(guarded.COLLECTION, {**kept, "at": to_text(utc_now() - by)})

    hub.store.write(work).result()


def test_answers_are_kept_for_a_day(hub: Claudia, api: TestClient) -> None:
    """Then the key is free, and what is old is deleted when something new is kept."""
    post = {"json": {"type": "x"}, "headers": KEY}
    first = api.post("/api/v1/tasks", **post).json()  # type: ignore[arg-type]
    age(hub, timedelta(hours=23))
    assert api.post("/api/v1/tasks", **post).json() == first  # type: ignore[arg-type]
    age(hub, timedelta(hours=25))
    api.post("/api/v1/tasks", json={}, headers={"idempotency-key": "another"})
    assert hub.store.count(guarded.Query(guarded.COLLECTION)) == 1
    assert api.post("/api/v1/tasks", **post).json()["id"] != first["id"]  # type: ignore[arg-type]


def test_an_answer_that_was_lost_is_not_made_up(hub: Claudia, api: TestClient) -> None:
    """The server ended between the change and its answer: the change is not made twice, and the caller is told."""
    api.post("/api/v1/tasks", json={}, headers=KEY)
    age(hub, timedelta(minutes=2), without_answer=True)
    response = api.post("/api/v1/tasks", json={}, headers=KEY)
    assert (response.status_code, response.json()["code"]) == (409, "conflict")
    assert len(hub.tasks.list().tasks) == 1


def test_keys_hold_across_servers_on_one_store(hub: Claudia, api: TestClient) -> None:
    """What is kept is in the store, not in a process."""
    first = api.post("/api/v1/tasks", json={}, headers=KEY)
    with TestClient(api_of(hub), base_url="http://127.0.0.1") as other:
        assert other.post("/api/v1/tasks", json={}, headers=KEY).content == first.content


def test_a_new_task_tells_its_address_and_version(api: TestClient) -> None:
    """`Location` leads to it, `ETag` is its version."""
    made = api.post("/api/v1/tasks", json={})
    assert made.headers["etag"] == f'"{made.json()["version"]}"'
    assert api.get(made.headers["location"]).json() == made.json() | {"waiting": "no agent that is online can run task"}


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"', '"7", "1"', "*"])
def test_what_is_known_is_not_sent_again(tag: str, api: TestClient, task: dict) -> None:
    """304 without a body, until something changes."""
    url = f"/api/v1/tasks/{task['id']}"
    known = api.get(url, headers={"if-none-match": tag})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", '"1"')
    api.post(f"{url}/start")
    if tag != "*":
        assert api.get(url, headers={"if-none-match": tag}).status_code == 200


@pytest.mark.parametrize("change", ["start", "progress", "cancel", "fail"])
def test_a_change_on_condition_fails_when_somebody_was_faster(
    change: str, hub: Claudia, api: TestClient, task: dict
) -> None:
    """412, nothing changed; with the present version it goes through."""
    url = f"/api/v1/tasks/{task['id']}"
    body: dict[str, Any] = {"progress": {"current": 1}, "fail": {"message": "no"}}.get(change, {})
    api.post(f"{url}/progress", json={"message": "somebody was here"})
    present = api.get(url).headers["etag"]
    head = hub.store.head()
    late = api.post(f"{url}/{change}", json=body, headers={"if-match": '"1"'})
    assert (late.status_code, late.json()["code"], late.json()["field"]) == (412, "precondition_failed", "If-Match")
    assert hub.store.head() == head
    weak = {"if-match": f"W/{present}"}  # never matches here (RFC 9110, section 13.1.1)
    assert api.post(f"{url}/{change}", json=body, headers=weak).status_code == 412
    done = api.post(f"{url}/{change}", json=body, headers={"if-match": f'"0", {present}'})
    assert done.status_code == 200
    assert done.headers["etag"] != present


def test_of_many_changes_on_one_version_one_wins(hub: Claudia, api: TestClient, task: dict) -> None:
    """The condition is looked at in the change's own transaction."""

    def post(n: int) -> int:
        url = f"/api/v1/tasks/{task['id']}/progress"
        return api.post(url, json={"current": n}, headers={"if-match": '"1"'}).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(post, range(1, 17)))
    assert sorted(statuses) == [200] + [412] * 15


def test_conditions_on_what_has_no_version_are_refused(api: TestClient) -> None:
    """A condition is never just ignored."""
    response = api.post("/api/v1/tasks", json={}, headers={"if-match": '"1"'})
    assert (response.status_code, response.json()["field"]) == (422, "If-Match")
    unknown = "/api/v1/tasks/00000000-0000-7000-8000-000000000000/start"
    assert api.post(unknown, headers={"if-match": '"1"'}).status_code == 404
