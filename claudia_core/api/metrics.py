"""`/metrics`: the hub's figures in the text formats of Prometheus and OpenMetrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from claudia_core.app import Claudia
from claudia_core.errors import ClaudiaError
from claudia_core.resilience.breaker import Circuit

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the latencies counted together, in seconds."""


class HubFigures(Collector):
    """The hub's own figures, read when somebody asks. While the store is away, only `claudia_store_up 0` is told."""

    def __init__(self, claudia: Claudia) -> None:
        self._hub = claudia

    def collect(self) -> Iterator[Metric]:
        """See `prometheus_client.registry.Collector`."""
        try:
            found = [*self._tasks(), *self._log(), *self._writer(), *self._integrations()]
        except ClaudiaError:
            found = []
        yield _gauge("claudia_store_up", "1 when the store answers.", 1 if found else 0)
        yield from found

    def _tasks(self) -> Iterator[Metric]:
        family = GaugeMetricFamily("claudia_tasks", "Tasks by their present status.", labels=["status"])
        for status, number in self._hub.tasks.counts().items():
            family.add_metric([status.value], number)
        yield family

    def _log(self) -> Iterator[Metric]:
        status = self._hub.store.log_status()
        yield _gauge("claudia_log_head", "Sequence of the newest event.", status.head)
        yield _gauge("claudia_log_oldest", "Sequence of the oldest event that is kept.", status.oldest)
        yield _gauge("claudia_log_events", "Events that are kept.", status.events)
        yield _gauge("claudia_store_bytes", "Size of the store.", status.bytes)
        yield _gauge("claudia_feed_lag_events", "Events not yet handed on inside this process.", self._hub.feed.lag)

    def _writer(self) -> Iterator[Metric]:
        writer = getattr(self._hub.store, "writer", None)
        if writer is None:
            return
        yield _gauge("claudia_writer_waiting_posts", "Progress updates that wait to be saved.", writer.waiting_posts)
        yield _gauge("claudia_writer_failing", "1 while the store cannot be written.", int(writer.is_failing))
        dropped = "Progress updates that were dropped because the store was away too long."
        yield CounterMetricFamily("claudia_writer_dropped_posts", dropped, value=writer.dropped_posts)

    def _integrations(self) -> Iterator[Metric]:
        """Calls to services elsewhere, by this process."""
        calls = CounterMetricFamily("claudia_integration_calls", "Calls by outcome.", labels=["integration", "outcome"])
        seconds = GaugeMetricFamily(
            "claudia_integration_seconds", "Latency of the last minutes.", labels=["integration", "quantile"]
        )
        flying = GaugeMetricFamily("claudia_integration_in_flight", "Calls under way.", labels=["integration"])
        circuits = GaugeMetricFamily(
            "claudia_integration_circuit_open", "1 while a service is left alone.", labels=["integration"]
        )
        for made in self._hub.integrations.all():
            figures = made.figures
            for outcome, number in (("ok", figures.successes), ("error", figures.errors), ("refused", figures.refused)):
                calls.add_metric([made.name, outcome], number)
            for quantile, value in (("0.5", figures.p50), ("0.95", figures.p95), ("0.99", figures.p99)):
                if value is not None:
                    seconds.add_metric([made.name, quantile], value)
            flying.add_metric([made.name], figures.in_flight)
            circuits.add_metric([made.name], int(made.breaker.circuit is not Circuit.CLOSED))
        yield from (calls, seconds, flying, circuits)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


class Answered(NamedTuple):
    """A request that was answered: its method and route, as counted; seconds to the answer's end; its headers."""

    method: str
    route: str
    status: int
    seconds: float
    headers: Iterable[tuple[bytes, bytes]]


type Listener = Callable[[Answered], object]


class Meter:
    """Counts requests and how long they take, by route: the template of a path, never the path itself."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["method", "route", "status"]
        self._requests = Counter("claudia_http_requests", "Requests answered.", labels, registry=registry)
        self._seconds = Histogram(
            "claudia_http_request_seconds", "From a request to its answer's end.", ["route"],
            buckets=BUCKETS, registry=registry,
        )  # fmt: skip
        self.listeners: list[Listener] = []
        """Called after each request; they must not raise."""

    def count(self, scope: Scope, status: int, seconds: float) -> None:
        """Note one request that was answered."""
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = str(scope.get("claudia.route") or getattr(scope.get("route"), "path", "other"))
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        for listener in self.listeners:
            listener(Answered(method, route, status, seconds, scope["headers"]))


class Metered:
    """Tells a meter of each request."""

    def __init__(self, app: ASGIApp, meter: Meter) -> None:
        self._app = app
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            self._meter.count(scope, status, time.perf_counter() - started)


def mount(app: FastAPI, claudia: Claudia) -> None:
    """Add the route, and the count of all requests that reach the application."""
    registry = CollectorRegistry()
    registry.register(HubFigures(claudia))
    app.state.meter = Meter(registry)
    telemetry = claudia.export_telemetry() if claudia.settings.otel_requests else None
    if telemetry is not None:
        app.state.meter.listeners.append(telemetry.request)
    app.add_middleware(Metered, meter=app.state.meter)

    def metrics(request: Request) -> Response:
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": media_type})

    app.add_api_route("/metrics", metrics, response_class=Response, include_in_schema=False)
