"""Notebooks under test share a hub of their own, whatever hub the person who runs the tests has."""

import os
import shutil
import tempfile

import pytest

HUB = "CLAUDIA_DATABASE_URL"


def pytest_configure(config: pytest.Config) -> None:
    """Kernels inherit it."""
    folder = tempfile.mkdtemp(prefix="claudia-notebooks-")
    os.environ[HUB] = f"{folder}/claudia.db"
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
