"""Where settings come from: presets of environments, dotted paths, and what `claudia config show` prints."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from claudia_core.errors import SettingsError
from claudia_core.model.address import MASK
from claudia_core.origins import explain
from claudia_core.settings import PRESETS, Settings, default_settings, load_settings
from tests.cli.program import run


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder and no variable of ours."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.upper().startswith("CLAUDIA_") or name in (
            "MONGODB_URI",
            "REDIS_URL",
            "SENDGRID_API_KEY",
            "JWT_SECRET",
        ):
            monkeypatch.delenv(name)
    return tmp_path


def test_presets_are_settings() -> None:
    """Each preset holds settings that are right."""
    for preset in PRESETS.values():
        assert default_settings(**preset).port >= 0


def test_a_preset_gives_way_to_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test environment works in memory and on free ports, wherever it is named; any other source wins over that."""
    (tmp_path / "claudia.toml").write_text('environment = "test"\nport = 7000\n')
    found = load_settings()
    assert (found.database_url, found.port, found.grpc_port, found.display) == ("memory://", 7000, 0, "off")
    monkeypatch.setenv("CLAUDIA_DATABASE_URL", "sqlite:///here.db")
    assert load_settings().database_url == "sqlite:///here.db"
    monkeypatch.setenv("CLAUDIA_ENVIRONMENT", "production")
    assert (load_settings().grpc_port, load_settings().display) == (5007, "off")
    assert load_settings(environment="development").display == "auto"


def test_every_origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument, variables by both of their names, both files, a preset and nothing, each told as what it is."""
    (tmp_path / "claudia.toml").write_text('keep_days = 3\nport = 1\nenvironment = "production"\n')
    (tmp_path / ".env").write_text("CLAUDIA_PORT=2\nREDIS_URL=redis://:hunter2@host:6379\nCLAUDIA_HOST=127.0.0.2\n")
    monkeypatch.setenv("CLAUDIA_HOST", "127.0.0.3")
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.hunter2")
    monkeypatch.setenv("MONGODB_URI", "mongodb://ann:hunter2@host/hub")
    found = {one.name: one for one in explain({"lease": "--lease"}, lease=40.0, token=None)}
    assert {
        name: found[name].origin for name in ("lease", "host", "mail_url", "database_url", "port", "redis_url")
    } == {
        "lease": "argument --lease",
        "host": "environment variable CLAUDIA_HOST",
        "mail_url": "environment variable SENDGRID_API_KEY",
        "database_url": "environment variable MONGODB_URI",
        "port": ".env CLAUDIA_PORT",
        "redis_url": ".env REDIS_URL",
    }
    assert {found[name].origin for name in ("keep_days", "environment")} == {"claudia.toml"}
    assert (found["display"].origin, found["durability"].origin) == ("preset production", "default")
    assert (found["mail_url"].shown, found["database_url"].shown) == (MASK, f"mongodb://ann:{MASK}@host/hub")
    assert "hunter2" not in str(found)
    assert set(found) == set(Settings.model_fields)


def test_what_is_told_is_what_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For every pair of sources, the value in force is that of the source that is named."""
    sources = {
        "claudia.toml": lambda: (tmp_path / "claudia.toml").write_text('database_url = "1.db"\n'),
        ".env MONGODB_URI": lambda: (tmp_path / ".env").write_text("MONGODB_URI=2.db\n"),
        "environment variable MONGODB_URI": lambda: monkeypatch.setenv("MONGODB_URI", "4.db"),
        "environment variable CLAUDIA_DATABASE_URL": lambda: monkeypatch.setenv("CLAUDIA_DATABASE_URL", "5.db"),
    }
    for origin, make in sources.items():
        make()
        (found,) = [one for one in explain() if one.name == "database_url"]
        assert (found.origin, found.shown) == (origin, load_settings().database_url)


def test_a_key_of_sendgrid_carries_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guide's SENDGRID_API_KEY is enough to send by SendGrid; a carrier that is named wins."""
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.a/b")
    secret = load_settings().mail_url
    assert secret is not None
    assert secret.get_secret_value() == "sendgrid://SG.a%2Fb"
    monkeypatch.setenv("CLAUDIA_MAIL_URL", "file:///mail")
    secret = load_settings().mail_url
    assert secret is not None
    assert secret.get_secret_value() == "file:///mail"


def test_dotted_paths() -> None:
    """One setting by its path, a group by its name; what is close is named where there is nothing."""
    settings = default_settings(github_client_id="id", github_client_secret="secret")
    assert settings.get("database.url") == settings.database_url
    assert settings.get("port") == 5006
    assert settings.get("github")["client_id"] == "id"
    assert "secret" not in str(settings.get("github.client_secret"))
    with pytest.raises(SettingsError, match="database_url"):
        settings.get("databse.url")


@pytest.mark.slow
def test_the_command(tmp_path: Path) -> None:
    """What was given, with where from, as a table and as JSON; no secret in either; what is wrong is said."""
    (tmp_path / "claudia.toml").write_text("keep_days = 3\n")
    done = run(tmp_path, "config", "show", CLAUDIA_TOKEN="hunter2-hunter2")
    assert "keep_days" in done.stdout
    assert "claudia.toml" in done.stdout
    assert "lease" not in done.stdout
    assert "hunter2" not in done.stdout
    told = json.loads(run(tmp_path, "config", "show", "--all", "--json", "-d", "x.db", CLAUDIA_TOKEN="hunter2").stdout)
    assert told["database_url"] == {"value": "x.db", "origin": "argument --database"}
    assert told["token"] == {"value": MASK, "origin": "environment variable CLAUDIA_TOKEN"}
    assert told["lease"]["origin"] == "default"
    assert run(tmp_path, "config", "show", CLAUDIA_PORT="many").returncode == 2
