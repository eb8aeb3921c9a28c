"""Results over the limit of the store: in files, with a reference in the task."""

import os
import time
from datetime import timedelta

import pytest

from claudia_core.app import Claudia
from claudia_core.engines.results import YOUNG, load, results_folder, sweep
from claudia_core.errors import InvalidValue, NotFound
from claudia_core.model import Status
from claudia_core.model.ids import new_id
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


def test_files_that_are_not_needed(tmp_path):
    """A file goes when its task was done again, or it is older than is kept; what is young, or another's, stays."""
    with Claudia(settings=default_settings(database_url=str(tmp_path / "hub.db"), display="off")) as hub:
        hub.handlers.register("big", lambda task, payload: "x" * 2_000_000)
        folder = tmp_path / "results"

        def done():
            task = when(hub, hub.tasks.create(type="big").id, lambda found: found.status.is_terminal)
            return task, folder / task.result["$file"]

        with hub.work():
            kept, file = done()
            young = folder / f"{kept.id}-7.json"
            again, other = (folder / f"{id}-1.json" for id in (hub.tasks.create(type="else").id, new_id()))
            for one in (young, again, other, folder / "notes.json"):
                one.write_text("1")
        for one in (file, again, other, folder / "notes.json"):
            os.utime(one, (0, time.time() - 2 * YOUNG))
        hub.prune()
        assert {one.name for one in folder.iterdir()} == {file.name, young.name, other.name, "notes.json"}
        assert hub.result(kept) == "x" * 2_000_000
        assert sweep(folder, hub.store, keep=timedelta(days=3)) == 0
        assert sweep(folder, hub.store, keep=timedelta(days=1)) == 1
        with pytest.raises(NotFound, match="CLAUDIA_KEEP_RESULTS_DAYS"):
            hub.result(kept)
