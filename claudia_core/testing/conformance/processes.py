"""Several processes on one store."""

from __future__ import annotations

import os
from contextlib import ExitStack

from claudia_core.ports import Store
from claudia_core.testing.conformance.suite import Suite
from claudia_core.testing.worker import Address

PROCESSES = 4
THREADS = 8
WRITES = 40
KILLS = 100 if os.environ.get("CLAUDIA_SLOW") else 20


class StoreProcesses(Suite):
    """Promises of a store that several processes open at once; fixture `address` tells how they do."""

    def test_many_writers(self, store: Store, address: Address) -> None:
        """32 writers in 4 processes: no error, nothing lost, each writer's order intact, no gap in the sequence."""
        with ExitStack() as running:
            workers = [
                running.enter_context(address.worker(f"p{number}", threads=THREADS, writes=WRITES))
                for number in range(PROCESSES)
            ]
            ends = [worker.communicate(timeout=100) for worker in workers]
        assert [worker.returncode for worker in workers] == [0] * PROCESSES, [errors for _, errors in ends]
        told = [line for lines, _ in ends for line in lines.splitlines()]
        assert len(told) == PROCESSES * THREADS * WRITES
        _require_whole(store, told)

    def test_killed_writers(self, store: Store, address: Address) -> None:
        """A writer killed at any moment, many times: every write it acknowledged is there, with no gap."""
        told: list[str] = []
        with address.nursery() as nursery:
            for kill in range(KILLS):
                told += nursery.start_and_kill(f"k{kill}", threads=2, after=1 + kill * 7 % 20)
        assert len(told) > KILLS
        _require_whole(store, told)

    def test_wait_sees_other_processes(self, store: Store, address: Address) -> None:
        """A commit of another process wakes a waiting reader."""
        with address.worker("other", threads=1, writes=1) as worker:
            assert store.wait(0, timeout=60) == 1
            worker.communicate(timeout=60)
        assert store.get("tasks", "other.0-0") is not None


def _require_whole(store: Store, told: list[str]) -> None:
    """Every acknowledged write is in the log and in the documents; all that is there belongs together."""
    numbers: dict[str, list[int]] = {}
    position = 0
    while position < store.head():
        part = store.events(position, 10_000)
        assert [event.sequence for event in part.events] == list(range(position + 1, part.position + 1))
        for event in part.events:
            numbers.setdefault(event.subject, []).append(event.data["number"])
        position = part.position
    assert all(found == list(range(len(found))) for found in numbers.values())
    for line in told:
        subject, number = line.split()
        assert int(number) < len(numbers[subject]), f"lost: {line}"
    ids = [f"{subject}-{number}" for subject, found in numbers.items() for number in found]
    assert store.get_many("tasks", ids).keys() == set(ids)
    assert store.samples(["steps"])[0].value == len(ids) == position
