"""docker-compose.yml cannot be run here; what can be checked of it without Docker is."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from claudia_core.api.tokens import server_token
from claudia_core.app import Claudia
from claudia_core.settings import default_settings
from claudia_core.testing.servers import free_port, rabbitmq_server, redis_server, secantus
from tests.cli.program import environment, serving
from tests.servers import require

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


# --- against the rules of the compose specification (github.com/compose-spec/compose-spec) ---

TOP = {"services", "networks", "volumes", "configs"}
SERVICE = {
    "build": (str, dict),
    "command": (list, str),
    "configs": (list,),
    "depends_on": (dict,),
    "environment": (dict,),
    "healthcheck": (dict,),
    "image": (str,),
    "ports": (list,),
    "restart": (str,),
    "volumes": (list,),
}
"""What of a service is used here, and what it may be."""

HEALTH = {"test", "interval", "timeout", "retries", "start_period", "start_interval", "disable"}
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
RESTARTS = {"no", "always", "on-failure", "unless-stopped"}
DURATION = r"(\d+(us|ms|s|m|h))+"


def test_it_is_a_compose_file(compose: dict[str, Any]) -> None:
    """Only keys of the specification, with values of their kinds; each service has an image or is built."""
    assert {key for key in compose if not key.startswith("x-")} <= TOP
    for name, service in compose["services"].items():
        assert service.keys() <= SERVICE.keys(), name
        assert all(isinstance(value, SERVICE[key]) for key, value in service.items()), name
        assert ("image" in service) != ("build" in service), name
        assert service.get("restart", "no") in RESTARTS
        assert all(isinstance(value, str) for value in service.get("environment", {}).values()), name
        for port in service.get("ports", ()):
            assert re.fullmatch(r"(\d+\.){3}\d+:\d+:\d+", port), "only this machine reaches it"
        for volume in service.get("volumes", ()):
            assert volume.partition(":")[0] in compose["volumes"]
        for config in service.get("configs", ()):
            assert config.keys() == {"source", "target"}
            assert config["source"] in compose["configs"]
    for config in compose["configs"].values():
        assert config.keys() == {"content"}


def test_who_is_waited_for_can_say_so(compose: dict[str, Any]) -> None:
    """Who is to be healthy has a check, with times that can be read; who is to end well is not started again."""
    services = compose["services"]
    for service in services.values():
        check = service.get("healthcheck", {})
        assert check.keys() <= HEALTH
        assert not check or check["test"][0] in ("CMD", "CMD-SHELL")
        assert all(re.fullmatch(DURATION, check[key]) for key in ("interval", "start_period") if key in check)
        for name, how in service.get("depends_on", {}).items():
            assert how["condition"] in CONDITIONS
            assert how["condition"] != "service_healthy" or "healthcheck" in services[name]
            assert how["condition"] != "service_completed_successfully" or "restart" not in services[name]
    started: set[str] = set()
    while ready := {name for name in services if set(services[name].get("depends_on", ())) <= started} - started:
        started |= ready
    assert started == set(services)


def test_no_variable_is_lost() -> None:
    """A dollar is a variable that is asked for, or written twice where the container is to see it."""
    text = "\n".join(line for line in (ROOT / "docker-compose.yml").read_text().splitlines() if "#" not in line[:2])
    asked = re.findall(r"(?<!\$)\$(?!\$)\{?(\w+)", re.sub(r"\$\$", "", text))
    assert set(asked) == {*GIVEN, "CLAUDIA_PUBLIC_URL"}


# --- its commands, run here --------------------------------------


def _plain(text: str) -> str:
    """As compose hands it to the container."""
    return text.replace("$$", "$")


def _check(compose: dict[str, Any], name: str) -> list[str]:
    kind, *command = compose["services"][name]["healthcheck"]["test"]
    assert kind == "CMD"
    return [_plain(word) for word in command]


@pytest.fixture
def programs(tmp_path: Path) -> dict[str, str]:
    """Variables under which `claudia` and `python` are those of this environment."""
    return environment(PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}", HOME=str(tmp_path))


@pytest.mark.slow
@pytest.mark.server
def test_the_first_user(compose: dict[str, Any], programs: dict[str, str], tmp_path: Path) -> None:
    """The command makes an admin in an empty database once, who can sign in then, and succeeds each time."""
    found = importlib.util.find_spec("secantus")
    require("SecantusDB", found and found.origin)
    command = [_plain(word) for word in compose["services"]["admin"]["command"]]
    password = "a-long-passw0rd%s $x"
    with secantus(tmp_path) as server:
        url = f"{server.url}/claudia"
        variables = {**programs, "ADMIN_PASSWORD": password, "CLAUDIA_DATABASE_URL": url}
        for _ in range(2):
            done = subprocess.run(command, env=variables, cwd=tmp_path, capture_output=True, timeout=60, check=False)
            assert done.returncode == 0, done.stderr
        with Claudia(settings=default_settings(database_url=url, display="off")) as hub:
            (user,) = hub.users.list()
            assert (user.name, user.scope) == ("admin", "admin")
            assert hub.users.sign_in("admin", password).id == user.id


@pytest.mark.slow
def test_the_check_of_a_hub(compose: dict[str, Any], programs: dict[str, str], tmp_path: Path) -> None:
    """It succeeds while a server is there and fails without one."""
    command = _check(compose, "one")
    with serving(tmp_path) as server:
        port = server.base.rpartition(":")[2]
        here = [word.replace(":5006", f":{port}") for word in command]
        assert here != command
        assert subprocess.run(here, env=programs, timeout=30, check=False).returncode == 0
    gone = subprocess.run(here, env=programs, capture_output=True, timeout=30, check=False)
    assert gone.returncode != 0


@pytest.mark.server
def test_the_check_of_redis(compose: dict[str, Any], tmp_path: Path) -> None:
    """It answers PONG."""
    require("redis-server", shutil.which("redis-server"))
    program, *words = _check(compose, "redis")
    with redis_server(tmp_path) as server:
        command = [program, "-p", str(server.port), *words]
        assert subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout == "PONG\n"
    gone = subprocess.run([program, "-p", str(free_port()), *words], capture_output=True, timeout=30, check=False)
    assert gone.returncode != 0


@pytest.mark.server
@pytest.mark.xdist_group("rabbitmq")
def test_the_check_of_rabbitmq(compose: dict[str, Any], tmp_path: Path) -> None:
    """It succeeds while the broker is there."""
    require("RabbitMQ", shutil.which("rabbitmq-server"))
    program, *words = _check(compose, "rabbitmq")
    command = [f"/usr/lib/rabbitmq/bin/{program}", *words]
    with rabbitmq_server(tmp_path) as server:
        assert subprocess.run(command, env=server.environment, timeout=120, check=False).returncode == 0
        variables = server.environment
    assert subprocess.run(command, env=variables, capture_output=True, timeout=120, check=False).returncode != 0


def test_the_check_of_mongodb(compose: dict[str, Any], tmp_path: Path) -> None:
    """Its script makes a replica set where there is none, under the name that the server was started with and the hub
    asks for, and is content once it can be written. Run by Node with stand-ins for what mongosh offers."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node")
    service = compose["services"]["mongodb"]
    *_, script = _check(compose, "mongodb")
    stage = tmp_path / "stage.js"
    for has_set, writable, wanted in ((True, True, 0), (False, True, 0), (False, False, 1)):
        stage.write_text(
            f"""
            let has = {str(has_set).lower()}, made = null;
            const rs = {{ status: () => {{ if (!has) throw new Error("no replset config"); return {{ ok: 1 }} }},
                         initiate: (config) => {{ made = config; has = true }} }};
            const db = {{ hello: () => ({{ isWritablePrimary: {str(writable).lower()} }}) }};
            const quit = (code) => process.exit(code);
            process.on("exit", () => console.log(JSON.stringify(made)));
            {script}
            """
        )
        done = subprocess.run([node, str(stage)], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == wanted, done.stderr
        name = service["command"][service["command"].index("--replSet") + 1]
        made = {"_id": name, "members": [{"_id": 0, "host": "mongodb:27017"}]}
        assert yaml.safe_load(done.stdout) == (None if has_set else made)
    assert compose["services"]["one"]["environment"]["CLAUDIA_DATABASE_URL"].endswith(f"replicaSet={name}")


def test_the_proxy_is_complete(compose: dict[str, Any]) -> None:
    """Every statement of its configuration ends, and nothing of it is left open."""
    text = re.sub(r"#.*", "", _plain(compose["configs"]["proxy"]["content"]))
    assert text.count("{") == text.count("}")
    assert all(line.rstrip().endswith((";", "{", "}")) for line in text.splitlines() if line.strip())
    assert "proxy_buffering off;" in text
    for header in ("Host", "X-Forwarded-For", "X-Forwarded-Proto", "Upgrade", "Connection"):
        assert f"proxy_set_header {header} $" in text
