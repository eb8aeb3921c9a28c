"""`@cached` on coroutines, with keys of all kinds, and its figures."""

import asyncio

import pytest

from claudia_core.caches import MemoryCache, cached
from claudia_core.errors import InvalidValue


async def test_a_coroutine_stays_one_and_is_called_once() -> None:
    """Hundreds who ask at the same time share one call, and the loop goes on meanwhile."""
    cache = MemoryCache()
    calls: list[int] = []

    @cached(cache, "a:{n}", ttl=60)
    async def slow(n: int) -> int:
        calls.append(n)
        await asyncio.to_thread(lambda: None)
        await asyncio.sleep(0.05)
        return n

    assert await asyncio.gather(*(slow(n % 40) for n in range(400))) == [n % 40 for n in range(400)]
    assert sorted(calls) == list(range(40))


async def test_an_error_reaches_all_who_wait_and_is_not_kept() -> None:
    """The next one tries again."""
    calls: list[int] = []

    @cached(MemoryCache(), "a", ttl=60)
    async def fails() -> None:
        calls.append(1)
        await asyncio.sleep(0.01)
        raise ValueError("no")

    found = await asyncio.gather(fails(), fails(), return_exceptions=True)
    assert [str(error) for error in found] == ["no", "no"]
    with pytest.raises(ValueError, match="no"):
        await fails()
    assert len(calls) == 2


async def test_who_goes_away_does_not_take_the_others_along() -> None:
    """A caller that is cancelled leaves the call to those who wait."""

    @cached(MemoryCache(), "a", ttl=60)
    async def slow() -> int:
        await asyncio.sleep(0.1)
        return 1

    first, second = asyncio.create_task(slow()), asyncio.create_task(slow())
    await asyncio.sleep(0.02)
    first.cancel()
    assert await second == 1


def test_keys_and_figures() -> None:
    """Defaults are part of the key, a function may make it, and hits are counted."""

    @cached(MemoryCache(), "f:{a}:{b}", ttl=60)
    def joined(a: int, b: int = 2) -> int | None:
        return a + b if a else None

    assert [joined(1), joined(1, 2), joined(1, b=3), joined(0, 0), joined(0, 0)] == [3, 3, 4, None, None]
    figures = joined.figures  # type: ignore[attr-defined]
    assert (figures.hits, figures.misses, figures.negative_hits) == (2, 3, 1)
    assert figures.hit_ratio == 0.4

    @cached(MemoryCache(), lambda *words: "/".join(words), ttl=60, negative_ttl=0)
    def nothing(*words: str) -> None:
        return None

    assert (nothing("a", "b"), nothing("a", "b")) == (None, None)
    assert nothing.figures.misses == 2  # type: ignore[attr-defined]
    with pytest.raises(InvalidValue):
        cached(MemoryCache(), "a", ttl=0)
