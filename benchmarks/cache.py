"""What a hit of the cache costs: on Redis against a bare GET and decode, and in memory."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import redis

from benchmarks.figure import Figure, best_of
from claudia_core.caches import MemoryCache, cached
from claudia_core.caches.redis import RedisCache
from claudia_core.testing.servers import redis_server

HITS = 3_000
VALUE = {"id": 7, "name": "a user", "roles": ["viewer", "operator"], "seen": "2026-11-23T06:00:00Z"}


def run() -> Iterator[Figure]:
    """Hits a second, as a ratio to the driver's own."""
    memory = MemoryCache()
    memory.set("a", VALUE, 600)
    yield Figure("a hit in memory", 1e6 * best_of(5, lambda: seconds(lambda: memory.get("a"))), "us")
    if shutil.which("redis-server") is None:
        print("  redis-server is not installed: nothing to measure")
        return
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as server:
        cache = RedisCache(server.url)
        cache.set("a", VALUE, 600)
        client = redis.Redis.from_url(server.url)
        client.set("raw", orjson.dumps(VALUE))

        @cached(cache, "a", ttl=600)
        def answer() -> object:
            return VALUE

        bare = seconds(lambda: orjson.loads(client.get("raw")))
        ours = decorated = float("inf")
        for _ in range(7):  # in turns, the best of each: the machine is shared
            bare = min(bare, seconds(lambda: orjson.loads(client.get("raw"))))
            ours = min(ours, seconds(lambda: cache.get("a")))
            decorated = min(decorated, seconds(answer))
        raw = f"raw GET and decode {1e6 * bare:.0f} us"
        yield Figure("a hit on Redis against a raw GET and decode", bare / ours, "of raw", 0.8, at_most=False, raw=raw)
        yield Figure("the same through @cached", bare / decorated, "of raw")
        cache.close()
        client.close()


def seconds(work: Callable[[], object]) -> float:
    """For one call, on average of many."""
    started = time.perf_counter()
    for _ in range(HITS):
        work()
    return (time.perf_counter() - started) / HITS
