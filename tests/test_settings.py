"""Settings: what is unknown or malformed stops the start with a sentence that names it."""

import os

import pytest
from pydantic import ValidationError

from claudia_core.app import Claudia
from claudia_core.errors import SettingsError
from claudia_core.settings import Settings, default_settings, load_settings


@pytest.fixture(autouse=True)
def nothing_set(tmp_path, monkeypatch):
    """An empty folder and no variable of ours."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.upper().startswith("CLAUDIA_"):
            monkeypatch.delenv(name)


def test_defaults():
    """Without anything set, both ways give the same."""
    assert load_settings().model_dump() == default_settings().model_dump()
    assert load_settings().host == "127.0.0.1"


def test_a_wrong_address_does_not_show_its_password():
    """What is wrong is told with what was given, but for a password within it, however long the address is."""
    for given in ("rediss://me:hunter2@host/0/", "x://me:" + "hunter2" * 30 + "@host"):
        with pytest.raises(SettingsError) as caught:
            default_settings(rate_storage="no" + given)
        assert "hunter2" not in str(caught.value)
        assert "nore" in str(caught.value) or "nox" in str(caught.value)


def test_the_order_of_the_sources(tmp_path, monkeypatch):
    """An argument wins over the environment, that over `.env`, that over `claudia.toml`."""
    (tmp_path / "claudia.toml").write_text('port = 1001\nhost = "toml"\nkeep_days = 3\ntoken = "toml"\n')
    (tmp_path / ".env").write_text("CLAUDIA_PORT=1002\nCLAUDIA_HOST=dotenv\nCLAUDIA_KEEP_DAYS=4\nOTHER=1\n")
    monkeypatch.setenv("CLAUDIA_PORT", "1003")
    monkeypatch.setenv("claudia_host", "environment")
    settings = load_settings(port=1004, keep_bytes=None)
    assert (settings.port, settings.host, settings.keep_days) == (1004, "environment", 4)
    assert settings.token.get_secret_value() == "toml"
    assert load_settings().port == 1003


MALFORMED = [
    ("port", "abc", "integer"),
    ("port", "-1", "greater than or equal to 0"),
    ("port", "65536", "less than or equal to 65535"),
    ("port", "", "integer"),
    ("durability", "maybe", "'full' or 'normal'"),
    ("display", "on", "'auto' or 'off'"),
    ("environment", "prod", "'production'"),
    ("heartbeat", "0", "greater than 0"),
    ("heartbeat", "nan", "finite number"),
    ("busy_timeout", "inf", "finite number"),
    ("lease", "soon", "number"),
    ("keep_days", "-1", "greater than 0"),
    ("keep_days", "inf", "finite number"),
    ("keep_days", "40000", "less than or equal to 36500"),
    ("keep_bytes", "2GB", "integer"),
    ("token", "", "it is empty"),
    ("jwt_secret", "short", "it is shorter than 32 characters"),
]


@pytest.mark.parametrize("source", ["environment", ".env", "claudia.toml", "argument"])
@pytest.mark.parametrize(("field", "value", "right"), MALFORMED, ids=[f"{f}={v}" for f, v, _ in MALFORMED])
def test_a_malformed_value_is_named(tmp_path, monkeypatch, field, value, right, source):
    """The variable, the value and what would be right, wherever it came from."""
    name = f"CLAUDIA_{field.upper()}"
    values = {}
    if source == "environment":
        monkeypatch.setenv(name, value)
    elif source == ".env":
        (tmp_path / ".env").write_text(f"{name}={value}\n")
    elif source == "claudia.toml":
        (tmp_path / "claudia.toml").write_text(f'{field} = "{value}"\n')
    else:
        values = {field: value}
    with pytest.raises(SettingsError) as caught:
        load_settings(**values)
    text = str(caught.value)
    assert text.startswith(name)
    assert right in text
    assert caught.value.field == name
    assert caught.value.hint == Settings.model_fields[field].description
    assert field in ("token", "jwt_secret") or repr(value) in text


def test_a_secret_is_not_shown(monkeypatch):
    """Neither in an error nor in the settings' own text."""
    assert "hunter2" not in repr(load_settings(token="hunter2"))
    with pytest.raises(SettingsError) as caught:
        load_settings(token=["hunter2"])
    assert "hunter2" not in str(caught.value)


def test_settings_that_do_not_fit_together():
    """A lease shorter than the heartbeats would make every process look lost."""
    with pytest.raises(SettingsError, match="CLAUDIA_LEASE is 4: use at least twice CLAUDIA_HEARTBEAT, 10 seconds"):
        load_settings(lease=4, heartbeat=5)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("CLAUDIA_PROT", "CLAUDIA_PORT"),
        ("CLAUDIA_DATABASE_URI", "CLAUDIA_DATABASE_URL"),
        ("claudia_tokn", "CLAUDIA_TOKEN"),
    ],
)
def test_an_unknown_variable_suggests_the_near_one(tmp_path, monkeypatch, name, near):
    """A typo is not ignored, in the environment as in `.env`."""
    (tmp_path / ".env").write_text(f"{name}=1\n")
    with pytest.raises(SettingsError, match=rf"unknown variable in .env {name} \(did you mean {near}\?\)"):
        load_settings()
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError, match=rf"unknown environment variable {name} \(did you mean {near}\?\)"):
        load_settings()


def test_an_unknown_variable_that_is_near_to_none(monkeypatch):
    """All that are known are listed."""
    monkeypatch.setenv("CLAUDIA_XYZZY", "1")
    with pytest.raises(SettingsError, match=r"known are: .*CLAUDIA_BUSY_TIMEOUT, .*CLAUDIA_DATABASE_URL"):
        load_settings()


@pytest.mark.parametrize(("key", "near"), [("prot", "port"), ("PORT", "port"), ("claudia_port", "port")])
def test_an_unknown_key_in_claudia_toml(tmp_path, key, near):
    """Keys are the names in lower case, without the prefix."""
    (tmp_path / "claudia.toml").write_text(f"{key} = 1\n")
    with pytest.raises(SettingsError, match=rf"unknown setting in claudia.toml {key} \(did you mean {near}\?\)"):
        load_settings()


def test_an_unknown_argument():
    """The same for what is given in code."""
    with pytest.raises(SettingsError, match=r"unknown setting dispaly \(did you mean display\?\)"):
        Claudia("memory://", dispaly="off")
    with pytest.raises(SettingsError, match=r"did you mean port\?"):
        default_settings(prot=1)


@pytest.mark.parametrize(
    ("content", "reason"), [(b"port = ", "must be TOML"), (b'token = "\xff"', "must be TOML in UTF-8")]
)
def test_an_unreadable_toml(tmp_path, content, reason):
    """Says which file, and what is wrong with it."""
    (tmp_path / "claudia.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=rf"claudia.toml cannot be read: .*{reason}"):
        load_settings()


def test_an_unreadable_env_file(tmp_path):
    """The same for `.env`."""
    (tmp_path / ".env").write_bytes(b"CLAUDIA_TOKEN=\xff\n")
    with pytest.raises(SettingsError, match=r".env cannot be read: .*UTF-8"):
        load_settings()


def test_they_do_not_change():
    """Frozen; `changed` gives other ones, checked in the same way."""
    settings = default_settings(port=1, token="secret")
    with pytest.raises(ValidationError):
        settings.port = 2
    changed = settings.changed(port=2)
    assert (changed.port, changed.token, settings.port) == (2, settings.token, 1)
    assert settings.changed() is settings
    with pytest.raises(SettingsError, match="CLAUDIA_PORT"):
        settings.changed(port="x")


def test_every_setting_is_described():
    """The description is the hint of an error and a line of the documentation."""
    assert all(field.description for field in Settings.model_fields.values())
