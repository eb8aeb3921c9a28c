"""A process that writes to a store, for tests: `python -m claudia_core.testing.worker OPENER PLACE ...`.

It prints one line for each write, after the write was acknowledged: its name and its number. Without NAME it is a
nursery: for each line it reads, `NAME THREADS WRITES`, it forks such a writer, prints `began PID`, waits for its end
and prints `ended PID`.
"""

from __future__ import annotations

import os
import signal
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
        with self._run(name, str(threads), str(writes)) as process:
            yield process

    @contextmanager
    def nursery(self) -> Iterator[Nursery]:
        """A process that forks writers, to be killed one after another."""
        with self._run() as process:
            yield Nursery(process)

    @contextmanager
    def _run(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-m", "claudia_core.testing.worker", self.opener, self.place, *arguments]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


class Nursery:
    """Starts writers and kills them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start_and_kill(self, name: str, *, threads: int, after: int) -> list[str]:
        """What a writer had acknowledged when it was killed, some time after `after` acknowledgements."""
        assert self._process.stdin is not None, "it was started with pipes"
        self._process.stdin.write(f"{name} {threads} 1000000\n")
        self._process.stdin.flush()
        told: list[str] = []
        pid = 0
        for line in self._lines():
            first, _, second = line.partition(" ")
            if first == "ended":
                break
            if first == "began":
                pid = int(second)
            else:
                told.append(line)
            if pid and len(told) >= after:
                os.kill(pid, signal.SIGKILL)
                after = sys.maxsize
        return told

    def _lines(self) -> Iterator[str]:
        assert self._process.stdout is not None, "it was started with pipes"
        return (line.rstrip("\n") for line in self._process.stdout)


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
        _tell(f"{subject} {number}")


def _tell(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # in one piece, whatever other writers of this pipe do


def nursery(opener: str, place: str) -> None:
    """Fork writers as they are asked for, one at a time: starting Python for each would take seconds."""
    for line in sys.stdin:
        name, threads, writes = line.split()
        pid = os.fork()
        if not pid:
            main(opener, place, name, int(threads), int(writes))
            os._exit(0)
        _tell(f"began {pid}")
        os.waitpid(pid, 0)
        _tell(f"ended {pid}")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        nursery(sys.argv[1], sys.argv[2])
    else:
        main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
