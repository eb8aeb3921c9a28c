"""Notebooks as they are committed. `make test` also runs each of them, and compares what they print."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from scripts.notebooks import stripped

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
COMPARED = "# NBVAL_CHECK_OUTPUT"


def code(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_all_are_there():
    """Five tours and four runbooks."""
    assert [path.stem for path in NOTEBOOKS] == [
        "01_first_look",
        "02_dashboards",
        "03_explore_history",
        "04_reports",
        "05_agents_and_engines",
        "runbook_database_down",
        "runbook_error_spike",
        "runbook_stuck_tasks",
        "runbook_webhooks_failing",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_its_outputs(path):
    """But for text that is compared. To strip: `python scripts/notebooks.py`."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    for cell in code(path):
        assert set(cell.metadata) <= {"tags"}
        if cell.source.startswith(COMPARED):
            assert [output.output_type for output in cell.outputs] == ["stream"], cell.source
        else:
            assert (cell.execution_count, cell.outputs) == (None, []), cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_short_to_read(path):
    """Something is compared in each; no cell is longer than a screen, and each block of code is introduced in words."""
    cells = nbformat.read(path, as_version=4).cells
    assert any(cell.source.startswith(COMPARED) for cell in code(path))
    assert max(cell.source.count("\n") for cell in code(path)) < 25
    assert cells[0].cell_type == "markdown"
    assert cells[0].source.startswith("# ")


def test_stripping_takes_away_what_a_run_leaves(tmp_path):
    """Counts, pictures, and the metadata of an editor go; compared text stays."""
    output = nbformat.v4.new_output("stream", name="stdout", text="3\n")
    cells = [
        nbformat.v4.new_code_cell("print(3)", outputs=[output], execution_count=7, metadata={"trusted": True}),
        nbformat.v4.new_code_cell(f"{COMPARED}\nprint(3)", outputs=[output], metadata={"tags": ["x"]}),
    ]
    plain, compared = stripped(nbformat.v4.new_notebook(cells=cells, metadata={"widgets": {}})).cells
    assert (plain.execution_count, plain.outputs, plain.metadata) == (None, [], {})
    assert compared.outputs == [output]
    assert compared.execution_count is not None, "nbval refuses the outputs of a cell that never ran"
    assert compared.metadata == {"tags": ["x"]}


def test_stripping_again_changes_nothing():
    """What is committed is what the script writes."""
    before = [path.read_bytes() for path in NOTEBOOKS]
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "notebooks.py"], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == ""
    assert [path.read_bytes() for path in NOTEBOOKS] == before
