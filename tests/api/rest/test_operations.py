"""Every operation of the table does over HTTP what it does when it is run directly."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from claudia_core import Claudia
from claudia_core.api.contract.operations import OPERATIONS, TABLE
from claudia_core.errors import IllegalTransition
from claudia_core.model.task import TaskError

PREFIX = "/api/v1"


class World:
    """Something of everything that operations ask for."""

    def __init__(self, hub: Claudia) -> None:
        self.hub = hub
        self.pending = hub.tasks.create("waits", type="etl").id
        self.active = hub.tasks.create("runs", start=True, estimated_steps=10).id
        self.failed = hub.tasks.create("broke", start=True).id
        hub.tasks.fail(self.failed, TaskError("ValueError", "row 17 is bad"))
        self.child = hub.tasks.create("part", parent_id=self.active).id
        self.agent = hub.agents.register().id
        self.issue = hub.errors.issues().issues[0].id
        self.error = hub.errors.occurrences()[0].id


type Ask = Callable[[World], tuple[dict[str, object], dict[str, object]]]
ASK: dict[str, Ask] = {
    "tasks.create": lambda w: ({}, {"name": "new", "parent_id": w.active, "tags": ["a"], "labels": {"k": "v"}}),
    "tasks.create_many": lambda w: ({}, {"tasks": [{"name": "one"}, {"name": "two", "payload": [1, None]}]}),
    "tasks.list": lambda w: ({}, {"status": ["pending", "active"], "limit": 2, "order": "-updated_at"}),
    "tasks.counts": lambda w: ({}, {}),
    "tasks.types": lambda w: ({}, {"prefix": "t"}),
    "tasks.tags": lambda w: ({}, {}),
    "tasks.get": lambda w: ({"id": w.failed}, {}),
    "tasks.children": lambda w: ({"id": w.active}, {"limit": 5}),
    "tasks.result": lambda w: ({"id": w.failed}, {}),
    "tasks.start": lambda w: ({"id": w.pending}, {}),
    "tasks.progress": lambda w: ({"id": w.active}, {"current": 4, "message": "row 4"}),
    "tasks.complete": lambda w: ({"id": w.active}, {"result": {"rows": 10}}),
    "tasks.fail": lambda w: ({"id": w.active}, {"message": "no", "type": "OSError"}),
    "tasks.cancel": lambda w: ({"id": w.active}, {"reason": "not needed"}),
    "tasks.retry": lambda w: ({"id": w.failed}, {}),
    "tasks.rerun": lambda w: ({"id": w.failed}, {"payload": [1]}),
    "filters.list": lambda w: ({}, {}),
    "filters.save": lambda w: ({}, {"name": "Broken", "query": {"status": "failed"}}),
    "filters.rename": lambda w: ({"id": w.hub.filters.save("a", {}).id}, {"name": "b"}),
    "filters.delete": lambda w: ({"id": w.hub.filters.save("a", {}).id}, {}),
    "progress.get": lambda w: ({"id": w.active}, {}),
    "progress.update": lambda w: ({}, {"updates": [{"id": w.active, "current": 3}, {"id": w.child, "current": 1}]}),
    "events.list": lambda w: ({}, {"type": ["task:created"], "limit": 2}),
    "events.append": lambda w: ({}, {"events": [{"type": "row:read", "subject": "1", "data": {"n": 1}}]}),
    "errors.report": lambda w: ({}, {"type": "KeyError", "message": "'x'", "task_id": w.active}),
    "errors.issues": lambda w: ({}, {"limit": 1}),
    "errors.issue": lambda w: ({"id": w.issue}, {}),
    "errors.get": lambda w: ({"id": w.error}, {}),
    "errors.counts": lambda w: ({"id": w.issue}, {"daily": True}),
    "errors.affected": lambda w: ({"id": w.issue}, {"kind": "task"}),
    "errors.comments": lambda w: ({"id": w.issue}, {}),
    "errors.resolve": lambda w: ({"id": w.issue}, {}),
    "errors.ignore": lambda w: ({"id": w.issue}, {"more": 3}),
    "errors.reopen": lambda w: ({"id": w.issue}, {}),
    "errors.change": lambda w: ({}, {"ids": [w.issue], "action": "resolve"}),
    "errors.comment": lambda w: ({"id": w.issue}, {"text": "seen before"}),
    "errors.occurrences": lambda w: ({}, {"issue_id": w.issue}),
    "agents.list": lambda w: ({}, {}),
    "agents.get": lambda w: ({"id": w.agent}, {}),
    "agents.register": lambda w: ({}, {"name": "trainer", "host": "worker-1", "pid": 7}),
    "agents.heartbeat": lambda w: ({"id": w.agent}, {}),
    "agents.leave": lambda w: ({"id": w.agent}, {}),
    "health.get": lambda w: ({}, {}),
    "log.status": lambda w: ({}, {}),
    "settings.list": lambda w: ({}, {}),
}


def known(name: str) -> Ask:
    assert name in ASK, f"add a line for {name} to ASK"
    return ASK[name]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_is_reachable_and_answers_what_its_model_describes(
    name: str, hub: Claudia, api: TestClient
) -> None:
    """Each line of the table: its status, and an answer that its output model takes as it is."""
    operation = OPERATIONS[name]
    path, fields = known(name)(World(hub))
    url = PREFIX + operation.path.format(**path)
    asked = {"params": fields} if operation.is_read else {"json": fields}
    response = api.request(operation.method, url, **asked)  # type: ignore[arg-type]
    assert response.status_code == operation.status, response.text
    assert response.headers["content-type"] == "application/json"
    operation.output.model_validate_json(response.content)


@pytest.mark.parametrize("operation", [line for line in TABLE if line.is_read and line.name != "health.get"])
def test_reads_answer_what_the_operation_answers(operation, hub: Claudia, api: TestClient) -> None:  # type: ignore[no-untyped-def]
    """HTTP adds and loses nothing."""
    path, fields = known(operation.name)(World(hub))
    over_http = api.get(PREFIX + operation.path.format(**path), params=fields).json()  # type: ignore[arg-type]
    assert over_http == operation.run(hub, operation.input(**path, **fields))


def test_pages_lead_to_all_tasks(hub: Claudia, api: TestClient) -> None:
    """`next` goes into `after`, until it is null."""
    made = [hub.tasks.create(f"task {n}").id for n in range(7)]
    found, after = [], None
    while True:
        page = api.get("/api/v1/tasks", params={"limit": 3, **({"after": after} if after else {})}).json()
        found += [task["id"] for task in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert found == made[::-1]


def test_a_batch_is_made_whole_or_not_at_all(hub: Claudia, api: TestClient) -> None:
    """One task with an unknown parent undoes its neighbours."""
    unknown = "00000000-0000-7000-8000-000000000000"
    response = api.post("/api/v1/tasks/batch", json={"tasks": [{"name": "a"}, {"name": "b", "parent_id": unknown}]})
    assert response.status_code == 404
    assert api.get("/api/v1/tasks").json()["items"] == []


def test_an_illegal_move_is_a_conflict_with_the_code_of_its_error(api: TestClient, task: dict) -> None:
    """What the service raises is what the caller reads."""
    response = api.post(f"/api/v1/tasks/{task['id']}/complete", json={})
    assert (response.status_code, response.json()["code"]) == (409, IllegalTransition.code)


def test_a_large_body_and_a_small_one_are_carried_out_alike(api: TestClient) -> None:
    """A payload near its limit goes another way inside, and must come out the same."""
    for size in (10, 900_000):
        response = api.post("/api/v1/tasks", json={"payload": "x" * size})
        assert response.status_code == 201
        assert len(response.json()["payload"]) == size


@pytest.mark.parametrize("path", ["/tasks", "/tasks/batch", "/tasks/counts", "/tasks/x/start", "/errors", "/log"])
def test_other_methods_are_told_which_there_are(path: str, api: TestClient) -> None:
    """405 and OPTIONS name exactly the methods of the address."""
    allowed = {line.method for line in TABLE if line.path.replace("{id}", "x") == path} | {"OPTIONS"}
    allowed |= {"HEAD"} if "GET" in allowed else set()
    for response in (api.request("TRACE", PREFIX + path), api.options(PREFIX + path)):
        assert set(response.headers["allow"].split(", ")) == allowed
    refused = api.delete(PREFIX + path)
    assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed")


def test_head_is_get_without_the_body(api: TestClient, task: dict) -> None:
    """The same headers, nothing else."""
    head, get = (api.request(method, f"/api/v1/tasks/{task['id']}") for method in ("HEAD", "GET"))
    assert head.content == b""
    assert (head.status_code, head.headers["etag"]) == (200, get.headers["etag"])
    assert head.headers["content-length"] == str(len(get.content))
