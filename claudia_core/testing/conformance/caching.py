"""What every cache promises. The adapter's tests supply the fixture `cache`, empty at first."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from claudia_core.caches import MISSING, Cache, cached
from claudia_core.errors import InvalidValue, TooLarge
from claudia_core.testing.conformance.suite import in_threads
from claudia_core.testing.waiting import eventually

VALUES: list[Any] = [0, 1.5, "", "text é", True, [], [1, [2]], {"a": {"b": None}}, "\0nothing ", 2**60]


class CacheConformance:
    """Promises of `Cache`."""

    def test_nothing_is_there(self, cache: Cache) -> None:
        """A key nobody set is missing, which is not None."""
        assert cache.get("a") is MISSING
        assert not MISSING

    @pytest.mark.parametrize("value", [*VALUES, None])
    def test_comes_back(self, cache: Cache, value: Any) -> None:
        """A value comes back as JSON gives it."""
        cache.set("a", value, 60)
        assert cache.get("a") == value

    def test_nobody_changes_what_is_kept(self, cache: Cache) -> None:
        """A value that is changed by who set or got it stays what it was."""
        value = {"a": [1]}
        cache.set("k", value, 60)
        value["a"].append(2)
        cache.get("k")["a"].append(3)
        assert cache.get("k") == {"a": [1]}

    def test_is_forgotten_in_time(self, cache: Cache) -> None:
        """After its time a value is missing."""
        cache.set("a", 1, 0.05)
        cache.set("b", 1, 60)
        eventually(lambda: cache.get("a") is MISSING)
        assert cache.get("b") == 1

    def test_set_again(self, cache: Cache) -> None:
        """The last value and the last time count."""
        cache.set("a", 1, 0.05)
        cache.set("a", 2, 60)
        time.sleep(0.1)
        assert cache.get("a") == 2

    def test_delete(self, cache: Cache) -> None:
        """Only what is named goes, and what was not there does not count."""
        for key in "abc":
            cache.set(key, key, 60)
        assert cache.delete("a", "c", "never", "a") == 2
        assert cache.delete() == 0
        assert [cache.get(key) for key in "abc"] == [MISSING, "b", MISSING]

    @pytest.mark.parametrize(
        ("pattern", "gone"),
        [("user:*", {"user:1", "user:22"}), ("user:?", {"user:1"}), ("*[1]*", {"a[1]b"}), ("*", None), ("x*", set())],
    )
    def test_invalidate_pattern(self, cache: Cache, pattern: str, gone: set[str] | None) -> None:
        """`*` is anything, `?` one character, everything else itself."""
        keys = {"user:1", "user:22", "a[1]b", "b1", "^", "back\\slash"}
        for key in keys:
            cache.set(key, 1, 60)
        gone = keys if gone is None else gone
        assert cache.invalidate_pattern(pattern) == len(gone)
        assert {key for key in keys if cache.get(key) is MISSING} == gone

    def test_invalidate_many(self, cache: Cache) -> None:
        """Thousands of keys go, too."""
        for n in range(2_500):
            cache.set(f"n:{n}", n, 60)
        cache.set("other", 1, 60)
        assert cache.invalidate_pattern("n:*") == 2_500
        assert cache.get("other") == 1

    def test_tags(self, cache: Cache) -> None:
        """A tag drops what was set with it, and only that."""
        cache.set("a", 1, 60, tags=["red", "big"])
        cache.set("b", 1, 60, tags=["red"])
        cache.set("c", 1, 60, tags=["big"])
        cache.set("d", 1, 60)
        assert cache.invalidate_tag("red") == 2
        assert [cache.get(key) for key in "abcd"] == [MISSING, MISSING, 1, 1]
        assert cache.invalidate_tag("red", "never") == 0

    @pytest.mark.parametrize(
        ("key", "value", "ttl"),
        [("", 1, 60), ("k" * 1_001, 1, 60), ("k", object(), 60), ("k", 1, 0), ("k", 1, -1), ("k", 1, float("nan"))],
    )
    def test_refused(self, cache: Cache, key: str, value: Any, ttl: float) -> None:
        """What cannot be kept is refused, and nothing is changed."""
        with pytest.raises(InvalidValue):
            cache.set(key, value, ttl)
        with pytest.raises(TooLarge):
            cache.set("k", "x" * 8_000_001, 60)
        assert cache.get("k") is MISSING

    def test_claims(self, cache: Cache) -> None:
        """One has the right at a time; only its token gives it back; it ends by itself."""
        token = cache.claim("a", 60)
        assert token
        assert cache.claim("a", 60) is None
        assert cache.claim("b", 60)
        cache.release("a", "somebody else's")
        assert cache.claim("a", 60) is None
        cache.release("a", token)
        assert cache.claim("a", 0.05)
        eventually(lambda: cache.claim("a", 60) is not None)

    def test_cached(self, cache: Cache) -> None:
        """A function is called once for each of its answers; None is believed for a while; errors are not kept."""
        calls: list[int] = []

        @cached(cache, "double:{n}", ttl=60, tags=("doubles",))
        def double(n: int) -> int | None:
            calls.append(n)
            if n == 13:
                raise ValueError("13")
            return None if n < 0 else 2 * n

        assert [double(2), double(n=2), double(3), double(-1), double(-1)] == [4, 4, 6, None, None]
        for _ in range(2):
            with pytest.raises(ValueError, match="13"):
                double(13)
        assert calls == [2, 3, -1, 13, 13]
        cache.invalidate_tag("doubles")
        assert double(2) == 4
        assert calls[-1] == 2

    def test_a_stampede(self, cache: Cache) -> None:
        """Many who ask at the same moment share one call."""
        calls: list[int] = []
        lock = threading.Lock()

        @cached(cache, "slow", ttl=60)
        def slow() -> str:
            with lock:
                calls.append(1)
            time.sleep(0.2)
            return "made"

        assert in_threads(16, lambda _: slow()) == ["made"] * 16
        assert len(calls) == 1
