"""`claudia doctor`: what it finds, what it advises, and its exit code."""

import re
import sqlite3

import pytest

from claudia_core.cli.doctor import installation
from claudia_core.cli.doctor.findings import State
from tests.cli.program import run, serving


def test_a_good_installation_has_no_broken_part(hub):
    """Versions, settings and the store are told; the exit code is 0."""
    shown = run(hub, "doctor", CLAUDIA_PORT="0")
    assert shown.returncode == 0, shown.stdout
    for word in ("Python", "SQLite", "schema version", "mongodb", "redis", "All that is needed works."):
        assert word in shown.stdout
    assert "✖" not in shown.stdout


def test_it_makes_nothing(tmp_path):
    """Where there is no store yet, it says so and leaves the folder as it was."""
    shown = run(tmp_path, "doctor", CLAUDIA_PORT="0")
    assert "is not made yet" in shown.stdout
    assert not list(tmp_path.iterdir())


def test_settings_have_their_origin_and_secrets_are_masked(hub):
    """Each setting says where it comes from; the token is never shown."""
    (hub / ".env").write_text("CLAUDIA_LEASE=20\n")
    (hub / "claudia.toml").write_text("heartbeat = 4\nlease = 30\n")
    shown = run(hub, "doctor", CLAUDIA_TOKEN="a-very-secret-token-here", CLAUDIA_PORT="0").stdout
    lines = {line.split()[1]: line for line in shown.splitlines() if len(line.split()) > 2}
    assert "20.0  (.env CLAUDIA_LEASE)" in lines["lease"]
    assert "4.0  (claudia.toml)" in lines["heartbeat"]
    assert "********  (environment variable CLAUDIA_TOKEN)" in lines["token"]
    assert "durability" not in lines
    assert "claudia config show --all" in lines["others"]
    assert "very-secret" not in shown


def test_a_broken_setting_is_named_with_its_cure(tmp_path):
    """The doctor itself does not fail on what it should explain; the exit code is 1."""
    shown = run(tmp_path, "doctor", CLAUDIA_PROT="1")
    assert shown.returncode == 1
    assert "CLAUDIA_PROT" in shown.stdout
    assert "did you mean CLAUDIA_PORT?" in shown.stdout


def test_a_foreign_store_is_broken(tmp_path):
    """A file of another program is named, untouched, with exit code 1."""
    with sqlite3.connect(tmp_path / "foreign.db") as foreign:
        foreign.execute("CREATE TABLE mine (x)")
    foreign.close()
    before = (tmp_path / "foreign.db").read_bytes()
    shown = run(tmp_path, "doctor", "--database", "foreign.db", CLAUDIA_PORT="0")
    assert shown.returncode == 1
    assert "another program" in shown.stdout
    assert (tmp_path / "foreign.db").read_bytes() == before


def test_a_running_hub_is_recognised(hub):
    """A port with a hub on it is good news; one that another program has is a warning with the way out."""
    with serving(hub) as served:
        port = served.base.rpartition(":")[2]
        assert "a hub runs at" in run(hub, "doctor", CLAUDIA_PORT=port).stdout


def test_a_hub_elsewhere_is_asked(hub):
    """It answers, or the sentence says why it does not; the token of its link is not shown."""
    with serving(hub) as served:
        shown = run(hub, "doctor", "--database", served.link, CLAUDIA_PORT="0")
        assert shown.returncode == 0, shown.stdout
        assert re.search(rf"✔ hub +{served.base} answers: [1-9]", shown.stdout)
        assert served.token not in shown.stdout
        refused = run(hub, "doctor", "--database", served.base, CLAUDIA_PORT="0")
    away = run(hub, "doctor", "--database", served.base, CLAUDIA_PORT="0")
    assert (refused.returncode, away.returncode) == (1, 1)
    assert "in CLAUDIA_TOKEN or the hub's link" in refused.stdout
    assert "cannot be reached" in away.stdout


@pytest.mark.parametrize(("found", "word"), [(None, "not installed"), ("1.0", "needed is apsw>=")])
def test_a_missing_or_old_package_is_broken(monkeypatch, found, word):
    """What is needed and missing or too old breaks the verdict, with the command that helps."""
    known = installation._installed
    monkeypatch.setattr(installation, "_installed", lambda name: found if name == "apsw" else known(name))
    broken = [finding for finding in installation.examine_packages() if finding.state is State.BROKEN]
    assert [finding.name for finding in broken] == ["apsw"]
    assert word in broken[0].text
    assert broken[0].cure.startswith("pip install 'apsw>=")


def test_a_missing_extra_breaks_nothing(monkeypatch):
    """An extra that is not installed is a note with the command that would install it."""
    known = installation._installed
    monkeypatch.setattr(installation, "_installed", lambda name: None if name == "pymongo" else known(name))
    extra = next(finding for finding in installation.examine_extras() if finding.name == "mongodb")
    assert extra.state is State.NOTE
    assert "pip install 'claudia-core[mongodb]'" in extra.text
