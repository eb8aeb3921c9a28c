"""Every operation of the table does over HTTP what it does when it is run directly."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from claudia_core import Claudia
from claudia_core.api.contract.operations import OPERATIONS, TABLE
from claudia_core.errors import IllegalTransition
from tests.api.test_contract import READS, WRITES, staged

PREFIX = "/api/v1"


def question(name: str, hub: Claudia) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an operation is asked with in the contract's test: fields of its path, and the others."""
    case = READS[name][-1] if name in READS else WRITES[name]
    values = dict(case(staged(hub, {})))
    return ({"id": values.pop("id")} if "{id}" in OPERATIONS[name].path else {}), values


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_is_reachable_and_answers_what_its_model_describes(
    name: str, hub: Claudia, api: TestClient
) -> None:
    """Each line of the table: its status, and an answer that its output model takes as it is."""
    operation = OPERATIONS[name]
    path, fields = question(name, hub)
    url = PREFIX + operation.path.format(**path)
    asked = {"params": fields} if operation.is_read else {"json": fields}
    response = api.request(operation.method, url, **asked)  # type: ignore[arg-type]
    assert response.status_code == operation.status, response.text
    assert response.headers["content-type"] == "application/json"
    operation.output.model_validate_json(response.content)


@pytest.mark.parametrize("operation", [line for line in TABLE if line.is_read and line.name != "health.get"])
def test_reads_answer_what_the_operation_answers(operation, hub: Claudia, api: TestClient) -> None:  # type: ignore[no-untyped-def]
    """HTTP adds and loses nothing."""
    path, fields = question(operation.name, hub)
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
