"""OpenTelemetry out: tasks and calls as spans, the hub's figures as metrics, by OTLP over HTTP.

A task that has ended is a span; the trace is that of its root task, so children hang below their parents. Calls to
services elsewhere are spans of their own.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from claudia_core.errors import MissingExtra, SettingsError
from claudia_core.logs import get_logger
from claudia_core.model.event import Event
from claudia_core.model.times import from_optional_text
from claudia_core.resilience.debugger import CallSeen
from claudia_core.resilience.integrations import Integrations
from claudia_core.services.tasks.service import Tasks
from claudia_core.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Observation
    from opentelemetry.trace import Span

try:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.metrics import Observation as _Observation
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError as error:
    raise MissingExtra("OpenTelemetry needs its SDK", hint="pip install 'claudia-core[otel]'") from error

log = get_logger(__name__)

ENDED = ("task:completed", "task:failed", "task:cancelled")
SERVERS_FAULT = 500
PATIENCE = 2.0
"""Seconds that the end waits for a collector to take what is left."""

EVERY = 15.0
"""Seconds between two exports of metrics, unless OTEL_METRIC_EXPORT_INTERVAL says otherwise."""


class Answered(Protocol):
    """A request that was answered; see `api.metrics.Answered`."""

    @property
    def method(self) -> str:
        """In capitals."""
        ...

    @property
    def route(self) -> str:
        """The template of its path."""
        ...

    @property
    def status(self) -> int:
        """Of the answer."""
        ...

    @property
    def seconds(self) -> float:
        """To the answer's end."""
        ...

    @property
    def headers(self) -> Iterable[tuple[bytes, bytes]]:
        """As ASGI has them."""
        ...


class _TaskIds(IdGenerator):
    """Ids that follow from a task's, where one is being told; random ones elsewhere."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()
        self.given = threading.local()

    def generate_trace_id(self) -> int:
        """See IdGenerator."""
        return getattr(self.given, "trace", None) or self._random.generate_trace_id()

    def generate_span_id(self) -> int:
        """See IdGenerator."""
        return getattr(self.given, "span", None) or self._random.generate_span_id()


class Telemetry:
    """Sends spans and metrics; ends with `stop`, which sends what waits.

    Args:
        settings: `otel_endpoint`, `service` and `release`; OpenTelemetry's own variables hold, too.
        integrations: whose figures and calls are told.
        tasks: whose counts are told.

    Raises:
        SettingsError: the endpoint is no address.
    """

    def __init__(self, settings: Settings, integrations: Integrations, tasks: Tasks) -> None:
        base = settings.otel_endpoint.rstrip("/")
        if base and not base.startswith(("http://", "https://")):
            hint = "use the address of an OTLP/HTTP receiver, such as http://localhost:4318"
            raise SettingsError("otel_endpoint is no address", field="otel_endpoint", hint=hint)
        self._integrations = integrations
        self._tasks = tasks
        self._ids = _TaskIds()
        named = {"service.name": settings.service or os.environ.get("OTEL_SERVICE_NAME") or "claudia"}
        if settings.release:
            named["service.version"] = settings.release
        resource = Resource.create({**named, "deployment.environment.name": settings.environment})
        self._tracers = TracerProvider(resource=resource, id_generator=self._ids, shutdown_on_exit=False)
        self._spans = OTLPSpanExporter(endpoint=f"{base}/v1/traces") if base else OTLPSpanExporter()
        self._tracers.add_span_processor(BatchSpanProcessor(self._spans))
        self._figures = OTLPMetricExporter(endpoint=f"{base}/v1/metrics") if base else OTLPMetricExporter()
        own = None if os.environ.get("OTEL_METRIC_EXPORT_INTERVAL") else EVERY * 1000
        reader = PeriodicExportingMetricReader(self._figures, export_interval_millis=own)
        self._meters = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        self._tracer = self._tracers.get_tracer("claudia")
        self._propagator = TraceContextTextMapPropagator()
        self._measure()
        integrations.debugger.listeners.append(self._call)

    def take(self, event: Event) -> None:
        """Tell a task that has ended; other events are left out. For a durable subscription: one process tells."""
        if event.type not in ENDED:
            return
        task = event.data
        end = from_optional_text(task.get("finished_at")) or event.time
        start = from_optional_text(task.get("started_at")) or end
        root, parent = task.get("root_id") or task["id"], task.get("parent_id")
        self._ids.given.trace, self._ids.given.span = UUID(root).int, _span_id(task["id"])
        try:
            span = self._tracer.start_span(
                task["name"],
                context=_below(UUID(root).int, parent),
                start_time=int(start.timestamp() * 1e9),
                attributes={
                    "claudia.task.id": task["id"],
                    "claudia.task.type": task["type"],
                    "claudia.task.status": task["status"],
                    "claudia.task.attempt": task.get("attempt", 1),
                },
            )
        finally:
            self._ids.given.trace = self._ids.given.span = None
        _end(span, task.get("error"), int(end.timestamp() * 1e9))

    def request(self, answered: Answered) -> None:
        """Tell a request to the hub that was answered just now, within the trace that its `traceparent` names.

        Neither its path nor its query is told: they hold names, and sometimes tokens.
        """
        now = time.time_ns()
        told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answered.headers}
        carried = {name: told[name] for name in ("traceparent", "tracestate") if name in told}
        span = self._tracer.start_span(
            f"{answered.method} {answered.route}",
            context=self._propagator.extract(carried, trace.set_span_in_context(trace.INVALID_SPAN)),
            kind=trace.SpanKind.SERVER,
            start_time=now - int(answered.seconds * 1e9),
            attributes={
                "http.request.method": answered.method,
                "http.route": answered.route,
                "http.response.status_code": answered.status,
            },
        )
        if answered.status >= SERVERS_FAULT:
            span.set_status(trace.Status(trace.StatusCode.ERROR))
        span.end(end_time=now)

    def flush(self, seconds: float = 10.0) -> None:
        """Send what waits."""
        self._tracers.force_flush(int(seconds * 1000))
        self._meters.force_flush(int(seconds * 1000))

    def stop(self) -> None:
        """Send what waits, and end."""
        if self._call in self._integrations.debugger.listeners:
            self._integrations.debugger.listeners.remove(self._call)
        ending = threading.Thread(target=self._end, name="claudia-otel-end", daemon=True)
        ending.start()
        ending.join(PATIENCE)
        if ending.is_alive():  # nobody takes it: the exporters give up trying again
            self._spans.shutdown()  # type: ignore[no-untyped-call]  # it lacks annotations
            self._figures.shutdown()
            ending.join(PATIENCE)

    def _end(self) -> None:
        self._tracers.shutdown()
        self._meters.shutdown()

    def _call(self, call: CallSeen) -> None:
        """A call to a service elsewhere that has ended now."""
        now = time.time_ns()
        span = self._tracer.start_span(
            f"{call.integration}: {call.operation}"[:200],
            kind=trace.SpanKind.CLIENT,
            start_time=now - int(call.seconds * 1e9),
            attributes={"claudia.integration": call.integration, "claudia.outcome": call.outcome},
        )
        _end(span, {"message": call.error} if call.error else None, now)

    def _measure(self) -> None:
        meter = self._meters.get_meter("claudia")
        meter.create_observable_gauge("claudia.tasks", [self._task_counts], description="Tasks by status.")
        meter.create_observable_counter("claudia.integration.calls", [self._calls], description="Calls by outcome.")
        meter.create_observable_gauge(
            "claudia.integration.latency", [self._latencies], unit="s", description="Of the last minutes, by quantile."
        )

    def _task_counts(self, _: CallbackOptions) -> Iterator[Observation]:
        for status, number in self._tasks.counts().items():
            yield _Observation(number, {"status": str(status)})

    def _calls(self, _: CallbackOptions) -> Iterator[Observation]:
        for one in self._integrations.figures():
            for outcome, number in (("ok", one.successes), ("error", one.errors), ("refused", one.refused)):
                yield _Observation(number, {"integration": one.integration, "outcome": outcome})

    def _latencies(self, _: CallbackOptions) -> Iterator[Observation]:
        for one in self._integrations.figures():
            for quantile, value in (("0.5", one.p50), ("0.95", one.p95), ("0.99", one.p99)):
                if value is not None:
                    yield _Observation(value, {"integration": one.integration, "quantile": quantile})


def _span_id(task_id: str) -> int:
    """The last 64 bits of a task's id, which are random."""
    return (UUID(task_id).int & (2**64 - 1)) or 1


def _below(trace_id: int, parent_id: str | None) -> Any:
    if parent_id is None:
        return trace.set_span_in_context(trace.INVALID_SPAN)
    context = trace.SpanContext(trace_id, _span_id(parent_id), True, trace.TraceFlags(trace.TraceFlags.SAMPLED))
    return trace.set_span_in_context(trace.NonRecordingSpan(context))


def _end(span: Span, error: Any, at: int) -> None:
    if error:
        said = ": ".join(filter(None, (str(error.get("type") or ""), str(error.get("message") or ""))))
        span.set_status(trace.Status(trace.StatusCode.ERROR, said[:500]))
    span.end(end_time=at)
