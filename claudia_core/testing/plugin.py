"""Fixtures for tests of what is built on Claudia. In your `conftest.py`:

    pytest_plugins = ["claudia_core.testing.plugin"]

Then a test that takes `claudia` gets a hub in memory, and one that takes `claudia_file` a hub in a file. Both have the
default settings, whatever the environment, `.env` and `claudia.toml` say, show no bars, and are closed at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from claudia_core.app import Claudia
from claudia_core.settings import default_settings


@pytest.fixture
def claudia() -> Iterator[Claudia]:
    """A hub in memory."""
    with Claudia(settings=default_settings(database_url="memory://", display="off")) as hub:
        yield hub


@pytest.fixture
def claudia_file(tmp_path: Path) -> Iterator[Claudia]:
    """A hub in the file `tmp_path / "claudia.db"`, which other processes can open, too."""
    with Claudia(settings=default_settings(database_url=str(tmp_path / "claudia.db"), display="off")) as hub:
        yield hub
