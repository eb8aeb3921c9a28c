"""`claudia user | key | session | audit`: what an admin does at a terminal."""

import csv
import io
import json
from datetime import timedelta

import pytest

from claudia_core import Claudia
from claudia_core.cli import main
from claudia_core.errors import TokenInvalid
from claudia_core.model.identity import Identity, Kind

PASSWORD = "four random words here"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "hub.db"
    Claudia(path, display="off").close()
    return path


@pytest.fixture
def run(file, capsys, monkeypatch):
    def run(*arguments, stdin="", code=0):
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as caught:
            main([*arguments, "--database", str(file)])
        told = capsys.readouterr()
        assert caught.value.code == code, told.err
        return told.out + told.err

    return run


def test_a_user_from_beginning_to_end(run, file):
    """Added, listed, granted, disabled, enabled, given a new password, removed; no output holds a password."""
    told = run("user", "add", "ann", "--scope", "operator", "--password-stdin", stdin=f"{PASSWORD}\n")
    told += run("user", "list")
    assert "operator" in told
    run("user", "grant", "ann", "viewer", "--project", "etl")
    run("user", "disable", "ann")
    with Claudia(file, display="off") as hub:
        assert (hub.users.named("ann").enabled, hub.users.named("ann").projects) == (False, ("etl",))
    run("user", "enable", "ann")
    told += run("user", "passwd", "ann", "--password-stdin", stdin="another good password\n")
    with Claudia(file, display="off") as hub:
        assert hub.users.sign_in("ann", "another good password").scope == "viewer"
    told += run("user", "grant", "ann", "--scope", "operator") + run("user", "remove", "ann") + run("audit")
    entries = [line.split() for line in told.splitlines() if " users." in line]
    assert {entry[-1 - len(entry[6:])] for entry in entries} == {"ann"}, entries
    assert "No users" in run("user", "list")
    assert PASSWORD not in told
    assert "another good" not in told


def test_what_is_wrong_is_said(run):
    """A short password, an unknown user, no terminal to ask at: exit code 2 and a sentence."""
    assert "password" in run("user", "add", "ann", "--password-stdin", stdin="short\n", code=2)
    assert "--password-stdin" in run("user", "add", "ann", code=2)
    assert "no user" in run("user", "disable", "nobody", code=2)
    assert "no key" in run("key", "revoke", "nothing", code=2)
    assert "--everybody" in run("session", "end-all", code=2)


def test_a_key_is_printed_once_and_revoked(run, file):
    """The text works until it is revoked by name; the list shows how it begins, and not the text."""
    text = run("key", "create", "ci", "--scope", "viewer", "--days", "3").split()[0]
    with Claudia(file, display="off") as hub:
        assert hub.keys.accept(text).name == "ci"
    listed = run("key", "list")
    assert text[:16] in listed
    assert text not in listed
    run("key", "revoke", "ci")
    with Claudia(file, display="off") as hub, pytest.raises(TokenInvalid):
        hub.keys.accept(text)


def test_signing_out_everywhere(run, file):
    """One session by its id, then everybody's."""
    with Claudia(file, display="off") as hub:
        sessions = [hub.sessions.begin(Identity(Kind.TOKEN, via="token"), timedelta(days=1))[0] for _ in range(3)]
    assert sessions[0].id in run("session", "list")
    run("session", "end", sessions[0].id)
    assert "2 sessions" in run("session", "end-all", "--everybody")
    assert "Nobody" in run("session", "list")


def test_the_audit_log_is_exported(run, file):
    """As JSON lines and as CSV, oldest first; what a spreadsheet would take for a formula is disarmed."""
    with Claudia(file, display="off") as hub:
        hub.audit.record("a.b", '=cmd|"x"', Identity(Kind.USER, "u1", "ann"), reason="because, of\nit")
        hub.audit.record("c.d", "2")
    lines = [json.loads(line) for line in run("audit", "--format", "jsonl").splitlines()]
    assert [line["action"] for line in lines] == ["a.b", "c.d"]
    rows = list(csv.DictReader(io.StringIO(run("audit", "--format", "csv"))))
    assert (rows[0]["subject"], rows[0]["actor"]) == ('\'=cmd|"x"', "user:u1")
    assert json.loads(rows[0]["details"]) == {"reason": "because, of\nit"}
    assert "c.d" not in run("audit", "--action", "a.b")


def test_the_signing_key_is_rotated(run, file):
    """A new key signs; the one before stays in the file, which only its owner may read."""
    run("key", "rotate")
    kept = file.with_name("signing-keys")
    assert len(json.loads(kept.read_bytes())) == 2
    assert kept.stat().st_mode & 0o777 == 0o600


def test_the_key_of_secrets_is_rotated(run, file):
    """All secrets are encrypted anew while a hub is at work, and the old key is forgotten; the audit log tells."""
    with Claudia(file, display="off") as hub:
        endpoint, secret = hub.webhooks.create("https://h.example/", headers={"X-Key": "hunter2"})
        hub.hooks.create("github", "github", ["a secret of theirs"])
        ops = hub.notifications.channels.create("ops", "slack", "https://hooks.slack.com/services/T0")
        old = (file.parent / "secret-keys").read_text()
        assert "3 of 3 endpoints, sources and channels" in run("secrets", "rotate")
        new = (file.parent / "secret-keys").read_text()
        assert (len(new.split()), new) != (2, old)
        assert old.strip() not in new
        opened = hub.webhooks._safe.endpoint(hub.webhooks.get(endpoint.id))
        assert (opened.secrets[0].text, opened.headers) == (secret, {"X-Key": "hunter2"})
        assert hub.notifications.channels.address(hub.notifications.channels.get(ops.id)).endswith("/T0")
        assert [entry.action for entry in hub.audit.list().entries][:1] == ["secrets.rotate"]
    assert "0 of 0" not in run("secrets", "rotate")
