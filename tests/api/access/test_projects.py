"""Projects: whoever is confined to some sees, changes and makes tasks of theirs only, by every protocol."""

import base64
import json

import grpc
import pytest

from claudia_core import Claudia
from claudia_core.api.access import confined
from claudia_core.api.contract.operations import TABLE
from claudia_core.api.grpc import serve_grpc
from claudia_core.errors import TooLarge
from claudia_core.model.identity import Identity, Kind
from claudia_core.rpc.v1 import tasks_pb2, types_pb2
from claudia_core.rpc.v1.tasks_pb2_grpc import TaskServiceStub


@pytest.fixture(scope="module")
def keys(site):
    return {name: site.hub.keys.create(name, scope="admin", projects=[name])[1] for name in ("etl", "web")}


@pytest.fixture(scope="module")
def tasks(site):
    made = {name: site.hub.tasks.create(f"of {name}", labels={"project": name}).id for name in ("etl", "web")}
    return made | {"none": site.hub.tasks.create("of none").id}


def test_only_tasks_of_the_project_are_there(site, keys, tasks):
    """Others are neither listed nor found; by id they are not told apart from what does not exist."""
    status, _, body = site.ask("GET", "/api/v1/tasks?limit=1000", keys["etl"])
    assert (status, {task["id"] for task in json.loads(body)["items"]}) == (200, {tasks["etl"]})
    assert site.ask("GET", f"/api/v1/tasks/{tasks['etl']}", keys["etl"])[0] == 200
    for operation in TABLE:
        if not operation.path.startswith("/tasks/{id}"):
            continue
        for other in ("web", "none"):
            path = "/api/v1" + operation.path.replace("{id}", tasks[other])
            status, _, body = site.ask(
                operation.method,
                path,
                keys["etl"],
                None if operation.is_read else "{}",
                Content_Type="application/json",
            )
            code = json.loads(body)["code"]
            assert code in ("task_not_found", "invalid_value", "access_denied"), (operation.name, body)
            assert tasks[other] not in body.replace(path, "").replace(f"no task '{tasks[other]}'", ""), body
    assert site.hub.tasks.get(tasks["web"]).version == site.hub.tasks.get(tasks["none"]).version == 1


def test_pages_tell_nothing_of_what_lies_between(site):
    """A page is filled over tasks of others, and its `next` holds neither their names nor their ids."""
    key = site.hub.keys.create("paged", scope="viewer", projects=["paged"])[1]
    hidden = [site.hub.tasks.create(f"page {n:03} hidden", labels={"project": "other"}).id for n in range(40)]
    ours = {site.hub.tasks.create(f"page {n:03} ours", labels={"project": "paged"}).id for n in range(0, 40, 8)}
    for order in ("name", "-name", "-id", "updated_at"):
        found, after = [], ""
        for _ in range(10):
            status, _, body = site.ask("GET", f"/api/v1/tasks?limit=2&order={order}{after}", key)
            page = json.loads(body)
            assert status == 200, body
            found += [task["id"] for task in page["items"]]
            if page["next"] is None:
                break
            told = base64.urlsafe_b64decode(page["next"] + "=" * (-len(page["next"]) % 4)).decode()
            assert len(page["items"]) == 2
            assert "hidden" not in told
            assert not any(id in told for id in hidden)
            after = f"&after={page['next']}"
        assert (len(found), set(found)) == (5, ours), order


def test_looking_for_ones_own_has_an_end(monkeypatch):
    """Where none of very many tasks is theirs, that is said; nothing of the others is."""
    monkeypatch.setattr(confined, "STRETCH", 10)
    monkeypatch.setattr(confined, "STRETCHES", 2)
    with Claudia("memory://", display="off") as hub:
        for n in range(30):
            hub.tasks.create(f"hidden {n}")
        seen = confined.view(hub, Identity(Kind.KEY, "k", "k", projects=frozenset(["etl"])))
        with pytest.raises(TooLarge) as caught:
            seen.tasks.list(limit=5)
        assert "hidden" not in str(caught.value)
        mine = hub.tasks.create("mine", labels={"project": "etl"})
        page = seen.tasks.list(limit=5)
        assert ([task.id for task in page.tasks], page.next is not None) == ([mine.id], True)


def test_tasks_are_made_within_the_project(site, keys, tasks):
    """With its label and no other, none below another project's, and none over another's id; their life goes on."""
    assert site.post("/api/v1/tasks", {"name": "x"}, keys["etl"])[0] == 403
    assert site.post("/api/v1/tasks", {"name": "x", "labels": {"project": "web"}}, keys["etl"])[0] == 403
    ours = {"name": "x", "labels": {"project": "etl"}}
    assert site.post("/api/v1/tasks", {**ours, "parent_id": tasks["web"]}, keys["etl"])[0] == 404
    assert site.post("/api/v1/tasks", {**ours, "id": tasks["web"]}, keys["etl"])[0] == 403
    status, made = site.post("/api/v1/tasks", {**ours, "start": True}, keys["etl"])
    assert status == 201
    assert site.post("/api/v1/progress", {"updates": [{"id": made["id"], "current": 3}]}, keys["etl"])[0] == 200
    assert site.post(f"/api/v1/tasks/{made['id']}/complete", {"result": 1}, keys["etl"])[0] == 200
    assert site.hub.tasks.get(tasks["web"]).name == "of web"
    site.hub.tasks.start(tasks["web"])
    site.post("/api/v1/progress", {"updates": [{"id": tasks["web"], "current": 3}]}, keys["etl"])
    site.hub.flush()
    assert site.hub.tasks.get(tasks["web"]).progress.current == 0


def test_what_is_about_all_projects_is_refused(site, keys):
    """Events, errors, agents, counts, users, keys and pages; even to an admin of one project."""
    for path in ("/api/v1/events", "/api/v1/errors", "/api/v1/agents", "/api/v1/tasks/counts", "/api/v1/users"):
        assert site.ask("GET", path, keys["etl"])[0] == 403
    for path in ("/", "/tasks", "/events", "/metrics", "/health", "/access/keys", "/access/audit/export"):
        assert site.ask("GET", path, keys["etl"])[0] == 403, path
    assert site.ask("GET", "/api/v1/events/stream?channel=tasks", keys["etl"])[0] == 403
    status, answer = site.post("/api/v1/keys", {"name": "more"}, keys["etl"])
    assert (status, answer["code"]) == (403, "access_denied")


def test_a_graph_shows_no_more(site, keys, tasks):
    """Fields, and what is loaded below them."""
    query = f'{{ tasks {{ id }} mine: task(id: "{tasks["etl"]}") {{ id }} other: task(id: "{tasks["web"]}") {{ id }} }}'
    _, answer = site.post("/graphql", {"query": query}, keys["etl"])
    codes = [error["extensions"]["code"] for error in answer["errors"]]
    assert codes == ["task_not_found"]
    _, answer = site.post("/graphql", {"query": "{ tasks { id } }"}, keys["web"])
    assert [task["id"] for task in answer["data"]["tasks"]] == [tasks["web"]]


def test_calls_and_streams_show_no_more(site, keys, tasks):
    """By gRPC too."""
    shown = (("authorization", f"Bearer {keys['web']}"),)
    with serve_grpc(site.hub, "127.0.0.1", 0, "t" * 32) as server, grpc.insecure_channel(server.address) as channel:
        stub = TaskServiceStub(channel)
        assert [t.id for t in stub.ListTasks(tasks_pb2.ListTasksRequest(), metadata=shown).items] == [tasks["web"]]
        for call in (stub.GetTask, lambda *args, **more: next(stub.WatchTask(*args, **more))):
            with pytest.raises(grpc.RpcError) as caught:
                call(types_pb2.ByIdRequest(id=tasks["etl"]), metadata=shown, timeout=20)
            assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_ones_own_notices_are_there(site):
    """Somebody confined to projects reads their own list and their own stream, and nobody else's."""
    password = "a long enough password of hers"
    cleo = site.hub.users.add("cleo", password, projects=["etl"])
    cookie = site.sign_in("cleo", password)
    for path, status in (
        ("/api/v1/notices", 200),
        ("/api/v1/preferences", 200),
        ("/events/cleo", 200),
        (f"/events/{cleo.id}", 200),
        ("/events/somebody", 403),
        ("/api/v1/notices?user=token", 403),
    ):
        assert site.ask("GET", path, Cookie=cookie)[0] == status, path
