"""What a run shows where it runs: nothing in a pipe, a bar in a terminal, a widget in Jupyter."""

import os
import pty
import re
import subprocess
import sys
import textwrap

import nbformat
import pytest
from nbclient import NotebookClient

SCRIPT = textwrap.dedent(
    """
    import sys, time
    from claudia_core import Claudia
    with Claudia("memory://") as claudia:
        for row in claudia.track(range(20), "count [bold]rows[/]"):
            for inner in claudia.track(range(2), "inner"):
                time.sleep(0.01)
        print("done")
        try:
            for row in claudia.track(range(20), "fails"):
                if row == 3:
                    raise ValueError("no")
        except ValueError:
            pass
    """
)


def test_silence_in_a_pipe():
    """Not a tty: nothing is shown, neither on stdout nor on stderr."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_a_closed_stderr():
    """Daemons have none; loops work all the same."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\nsys.stderr.close()\n{SCRIPT}"], capture_output=True, timeout=60, check=True
    )
    assert done.stdout == b"done\n"


def read_all(terminal: int) -> str:
    parts = []
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux says so when the other end is closed
            part = b""
        if not part:
            return b"".join(parts).decode()
        parts.append(part)


def test_a_bar_in_a_terminal():
    """Name, count and how it ended are on the terminal; markup in names is not obeyed; prints stay whole."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "160"}
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        shown = read_all(ours)
        os.close(ours)
        assert process.wait(60) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert "count [bold]rows[/]" in text
    assert "20/20" in text
    assert "✔ completed" in text
    assert "3/20" in text
    assert "✖ failed" in text
    assert "done" in text
    last = text.replace("\r", "\n").rstrip().splitlines()
    assert not any("inner" in line for line in last[-3:])


@pytest.fixture(scope="module")
def executed():
    """A small notebook, run in a real kernel; the first cell's loop waits until its own display was seen to move."""
    cells = [
        "from claudia_core import Claudia\nimport time\nclaudia = Claudia('memory://')",
        "for row in claudia.track(range(40), 'in a notebook'):\n    time.sleep(0.02)",
        "import threading\n"
        "def work():\n"
        "    for row in claudia.track(range(5), 'in a thread'):\n"
        "        time.sleep(0.05)\n"
        "with claudia.task('cell', estimated_steps=2) as task:\n"
        "    for row in claudia.track(range(2), 'inside'):\n"
        "        time.sleep(0.2)\n"
        "thread = threading.Thread(target=work)\nthread.start()\nthread.join()",
        "rows = claudia.track([1, 2], 'shown by hand', show=False)\nlist(rows)\nrows",
        "for row in claudia.track(range(9), 'fails'):\n    1 / (row - 4)",
        "claudia.close()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    updates = []

    class Client(NotebookClient):
        def process_message(self, message, cell, index):
            updates.append((index, message["msg_type"], message["content"]))
            return super().process_message(message, cell, index)

    Client(notebook, timeout=60, kernel_name="python3", allow_errors=True).execute()
    return notebook, updates


def html_of(updates, index, kind):
    return [content["data"]["text/html"] for at, found, content in updates if (at, found) == (index, kind)]


def test_a_widget_in_a_notebook(executed):
    """One output, updated from the background thread while the cell runs, and settled at the end."""
    notebook, updates = executed
    moved = [re.search(r"(\d+)/40", html).group(1) for html in html_of(updates, 1, "update_display_data")]
    assert any(0 < int(count) < 40 for count in moved), moved
    (output,) = notebook.cells[1].outputs
    assert "40/40 items (100%) · completed" in output["data"]["text/html"]
    assert output["data"]["text/plain"] == "in a notebook: completed, 40/40 items (100%)"


def test_nested_and_threaded_loops_in_a_notebook(executed):
    """An inner loop is a line in the widget around it while it runs; a thread's loop has a widget of its own."""
    notebook, updates = executed
    assert any("inside" in html and "cell" in html for html in html_of(updates, 2, "update_display_data"))
    outputs = [output["data"]["text/html"] for output in notebook.cells[2].outputs if "data" in output]
    assert sum("cell" in html and "inside" not in html for html in outputs) == 1
    assert sum("in a thread" in html and "completed" in html for html in outputs) == 1


def test_a_run_as_the_value_of_a_cell(executed):
    """The last state as HTML and text."""
    (output,) = executed[0].cells[3].outputs
    assert "shown by hand" in output["data"]["text/html"]
    assert output["data"]["text/plain"] == "shown by hand: completed, 2/2 items (100%)"


def test_a_cell_that_fails(executed):
    """The widget says so, and the user sees the exception itself."""
    shown, error = executed[0].cells[4].outputs
    assert "4/9 items (44%) · failed" in shown["data"]["text/html"]
    assert error["ename"] == "ZeroDivisionError"
