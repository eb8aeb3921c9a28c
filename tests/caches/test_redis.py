"""The cache on Redis keeps the promises of every cache, shares them among processes, and does without its server."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import redis

from claudia_core.caches import MISSING, cached
from claudia_core.caches.redis import RedisCache
from claudia_core.errors import SettingsError
from claudia_core.testing.conformance.caching import CacheConformance
from claudia_core.testing.servers import Server, free_port, redis_server
from claudia_core.testing.waiting import eventually
from tests.servers import require

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("redis")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real Redis."""
    require("redis-server", shutil.which("redis-server"))
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def cache(server: Server) -> Iterator[RedisCache]:
    """An empty cache on it."""
    cache = RedisCache(server.url, prefix=uuid4().hex)
    yield cache
    cache.close()


class TestCache(CacheConformance):
    """The promises."""


def test_others_on_the_server_are_left_alone(server: Server, cache: RedisCache) -> None:
    """Patterns and tags reach the keys of this prefix only."""
    other = RedisCache(server.url, prefix="other")
    other.set("a", 1, 60, tags=["t"])
    cache.set("a", 1, 60, tags=["t"])
    assert cache.invalidate_pattern("*") == 1
    assert cache.invalidate_tag("t") == 0
    assert other.get("a") == 1
    other.close()


def test_the_server_is_never_asked_for_all_keys(server: Server, cache: RedisCache) -> None:
    """Patterns are looked for by SCAN: KEYS would hold up everybody on the server."""
    client = redis.Redis.from_url(server.url)
    for number in range(50):
        cache.set(f"user/{number}", number, 60, tags=["t"])
    client.config_resetstat()
    assert cache.invalidate_pattern("user/1*") == 11
    assert cache.invalidate_tag("t") == 39
    asked = client.info("commandstats")
    client.close()
    assert "cmdstat_scan" in asked
    assert "cmdstat_keys" not in asked


MAKER = """
import sys, time
from claudia_core.caches import cached
from claudia_core.caches.redis import RedisCache
cache = RedisCache(sys.argv[1], prefix=sys.argv[2])
@cached(cache, "slow", ttl=60)
def slow():
    print("made", flush=True)
    time.sleep(0.5)
    return 1
assert slow() == 1
"""


def test_a_stampede_of_processes(server: Server) -> None:
    """Processes that ask at the same time share one call."""
    command = [sys.executable, "-c", MAKER, server.url, uuid4().hex]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    told = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert "".join(told).count("made") == 1


def test_a_server_that_goes_and_comes(tmp_path: Path) -> None:
    """Without its server the cache finds nothing, does not make anybody wait, and works again by itself."""
    require("redis-server", shutil.which("redis-server"))
    with redis_server(tmp_path) as server:
        cache = RedisCache(server.url, timeout=0.5)
        calls: list[int] = []

        @cached(cache, "n:{n}", ttl=60)
        def times_two(n: int) -> int:
            calls.append(n)
            return 2 * n

        assert [times_two(1), times_two(1)] == [2, 2]
        assert calls == [1]
        server.kill()
        started = time.monotonic()
        assert [times_two(1) for _ in range(50)] == [2] * 50
        assert time.monotonic() - started < 10
        assert len(calls) == 51
        assert cache.errors >= 1
        server.start()
        eventually(lambda: [times_two(7), len(calls)] == [14, len(calls)] and cache.get("n:7") == 14, timeout=15)
        cache.close()


def test_a_hung_server_does_not_hang_the_program(tmp_path: Path) -> None:
    """A question takes no longer than the time-out, and only the first of many pays it."""
    require("redis-server", shutil.which("redis-server"))
    with redis_server(tmp_path) as server:
        cache = RedisCache(server.url, timeout=0.3)
        cache.set("a", 1, 60)
        server.freeze()
        started = time.monotonic()
        assert all(cache.get("a") is MISSING for _ in range(100))
        assert time.monotonic() - started < 5
        server.thaw()
        cache.close()


def test_nobody_there() -> None:
    """Where nobody listens is a cache that keeps nothing; an address that is none is refused without its password."""
    cache = RedisCache(f"redis://:s3cret@127.0.0.1:{free_port()}/0")
    cache.set("a", 1, 60)
    assert cache.get("a") is MISSING
    assert "s3cret" not in cache.url
    with pytest.raises(SettingsError) as caught:
        RedisCache("http://:s3cret@127.0.0.1/")
    assert "s3cret" not in str(caught.value)
