"""A folder with a store that has a few tasks of every kind."""

from pathlib import Path

import pytest

from claudia_core.app import Claudia
from claudia_core.settings import default_settings


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A folder whose default store holds one completed, one failed and one pending task."""
    file = tmp_path / ".claudia" / "claudia.db"
    with Claudia(settings=default_settings(database_url=str(file), display="off")) as claudia:
        with claudia.task("clean rows", type="etl", estimated_steps=10, unit="rows") as task:
            task.progress(4)
        with pytest.raises(ZeroDivisionError), claudia.task("divide", type="ml"):
            _ = 1 / 0
        claudia.tasks.create(name="later\n\t[red]", type="etl")
    return tmp_path
