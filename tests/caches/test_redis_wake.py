"""A wake-up over Redis: others hear at once, and nothing depends on it."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from claudia_core.address import open_store
from claudia_core.caches.redis_wake import RedisWake
from claudia_core.errors import SettingsError
from claudia_core.settings import default_settings
from claudia_core.stores.mongodb import store as mongodb
from claudia_core.testing.conformance.suite import emit
from claudia_core.testing.servers import Server, free_port, redis_server, secantus
from claudia_core.testing.waiting import eventually
from tests.servers import require

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("redis")]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A real Redis."""
    require("redis-server", shutil.which("redis-server"))
    with redis_server(tmp_path) as server:
        yield server


@pytest.fixture
def make(server: Server) -> Iterator[Callable[[], RedisWake]]:
    """Wake-ups on one channel."""
    made: list[RedisWake] = []
    channel = uuid4().hex

    def new() -> RedisWake:
        made.append(RedisWake(server.url, channel, timeout=1.5))
        return made[-1]

    yield new
    for wake in made:
        wake.stop()


def test_others_hear_at_once(make: Callable[[], RedisWake]) -> None:
    """Each message wakes each listener; many commits in a row share messages."""
    woken = threading.Event()
    one, two = make(), make()
    two.listen(woken.set)
    eventually(lambda: two.is_open, timeout=10)
    woken.clear()
    for _ in range(1_000):
        one.tell()
    assert woken.wait(10)
    eventually(lambda: two.heard == one.told > 0, timeout=10)
    assert one.told < 1_000


def test_a_server_that_goes_and_comes(server: Server, make: Callable[[], RedisWake]) -> None:
    """Telling never waits or fails; who listens looks once more when it hears again, for what it missed."""
    looks: list[float] = []
    one, two = make(), make()
    two.listen(lambda: looks.append(time.monotonic()))
    eventually(lambda: two.is_open, timeout=10)
    server.kill()
    started = time.monotonic()
    one.tell()
    assert time.monotonic() - started < 1
    eventually(lambda: not two.is_open, timeout=10)
    before = len(looks)
    server.start()
    eventually(lambda: two.is_open and len(looks) > before, timeout=15)
    heard = two.heard
    eventually(lambda: one.tell() or two.heard > heard, timeout=15)


def test_an_address_that_is_none() -> None:
    """It is refused without its password."""
    with pytest.raises(SettingsError) as caught:
        RedisWake("http://:s3cret@127.0.0.1/", "x")
    assert "s3cret" not in str(caught.value)


class NoWatch:
    """A change stream that never opens."""

    is_open = False

    def __init__(self, *_: object) -> None: ...

    def stop(self) -> None:
        """Nothing to end."""


def test_stores_hear_of_each_other(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no change stream, and looks are rare, another's commit is seen through Redis."""
    folder = tmp_path / "mongodb"
    folder.mkdir()
    monkeypatch.setattr(mongodb, "ChangeWatch", NoWatch)
    monkeypatch.setattr(mongodb, "POLL_WATCHED", 60.0)
    with secantus(folder) as database:
        settings = default_settings(database_url=f"{database.url}/hub", redis_url=server.url)
        one, two = open_store(settings), open_store(settings)
        seen: list[int] = []
        waiting = threading.Thread(target=lambda: seen.append(two.wait(0, 50.0)))
        waiting.start()
        eventually(lambda: two._wake.is_open, timeout=10)
        time.sleep(0.2)  # it has looked once after that, and waits for long now
        emit(one, 1)
        waiting.join(20)
        assert seen == [1]
        one.close()
        two.close()


def test_nobody_there(tmp_path: Path) -> None:
    """A Redis that is not there stops nothing."""
    with secantus(tmp_path) as database:
        url = f"redis://127.0.0.1:{free_port()}/0"
        store = open_store(default_settings(database_url=f"{database.url}/hub", redis_url=url))
        emit(store, 2)
        assert store.wait(1, 5.0) == 2
        started = time.monotonic()
        store.close()
        assert time.monotonic() - started < 15
