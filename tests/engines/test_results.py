"""Results over the limit of the store: in files, with a reference in the task."""

import pytest

from claudia_core.app import Claudia
from claudia_core.engines.results import load, results_folder
from claudia_core.errors import InvalidValue, NotFound
from claudia_core.model import Status
from claudia_core.settings import default_settings
from tests.engines.conftest import when


def test_a_large_result(tmp_path):
    """It is beside the store, for its owner's eyes only; the task holds a reference, and `result` gives it whole."""
    with Claudia(settings=default_settings(database_url=str(tmp_path / "hub.db"), display="off")) as hub:
        hub.handlers.register("big", lambda task, payload: ["x" * 1_000] * payload)
        hub.work()
        big, small = (hub.tasks.create(type="big", payload=number) for number in (2_000, 2))
        for task in (big, small):
            assert when(hub, task.id, lambda found: found.status.is_terminal).status is Status.COMPLETED
        reference = hub.tasks.get(big.id).result
        file = tmp_path / "results" / reference["$file"]
        assert (reference["bytes"], file.stat().st_mode & 0o777) == (file.stat().st_size, 0o600)
        assert hub.result(big) == ["x" * 1_000] * 2_000
        assert hub.result(small.id) == ["x" * 1_000] * 2
        file.write_bytes(file.read_bytes()[:-1] + b" ")
        with pytest.raises(InvalidValue, match="was changed"):
            hub.result(big)
        file.unlink()
        with pytest.raises(NotFound, match="not in"):
            hub.result(big)


def test_a_reference_leads_nowhere_else(tmp_path):
    """A handler could return one of its own."""
    (tmp_path / "secret").write_text("1")
    with pytest.raises(InvalidValue, match="names no file"):
        load(tmp_path / "results", {"$file": "../secret", "sha256": ""})


@pytest.mark.parametrize(
    ("wanted", "url", "folder"),
    [
        ("", "hub.db", "results"),
        ("", "sqlite:///data/hub.db", "data/results"),
        ("", "sqlite:////data/hub.db", "/data/results"),
        ("", "mongodb://host/name", ".claudia/results"),
        ("/shared", "mongodb://host/name", "/shared"),
    ],
)
def test_where_they_are(wanted, url, folder):
    """Beside the store's file, or where the settings say."""
    assert str(results_folder(wanted, url)) == folder
