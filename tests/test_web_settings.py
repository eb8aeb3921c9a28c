"""Settings of the server towards browsers and the network."""

import pytest

from claudia_core.errors import SettingsError
from claudia_core.settings import default_settings, load_settings


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("frame_ancestors", ["'self' https://wiki.example.org", "'none'", "http://localhost:8888", "https://*.x.org"]),
        ("trusted_proxies", ["", "10.0.0.1", "10.0.0.0/8, ::1"]),
        ("rate_limit", ["", "1/second", "60000/minute"]),
        ("rate_storage", ["", "memory://", "redis://127.0.0.1:6379/1"]),
        ("public_url", ["", "https://hub.example.org", "http://127.0.0.1:5006/"]),
        ("sign_in_grants", ["", "github:group:acme=viewer"]),
    ],
)
def test_what_is_right(name, values):
    """Each is taken."""
    for value in values:
        assert default_settings(**{name: value})


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("frame_ancestors", ["", "*", "'self'; script-src *", "wiki.example.org", "'none' 'self'", "https://a,https://b"]),
        ("trusted_proxies", ["*", "proxy.example.org", "10.0.0.1/33"]),
        ("rate_limit", ["fast", "0/minute", "10", "10/fortnight"]),
        ("rate_storage", ["file:///x", "memory"]),
        ("public_url", ["hub.example.org", "ftp://x", "https://x/path"]),
        ("sign_in_grants", ["everybody"]),
        ("oidc_scopes", ["email"]),
        ("github_client_id", ["alone"]),
        ("google_client_secret", ["alone"]),
        ("oidc_issuer", ["https://alone.example.org"]),
    ],
)  # fmt: skip
def test_what_is_wrong(name, values):
    """Each stops the start, with the name of the variable."""
    for value in values:
        with pytest.raises(SettingsError, match=r"CLAUDIA_[A-Z]+"):
            default_settings(**{name: value})


def test_the_names_others_use(monkeypatch, tmp_path):
    """GITHUB_CLIENT_ID and the like are taken too; secrets are not shown."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_CLIENT_ID", "me")
    monkeypatch.setenv("GITHUB_CLIENT_SECRET", "hush")
    settings = load_settings()
    assert (settings.github_client_id, settings.github_client_secret.get_secret_value()) == ("me", "hush")
    assert "hush" not in repr(settings)
