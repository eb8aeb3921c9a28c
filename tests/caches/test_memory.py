"""The cache in memory keeps the promises of every cache, within its bounds."""

import pytest

from claudia_core.caches import MISSING, MemoryCache
from claudia_core.testing.conformance.caching import CacheConformance


@pytest.fixture
def cache() -> MemoryCache:
    """An empty cache."""
    return MemoryCache()


class TestCache(CacheConformance):
    """The promises."""


def test_what_was_not_asked_for_longest_goes_first() -> None:
    """The size is bounded, tags of what went do not stay."""
    cache = MemoryCache(most_bytes=3_000)
    for n in range(3):
        cache.set(f"k{n}", "x" * 900, 60, tags=[f"t{n}"])
    cache.get("k0")
    cache.set("k3", "x" * 900, 60)
    assert [cache.get(f"k{n}") is MISSING for n in range(4)] == [False, True, False, False]
    assert cache.invalidate_tag("t1") == 0


def test_time_by_a_clock() -> None:
    """Seconds are those of the clock that is given."""
    now = [100.0]
    cache = MemoryCache(clock=lambda: now[0])
    cache.set("a", 1, 10)
    now[0] = 109.9
    assert cache.get("a") == 1
    now[0] = 110.0
    assert cache.get("a") is MISSING


def test_closing_drops_all() -> None:
    """Nothing stays behind."""
    cache = MemoryCache()
    cache.set("a", 1, 60, tags=["t"])
    cache.close()
    cache.close()
    assert cache.get("a") is MISSING
