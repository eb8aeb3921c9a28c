"""`/metrics` and `/health`: what monitors read."""

from __future__ import annotations

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as prometheus
from starlette.testclient import TestClient

from claudia_core import Claudia
from claudia_core.api.rest.routes import PREFIX
from claudia_core.api.server import create_app
from claudia_core.errors import CircuitOpen, IntegrationError, StoreUnavailable
from claudia_core.model.health import Health
from tests.api.rest.conftest import api_of


def samples(api: TestClient) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = prometheus(api.get("/metrics").text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_the_hub_s_figures_are_told(hub: Claudia, api: TestClient) -> None:
    """Tasks by status, the log's ends, the store's size."""
    hub.tasks.create("a", start=True)
    hub.tasks.create("b")
    found = samples(api)
    assert found["claudia_store_up", ()] == 1
    assert found["claudia_tasks", (("status", "active"),)] == 1
    assert found["claudia_tasks", (("status", "pending"),)] == 1
    assert found["claudia_tasks", (("status", "failed"),)] == 0
    assert found["claudia_log_head", ()] == hub.store.head()
    assert found["claudia_store_bytes", ()] > 0


def test_requests_are_counted_by_route_and_not_by_path(api: TestClient, task: dict) -> None:
    """A million ids make one series; what is nowhere makes one, too."""
    for id in (task["id"], "x", "y"):
        api.get(f"{PREFIX}/tasks/{id}")
    for n in range(3):
        api.get(f"/nothing/{n}")
    found = samples(api)
    route = ("route", "/api/v1/tasks/{id}")
    assert found["claudia_http_requests_total", (("method", "GET"), route, ("status", "200"))] == 1
    assert found["claudia_http_requests_total", (("method", "GET"), route, ("status", "404"))] == 2
    assert found["claudia_http_requests_total", (("method", "GET"), ("route", "other"), ("status", "404"))] == 3
    assert found["claudia_http_request_seconds_count", (route,)] == 3
    assert found["claudia_http_request_seconds_bucket", (("le", "+Inf"), route)] == 3


def test_openmetrics_is_spoken_to_those_who_ask(api: TestClient) -> None:
    """With its own media type and its end mark."""
    response = api.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert {family.name for family in open_metrics(response.text)} > {"claudia_tasks", "claudia_http_requests"}


def test_two_hubs_in_one_process_count_apart(api: TestClient) -> None:
    """No figure is the process's."""
    api.get(f"{PREFIX}/log")
    with Claudia("memory://", display="off") as other, TestClient(api_of(other)) as quiet:
        assert not any("log" in str(labels) for _, labels in samples(quiet))


def test_figures_are_told_while_the_store_is_away(
    hub: Claudia, api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A monitor must see that, too."""

    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(type(hub.store), "samples", away)
    found = samples(api)
    assert found["claudia_store_up", ()] == 0
    assert not any(name == "claudia_tasks" for name, _ in found)


def test_services_elsewhere_have_figures(hub: Claudia, api: TestClient) -> None:
    """Calls by outcome, latency, calls under way and circuits, by the integration's name."""
    with hub.integration("github", failures=1):
        pass
    with pytest.raises(IntegrationError), hub.integration("github"):
        raise OSError("down")
    with pytest.raises(CircuitOpen), hub.integration("github"):
        raise AssertionError("not reached")
    found = samples(api)
    for outcome in ("ok", "error", "refused"):
        assert found["claudia_integration_calls_total", (("integration", "github"), ("outcome", outcome))] == 1
    assert found["claudia_integration_circuit_open", (("integration", "github"),)] == 1
    assert found["claudia_integration_seconds", (("integration", "github"), ("quantile", "0.99"))] >= 0


@pytest.mark.parametrize(("state", "status"), [(Health.PASS, 200), (Health.WARN, 200), (Health.FAIL, 503)])
def test_health_is_told_by_its_status(state: Health, status: int, hub: Claudia, api: TestClient) -> None:
    """503 takes a hub out of a load balancer; a warning does not."""
    hub.health.register("extra", lambda: (state, "said so"))
    response = api.get("/health")
    assert (response.status_code, response.json()["status"]) == (status, state.value)
    assert response.headers["content-type"] == "application/health+json"
    assert response.json()["checks"]["extra"][0]["output"] == "said so"


def test_a_monitor_and_a_browser_share_the_address_of_health(hub: Claudia) -> None:
    """With the pages installed, too: who asks for HTML gets the page, everybody else the document with its status."""
    hub.health.register("extra", lambda: (Health.FAIL, "said so"))
    with TestClient(create_app(hub)) as client:
        for accept in ("*/*", "application/json", "application/health+json"):
            told = client.get("/health", headers={"accept": accept})
            assert (told.status_code, told.headers["content-type"]) == (503, "application/health+json")
        head = client.head("/health")
        assert (head.status_code, head.content) == (503, b"")
        page = client.get("/health", headers={"accept": "text/html,*/*;q=0.8"})
        assert (page.status_code, "Health · Claudia" in page.text) == (200, True)
