"""Queries and mutations over HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from claudia_core.errors import StoreBusy
from tests.api.graphql.conftest import Endpoint

GUIDE = """
  query GetTasks($status: String) {
    tasks(status: $status) {
      id
      name
      status
      progress {
        percentage
        message
      }
    }
  }
"""


def test_guide_query_works_as_it_is_written(endpoint: Endpoint) -> None:
    """The integration guide's own query answers with the tasks of the asked status."""
    active = endpoint.hub.tasks.create("rows", start=True, estimated_steps=4)
    endpoint.hub.tasks.progress(active.id, 1, message="first")
    endpoint.hub.tasks.create("waits")
    progress = {"percentage": 25.0, "message": "first"}
    found = endpoint.ask(GUIDE, status="active")["tasks"]
    assert found == [{"id": active.id, "name": "rows", "status": "active", "progress": progress}]
    assert len(endpoint.ask(GUIDE)["tasks"]) == 2


def test_task_goes_through_its_life(endpoint: Endpoint) -> None:
    """Mutations create, start, move and complete a task; payload and result are JSON."""
    payload = {"file": ["x", 1, 2.5, None, True]}
    create = 'mutation($payload: JSON) { createTask(name: "train", payload: $payload) { id status payload } }'
    made = endpoint.ask(create, payload=payload)["createTask"]
    assert (made["status"], made["payload"]) == ("pending", payload)
    steps = {
        "startTask(id: $id) { status }": {"status": "active"},
        "reportProgress(id: $id, current: 3, total: 4) { progress { percentage } }": {"progress": {"percentage": 75}},
        "completeTask(id: $id, result: {rows: 3}) { status result }": {"status": "completed", "result": {"rows": 3}},
    }
    for step, expected in steps.items():
        answer = endpoint.ask(f"mutation($id: ID!) {{ {step} }}", id=made["id"])
        assert list(answer.values()) == [expected]
    result = endpoint.ask("query($id: ID!) { taskResult(id: $id) { result } }", id=made["id"])
    assert result["taskResult"]["result"] == {"rows": 3}


def test_batch_is_made_whole_or_not_at_all(endpoint: Endpoint) -> None:
    """`createTasks` takes input objects; one bad task refuses all."""
    query = "mutation($tasks: [CreateTaskInput!]!) { createTasks(tasks: $tasks) { name type } }"
    made = endpoint.ask(query, tasks=[{"name": "a"}, {"type": "b", "estimatedSteps": 2}])["createTasks"]
    assert made == [{"name": "a", "type": "task"}, {"name": "b", "type": "b"}]
    assert endpoint.refused(query, tasks=[{"name": "c"}, {"name": "x" * 300}])["code"] == "too_large"
    assert endpoint.ask("{ taskCounts { pending } }")["taskCounts"]["pending"] == 2


def test_pages_follow_each_other(endpoint: Endpoint) -> None:
    """`tasksPage` says what comes next until nothing does."""
    made = [endpoint.hub.tasks.create(f"t{number}").id for number in range(5)]
    seen, after = [], None
    query = "query($after: String) { tasksPage(limit: 2, after: $after) { items { id } next } }"
    for _ in range(3):
        page = endpoint.ask(query, after=after)["tasksPage"]
        seen += [item["id"] for item in page["items"]]
        after = page["next"]
    assert seen == made[::-1]
    assert after is None


def test_family_costs_one_query_a_level(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Children and parents of many tasks are loaded together, whatever their number."""
    store = endpoint.hub.store
    for number in range(10):
        top = endpoint.hub.tasks.create(f"top{number}")
        for below in range(3):
            endpoint.hub.tasks.create(f"below{below}", parent_id=top.id)
    calls = Counter[str]()
    for name in ("find", "get_many", "snapshot"):
        monkeypatch.setattr(store, name, counting(getattr(store, name), calls))
    found = endpoint.ask("{ tasks(roots: true) { name children { name parent { name } } } }")["tasks"]
    assert len(found) == 10
    assert all([child["name"] for child in task["children"]] == ["below0", "below1", "below2"] for task in found)
    assert all(child["parent"]["name"] == task["name"] for task in found for child in task["children"])
    assert calls == {"find": 1, "snapshot": 1, "get_many": 1}


def counting(method: Callable[..., Any], calls: Counter[str]) -> Callable[..., Any]:
    def counted(*args: Any, **values: Any) -> Any:
        calls[method.__name__] += 1
        return method(*args, **values)

    return counted


def test_events_of_a_task_are_its_own(endpoint: Endpoint) -> None:
    """A task's `events` are CloudEvents about it, oldest first."""
    task = endpoint.hub.tasks.create("one", start=True)
    endpoint.hub.tasks.create("other")
    found = endpoint.ask("query($id: ID!) { task(id: $id) { events { type subject } } }", id=task.id)["task"]["events"]
    assert found == [{"type": "task:created", "subject": task.id}, {"type": "task:started", "subject": task.id}]


def test_lists_leave_the_traceback_out_and_one_task_has_it(endpoint: Endpoint) -> None:
    """A failed task's error is there in lists, with an empty traceback."""
    task = endpoint.hub.tasks.create("fails", start=True)
    try:
        raise ValueError("broken")
    except ValueError as error:
        endpoint.hub.tasks.fail(task.id, error)
    listed = endpoint.ask("{ tasks { error { type message code traceback } } }")["tasks"][0]["error"]
    assert listed == {"type": "ValueError", "message": "broken", "code": "error", "traceback": ""}
    one = endpoint.ask("query($id: ID!) { task(id: $id) { error { traceback } } }", id=task.id)
    assert "ValueError: broken" in one["task"]["error"]["traceback"]


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ('{ task(id: "nothing") { id } }', "task_not_found", "id"),
        ("{ tasks(limit: 0) { id } }", "invalid_value", "limit"),
        ('{ events(after: "nonsense") { next } }', "bad_cursor", "cursor"),
        ('{ events(after: "other:3") { next } }', "bad_cursor", "cursor"),
        ('{ agents(status: "asleep") { id } }', "invalid_value", "status"),
        ('mutation { createTask(name: "") { id } }', "invalid_value", "name"),
        ('mutation { createTask(deadline: "soon") { id } }', "invalid_value", "deadline"),
        ('mutation { createTask(deadline: "2026-01-01T00:00:00") { id } }', "invalid_value", "deadline"),
        ("mutation { createTask(payload: {big: 99999999999999999999999}) { id } }", "invalid_value", "payload"),
        ('mutation { appendEvents(events: [{type: "task:mine"}]) { cursor } }', "invalid_value", "type"),
        ('mutation { startTask(id: "nothing") { id } }', "task_not_found", "id"),
    ],
)
def test_errors_carry_code_and_field(endpoint: Endpoint, query: str, code: str, field: str) -> None:
    """An error says by `extensions` which rule was broken, and where."""
    refused = endpoint.refused(query)
    assert (refused["code"], refused["field"]) == (code, field)


def test_hint_and_retryable_are_told(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the error knows about a cure reaches the client."""
    task = endpoint.hub.tasks.create("one")
    query = "mutation($id: ID!) { completeTask(id: $id) { id } }"
    refused = endpoint.refused(query, id=task.id)
    assert refused["code"] == "illegal_transition"
    assert "active" in refused["hint"]
    assert refused["retryable"] is False

    def busy(*_: object) -> None:
        raise StoreBusy("another process holds the store")

    monkeypatch.setattr(endpoint.hub.store, "get_many", busy)
    monkeypatch.setattr(endpoint.hub.store, "find", busy)
    assert endpoint.refused("{ tasks { id } }")["retryable"] is True


def test_unexpected_errors_stay_inside(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect is told as `internal`, without its text."""

    def broken(_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(endpoint.hub.store, "find", broken)
    refused = endpoint.refused("{ tasks { id } }")
    assert refused["code"] == "internal_error"
    assert "secret" not in str(refused)
