"""The REST client: operations, patience, repeats, shared connections."""

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from claudia_core import Status
from claudia_core.api.contract.operations import TABLE
from claudia_core.clients import ClaudiaApiClient, GraphQLClient
from claudia_core.clients.http import ROUTES
from claudia_core.clients.transport import POOL
from claudia_core.errors import ClaudiaError, HubUnavailable, InvalidValue, StoreBusy, StoreClosed
from claudia_core.services.events import NewEvent
from claudia_core.services.tasks.service import NewTask
from tests.clients.serving import TOKEN

TASK = b'{"pending":0,"active":0,"completed":0,"failed":0,"cancelled":0}'
BUSY = b'{"code":"store_busy","detail":"another process writes"}'


@contextmanager
def fake(*answers):
    """A server that gives these answers in turn, the last for ever: (status, headers, body), or None for none."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            asked.append((time.monotonic(), self.command, self.path, dict(self.headers), body))
            answer = answers[min(len(asked), len(answers)) - 1]
            if answer is None:
                self.close_connection = True
                return
            status, headers, text = answer
            self.send_response(status)
            for name, value in {"Content-Length": str(len(text)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = respond  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


def test_the_table_is_that_of_the_contract():
    """Every operation of the hub is known here, at the same place."""
    assert {operation.name: (operation.method, operation.path) for operation in TABLE} == dict(ROUTES)


def test_the_guides_words(client):
    """`create_task`, `get_tasks` and `get_task_progress`, with values and not with dicts."""
    task = client.create_task({"type": "data_processing", "payload": {"file_id": "file123"}}, estimated_steps=4)
    client.tasks.start(task.id)
    client.tasks.progress(task.id, 1, message="first")
    assert [found.id for found in client.get_tasks(status="active", type="data_processing").tasks] == [task.id]
    progress = client.get_task_progress(task.id)
    assert (progress.percentage, progress.message) == (25.0, "first")


def test_a_field_that_is_none(client):
    """It is named, with the one that was meant or all there are; in REST as well."""
    with pytest.raises(InvalidValue, match="there is no field 'tpe'") as caught:
        client.create_task({"tpe": "etl"})
    assert (caught.value.field, caught.value.hint) == ("tpe", "did you mean 'type'?")
    with pytest.raises(InvalidValue, match="there is no field 'stauts'") as caught:
        client._connection.ask("tasks.list", stauts="failed")
    assert (caught.value.field, caught.value.hint) == ("stauts", "did you mean 'status'?")
    with pytest.raises(InvalidValue, match="there is no field 'colour'") as caught:
        client._connection.ask("tasks.create", colour="red")
    assert "there are: " in caught.value.hint


def test_tasks_have_one_life(client, served):
    """All that can be done to tasks is done, and read back, as in the hub's own process."""
    tasks = client.tasks
    a, b, c = tasks.create_many([NewTask(name=name, tags=["t"], labels={"k": "v"}) for name in "abc"], start=True)
    child = tasks.create("child", parent_id=a.id)
    assert tasks.complete(a.id, {"n": [1, None]}).result == {"n": [1, None]}
    tasks.fail(b.id, KeyError("k"), result={"half": 1})
    tasks.cancel(c.id, reason="no need")
    assert tasks.retry(c.id).attempt == 2
    assert [task.name for task in tasks.children(a.id).tasks] == ["child"]
    assert tasks.list(roots=True, name="A").tasks[0].id == a.id
    assert tasks.counts() == served.hub.tasks.counts()
    for task in (a, b, c, child):
        assert tasks.get(task.id) == served.hub.tasks.get(task.id)
    assert tasks.frame(status=[Status.FAILED]).index.tolist() == [b.id]
    (issue,) = client.errors.issues().issues
    assert client.errors.occurrences(task_id=b.id)[0].issue_id == issue.id == client.errors.issue(issue.id).id


def test_errors_are_grouped_as_in_the_hub(client, served):
    """An exception that is told to a hub elsewhere has the fingerprint it has at home."""

    def broken():
        raise KeyError("k")

    found = []
    for hub in (served.hub, client):
        try:
            broken()
        except KeyError as error:
            task = hub.tasks.create("x", start=True)
            hub.tasks.fail(task.id, error)
            found.append(served.hub.errors.occurrences(task_id=task.id)[0])
    assert len(client.errors.issues().issues) == 1
    assert found[0].issue_id == found[1].issue_id
    here, there = (client.errors.occurrence(occurrence.id) for occurrence in found)
    assert here.exceptions == there.exceptions
    assert "broken" in client.errors.issues().issues[0].culprit


def test_events_agents_health_log_settings(client, served):
    """The other nouns."""
    start = client.events.cursor()
    assert client.events.append([NewEvent("invoice:paid", "42", {"amount": 1})]) == 1
    part = client.events.list(after=start, types=["invoice:paid"])
    assert part == served.hub.events.list(after=start, types=["invoice:paid"])
    assert client.events.position_of(client.events.cursor()) == served.hub.store.head()
    agent = client.agents.register("worker")
    client.flush(10)
    assert client.agents.get(agent.id).name == "worker"
    assert client.agents.renew(agent.id).id == agent.id
    client.agents.leave(agent.id)
    client.flush(10)
    assert client.agents.list(status="offline")[0].id == agent.id
    assert client.health.report().status == "pass"
    assert client.log_status() == served.hub.store.log_status()
    assert client.settings()["environment"]
    assert client.ask("tasks.counts")["pending"] == 0


def test_long_lists_take_several_requests(client, served):
    """A limit over one page is what the caller gets."""
    served.hub.tasks.create_many(NewTask(name=f"{n:04}") for n in range(1_200))
    found = client.tasks.list(limit=1_100, order="id")
    assert [task.name for task in found.tasks] == [f"{n:04}" for n in range(1_100)]
    assert len(client.tasks.list(limit=1_100, order="id", after=found.next).tasks) == 100


def test_retry_after_is_honoured():
    """A hub that says when to come back is asked then, and not sooner."""
    with fake((503, {"Retry-After": "1"}, BUSY), (200, {}, TASK)) as (base, asked), ClaudiaApiClient(base) as client:
        client.tasks.counts()
    assert len(asked) == 2
    assert asked[1][0] - asked[0][0] >= 1.0


def test_a_hub_that_asks_for_too_much():
    """Nobody waits for longer than their patience: the error comes at once, and says how long it would be."""
    with fake((503, {"Retry-After": "60"}, BUSY)) as (base, asked), ClaudiaApiClient(base, patience=5) as client:
        with pytest.raises(StoreBusy) as caught:
            client.tasks.counts()
        assert (len(asked), caught.value.retry_after) == (1, 60.0)


def test_a_change_is_repeated_with_its_key():
    """An answer that is lost is asked for again with the same Idempotency-Key; each change has another."""
    answer = b'{"appended":1,"cursor":"e:1"}'
    with fake(None, (200, {}, answer)) as (base, asked), ClaudiaApiClient(base) as client:
        client.events.append([NewEvent("a:b")])
        client.events.append([NewEvent("a:b")])
    keys = [headers["idempotency-key"] for *_, headers, _ in asked]
    assert keys[0] == keys[1] != keys[2]


def test_what_cannot_help_is_not_repeated():
    """A refusal is final."""
    with fake((422, {}, b'{"code":"invalid_value","detail":"no"}')) as (base, asked), ClaudiaApiClient(base) as client:
        with pytest.raises(ClaudiaError):
            client.tasks.create("x")
        assert len(asked) == 1


def test_patience_ends():
    """Nobody listens: the error names the address, after about the patience."""
    started = time.monotonic()
    refused = pytest.raises(HubUnavailable, match=r"http://127\.0\.0\.1:9 cannot be reached")
    with ClaudiaApiClient("http://127.0.0.1:9", TOKEN, patience=0.5) as client, refused:
        client.tasks.counts()
    assert time.monotonic() - started < 4


def test_redirects_are_not_followed():
    """The token goes where it was meant to go, and nowhere else."""
    with (
        fake((200, {}, TASK)) as (elsewhere, strangers),
        fake((307, {"Location": f"{elsewhere}/api/v1/tasks/counts"}, b"")) as (base, _),
        ClaudiaApiClient(base, TOKEN) as client,
    ):
        with pytest.raises(ClaudiaError, match="redirect"):
            client.tasks.counts()
        assert strangers == []


def test_no_proxy_is_asked_for_this_machine(monkeypatch, client):
    """Whatever the environment says."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with ClaudiaApiClient(str(client._connection.address), TOKEN, patience=1) as other:
        assert other.tasks.counts()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b""])
def test_something_else_answers(body):
    """A server that is no hub is told from one."""
    refused = pytest.raises(HubUnavailable, match="something else")
    with fake((200, {}, body)) as (base, _), ClaudiaApiClient(base, patience=0) as client, refused:
        client.tasks.counts()


def test_connections_are_shared(served):
    """All clients of this process use one pool, which goes with the last of them."""
    first = ClaudiaApiClient(served.base, TOKEN)
    with (
        ClaudiaApiClient(served.base, TOKEN) as second,
        GraphQLClient(f"{served.base}/graphql", api_key=TOKEN) as third,
    ):
        assert first._connection._client is second._connection._client is third._client
        first.close()
        assert second.tasks.counts()
    assert POOL._leases == {}
    with pytest.raises(StoreClosed):
        first.tasks.counts()


def test_threads_share_a_client(client):
    """Eight at once, each with its own tasks."""
    failures = []

    def work(n):
        try:
            for _ in range(5):
                client.tasks.complete(client.tasks.create(str(n), start=True).id)
        except ClaudiaError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert client.tasks.counts()[Status.COMPLETED] == 40
