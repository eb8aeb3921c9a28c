"""Makes notebooks fit to be committed: without outputs, but for those that tests compare.

Usage: python scripts/notebooks.py          strips every notebook
       python scripts/notebooks.py --run    runs them first, so that compared outputs are those of now

Outputs are kept of cells whose first line is `# NBVAL_CHECK_OUTPUT`; these must print the same everywhere.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
COMPARED = "# NBVAL_CHECK_OUTPUT"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def notebooks() -> list[Path]:
    """All of them, in the order of reading."""
    return sorted(FOLDER.glob("*.ipynb"))


def stripped(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without counts, outputs that are not compared, and what an editor left in its metadata."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for number, cell in enumerate(notebook.cells, start=1):
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if cell.cell_type == "code":
            cell.outputs = list(kept(cell))
            cell.execution_count = number if cell.outputs else None  # nbval refuses outputs of a cell that never ran
    return notebook


def kept(cell: nbformat.NotebookNode) -> Iterator[nbformat.NotebookNode]:
    """What a cell printed, if that is compared."""
    if cell.source.startswith(COMPARED):
        yield from (output for output in cell.outputs if output.output_type == "stream" and output.name == "stdout")


def run(notebook: nbformat.NotebookNode) -> None:
    """Execute all cells where the notebook lies, with a hub of its own."""
    import os
    import tempfile

    from nbclient import NotebookClient

    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "CLAUDIA_DATABASE_URL": str(Path(folder) / "claudia.db")}
        client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(FOLDER)}})
        client.execute(env=environment)


def main() -> None:
    for path in notebooks():
        notebook = nbformat.read(path, as_version=4)
        if "--run" in sys.argv:
            run(notebook)
        text = nbformat.writes(stripped(notebook), indent=1, ensure_ascii=False) + "\n"
        if text != path.read_text(encoding="utf-8"):
            path.write_text(text, encoding="utf-8")
            print(path.name)


if __name__ == "__main__":
    main()
