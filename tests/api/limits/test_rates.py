"""Counting: exact in memory, shared in Redis, and never in the way when Redis is."""

import shutil
import socket
import subprocess
import threading
import time

import pytest

from claudia_core.api.limits import counts
from claudia_core.api.limits.counts import MemoryCounts
from claudia_core.api.limits.rates import Rate, Rates, headers_of
from claudia_core.errors import RateLimited
from claudia_core.model.identity import Identity, Kind, local
from claudia_core.settings import default_settings
from claudia_core.testing.waiting import eventually
from tests.servers import require

TEN = Rate("test", 10, 60, "test/")


@pytest.fixture
def clock(monkeypatch):
    """The time of the counts, which a test moves."""

    class Clock:
        now = 1_000.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(counts, "time", clock)
    return clock


def took(rates, rate, who, times):
    """How many of so many requests were let through."""
    done = 0
    for _ in range(times):
        try:
            rates.take(rate, who)
            done += 1
        except RateLimited:
            continue
    return done


def test_so_many_and_no_more(clock):
    """Each caller has its own count."""
    rates = Rates(default_settings())
    assert took(rates, TEN, "a", 15) == 10
    assert took(rates, TEN, "b", 15) == 10


def test_a_burst_at_the_border_of_two_windows_is_one_burst(clock):
    """What was asked just before weighs on what is asked now, less by the second."""
    rates = Rates(default_settings())
    clock.now += 59
    took(rates, TEN, "a", 1)
    clock.now += 58
    assert took(rates, TEN, "a", 9) == 9
    clock.now += 3
    assert took(rates, TEN, "a", 10) == 0
    clock.now += 29
    assert took(rates, TEN, "a", 10) == 5
    clock.now += 1_000
    assert took(rates, TEN, "a", 20) == 10


@pytest.mark.parametrize(
    "asked", [[(0, 10)], [(0, 5), (30, 5)], [(0, 10), (65, 1)], [(0, 3), (50, 7), (70, 2)]], ids=str
)
def test_who_waits_as_told_gets_in_and_not_much_sooner(clock, asked):
    """`retry_after` is when there is room, within a tenth of the window."""
    rates = Rates(default_settings())
    for after, times in asked:
        clock.now = 1_000.0 + after
        took(rates, TEN, "a", times)
    took(rates, TEN, "a", 20)
    with pytest.raises(RateLimited) as caught:
        rates.take(TEN, "a")
    wait = caught.value.retry_after
    assert 0 < wait <= 120
    here = clock.now
    clock.now = here + wait - 6.5
    if wait > 6.5:
        with pytest.raises(RateLimited):
            rates.take(TEN, "a")
    clock.now = here + wait + 0.01
    rates.take(TEN, "a")


def test_what_a_429_tells():
    """Retry-After in whole seconds, and the RateLimit fields."""
    told = headers_of(TEN, RateLimited("x", retry_after=2.1))
    assert told == {"retry-after": "3", "ratelimit-policy": '"test";q=10;w=60', "ratelimit": '"test";r=0;t=3'}


def test_memory_is_bounded():
    """Addresses that knock once do not pile up; who is busy is not forgotten for them."""
    storage = MemoryCounts(most=100)
    for number in range(10_000):
        storage.acquire_sliding_window_entry(f"stranger {number}", 10, 60)
    assert storage.reset() == 100


def test_no_threads(clock):
    """Counting starts none: the library's own memory storage would, for every request of a quiet server."""
    before = threading.active_count()
    rates = Rates(default_settings())
    took(rates, TEN, "a", 5)
    assert threading.active_count() == before


def test_threads_lose_no_count():
    """Exactly so many get through, however many ask at once."""
    rates, rate, done = Rates(default_settings()), Rate("t", 500, 600, "t/"), []
    threads = [threading.Thread(target=lambda: done.append(took(rates, rate, "a", 200))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 500


def test_whom_it_is_for():
    """Keys and users; not the server's own token, nor whoever sits at the machine; and nobody where it is off."""
    rates = Rates(default_settings(rate_limit="7/minute"))
    assert rates.of(Identity(Kind.KEY, "k")).most == rates.of(Identity(Kind.USER, "u")).most == 7
    assert rates.of(Identity(Kind.TOKEN)) is None
    assert rates.of(local()) is None
    off = Rates(default_settings(rate_limit=""))
    off.take(off.of(Identity(Kind.KEY, "k")), "k")


@pytest.fixture
def redis():
    """The address of a real Redis."""
    program = require("redis-server", shutil.which("redis-server"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--daemonize", "no"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            eventually(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, timeout=10)
            yield f"redis://127.0.0.1:{port}/0", process
        finally:
            process.terminate()


@pytest.mark.server
@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_two_servers_share_a_count_in_redis(redis):
    """And while Redis is away requests are let through, with one line in the log."""
    url, process = redis
    one, two = Rates(default_settings(rate_storage=url)), Rates(default_settings(redis_url=url))
    assert Rates(default_settings(redis_url=url, rate_storage="memory://")).is_local
    assert took(one, TEN, "a", 6) + took(two, TEN, "a", 9) == 10
    with pytest.raises(RateLimited) as caught:
        await two.count(TEN, "a")
    assert 0 < caught.value.retry_after <= 120
    process.terminate()
    process.wait(10)
    began = time.monotonic()
    await one.count(TEN, "a")
    assert time.monotonic() - began < 5
