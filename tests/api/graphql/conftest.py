"""A hub behind a real server, and ways to ask it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from claudia_core.api.graphql import mount
from claudia_core.app import Claudia
from tests.api.graphql.serving import serving


@dataclass(frozen=True)
class Endpoint:
    """One GraphQL server."""

    hub: Claudia
    address: str
    client: httpx2.Client

    @property
    def socket(self) -> str:
        return f"ws://{self.address}/graphql"

    def post(self, query: str, **variables: Any) -> dict[str, Any]:
        response = self.client.post("/graphql", json={"query": query, "variables": variables})
        return response.json()  # type: ignore[no-any-return]

    def ask(self, query: str, **variables: Any) -> Any:
        """The data of an answer without errors."""
        answer = self.post(query, **variables)
        assert "errors" not in answer, answer
        return answer["data"]

    def refused(self, query: str, **variables: Any) -> dict[str, Any]:
        """The extensions of the first error."""
        first = self.post(query, **variables)["errors"][0]
        assert "Traceback" not in str(first)
        return {**first["extensions"], "message": first["message"]}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Claudia]:
    with Claudia(tmp_path / "hub.db", durability="normal") as claudia:
        yield claudia


@pytest.fixture
def endpoint(hub: Claudia) -> Iterator[Endpoint]:
    with serving(hub, mount) as address, httpx2.Client(base_url=f"http://{address}") as client:
        yield Endpoint(hub, address, client)
