"""The methods, found in the protos: each that names an operation carries it out; the streams are listed here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from claudia_core.api.access.confined import view
from claudia_core.api.access.perform import perform
from claudia_core.api.asked import checked
from claudia_core.api.contract.inputs import ById
from claudia_core.api.contract.operations import OPERATIONS, Operation, Scope
from claudia_core.api.follow import LogReader, Notice, Reader, TaskReader
from claudia_core.api.grpc.access import Callers
from claudia_core.api.grpc.messages import fill, parse, to_values
from claudia_core.api.grpc.statuses import refusing
from claudia_core.app import Claudia
from claudia_core.errors import StoreClosed, TooManyConnections, Unauthenticated
from claudia_core.rpc.v1 import (
    access_pb2,
    errors_pb2,
    events_pb2,
    hub_pb2,
    notifications_pb2,
    options_pb2,
    tasks_pb2,
    webhooks_pb2,
)

MODULES = (access_pb2, tasks_pb2, events_pb2, errors_pb2, hub_pb2, webhooks_pb2, notifications_pb2)
MAX_STREAMS = 100
"""Most streams at a time; each holds a thread."""

LOOK = 0.25
"""Seconds after which a quiet stream looks whether its client is still there."""


LOOK_AT_CALLER = 2.0
"""Seconds after which it looks whether its caller may still be here."""


def services() -> Iterator[ServiceDescriptor]:
    """Every service of the protos."""
    for module in MODULES:
        yield from module.DESCRIPTOR.services_by_name.values()


def operation_of(method: MethodDescriptor) -> Operation | None:
    """The operation that a method carries out; None for a stream."""
    named: str = method.GetOptions().Extensions[options_pb2.operation]  # type: ignore[index]  # stubs: of no message
    return OPERATIONS[named] if named else None


def path_of(method: MethodDescriptor) -> str:
    """What gRPC calls the method: `/claudia.v1.TaskService/GetTask`."""
    return f"/{method.containing_service.full_name}/{method.name}"


def scopes() -> Mapping[str, Scope]:
    """The scope that each method asks for; of streams, a viewer's."""
    every = [method for service in services() for method in service.methods]
    found = {path_of(method): operation_of(method) for method in every}
    return {path: operation.scope if operation else Scope.VIEWER for path, operation in found.items()}


@dataclass
class Streams:
    """What all streams of a server share."""

    hub: Claudia
    stopping: threading.Event
    slots: threading.BoundedSemaphore
    callers: Callers

    def run(self, reader: Reader, context: grpc.ServicerContext) -> Iterator[Notice]:
        """What the reader finds, until it ends, the client goes or its deadline passes.

        Raises:
            StoreClosed: the server stops.
            Unauthenticated: the caller may not be here any more.
        """
        identity = self.callers.of(context)
        looked = time.monotonic()
        while context.is_active() and not reader.ended:
            if self.stopping.is_set():
                raise StoreClosed("the hub is being closed", hint="resume at the last cursor")
            if time.monotonic() - looked > LOOK_AT_CALLER:
                looked = time.monotonic()
                if not self.callers.still(identity):
                    raise Unauthenticated("signed out", hint="sign in again, and resume at the last cursor")
            notices = reader.read()
            yield from notices
            if not notices:
                self.hub.store.wait(reader.position, LOOK)


def watch(streams: Streams, values: Mapping[str, Any], context: grpc.ServicerContext) -> Iterator[dict[str, Any]]:
    """The log."""
    who = streams.callers.of(context)
    for notice in streams.run(LogReader(view(streams.hub, who), **values, who=who), context):
        gap = notice.gap and {"first": notice.gap.first, "last": notice.gap.last}
        yield {"cursor": notice.cursor, "event": notice.event and notice.event.to_cloudevent(), "gap": gap}


def watch_task(streams: Streams, values: Mapping[str, Any], context: grpc.ServicerContext) -> Iterator[dict[str, Any]]:
    """One task."""
    id = checked(ById, values).id
    for notice in streams.run(TaskReader(view(streams.hub, streams.callers.of(context)), id), context):
        assert notice.task is not None, "a task's reader tells tasks"
        yield notice.task


type Stream = Callable[[Streams, Mapping[str, Any], grpc.ServicerContext], Iterator[dict[str, Any]]]

STREAMS: Mapping[str, Stream] = {
    "/claudia.v1.EventService/Watch": watch,
    "/claudia.v1.TaskService/WatchTask": watch_task,
}


def handlers(hub: Claudia, stopping: threading.Event, callers: Callers) -> list[grpc.GenericRpcHandler]:
    """What carries out every method of every service."""
    streams = Streams(hub, stopping, threading.BoundedSemaphore(MAX_STREAMS), callers)
    return [
        grpc.method_handlers_generic_handler(
            service.full_name, {method.name: _handler(streams, method) for method in service.methods}
        )
        for service in services()
    ]


def _handler(streams: Streams, method: MethodDescriptor) -> Any:
    asked, answered = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    operation = operation_of(method)
    if operation is None:
        respond = _streaming(streams, STREAMS[path_of(method)], asked, answered)
        return grpc.unary_stream_rpc_method_handler(respond, None, answered.SerializeToString)
    return grpc.unary_unary_rpc_method_handler(
        _unary(streams, operation, asked, answered), None, answered.SerializeToString
    )


def _unary(streams: Streams, operation: Operation, asked: type[Message], answered: type[Message]) -> Any:
    def respond(data: bytes, context: grpc.ServicerContext) -> Message:
        with refusing(context):
            question = checked(operation.input, to_values(parse(asked, data)))
            return fill(answered(), perform(operation, streams.hub, question, streams.callers.of(context)))

    return respond


def _streaming(streams: Streams, stream: Stream, asked: type[Message], answered: type[Message]) -> Any:
    def respond(data: bytes, context: grpc.ServicerContext) -> Iterator[Message]:
        with refusing(context):
            if not streams.slots.acquire(blocking=False):
                raise TooManyConnections(f"{MAX_STREAMS} streams are open", hint="end some, or try again later")
            try:
                for answer in stream(streams, to_values(parse(asked, data)), context):
                    yield fill(answered(), answer)
            finally:
                streams.slots.release()

    return respond
