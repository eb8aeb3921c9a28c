"""`claudia agent`: a process that runs the tasks for which a module of yours has handlers."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from claudia_core.app import Claudia
from claudia_core.cli.hub import Database
from claudia_core.cli.terminal import configure_logs, say
from claudia_core.engines.choosing import named_engine
from claudia_core.engines.working import Working, default_capacity
from claudia_core.errors import InvalidValue, WaitTimeout

FAILED = 1


def agent(
    *,
    app: str,
    capacity: Annotated[int | None, Parameter(validator=Number(gte=1, lte=10_000))] = None,
    types: Annotated[list[str] | None, Parameter(name="--type", negative=())] = None,
    engine: str | None = None,
    name: str | None = None,
    database: Database = None,
) -> int:
    """Run the tasks that wait for the handlers of a module.

    SIGTERM and Ctrl+C drain it: it takes no new tasks and ends when those that run have ended; a second one stops it:
    what runs is asked to stop, killed after its grace, and queued again.

    Args:
        app: The module that makes the hub and its handlers: my.module, or my.module:hub where it has several.
        capacity: Most tasks at once; by default one for each core and four at least, or what the engine has room for.
        types: Take tasks of this type only; may be given several times.
        engine: Where they run: local, celery://MODULE:NAME or dask://HOST:8786; what the settings say by default.
        name: What people will read; the program and its process unless set otherwise.
    """
    configure_logs()
    if database is not None:
        os.environ["CLAUDIA_DATABASE_URL"] = database  # for the module, and for the processes that import it again
    with _signals() as signals, _hub_of(app) as hub:
        if name is not None:
            hub.name_agent(name)
        options = {} if engine is None else named_engine(engine, hub.settings)
        if capacity is not None:
            options["capacity"] = capacity
        working = hub.work(types=types, **options)
        signals.work(working)
        told = ", ".join(sorted(hub.handlers.types if types is None else types))
        called = hub.agents.get(working.agent_id).name
        say(f"Agent {called} works on {hub.store.url}: {working.capacity or default_capacity()} at once")
        say(f"Types: {told}. Ctrl+C drains it, twice stops it.")
        _wait(working)
    say("The agent has ended.")
    return FAILED if working.left else 0


def _hub_of(app: str) -> Claudia:
    """The hub of a module.

    Raises:
        InvalidValue: the module cannot be imported, or has none, or several.
    """
    module, _, attribute = app.partition(":")
    sys.path.insert(0, str(os.getcwd()))  # noqa: PTH109 - what Python itself would put there for a script
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        hint = f"run the command in the folder where {module.partition('.')[0]}.py or its package is"
        raise InvalidValue(f"{module} cannot be imported: {error}", field="app", hint=hint) from error
    hubs = {name: value for name, value in vars(found).items() if isinstance(value, Claudia)}
    if attribute:
        hubs = {name: value for name, value in hubs.items() if name == attribute}
    if not hubs:
        hint = "make one there, beside the handlers: claudia = Claudia()"
        raise InvalidValue(f"{app} has no hub", field="app", hint=hint)
    if len(set(map(id, hubs.values()))) > 1:
        hint = f"name one of them: --app {module}:{next(iter(hubs))}"
        raise InvalidValue(f"{app} has several hubs: {', '.join(hubs)}", field="app", hint=hint)
    return next(iter(hubs.values()))


class _Signals:
    """Drains an agent at the first signal, and stops it at the second; also one that came before it began."""

    def __init__(self) -> None:
        self._working: Working | None = None
        self._count = 0

    def work(self, working: Working) -> None:
        """The agent is this from now on."""
        self._working = working
        if self._count:
            working.drain()

    def on_signal(self, _: int, __: FrameType | None) -> None:
        """Never waits: the store may be locked by the very thread that the signal has interrupted."""
        self._count += 1
        working = self._working
        if working is not None:
            how = working.drain if self._count == 1 else working.ask_to_stop
            threading.Thread(target=how, name="claudia-signal", daemon=True).start()


@contextmanager
def _signals() -> Iterator[_Signals]:
    signals = _Signals()
    before = {number: signal.signal(number, signals.on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(working: Working) -> None:
    while True:
        try:
            return working.wait(0.5)
        except WaitTimeout:
            continue
