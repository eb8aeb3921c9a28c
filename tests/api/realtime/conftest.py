"""A hub on a file, and a server for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from claudia_core import Claudia
from tests.api.realtime.serving import Served, serving


@pytest.fixture
def claudia(tmp_path: Path) -> Iterator[Claudia]:
    """A hub of its own."""
    with Claudia(tmp_path / "hub.db", display="off", durability="normal") as hub:
        yield hub


@pytest.fixture
def served(claudia: Claudia) -> Iterator[Served]:
    """A server for it."""
    with serving(claudia) as running:
        yield running
