"""A hub in a file behind a server, clients for it, and a server that can be killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from claudia_core import Claudia
from claudia_core.api import server
from claudia_core.clients import ClaudiaApiClient
from tests.clients.serving import TOKEN, Served, Server, server_process, serving


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A hub in this process, behind a real server."""
    monkeypatch.setattr(server, "PAGES", "no.pages")
    with Claudia(tmp_path / "hub.db", display="off", durability="normal") as hub, serving(hub) as running:
        yield running


@pytest.fixture
def client(served: Served) -> Iterator[ClaudiaApiClient]:
    with ClaudiaApiClient(served.base, TOKEN, patience=5) as made:
        yield made


@pytest.fixture
def remote(served: Served) -> Iterator[Claudia]:
    """The same hub from elsewhere."""
    with Claudia(served.base, api_key=TOKEN, display="off") as made:
        yield made


@pytest.fixture
def killable(tmp_path: Path) -> Iterator[Server]:
    """A server in a process of its own."""
    with server_process(tmp_path / "hub.db") as running:
        yield running
