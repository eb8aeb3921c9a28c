"""docker-compose.yml cannot be run here; what can be checked of it without Docker is."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from claudia_core.api.tokens import server_token
from claudia_core.settings import default_settings

ROOT = Path(__file__).parents[1]
GIVEN = {
    "BROKER_PASSWORD": "s3cret",
    "CLAUDIA_TOKEN": "t" * 16,
    "CLAUDIA_JWT_SECRET": "j" * 32,
    "ADMIN_PASSWORD": "p" * 12,
}


@pytest.fixture
def compose() -> dict[str, Any]:
    """The file, with the variables that it asks for."""

    def given(found: re.Match[str]) -> str:
        return GIVEN.get(found.group(1)) or found.group(3) or ""

    text = (ROOT / "docker-compose.yml").read_text()
    text = re.sub(r"(?<!\$)\$\{(\w+)(:[-?])([^}]*)\}", given, text)
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def test_the_settings_are_right(compose: dict[str, Any]) -> None:
    """Every variable is a setting of the hub, and its value is taken."""
    for name in ("one", "two"):
        variables = compose["services"][name]["environment"]
        settings = default_settings(**{name.removeprefix("CLAUDIA_").lower(): one for name, one in variables.items()})
        assert server_token(settings, None) == GIVEN["CLAUDIA_TOKEN"]
        assert settings.database_url.endswith("/claudia?replicaSet=rs0")


def test_names_fit(compose: dict[str, Any]) -> None:
    """What is waited for, reached and proxied to is a service of the file, and the proxy's net is the trusted one."""
    services = compose["services"]
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
    settings = services["one"]["environment"]
    for name in ("DATABASE", "REDIS", "BROKER"):
        host = re.search(r"://(?:[^@]*@)?([^:/]+)", settings[f"CLAUDIA_{name}_URL"])
        assert host is not None
        assert host.group(1) in services
    proxied = re.findall(r"server (\w+):5006", compose["configs"]["proxy"]["content"])
    assert proxied == ["one", "two"]
    (net,) = compose["networks"]["default"]["ipam"]["config"]
    assert settings["CLAUDIA_TRUSTED_PROXIES"] == net["subnet"]


def test_the_image_has_what_it_needs(compose: dict[str, Any]) -> None:
    """What is copied into it exists, and the extras are those of the package."""
    text = (ROOT / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (.*)$", text, re.MULTILINE):
        *sources, _ = line.split()
        assert all((ROOT / source).exists() for source in sources), line
    extras = re.search(r"'\.\[([\w,]+)\]'", text)
    assert extras is not None
    package = (ROOT / "pyproject.toml").read_text()
    assert all(f"\n{extra} = [" in package for extra in extras.group(1).split(","))
