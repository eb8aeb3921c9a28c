"""A hub on each kind of store, and its API without a socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from claudia_core import Claudia
from claudia_core.api import metrics, probes, problems, rest


def api_of(hub: Claudia) -> FastAPI:
    """Everything that this folder tests, as the server mounts it."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    for part in (problems, metrics, probes, rest):
        part.mount(app, hub)
    return app


@pytest.fixture(params=["memory", "sqlite"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Claudia]:
    url = "memory://" if request.param == "memory" else str(tmp_path / "claudia.db")
    with Claudia(url, display="off", mail_url=f"file://{tmp_path / 'mail'}") as claudia:
        yield claudia


@pytest.fixture
def api(hub: Claudia) -> Iterator[TestClient]:
    with TestClient(api_of(hub), base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def task(api: TestClient) -> dict:
    """A pending task."""
    made: dict = api.post("/api/v1/tasks", json={"type": "etl", "payload": {"rows": 3}}).json()
    return made
