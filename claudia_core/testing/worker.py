"""A process that writes to a store, for tests: `python -m claudia_core.testing.worker OPENER PLACE ...`.

It prints one line for each write, after the write was acknowledged: its name and its number.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module

from claudia_core.ports import Store, Transaction, Work


@dataclass(frozen=True, slots=True)
class Address:
    """How another process opens the store: `module:function`, and the one text that the function is given."""

    opener: str
    place: str

    def open(self) -> Store:
        """The store."""
        module, _, function = self.opener.partition(":")
        store = getattr(import_module(module), function)(self.place)
        assert isinstance(store, Store), f"{self.opener} gave {store!r}"
        return store

    @contextmanager
    def worker(self, name: str, *, threads: int, writes: int) -> Iterator[subprocess.Popen[str]]:
        """A process in which each thread does that many writes; it is killed at the end when it still runs."""
        arguments = (self.opener, self.place, name, str(threads), str(writes))
        command = [sys.executable, "-m", "claudia_core.testing.worker", *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


def step(subject: str, number: int) -> Work[None]:
    """A change of every kind: document, rollup and event."""

    def work(tx: Transaction) -> None:
        tx.put("tasks", {"id": f"{subject}-{number}", "name": subject, "status": "active", "number": number})
        tx.increment("steps")
        tx.emit("step", subject, {"number": number})

    return work


def main(opener: str, place: str, name: str, threads: int, writes: int) -> None:
    """Write, and tell what was acknowledged."""
    store = Address(opener, place).open()
    running = [threading.Thread(target=_write, args=(store, f"{name}.{number}", writes)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    store.close()


def _write(store: Store, subject: str, writes: int) -> None:
    for number in range(writes):
        store.write(step(subject, number)).result()
        sys.stdout.write(f"{subject} {number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
