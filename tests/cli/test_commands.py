"""The commands that look at a store or keep it, as a user runs them."""

import json
import re
import sqlite3
import subprocess
import sys
import time

import pytest

from tests.cli.program import COMMAND, environment, run


def test_help_names_every_command(tmp_path):
    """`claudia --help` and the bare program show what there is; nothing heavy is loaded for it."""
    shown = run(tmp_path, "--help")
    assert shown.returncode == 0
    commands = ("serve", "demo", "tasks", "watch", "prune", "backup", "restore", "doctor")
    assert all(f" {command} " in shown.stdout for command in commands)


@pytest.mark.parametrize("command", ["serve", "demo", "tasks", "watch", "prune", "backup", "restore", "doctor"])
def test_every_command_explains_itself(tmp_path, command):
    """`--help` of each says what it does and what its options mean."""
    shown = run(tmp_path, command, "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"Usage: claudia {command}" in shown.stdout
    assert "--database" in shown.stdout
    assert not list(tmp_path.iterdir())


def test_small_commands_load_nothing_heavy(hub):
    """Help and the list of tasks import neither pandas nor the web and plotting packages."""
    heavy = ("pandas", "numpy", "panel", "bokeh", "holoviews", "fastapi", "uvicorn")
    code = (
        "import sys; from claudia_core.cli import main\n"
        "try: main(['tasks'])\n"
        f"except SystemExit: print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=hub, env=environment(), capture_output=True, text=True, check=True
    )
    assert shown.stderr == "[]\n"


@pytest.mark.parametrize("arguments", [["nonsense"], ["tasks", "--nonsense"], ["tasks", "--status", "happy"]], ids=repr)
def test_wrong_usage_is_told_and_ends_with_2(tmp_path, arguments):
    """A wrong command, option or value: what was wrong, exit code 2, no traceback."""
    shown = run(tmp_path, *arguments)
    assert shown.returncode == 2
    assert arguments[-1] in shown.stdout + shown.stderr
    assert re.search(r"^What it takes: claudia (tasks )?--help$", shown.stderr, re.MULTILINE)
    assert "Traceback" not in shown.stderr


def test_an_error_is_a_line_and_a_hint(tmp_path):
    """What Claudia refuses is one line with its cure, exit code 2, no traceback; and no empty store is left behind."""
    shown = run(tmp_path, "tasks")
    assert shown.returncode == 2
    assert shown.stderr.startswith(f"claudia: there is no store at {tmp_path}/.claudia/claudia.db\n")
    assert "claudia serve" in shown.stderr
    assert not list(tmp_path.iterdir())


def test_an_unknown_kind_of_address_is_told_what_there_is(tmp_path):
    """A hub elsewhere is among it."""
    shown = run(tmp_path, "tasks", "--database", "mysql://host/name")
    assert (shown.returncode, "http://HOST:PORT" in shown.stderr) == (2, True)


def test_a_hub_elsewhere_that_is_away(tmp_path):
    """One line says that it is asked again; then the error. Nothing of the library that waits is told."""
    shown = run(tmp_path, "tasks", "--database", "http://127.0.0.1:9/?token=secret")
    assert shown.returncode == 2
    waiting, *error = shown.stderr.splitlines()
    assert "no answer yet: the hub is asked again" in waiting
    assert [line.strip() for line in error] == [
        "claudia: http://127.0.0.1:9 cannot be reached: [Errno 111] Connection refused",
        "is the hub running?",
    ]


def test_a_wrong_setting_is_named(hub):
    """A typo in a variable stops the command and suggests the right name."""
    shown = run(hub, "tasks", CLAUDIA_DATABSE_URL="x")
    assert shown.returncode == 2
    assert "CLAUDIA_DATABSE_URL" in shown.stderr
    assert "did you mean CLAUDIA_DATABASE_URL?" in shown.stderr


def test_tasks_are_listed_with_status_as_mark_and_word(hub):
    """Newest first, with progress and the end of the id; a name stays on its line, and its brackets are no markup."""
    shown = run(hub, "tasks")
    lines = [line for line in shown.stdout.splitlines() if line.strip()][2:]
    assert [line.split()[:2] for line in lines] == [["○", "pending"], ["✖", "failed"], ["✔", "completed"]]
    assert "100%  10/10" in lines[2]
    assert "later  [red]" in lines[0]


def test_tasks_are_filtered(hub):
    """By status, type and the beginning of the name; several statuses are any of them."""

    def names(*arguments):
        return [task["name"] for task in json.loads(run(hub, "tasks", "--json", *arguments).stdout)]

    assert names("--status", "failed") == ["divide"]
    assert names("--status", "failed", "--status", "completed") == ["divide", "clean rows"]
    assert names("--type", "etl", "--limit", "1") == ["later\n\t[red]"]
    assert names("--name", "CLEAN") == ["clean rows"]
    assert names("--name", "nothing like it") == []


def test_no_fitting_task_is_said(hub):
    """An empty table would look like an error."""
    assert "No task fits" in run(hub, "tasks", "--type", "none").stderr


def test_a_pipe_that_closes_early_is_fine(hub):
    """`claudia tasks | head -1` ends without a traceback."""
    shown = subprocess.run(
        f"{' '.join(COMMAND)} tasks --json | head -1",
        shell=True,
        cwd=hub,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (shown.stdout, shown.stderr) == ("[\n", "")


def test_watch_follows_another_process(hub, tmp_path):
    """A line per event of another process, as they come; the time bound ends it."""
    watcher = subprocess.Popen(
        [*COMMAND, "watch", "--seconds", "20"], cwd=hub, env=environment(), stdout=subprocess.PIPE, text=True
    )
    try:
        assert watcher.stdout is not None
        first = watcher.stdout.readline()
        assert "1 failed" in first
        (tmp_path / "tree").mkdir()
        (tmp_path / "tree" / "x.py").write_text("def f(): pass\n")
        run(hub, "demo", tmp_path / "tree")
        seen = ""
        for line in watcher.stdout:
            seen += line
            if "task:completed" in line and "analyse 1 Python files" in line:
                break
        assert "task:started" in seen
        assert "tree modules" in seen
    finally:
        watcher.terminate()
        watcher.wait(10)
        watcher.stdout.close()


def test_watch_ends_with_its_time(hub):
    """`--seconds` bounds it, and the exit code is 0."""
    started = time.monotonic()
    shown = run(hub, "watch", "--seconds", "0.5")
    assert shown.returncode == 0
    assert time.monotonic() - started < 20


def test_watch_of_one_task_tells_how_it_ended(hub):
    """The end of an id will do; a task that ended is not waited for; the exit code says whether it completed."""
    ids = {task["name"]: task["id"] for task in json.loads(run(hub, "tasks", "--json").stdout)}
    completed, failed = run(hub, "watch", ids["clean rows"][-12:]), run(hub, "watch", ids["divide"])
    assert (completed.returncode, failed.returncode) == (0, 1)
    assert completed.stdout.splitlines()[-1].startswith("✔ clean rows: completed, ")
    assert failed.stdout.splitlines()[-1].endswith("ZeroDivisionError: division by zero")
    unknown = run(hub, "watch", "ffffffff0000")
    assert (unknown.returncode, "no task has an id" in unknown.stderr) == (2, True)


def test_prune_deletes_events_and_keeps_tasks(hub):
    """What may go is counted; the tasks are still there."""
    shown = run(hub, "prune", "--events", "1")
    assert shown.returncode == 0
    assert "1 kept" in shown.stdout
    assert len(json.loads(run(hub, "tasks", "--json").stdout)) == 3
    assert run(hub, "prune").stdout.startswith("0 events deleted")


@pytest.mark.parametrize("arguments", [["--days", "-1"], ["--events", "many"]], ids=repr)
def test_prune_refuses_nonsense(hub, arguments):
    """A negative or unreadable bound deletes nothing."""
    assert run(hub, "prune", *arguments).returncode == 2


def test_backup_and_restore(hub, tmp_path):
    """A backup is a whole store; restored elsewhere, where not even the folder exists, it has the same tasks."""
    assert run(hub, "backup", "copy.db").returncode == 0
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    restored = run(elsewhere, "restore", hub / "copy.db")
    assert restored.returncode == 0, restored.stderr
    assert len(json.loads(run(elsewhere, "tasks", "--json").stdout)) == 3


def test_restore_keeps_what_it_replaces(hub):
    """The store in whose place the backup comes stays beside it."""
    run(hub, "backup", "copy.db")
    restored = run(hub, "restore", "copy.db")
    assert restored.returncode == 0
    assert (hub / ".claudia" / "claudia.db.old").exists()
    assert restored.stdout.splitlines()[-1] == f"What was there before is kept in {hub}/.claudia/claudia.db.old"


def test_backup_and_restore_refuse_what_would_harm(hub):
    """An existing file is not overwritten, a foreign file is not restored, a missing one is named."""
    (hub / "there.db").write_text("precious")
    with sqlite3.connect(hub / "foreign.db") as foreign:
        foreign.execute("CREATE TABLE mine (x)")
    foreign.close()
    refused = [run(hub, "backup", "there.db"), run(hub, "restore", "foreign.db"), run(hub, "restore", "none.db")]
    assert [shown.returncode for shown in refused] == [2, 2, 2]
    assert (hub / "there.db").read_text() == "precious"
    assert len(json.loads(run(hub, "tasks", "--json").stdout)) == 3


def test_demo_prints_what_it_found(tmp_path):
    """The table, the sums and the errors of a real tree with a broken file; its tasks are in the store."""
    tree = tmp_path / "tree"
    (tree / "package").mkdir(parents=True)
    (tree / "package" / "good.py").write_text("def f(a):\n    return a or 1\n")
    (tree / "package" / "bad.py").write_bytes(b"x = 1\ny = 2\nz = '\xff'\n")
    shown = run(tmp_path, "demo", tree)
    assert shown.returncode == 0, shown.stderr
    assert "f (package/good.py:1)" in shown.stdout
    assert "2 files in 1 packages." in shown.stdout
    assert "1 files could not be read as Python" in shown.stdout
    assert "Traceback" not in shown.stderr
    names = {task["name"] for task in json.loads(run(tmp_path, "tasks", "--json").stdout)}
    assert names == {"package", "analyse 2 Python files in 1 packages"}


def test_demo_refuses_a_folder_without_python(tmp_path):
    """Nothing is started, not even a store."""
    shown = run(tmp_path, "demo", tmp_path / "none")
    assert (shown.returncode, "no folder" in shown.stderr) == (2, True)
    assert not list(tmp_path.iterdir())
