"""Unary calls: a task's life, values there and back, errors with details."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from claudia_core import errors
from claudia_core.api.contract.operations import TABLE
from claudia_core.api.grpc.messages import MAX_NESTING, fields_of, from_json_value, to_json_value
from claudia_core.api.grpc.methods import STREAMS, operation_of, path_of, services
from claudia_core.api.grpc.statuses import STATUSES
from claudia_core.model.times import from_text
from claudia_core.rpc.v1 import errors_pb2, events_pb2, hub_pb2, tasks_pb2, types_pb2
from tests.api.grpc.conftest import Caller
from tests.api.grpc.refusals import refused

ById = types_pb2.ByIdRequest


def test_task_goes_through_its_life(caller: Caller) -> None:
    """A task is made, started, moved and completed; each answer is the task as it is then."""
    payload = ParseDict({"file": ["x", 1, 2.5, None, True]}, Value())
    request = tasks_pb2.CreateTaskRequest(name="train", payload=payload, tags=["a"], labels={"k": "v"})
    made = caller.tasks.CreateTask(request)
    assert (made.status, made.name, made.type) == ("pending", "train", "task")
    assert (list(made.tags), dict(made.labels)) == (["a"], {"k": "v"})
    assert from_json_value(made.payload) == {"file": ["x", 1, 2.5, None, True]}
    assert caller.hub.tasks.get(made.id).payload == {"file": ["x", 1, 2.5, None, True]}
    assert caller.tasks.StartTask(tasks_pb2.StartTaskRequest(id=made.id)).status == "active"
    moved = caller.progress.ReportProgress(tasks_pb2.ReportProgressRequest(id=made.id, current=3, total=4, message="x"))
    assert (moved.progress.current, moved.progress.percentage, moved.progress.message) == (3, 75, "x")
    done = caller.tasks.CompleteTask(tasks_pb2.CompleteTaskRequest(id=made.id, result=Value(number_value=5)))
    assert (done.status, from_json_value(done.result)) == ("completed", 5)
    assert caller.hub.tasks.get(made.id).result == 5
    assert done.finished_at.ToDatetime() >= done.started_at.ToDatetime()


def test_what_is_not_set_is_not_sent(caller: Caller) -> None:
    """Fields that a client leaves out get the contract's defaults, and nothing unknown looks like a zero."""
    made = caller.tasks.CreateTask(tasks_pb2.CreateTaskRequest())
    assert (made.name, made.type, made.progress.unit, made.attempts) == ("task", "task", "items", 1)
    for field in ("duration", "parent_id", "agent_id", "error", "deadline", "started_at"):
        assert not made.HasField(field)
    assert not made.progress.HasField("total")


def test_times_keep_their_microseconds(caller: Caller) -> None:
    """A Timestamp is the moment that the hub keeps, to the microsecond."""
    deadline = Timestamp()
    deadline.FromJsonString("2030-01-02T03:04:05.123456Z")
    made = caller.tasks.CreateTask(tasks_pb2.CreateTaskRequest(deadline=deadline))
    assert made.deadline == deadline
    assert caller.hub.tasks.get(made.id).deadline == from_text("2030-01-02T03:04:05.123456+00:00")


@pytest.mark.parametrize("value", [None, True, 0, -3, 2.5, "", "ä", [], {}, [[], {}], {"a": {"b": [1, None]}}, 2**53])
def test_json_survives_the_journey(value: Any) -> None:
    """Every kind of JSON comes back as it was."""
    there = Value()
    to_json_value(there, value)
    back = from_json_value(Value.FromString(there.SerializeToString()))
    assert back == value
    assert type(back) is type(value)


def test_what_a_value_cannot_hold_comes_as_text() -> None:
    """Integers beyond a double's and JSON beyond protobuf's depth lose nothing, and can be read."""
    there = Value()
    to_json_value(there, 2**60)
    assert there.string_value == str(2**60)
    deep: Any = "end"
    for _ in range(200):
        deep = {"x": deep}
    to_json_value(there, deep)
    found = from_json_value(Value.FromString(there.SerializeToString()))
    for _ in range(MAX_NESTING):
        found = found["x"]
    assert found.startswith('{"x": {"x": ')


def test_deep_events_and_payloads_can_be_read(caller: Caller) -> None:
    """What REST took, gRPC can give, whatever its depth."""
    deep: Any = [1]
    for _ in range(45):
        deep = {"x": [deep]}
    task = caller.hub.tasks.create("deep", payload=deep)
    assert caller.tasks.GetTask(ById(id=task.id)).payload.HasField("struct_value")


def test_events_and_errors_go_both_ways(caller: Caller) -> None:
    """Events are appended and listed by cursor; errors are reported and grouped."""
    data = ParseDict({"n": 1, "deep": {"list": [1, "a"]}}, Struct())
    event = events_pb2.AppendEvent(type="test:one", subject="7", data=data)
    appended = caller.events.AppendEvents(events_pb2.AppendEventsRequest(events=[event]))
    assert appended.appended == 1
    page = caller.events.ListEvents(events_pb2.ListEventsRequest(type=["test:one"]))
    assert page.next == appended.cursor
    assert not page.HasField("gap")
    assert MessageToDict(page.items[0].data) == {"n": 1, "deep": {"list": [1, "a"]}}
    occurrence = caller.errors.ReportError(errors_pb2.ReportErrorRequest(type="ValueError", message="broken"))
    issue = caller.errors.GetIssue(ById(id=occurrence.issue_id))
    assert (issue.title, issue.count) == ("broken", 1)
    assert [found.id for found in caller.errors.ListOccurrences(errors_pb2.ListOccurrencesRequest()).items] == [
        occurrence.id
    ]


def test_hub_tells_about_itself(caller: Caller) -> None:
    """Health, log, settings and agents can be asked; no secret is among them."""
    nothing = types_pb2.NothingRequest()
    health = caller.about.GetHealth(nothing)
    assert health.status == "pass"
    assert health.checks["store"].items[0].observed_unit == "ms"
    assert caller.about.GetLog(nothing).epoch == caller.hub.store.epoch
    settings = MessageToDict(caller.about.ListSettings(nothing).settings)
    assert settings["port"] == 5006
    assert "token" not in settings
    id = caller.hub.agents.register("worker").id
    assert caller.agents.GetAgent(ById(id=id)).name == "worker"
    assert [agent.id for agent in caller.agents.ListAgents(hub_pb2.ListAgentsRequest()).items] == [id]


def test_refusal_says_code_field_and_hint(caller: Caller) -> None:
    """An error carries the hub's own code and field in google.rpc details."""
    with refused() as why:
        caller.tasks.CreateTask(tasks_pb2.CreateTaskRequest(name="x" * 300))
    assert (why().status, why().code, why().field, why().violated) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "too_large",
        "name",
        ["name"],
    )
    task = caller.hub.tasks.create("one")
    with refused() as why:
        caller.tasks.CompleteTask(tasks_pb2.CompleteTaskRequest(id=task.id))
    assert (why().status, why().code) == (grpc.StatusCode.FAILED_PRECONDITION, "illegal_transition")
    assert "active" in why().hint
    with refused() as why:
        caller.tasks.GetTask(ById(id="nothing"))
    assert (why().status, why().code, why().field) == (grpc.StatusCode.NOT_FOUND, "task_not_found", "id")
    with refused() as why:
        caller.events.ListEvents(events_pb2.ListEventsRequest(after="other:5"))
    assert (why().status, why().code) == (grpc.StatusCode.INVALID_ARGUMENT, "bad_cursor")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1.0, 1e300])
def test_numbers_that_are_none_are_refused(caller: Caller, number: float) -> None:
    """Progress is a finite number from 0 to 2^53."""
    id = caller.hub.tasks.create("rows", start=True).id
    with refused() as why:
        caller.progress.ReportProgress(tasks_pb2.ReportProgressRequest(id=id, current=number))
    assert (why().code, why().field) == ("invalid_value", "current")
    assert caller.hub.progress.get(id).current == 0


def test_retryable_errors_say_so(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is busy is UNAVAILABLE, with a delay after which to try again."""

    def busy(_: object) -> None:
        raise errors.StoreBusy("another process holds the store")

    monkeypatch.setattr(caller.hub.store, "find", busy)
    with refused() as why:
        caller.tasks.ListTasks(tasks_pb2.ListTasksRequest())
    assert (why().status, why().code, why().retry) == (grpc.StatusCode.UNAVAILABLE, "store_busy", 1)


def test_defects_stay_inside(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error is INTERNAL, without its text."""

    def broken(_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(caller.hub.store, "find", broken)
    with refused() as why:
        caller.tasks.ListTasks(tasks_pb2.ListTasksRequest())
    assert (why().status, why().code) == (grpc.StatusCode.INTERNAL, "internal_error")
    assert "secret" not in why().text


def raw(caller: Caller, data: bytes) -> Any:
    method = caller.channel.unary_unary("/claudia.v1.TaskService/CreateTask")
    return method(data, metadata=(("authorization", f"Bearer {'t' * 32}"),))


def test_malformed_and_oversized_requests_are_refused(caller: Caller) -> None:
    """Bytes that are no message, text that is no UTF-8, and too many bytes change nothing."""
    for data in (b"\xff\xff\xff", b"\x0a\x02\xff\xfe"):
        with refused() as why:
            raw(caller, data)
        assert (why().status, why().code) == (grpc.StatusCode.INVALID_ARGUMENT, "malformed")
    with refused() as why:
        raw(caller, b"\x0a" + b"x" * 9_000_000)
    assert why().status == grpc.StatusCode.RESOURCE_EXHAUSTED
    deep = Value()
    deep_inner = deep
    for _ in range(300):
        deep_inner = deep_inner.list_value.values.add()
    try:
        data = tasks_pb2.CreateTaskRequest(payload=deep).SerializeToString()
    except Exception:  # noqa: BLE001 - some protobuf runtimes refuse to write what they would not read
        data = b""
    if data:
        with refused() as why:
            raw(caller, data)
        assert why().code == "malformed"
    assert caller.hub.tasks.counts() == dict.fromkeys(caller.hub.tasks.counts(), 0)


# --- the protos and the contract ----------------------------------------------------------------------------------


def test_every_operation_has_one_method() -> None:
    """The protos name each operation of the table exactly once; what names none is a stream."""
    methods = [method for service in services() for method in service.methods]
    named = [operation.name for method in methods if (operation := operation_of(method))]
    assert sorted(named) == sorted(operation.name for operation in TABLE)
    assert {path_of(method) for method in methods if method.server_streaming} == set(STREAMS)
    assert {path_of(method) for method in methods if operation_of(method) is None} == set(STREAMS)


def test_messages_have_the_contracts_fields() -> None:
    """No field of an input or output is missing in its message, and none is too much."""
    for method in (method for service in services() for method in service.methods):
        operation = operation_of(method)
        if operation is None:
            continue
        asked = {field.name for field in method.input_type.fields}
        assert asked == set(operation.input.model_fields), operation.name
        answered = fields_of(method.output_type)
        assert set(operation.output.model_fields) <= set(answered), operation.name
        assert len(operation.output.model_fields) == len(method.output_type.fields), operation.name


def test_every_error_has_a_status() -> None:
    """Each class of the error tree has its code in the one table."""

    def below(kind: type[errors.ClaudiaError]) -> set[type[errors.ClaudiaError]]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    codes = {kind.code for kind in below(errors.ClaudiaError) if kind.__module__ == errors.__name__}
    assert codes == set(STATUSES)
