"""`claudia report`, as a user runs it."""

import pytest

from tests.cli.program import run


def test_a_file_by_its_ending(hub):
    """HTML or Markdown; where it is and how large is said beside the results, on standard error."""
    shown = run(hub, "report", "--since", "24h", "-o", "day.html", "--title", "My day")
    assert (shown.returncode, shown.stdout) == (0, "")
    assert shown.stderr.startswith("Written to day.html (")
    text = (hub / "day.html").read_text(encoding="utf-8")
    assert "<title>My day</title>" in text
    assert "1 task failed in the last 24 hours" in text
    assert run(hub, "report", "-o", "day.md").returncode == 0
    assert "ZeroDivisionError: division by zero" in (hub / "day.md").read_text(encoding="utf-8")


def test_a_dash_is_standard_output(hub):
    """As Markdown, or as HTML where asked; nothing else is printed, and no file is made."""
    before = sorted(hub.iterdir())
    shown = run(hub, "report", "-o", "-", "--since", "90m")
    assert shown.stdout.startswith("# Report of tasks and errors\n")
    assert shown.stderr == ""
    assert run(hub, "report", "-o", "-", "--format", "html").stdout.startswith("<!DOCTYPE html>")
    assert sorted(hub.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--since", "yesterday"], "since is 'yesterday'"),
        (["--since", "1h", "--until", "2h"], "would begin at"),
        (["-o", "report.pdf"], "cannot be written to report.pdf"),
        (["-o", "no/such/folder.md"], "cannot be written to no/such/folder.md"),
    ],
    ids=repr,
)
def test_what_cannot_be_done_is_a_line_and_a_hint(hub, arguments, said):
    """Exit code 2 and no traceback; no file is left behind."""
    before = sorted(hub.iterdir())
    shown = run(hub, "report", *arguments)
    assert shown.returncode == 2
    assert shown.stderr.startswith("claudia: ")
    assert said in shown.stderr
    assert len(shown.stderr.splitlines()) == 2
    assert sorted(hub.iterdir()) == before


def test_there_must_be_a_store(tmp_path):
    """A report on nothing would only make an empty store."""
    shown = run(tmp_path, "report")
    assert shown.returncode == 2
    assert "there is no store at" in shown.stderr
    assert not list(tmp_path.iterdir())


def test_it_is_among_the_commands(tmp_path):
    """Help names it, and it explains itself."""
    assert " report " in run(tmp_path, "--help").stdout
    shown = run(tmp_path, "report", "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert all(option in shown.stdout for option in ("--since", "--until", "--output", "--title", "--database"))
