"""A night that went wrong, staged on a hub: for runbooks, demonstrations and tests.

Four nights went well. This one has a task that fell silent, one whose process was lost, three that failed with one
error, one that is far slower than it was, and one that waits for them. Time is given to the store, not waited for; the
same night is staged every time, ids of tasks and agents included, and it ends at the present moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from claudia_core.app import Claudia
from claudia_core.model.times import to_text, utc_now
from claudia_core.services.agents import LONGEST_LEASE, NewAgent
from claudia_core.settings import default_settings
from claudia_core.stores.memory import MemoryStore
from claudia_core.stores.sqlite.store import SqliteStore
from claudia_core.testing.clock import PastClock

LOAD = "nightly load"
STUCK = "export invoices"
"""Active, its process alive, without news for `SILENCE` minutes."""
LOST = "sync customers"
"""Failed because its process stopped without a word."""
SLOW = "build indexes"
"""Active and moving, for six times as long as it takes otherwise."""
FAILED = ("load shard 3", "load shard 4", "load shard 5")
"""Failed with the same error, so they are one issue."""
WAITING = "send report mails"
"""Pending until the rest is done."""

SILENCE = 47
"""Minutes since the stuck task was heard of."""

GOOD_NIGHTS = 4
LENGTH = {"read orders": 4.0, "read customers": 3.0, LOST: 6.0, STUCK: 9.0, SLOW: 12.0, WAITING: 1.0}
"""Minutes that each task takes when all is well; a shard takes 2."""
DAY = 24 * 60
BEGAN = 95
"""Minutes ago at which the night began."""


@dataclass(frozen=True)
class Step:
    """Something that happens `at` minutes from the end of the stage; before it, so negative."""

    at: float
    do: Callable[[], object]


class Stage:
    """A hub whose time is moved by the play."""

    def __init__(self, path: Path | None, end: datetime) -> None:
        self.end = end
        self.clock = PastClock(end - timedelta(days=GOOD_NIGHTS + 1))
        store = MemoryStore(clock=self.clock) if path is None else SqliteStore(path, clock=self.clock)
        self.claudia = Claudia(store=store, settings=default_settings())
        self._made = 0

    def play(self, steps: Iterator[Step]) -> None:
        """Let the steps happen in the order of their times, and the present begin."""
        for step in sorted(steps, key=lambda step: step.at):
            self.clock.move_to(self.end + timedelta(minutes=step.at))
            step.do()
        self.clock.move_to(self.end)
        self.clock.join()

    def id(self, at: float) -> str:
        """A UUIDv7 of that minute which is the same in every staging of the same moment."""
        self._made += 1
        stamp = int((self.end + timedelta(minutes=at)).timestamp() * 1000)
        text = f"{stamp:012x}7000{0x8000_0000_0000_0000 + self._made:016x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def agent(self, name: str, host: str, pid: int, at: float, lease: float = LONGEST_LEASE) -> tuple[str, Step]:
        """An agent's id, and the step in which it registers. There is no such process, so its lease is a day's."""
        new = NewAgent(id=self.id(at), name=name, host=host, pid=pid, lease=lease)
        return new.id, Step(at, lambda: self.claudia.agents.enrol(new))

    def task(
        self, name: str, at: float, *, agent: str, until: float, steps: int = 100, done: int = 100, **values: Any
    ) -> tuple[str, list[Step]]:
        """A task's id, and the steps in which it begins `at` and comes evenly to `done` of `steps` at `until`."""
        tasks, id = self.claudia.tasks, self.id(at)
        begin = Step(at, lambda: tasks.create(name, id=id, start=True, agent_id=agent, estimated_steps=steps, **values))
        looks = 10
        moves = [
            Step(at + (until - at) * look / looks, _moving(self.claudia, id, done * look // looks))
            for look in range(1, looks + 1)
        ]
        return id, [begin, *moves]

    def success(self, name: str, at: float, minutes: float, **values: Any) -> list[Step]:
        """The steps of a task that completes."""
        id, steps = self.task(name, at, until=at + minutes - 0.01, **values)
        return [*steps, Step(at + minutes, lambda: self.claudia.tasks.complete(id))]


def _moving(claudia: Claudia, id: str, current: int) -> Callable[[], object]:
    return lambda: claudia.tasks.progress(id, current)


def staged_incident(path: Path | None = None, *, end: datetime | None = None) -> Claudia:
    """A hub on which the night is staged, in memory or in a new file; `end` is now unless given.

    The agents of this night are no real processes. Their leases run for a day, so that they count as alive meanwhile.
    """
    stage = Stage(path, utc_now() if end is None else end)
    stage.play(_play(stage))
    return stage.claudia


def _play(stage: Stage) -> Iterator[Step]:
    for night in range(1, GOOD_NIGHTS + 1):
        yield from _good_night(stage, -DAY * night - BEGAN, night)
    yield from _bad_night(stage)


def _good_night(stage: Stage, at: float, night: int) -> Iterator[Step]:
    agent, register = stage.agent("loader", "warehouse-1", 4_000 + night, at, lease=LONGEST_LEASE)
    load, steps = stage.task(LOAD, at, agent=agent, until=at + 44, type="etl", unit="steps")
    yield from [register, *steps]
    yield Step(at + 46, lambda: stage.claudia.tasks.complete(load))
    yield Step(at + 47, lambda: stage.claudia.agents.leave(agent))
    start = at
    for name, minutes in LENGTH.items():
        took = minutes * (1 + night / 20)
        yield from stage.success(name, start + 0.1, took, agent=agent, parent_id=load, type="etl", unit="rows")
        start += took
    for shard in range(1, 7):
        yield from stage.success(f"load shard {shard}", at + 3 * shard, 2, agent=agent, parent_id=load, type="shard")


def _bad_night(stage: Stage) -> Iterator[Step]:
    loader, steps = stage.agent("loader", "warehouse-1", 4121, -BEGAN)
    yield steps
    load, moves = stage.task(LOAD, -BEGAN, agent=loader, until=-64, done=45, type="etl", unit="steps")
    yield from moves
    part: dict[str, Any] = {"parent_id": load, "type": "etl", "unit": "rows"}
    yield from stage.success("read orders", -94, 4, agent=loader, **part)
    yield from stage.success("read customers", -90, 3, agent=loader, **part)
    yield from _lost(stage, part)
    yield from _failed(stage, loader, load)
    _, moves = stage.task(SLOW, -75, agent=loader, until=-0.5, done=41, **part)
    yield from moves
    exporter, register = stage.agent("exporter", "app-2", 977, -61)
    _, moves = stage.task(STUCK, -60, agent=exporter, until=-SILENCE, steps=1000, done=610, **part)
    yield from [register, *moves, Step(-1, lambda: stage.claudia.agents.renew(exporter))]
    yield Step(-55, lambda: stage.claudia.tasks.create(WAITING, id=stage.id(-55), **part))


def _lost(stage: Stage, part: dict[str, Any]) -> Iterator[Step]:
    """Its process sends heartbeats until it is killed; a minute later it is found to be lost."""
    agent, register = stage.agent("crm-sync", "app-1", 31337, -87, lease=15)
    _, moves = stage.task(LOST, -86, agent=agent, until=-80, done=35, **part)
    yield from [register, *moves, Step(-80, lambda: stage.claudia.agents.renew(agent))]
    yield Step(-79, lambda: stage.claudia.agents.reap(to_text(stage.clock.now())))


def _failed(stage: Stage, loader: str, load: str) -> Iterator[Step]:
    for shard in range(1, 7):
        name, at = f"load shard {shard}", -85 + 4 * shard
        values: dict[str, Any] = {"agent": loader, "parent_id": load, "type": "shard", "payload": {"shard": shard}}
        if name not in FAILED:
            yield from stage.success(name, at, 2, **values)
            continue
        id, moves = stage.task(name, at, until=at + 1.5, done=70, **values)
        yield from [*moves, Step(at + 1.6, _failing(stage.claudia, id, shard))]


def _failing(claudia: Claudia, id: str, shard: int) -> Callable[[], object]:
    def fail() -> None:
        try:
            load_shard(shard)
        except ConnectionResetError as error:
            claudia.tasks.fail(id, error)

    return fail


def load_shard(shard: int) -> None:
    """What the shards' tasks ran.

    Raises:
        ConnectionResetError: the warehouse closes the connection, as it does this night.
    """
    raise ConnectionResetError(104, f"Connection reset by peer: warehouse-3.internal:5432, shard {shard}")
