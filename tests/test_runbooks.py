"""Runbooks on a hub that is not staged by them: in a file that others use, and behind an address."""

import contextlib
import io
from pathlib import Path

import nbformat
import pytest

from claudia_core.api import server
from claudia_core.testing.outage import staged_outage
from claudia_core.testing.refusals import staged_refusals
from tests.clients.serving import TOKEN, serving

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
STAGES = {"runbook_database_down": staged_outage, "runbook_webhooks_failing": staged_refusals}
SAYS = {
    "runbook_database_down": (
        "database fails: ConnectionRefusedError", "orders api is silent because of database",
        "warn -> fail", "load stock: could not connect", "3 tasks are to be retried", "99.9% available",
    ),
    "runbook_webhooks_failing": (
        "billing: on, failing for 60 minutes", "billing: 3 failed, last answer 503",
        "HTTP 503 in 1.2 s", "3 failed are left", "ask the owner of old wiki",
    ),
}  # fmt: skip


def printed(name, hub):
    """What the notebook's code prints with that hub in its first cell."""
    cells = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    assert code[0].startswith('HUB = ""')
    code[0] = code[0].replace('HUB = ""', f"HUB = {hub!r}", 1)
    told, names = io.StringIO(), {}
    with contextlib.redirect_stdout(told):
        for source in code:
            exec(compile(source, name, "exec"), names)
    return told.getvalue()


@pytest.mark.parametrize("name", STAGES)
def test_in_a_file_that_others_use(name, tmp_path):
    """It finds the same, and changes nothing."""
    with STAGES[name](tmp_path / "hub.db") as hub:
        before = hub.store.head()
        told = printed(name, str(tmp_path / "hub.db"))
        assert [line for line in SAYS[name] if line not in told] == []
        assert hub.store.head() == before


@pytest.mark.parametrize("name", STAGES)
def test_behind_an_address(name, tmp_path, monkeypatch):
    """The same over HTTP; a check that runs there is run there."""
    monkeypatch.setattr(server, "PAGES", "no.pages")
    monkeypatch.setenv("CLAUDIA_TOKEN", TOKEN)
    with STAGES[name](tmp_path / "hub.db") as hub, serving(hub) as running:
        told = printed(name, running.base)
        assert [line for line in SAYS[name] if line not in told] == []
        if name == "runbook_database_down":
            assert sum(day.failed for day in hub.health.history("database")[-2:]) >= 42, "it was run twice"
