"""A circuit on Redis: processes leave a failing service alone together, one of them tries it, and Redis may be away."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from claudia_core.app import Claudia
from claudia_core.errors import CircuitOpen, SettingsError
from claudia_core.resilience.breaker import Circuit, CircuitBreaker, Rules
from claudia_core.resilience.redis_state import FRESH, SharedCircuits
from claudia_core.settings import default_settings
from claudia_core.testing.servers import Server, free_port, redis_server
from claudia_core.testing.waiting import eventually
from tests.servers import require

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("redis")]

RULES = Rules(failures=3, reset=0.5)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real Redis."""
    require("redis-server", shutil.which("redis-server"))
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


SLOW = Rules(failures=3, reset=60.0)


@pytest.fixture
def pair(server: Server, request: pytest.FixtureRequest) -> Iterator[tuple[CircuitBreaker, CircuitBreaker]]:
    """Two processes' breakers of one service."""
    prefix = uuid4().hex
    rules = getattr(request, "param", RULES)
    shared = [SharedCircuits(server.url, prefix=prefix) for _ in range(2)]
    one, two = (CircuitBreaker("mail", state=circuits.of("mail", rules)) for circuits in shared)
    yield one, two
    for circuits in shared:
        circuits.close()


def broken() -> None:
    """A call that fails."""
    raise OSError("broken")


def fail(breaker: CircuitBreaker, times: int) -> None:
    """So many failing calls."""
    for _ in range(times):
        with pytest.raises(OSError, match="broken"):
            breaker.execute(broken)


@pytest.mark.parametrize("pair", [SLOW], indirect=True)
def test_failures_of_all_count(pair: tuple[CircuitBreaker, CircuitBreaker]) -> None:
    """What one process saw fail, the other need not find out; a success in between begins anew."""
    one, two = pair
    fail(one, 2)
    assert two.circuit is Circuit.CLOSED
    two.execute(int)
    fail(one, 2)
    fail(two, 1)
    assert two.circuit is Circuit.OPEN
    eventually(lambda: one.circuit is Circuit.OPEN, timeout=FRESH + 5)
    with pytest.raises(CircuitOpen) as caught:
        one.execute(int)
    assert 0 < (caught.value.retry_after or 0) <= SLOW.reset


def test_one_probe_at_a_time(pair: tuple[CircuitBreaker, CircuitBreaker]) -> None:
    """When the time has come, one of many callers in both processes tries it; the others are still refused."""
    one, two = pair
    fail(one, 3)
    time.sleep(RULES.reset)
    tickets: list[int] = []
    refused: list[CircuitOpen] = []

    def call(breaker: CircuitBreaker) -> None:
        try:
            tickets.append(breaker.admit())
        except CircuitOpen as error:
            refused.append(error)

    threads = [threading.Thread(target=call, args=(breaker,)) for breaker in (one, two) * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [len(tickets), len(refused)] == [1, 15]


def test_a_probe_decides_for_all(pair: tuple[CircuitBreaker, CircuitBreaker]) -> None:
    """A good one closes the circuit everywhere, a bad one opens it again, one that nobody ends is given up."""
    one, two = pair
    fail(one, 3)
    time.sleep(RULES.reset)
    fail(two, 1)
    assert two.circuit is Circuit.OPEN
    time.sleep(RULES.reset)
    one.admit()  # and its process dies
    time.sleep(RULES.reset)
    two.execute(int)
    eventually(lambda: one.circuit is Circuit.CLOSED, timeout=FRESH + 5)
    one.execute(int)


@pytest.mark.parametrize("pair", [SLOW], indirect=True)
def test_an_old_ticket_decides_nothing(pair: tuple[CircuitBreaker, CircuitBreaker]) -> None:
    """A call from before the last change of state is too late, whatever came of it."""
    one, two = pair
    late = one.admit()
    fail(two, 3)
    one.succeed(late)
    assert two.circuit is Circuit.OPEN


def test_a_redis_that_goes_and_comes(tmp_path: Path) -> None:
    """Without it each process has a circuit of its own, which works; nobody waits long."""
    require("redis-server", shutil.which("redis-server"))
    with redis_server(tmp_path) as server:
        circuits = SharedCircuits(server.url)
        breaker = CircuitBreaker("mail", state=circuits.of("mail", Rules(3, 60.0)))
        breaker.execute(int)
        server.kill()
        started = time.monotonic()
        time.sleep(FRESH)
        fail(breaker, 3)
        with pytest.raises(CircuitOpen):
            breaker.execute(int)
        assert time.monotonic() - started < 10
        server.start()
        eventually(lambda: breaker.circuit is Circuit.CLOSED, timeout=15)
        breaker.execute(int)
        circuits.close()


def test_an_address_that_is_none() -> None:
    """It is refused without its password; one where nobody listens is none."""
    with pytest.raises(SettingsError) as caught:
        SharedCircuits("http://:s3cret@127.0.0.1/")
    assert "s3cret" not in str(caught.value)
    circuits = SharedCircuits(f"redis://127.0.0.1:{free_port()}/0")
    CircuitBreaker("mail", state=circuits.of("mail", RULES)).execute(int)
    circuits.close()


OTHER = """
import sys
from claudia_core import Claudia
from claudia_core.settings import default_settings
with Claudia(settings=default_settings(database_url="memory://", redis_url=sys.argv[1], display="off")) as claudia:
    service = claudia.integration("billing", failures=2, reset=60.0)
    for _ in range(2):
        try:
            with service:
                raise OSError
        except Exception:
            pass
"""


def test_integrations_of_a_hub_share_it(server: Server) -> None:
    """With CLAUDIA_REDIS_URL, what another process found broken is left alone here, too."""
    subprocess.run([sys.executable, "-c", OTHER, server.url], check=True, timeout=60)
    settings = default_settings(database_url="memory://", redis_url=server.url, display="off")
    with Claudia(settings=settings) as claudia, pytest.raises(CircuitOpen):
        claudia.integration("billing", failures=2, reset=60.0).call(int)
