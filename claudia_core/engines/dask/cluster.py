"""A Dask cluster as it is reached: its address, a client of our own, and what is wrong with it in one sentence."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import cloudpickle
from distributed import Client
from distributed.comm.core import CommClosedError
from distributed.comm.core import connect as open_comm

from claudia_core.engines.dask import journal, parts, picture, plugin
from claudia_core.engines.dask.plugin import ClaudiaPlugin
from claudia_core.errors import IntegrationError, SettingsError
from claudia_core.logs import get_logger

log = get_logger(__name__)

CONNECT = 5.0
"""Seconds to wait for a scheduler, where nothing else is said."""

TROUBLE = (OSError, TimeoutError, CommClosedError, asyncio.CancelledError, RuntimeError, ValueError)
"""What a client of Dask's raises when its scheduler is away, or is none."""

CURE = "is `dask scheduler` running there, on this port, and of the same version of Dask and Python as here?"

SENT = (journal, parts, picture, plugin)
"""The modules that a scheduler gets by value."""


class DaskUnavailable(IntegrationError):
    """A Dask scheduler does not answer, or does not do what is needed; a retry can help."""

    code = "dask_unavailable"
    retryable = True


def address_of(what: Any) -> tuple[str, Any]:
    """The address of a scheduler's address, client or cluster, and how its connections are secured.

    Raises:
        SettingsError: it is no such address.
    """
    if not isinstance(what, str):
        found = getattr(what, "scheduler_address", None) or getattr(getattr(what, "scheduler", None), "address", "")
        return str(found), getattr(what, "security", None)
    address = re.sub("^dask://", "tcp://", what)
    if not re.fullmatch(r"(tcp|tls|ws|wss|ucx|inproc)://.+", address) or (
        address.startswith(("tcp", "tls")) and not re.search(r":\d{1,5}$", address)
    ):
        raise SettingsError(
            f"{what!r:.200} is no address of a Dask scheduler", field="dask_scheduler", hint="use tcp://HOST:8786"
        )
    return address, None


def connect(what: Any, timeout: float = CONNECT) -> Any:
    """A client of our own, which nobody else closes.

    Raises:
        SettingsError: `what` is no address.
        DaskUnavailable: the scheduler does not answer in time.
    """
    address, security = address_of(what)
    given = {} if security is None else {"security": security}
    with _mapped(address):
        _greet(address, security, timeout)
        make: Any = Client
        return make(address, timeout=timeout, set_as_default=False, name="claudia", **given)


def _greet(address: str, security: Any, timeout: float) -> None:
    """Connect once: a client would wait for ever for somebody who takes the connection and says nothing.

    Raises:
        OSError: nobody answers in time.
    """
    if address.startswith("inproc"):
        return
    options = {} if security is None else security.get_connection_args("client")

    async def greet() -> None:
        reach: Any = open_comm
        comm = await reach(address, timeout=timeout, **options)
        await comm.close()

    with ThreadPoolExecutor(1) as pool:  # the caller may be on an event loop
        pool.submit(lambda: asyncio.run(asyncio.wait_for(greet(), timeout))).result()


def install(client: Any, each: int = 50) -> None:
    """Put the plugin into the scheduler, if it is not there.

    Raises:
        DaskUnavailable: the scheduler does not take it, as one of another version of Python.
    """
    for module in SENT:
        cloudpickle.register_pickle_by_value(module)
    try:
        with _mapped(client.scheduler.address):
            client.register_plugin(ClaudiaPlugin(each))
            client.sync(client.scheduler.claudia_changes, members=0, wait=0.0)
    finally:
        for module in SENT:
            cloudpickle.unregister_pickle_by_value(module)


def threads_of(what: Any, timeout: float = CONNECT) -> int:
    """How many tasks a cluster runs at once now, one at least.

    Raises:
        SettingsError, DaskUnavailable: as `connect`.
    """
    with connect(what, timeout) as client:
        return max(1, sum(int(threads) for threads in client.nthreads().values()))


def check_scheduler(address: str, timeout: float = CONNECT) -> str:
    """Connect once; the scheduler's version and how many workers it has.

    Raises:
        SettingsError, DaskUnavailable: as `connect`.
    """
    with connect(address, timeout) as client, _mapped(address):
        info = client.scheduler_info(n_workers=-1)
        threads = sum(worker["nthreads"] for worker in info["workers"].values())
        versions = client.get_versions()["scheduler"]["packages"]
        return f"Dask {versions['distributed']} answers: {len(info['workers'])} workers with {threads} threads"


@contextmanager
def _mapped(address: str) -> Iterator[None]:
    try:
        yield
    except TROUBLE as error:
        raise DaskUnavailable(f"the Dask scheduler {address} {_told(error)}", "dask", hint=CURE) from error


def _told(error: BaseException) -> str:
    said = str(error)
    if isinstance(error, TimeoutError | OSError) or "Timed out" in said:
        return f"does not answer: {said or 'it was silent for too long'}"[:400]
    return f"does not do what is needed: {said or type(error).__name__}"[:400]
