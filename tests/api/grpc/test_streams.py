"""Server streams: cursors, gaps, ends, deadlines, cancellation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import grpc
import pytest

from claudia_core.api.grpc import methods
from claudia_core.app import Claudia
from claudia_core.ports import Retention
from claudia_core.rpc.v1.events_pb2 import WatchRequest, WatchResponse
from claudia_core.rpc.v1.types_pb2 import ByIdRequest
from claudia_core.services.events import NewEvent
from tests.api.grpc.conftest import Caller
from tests.api.grpc.refusals import details_of, refused

PATIENCE = 20.0


def append(hub: Claudia, first: int, last: int) -> None:
    hub.events.append([NewEvent("test:number", str(number), {"n": number}) for number in range(first, last)])


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The streams that are running, by their readers."""
    running: list[Any] = []
    run = methods.Streams.run

    def noted(self: Any, reader: Any, context: Any) -> Iterator[Any]:
        running.append(reader)
        try:
            yield from run(self, reader, context)
        finally:
            running.remove(reader)

    monkeypatch.setattr(methods.Streams, "run", noted)
    yield running


def numbers(messages: Any) -> list[int]:
    return [int(message.event.data["n"]) for message in messages]


def test_events_come_as_they_happen(caller: Caller) -> None:
    """From a cursor: what was missed, then what happens, each once and in order."""
    append(caller.hub, 0, 3)
    stream = caller.events.Watch(WatchRequest(after=f"{caller.hub.store.epoch}:0"), timeout=PATIENCE)
    missed = list(islice(stream, 3))
    append(caller.hub, 3, 5)
    live = list(islice(stream, 2))
    stream.cancel()
    assert numbers(missed + live) == [0, 1, 2, 3, 4]
    assert live[-1].cursor == str(caller.hub.events.cursor())


def test_events_are_chosen_by_pattern_and_subject(caller: Caller) -> None:
    """Types may hold wildcards, and a subject narrows further."""
    append(caller.hub, 0, 9)
    task = caller.hub.tasks.create("rows", start=True)
    start = f"{caller.hub.store.epoch}:0"
    stream = caller.events.Watch(WatchRequest(after=start, types=["task:*"]), timeout=PATIENCE)
    assert [message.event.type for message in islice(stream, 2)] == ["task:created", "task:started"]
    stream.cancel()
    stream = caller.events.Watch(WatchRequest(after=start, subject=task.id), timeout=PATIENCE)
    assert next(stream).event.subject == task.id
    stream.cancel()


def test_stream_without_cursor_begins_now(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who names no cursor gets what happens from then on."""
    append(caller.hub, 0, 3)
    with counted(monkeypatch) as running:
        stream = caller.events.Watch(WatchRequest(), timeout=PATIENCE)
        until(lambda: bool(running))
        append(caller.hub, 3, 4)
        assert numbers(islice(stream, 1)) == [3]
        stream.cancel()


def test_client_that_is_killed_resumes_without_loss_or_doubles(caller: Caller) -> None:
    """Channels closed in the middle of a stream, many times: the cursor gives every event once."""
    total, seen = 300, list[int]()
    cursor = f"{caller.hub.store.epoch}:0"
    writer = threading.Thread(target=lambda: [append(caller.hub, first, first + 10) for first in range(0, total, 10)])
    writer.start()
    while len(seen) < total:
        with grpc.insecure_channel(caller.server.address) as channel:
            watch = channel.unary_stream(
                "/claudia.v1.EventService/Watch",
                request_serializer=WatchRequest.SerializeToString,
                response_deserializer=WatchResponse.FromString,
            )
            metadata = (("authorization", f"Bearer {'t' * 32}"),)
            request = WatchRequest(after=cursor, types=["test:number"])
            for message in islice(watch(request, metadata=metadata, timeout=PATIENCE), min(23, total - len(seen))):
                cursor = message.cursor
                seen += numbers([message])
    writer.join(PATIENCE)
    assert seen == list(range(total))


def test_pruned_events_are_a_gap(caller: Caller) -> None:
    """Who resumes before the oldest event kept is told which are lost, then goes on."""
    append(caller.hub, 0, 50)
    caller.hub.store.prune(Retention(events=10))
    oldest = caller.hub.store.log_status().oldest
    stream = caller.events.Watch(WatchRequest(after=f"{caller.hub.store.epoch}:1"), timeout=PATIENCE)
    gap, first = islice(stream, 2)
    stream.cancel()
    assert (gap.WhichOneof("what"), gap.gap.first, gap.gap.last) == ("gap", 2, oldest - 1)
    assert first.cursor == f"{caller.hub.store.epoch}:{oldest}"


@pytest.mark.parametrize("end", ["complete", "fail", "cancel"])
def test_task_is_followed_to_its_end(caller: Caller, end: str) -> None:
    """The stream of one task begins with its state and ends by itself, whatever the end is."""
    tasks = caller.hub.tasks
    id = tasks.create("rows", start=True).id
    stream = caller.tasks.WatchTask(ByIdRequest(id=id), timeout=PATIENCE)
    seen = [next(stream)]
    tasks.progress(id, 5)
    seen.append(next(stream))
    getattr(tasks, end)(id, *{"complete": [{"x": 1}], "fail": ["broken"]}.get(end, []))
    seen += list(stream)
    assert [task.status for task in seen] == ["active", "active", tasks.get(id).status]
    assert seen[1].progress.current == 5
    assert stream.code() == grpc.StatusCode.OK


def test_refused_streams_say_why(caller: Caller) -> None:
    """A stream that cannot begin ends with the hub's code."""
    with refused() as why:
        next(caller.events.Watch(WatchRequest(after="nonsense")))
    assert (why().status, why().code, why().field) == (grpc.StatusCode.INVALID_ARGUMENT, "bad_cursor", "cursor")
    with refused() as why:
        next(caller.tasks.WatchTask(ByIdRequest(id="nothing")))
    assert (why().status, why().code) == (grpc.StatusCode.NOT_FOUND, "task_not_found")


def test_deadline_ends_a_stream_on_both_sides(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its deadline a stream is over for the client, and nothing runs on in the server."""
    with counted(monkeypatch) as running:
        started = time.monotonic()
        with refused() as why:
            next(caller.events.Watch(WatchRequest(), timeout=0.5))
        assert why().status == grpc.StatusCode.DEADLINE_EXCEEDED
        assert time.monotonic() - started < 5
        until(lambda: not running)


def test_cancelled_and_killed_clients_leave_nothing_behind(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams end in the server when their client cancels or its channel breaks; their slots are free again."""
    monkeypatch.setattr(methods, "LOOK", 0.1)
    with counted(monkeypatch) as running:
        for _ in range(3):
            streams = [caller.events.Watch(WatchRequest()) for _ in range(20)]
            until(lambda: len(running) == 20)
            for stream in streams:
                stream.cancel()
            until(lambda: not running)
        with grpc.insecure_channel(caller.server.address) as channel:
            watch = channel.unary_stream(
                "/claudia.v1.EventService/Watch", request_serializer=WatchRequest.SerializeToString
            )
            kept = [watch(WatchRequest(), metadata=(("authorization", f"Bearer {'t' * 32}"),)) for _ in range(20)]
            until(lambda: len(running) == 20)
        assert kept
        until(lambda: not running)


def test_streams_beyond_the_limit_are_refused_and_calls_go_on(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred streams at most; the next is told so, and single calls are answered all the same."""
    with counted(monkeypatch) as running:
        streams = [caller.events.Watch(WatchRequest()) for _ in range(methods.MAX_STREAMS)]
        until(lambda: len(running) == methods.MAX_STREAMS)
        with refused() as why:
            next(caller.events.Watch(WatchRequest()))
        assert (why().status, why().code) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "too_many_connections")
        id = caller.hub.tasks.create("rows").id
        assert caller.tasks.GetTask(ByIdRequest(id=id), timeout=PATIENCE).id == id
        for stream in streams:
            stream.cancel()
        until(lambda: not running)


def test_subscriber_that_never_reads_costs_nothing(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream whose client does not read stops at the window, and others get everything."""
    start = f"{caller.hub.store.epoch}:0"
    for first in range(0, 3_000, 1_000):
        append(caller.hub, first, first + 1_000)
    with counted(monkeypatch) as running:
        silent = caller.events.Watch(WatchRequest(after=start))
        until(lambda: bool(running))
        stream = caller.events.Watch(WatchRequest(after=start), timeout=PATIENCE)
        assert numbers(islice(stream, 3_000)) == list(range(3_000))
        stream.cancel()
        silent.cancel()
        until(lambda: not running)


def test_stopping_server_tells_its_streams(caller: Caller) -> None:
    """Streams end with UNAVAILABLE and the advice to resume, and the server is gone in a moment."""
    append(caller.hub, 0, 1)
    stream = caller.events.Watch(WatchRequest(after=f"{caller.hub.store.epoch}:0"))
    next(stream)
    started = time.monotonic()
    caller.server.stop()
    assert time.monotonic() - started < 5
    with pytest.raises(grpc.RpcError) as caught:
        next(stream)
    why = details_of(caught.value)
    assert (why.status, why.code) == (grpc.StatusCode.UNAVAILABLE, "store_closed")
    assert "cursor" in why.hint
