"""What is said about servers that cannot be used: a sentence with the cure, in time, without a secret."""

import importlib.util
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from pymongo import MongoClient

from claudia_core.caches import redis_check
from claudia_core.caches.redis_check import check_redis
from claudia_core.cli.doctor import servers
from claudia_core.cli.doctor.findings import State
from claudia_core.errors import ClaudiaError, StoreReadOnly
from claudia_core.integrations.amqp.broker import check_broker
from claudia_core.settings import default_settings
from claudia_core.stores.mongodb.store import MongoStore
from claudia_core.testing.servers import Server, free_port, rabbitmq_server, redis_server, secantus
from tests.cli.program import run, serving
from tests.servers import require

pytestmark = pytest.mark.server

SECRET = "s3cret-pass"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Redis with a password, and a user who may do little."""
    require("redis-server", shutil.which("redis-server"))
    with redis_server(tmp_path_factory.mktemp("redis"), "--requirepass", SECRET) as server:
        with redis.Redis(port=server.port, password=SECRET) as client:
            client.acl_setuser("reader", enabled=True, passwords=["+pw"], keys=["*"], commands=["+get", "+info"])
        yield server


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def refused(check: object, *arguments: object, **options: object) -> str:
    """All that is said, which came in time and holds no secret."""
    started = time.monotonic()
    with pytest.raises(ClaudiaError) as caught:
        check(*arguments, **options)
    assert time.monotonic() - started < 15
    assert caught.value.hint
    assert SECRET not in f"{caught.value}{caught.value.hint}{caught.value!r}"
    return str(caught.value)


def test_redis(guarded: Server, silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong addresses, passwords and rights, silence, and an old server."""
    good = f"redis://:{SECRET}@127.0.0.1:{guarded.port}/0"
    assert check_redis(good)[0].isdigit()
    assert "cannot be read" in refused(check_redis, f"http://:{SECRET}@127.0.0.1/")
    assert "refuses the name or the password" in refused(check_redis, f"redis://:{SECRET}x@127.0.0.1:{guarded.port}/0")
    assert "refuses the name or the password" in refused(check_redis, guarded.url)
    assert "does not allow this user" in refused(check_redis, f"redis://reader:pw@127.0.0.1:{guarded.port}/0")
    assert "does not answer" in refused(check_redis, f"redis://:{SECRET}@127.0.0.1:{free_port()}/0", timeout=0.5)
    assert "does not answer" in refused(check_redis, f"redis://:{SECRET}@127.0.0.1:{silent}/0", timeout=0.5)
    monkeypatch.setattr(redis_check, "OLDEST", (99, 0))
    assert "use Redis 99.0" in refused(check_redis, good)


def test_a_broker(tmp_path: Path, silent: int) -> None:
    """Wrong addresses, passwords and virtual hosts, and silence."""
    require("RabbitMQ", shutil.which("rabbitmq-server"))
    with rabbitmq_server(tmp_path) as server:
        assert "RabbitMQ 3" in check_broker(server.url)
        wrong = server.url.replace("guest:guest", f"guest:{SECRET}")
        assert "refuses the name or the password" in refused(check_broker, wrong)
        assert "virtual host" in refused(check_broker, f"{server.url}nowhere")
    for url in (f"http://me:{SECRET}@127.0.0.1/", f"amqp://me:{SECRET}@127.0.0.1:port/", "amqp:///"):
        assert "cannot be read" in refused(check_broker, url)
    assert "does not answer" in refused(check_broker, f"amqp://me:{SECRET}@127.0.0.1:{free_port()}/", timeout=0.5)
    assert "does not answer" in refused(check_broker, f"amqp://me:{SECRET}@127.0.0.1:{silent}/", timeout=0.5)


def test_missing_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line that installs them."""
    monkeypatch.setitem(__import__("sys").modules, "claudia_core.caches.redis_check", None)
    monkeypatch.setitem(__import__("sys").modules, "claudia_core.integrations.amqp.broker", None)
    settings = default_settings(redis_url="redis://127.0.0.1/0", broker_url="amqp://127.0.0.1/")
    found = servers.examine_servers(settings)
    assert [finding.state for finding in found] == [State.BROKEN] * 2
    assert ["[redis]" in found[0].cure, "[rabbitmq]" in found[1].cure] == [True, True]


def test_a_mongodb_without_rights(tmp_path: Path) -> None:
    """A user who may only read is told which role is missing."""
    found = importlib.util.find_spec("secantus")
    require("SecantusDB", found and found.origin)
    with secantus(tmp_path, keep=True) as server, MongoClient(server.url) as client:
        client.admin.command("createUser", "me", pwd=SECRET, roles=[{"role": "read", "db": "hub"}])
    with secantus(tmp_path, "--auth", keep=True) as server:
        url = server.url.replace("://", f"://me:{SECRET}@") + "/hub?authSource=admin"
        with pytest.raises(StoreReadOnly, match="readWrite") as caught:
            MongoStore(url)
        assert SECRET not in str(caught.value)
        shown = run(tmp_path, "doctor", CLAUDIA_DATABASE_URL=url, CLAUDIA_PORT="0")
        assert_told(shown, "does not allow this user")


def assert_told(shown: subprocess.CompletedProcess[str], *words: str) -> None:
    """The program ended with 1, said so, and told no secret."""
    assert shown.returncode == 1, shown.stderr
    for word in words:
        assert word in shown.stdout
    assert SECRET not in shown.stdout + shown.stderr


def test_the_doctor(tmp_path: Path) -> None:
    """All servers that are away, in one go and in time."""
    addresses = {
        "CLAUDIA_DATABASE_URL": f"mongodb://me:{SECRET}@127.0.0.1:{free_port()}/hub",
        "CLAUDIA_REDIS_URL": f"redis://:{SECRET}@127.0.0.1:{free_port()}/0",
        "CLAUDIA_BROKER_URL": f"amqp://me:{SECRET}@127.0.0.1:{free_port()}/",
    }
    shown = run(tmp_path, "doctor", CLAUDIA_PORT="0", CLAUDIA_CONNECT_TIMEOUT="0.5", **addresses)
    assert_told(shown, "✖ store", "✖ redis", "✖ rabbitmq", "check that it runs and can be reached")


def test_a_server_starts_without_them(tmp_path: Path) -> None:
    """It says what is wrong and works; a store that is away stops the start."""
    away = {
        "CLAUDIA_REDIS_URL": f"redis://:{SECRET}@127.0.0.1:{free_port()}/0",
        "CLAUDIA_BROKER_URL": f"amqp://me:{SECRET}@127.0.0.1:{free_port()}/",
        "CLAUDIA_CONNECT_TIMEOUT": "0.5",
    }
    with serving(tmp_path, **away) as served:
        told = served.log.read_text()
        assert "redis://127.0.0.1" in told
        assert "does not answer" in told
        assert "check that it runs and can be reached" in told
        assert SECRET not in told + served.printed
        served.get("/readyz")
    url = f"mongodb://me:{SECRET}@127.0.0.1:{free_port()}/hub"
    shown = run(tmp_path, "serve", "--port", "0", CLAUDIA_DATABASE_URL=url, CLAUDIA_CONNECT_TIMEOUT="0.5")
    assert (shown.returncode, "does not answer" in shown.stderr, SECRET in shown.stderr) == (2, True, False)
