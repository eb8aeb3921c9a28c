"""OpenTelemetry out, against a receiver of OTLP/HTTP on loopback."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import httpx2
import pytest

from claudia_core import Claudia
from claudia_core.api.server import create_app
from claudia_core.errors import SettingsError
from claudia_core.settings import default_settings, otel_is_wanted
from claudia_core.testing.waiting import eventually
from tests.dashboards.serving import serving

pytest.importorskip("opentelemetry.sdk")
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KINDS = {"/v1/traces": ExportTraceServiceRequest, "/v1/metrics": ExportMetricsServiceRequest}


class _Handler(http.server.BaseHTTPRequestHandler):
    got: list[Any]

    def do_POST(self) -> None:
        """Take a request, as a collector does."""
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.got.append(KINDS[self.path].FromString(body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def collector() -> Iterator[tuple[str, list[Any]]]:
    """A receiver: its address, and what came."""
    got: list[Any] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"got": got}))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def spans(got: list[Any]) -> dict[str, Any]:
    """All spans by name."""
    requests = [one for one in got if isinstance(one, ExportTraceServiceRequest)]
    scopes = [scope for one in requests for resource in one.resource_spans for scope in resource.scope_spans]
    return {span.name: span for scope in scopes for span in scope.spans}


def metrics(got: list[Any]) -> dict[tuple[str, ...], float]:
    """The last values, by name and attributes."""
    found = {}
    for one in got:
        if isinstance(one, ExportMetricsServiceRequest):
            for scope in (scope for resource in one.resource_metrics for scope in resource.scope_metrics):
                for metric in scope.metrics:
                    for point in (metric.gauge if metric.HasField("gauge") else metric.sum).data_points:
                        key = sorted(attribute.value.string_value for attribute in point.attributes)
                        found[(metric.name, *key)] = point.as_int or point.as_double
    return found


def test_tasks_calls_and_figures_arrive() -> None:
    """Tasks that ended are spans of their root's trace, children below their parents, at the times they took; calls are
    spans; counts and figures are metrics; and nothing secret is told."""
    with collector() as (url, got):
        claudia = Claudia("memory://", display="off", otel_endpoint=url, service="shop", release="1.2")
        with claudia:
            telemetry = claudia.export_telemetry()
            assert telemetry is not None
            assert claudia.export_telemetry() is telemetry
            parent = claudia.tasks.create("parent", start=True)
            child = claudia.tasks.create("child", type="etl", parent_id=parent.id, start=True)
            claudia.tasks.fail(child.id, ValueError("no rows"))
            claudia.tasks.complete(parent.id)
            with suppress(Exception), claudia.integration("github") as call:
                call.sent("GET /user?token=hunter2hunter2hunter2")
                raise ConnectionError("away")
            eventually(lambda: telemetry.flush() or {"parent", "child"} <= set(spans(got)), timeout=30)
            telemetry.flush()
        found, figures = spans(got), metrics(got)
    top, below = found["parent"], found["child"]
    assert top.trace_id == below.trace_id == UUID(parent.id).bytes
    assert (top.parent_span_id, below.parent_span_id) == (b"", top.span_id)
    assert below.status.message == "ValueError: no rows"
    assert 0 <= below.end_time_unix_nano - below.start_time_unix_nano < 60e9
    (call_span,) = [span for name, span in found.items() if name.startswith("github")]
    assert call_span.status.code == 2
    assert "hunter2" not in str(got)
    assert figures["claudia.tasks", "failed"] == 1
    assert figures["claudia.integration.calls", "error", "github"] == 1
    told = {
        a.key: a.value.string_value
        for one in got
        for r in getattr(one, "resource_spans", ())
        for a in r.resource.attributes
    }
    assert (told["service.name"], told["service.version"]) == ("shop", "1.2")


def test_off_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an endpoint nothing is made; OpenTelemetry's own variables turn it on, and off."""
    settings = default_settings()
    assert not otel_is_wanted(settings, {})
    assert otel_is_wanted(settings, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"})
    assert not otel_is_wanted(settings, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"})
    assert otel_is_wanted(default_settings(otel_endpoint="http://x"), {})
    with Claudia("memory://", display="off") as claudia:
        for name in ("", "TRACES_", "METRICS_"):
            monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}ENDPOINT", raising=False)
        assert claudia.export_telemetry() is None
    with Claudia("memory://", display="off", otel_endpoint="localhost") as claudia, pytest.raises(SettingsError):
        claudia.export_telemetry()


def test_a_collector_that_is_away_stops_nothing() -> None:
    """Work goes on while nobody takes telemetry, and the end does not wait for long."""
    with Claudia("memory://", display="off", otel_endpoint="http://127.0.0.1:1") as claudia:
        claudia.export_telemetry()
        task = claudia.tasks.create("goes on", start=True)
        claudia.tasks.complete(task.id)
        assert claudia.tasks.get(task.id).status.value == "completed"


def test_requests_are_spans_where_that_is_asked_for() -> None:
    """By route and status, in the caller's trace, from a real server; none unless it is turned on."""
    with collector() as (url, got):
        for wanted in (False, True):
            settings = default_settings(
                database_url="memory://", display="off", otel_endpoint=url, otel_requests=wanted
            )
            with Claudia(settings=settings) as hub, serving(create_app(hub)) as address:
                caller = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
                caller["authorization"] = "Bearer hunter2"
                task = hub.tasks.create("load").id
                httpx2.get(f"{address}/api/v1/tasks/{task}", headers=caller, trust_env=False)
                httpx2.get(f"{address}/api/v1/tasks/nothing", headers={"traceparent": "broken"}, trust_env=False)
                telemetry = hub.export_telemetry()
                assert telemetry is not None
                telemetry.flush()
            if not wanted:
                assert spans(got) == {}
    requests = [one for one in got if isinstance(one, ExportTraceServiceRequest)]
    scopes = [scope for one in requests for resource in one.resource_spans for scope in resource.scope_spans]
    found, missing = [span for scope in scopes for span in scope.spans]
    assert {found.name, missing.name} == {"GET /api/v1/tasks/{id}"}
    assert (found.trace_id.hex(), found.parent_span_id.hex()) == (
        "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331",
    )  # fmt: skip
    assert missing.parent_span_id == b""
    told = {one.key: one.value.string_value or one.value.int_value for one in found.attributes}
    assert told == {
        "http.request.method": "GET", "http.route": "/api/v1/tasks/{id}", "http.response.status_code": 200,
    }  # fmt: skip
    assert found.kind == found.SPAN_KIND_SERVER
    assert "hunter2" not in str(got)
