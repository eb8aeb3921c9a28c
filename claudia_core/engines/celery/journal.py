"""What a process runs, noted on disk before the hub has saved it.

The hub is told without waiting, so a process that is killed takes along what it told in its last moments. A line in a
file costs some microseconds and outlives the process, though not a power cut. Whoever works on the same machine and hub
finds the files of processes that are gone, by their locks, and tells the rest.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from claudia_core.logs import get_logger

log = get_logger(__name__)

LONGEST = 64_000
"""Bytes of a file after which the next one is begun."""

MOST_BYTES = 4_000_000
"""Most that is read of one file."""


@dataclass(frozen=True, slots=True)
class Line:
    """A task that began, or how it ended: `end` is the name of that change, or empty."""

    id: str
    name: str
    type: str
    agent_id: str
    attempt: int
    end: str = ""
    error: str = ""


class Journal:
    """This process's file.

    Args:
        folder: where the files of all processes of a hub are; made where it is missing.
        flush: waits until the hub has saved what it was told; then what was noted before is not needed any more.
    """

    def __init__(self, folder: Path, flush: Callable[[], None]) -> None:
        self._folder = folder
        self._flush = flush
        self._number = 0
        self._bytes = 0
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path, self._file = self._open()

    def _open(self) -> tuple[Path, int]:
        self._number += 1
        new = self._folder / f"{os.getpid()}-{self._number}-{os.urandom(4).hex()}.new"
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        return new.rename(new.with_suffix(".jsonl")), file  # only now others see it, and that it is in use

    def note(self, line: Line) -> None:
        """Write a line; where that is not possible the work goes on."""
        data = orjson.dumps(asdict(line)) + b"\n"
        try:
            with self._lock:
                self._bytes += os.write(self._file, data)
                if self._bytes > LONGEST:
                    self._turn()
        except OSError as error:
            log.warning("a task could not be noted on disk", task=line.id, error=str(error))

    def _turn(self) -> None:
        """Go on in another file; this one goes when the hub has saved what stands in it."""
        path, file = self._path, self._file
        (self._path, self._file), self._bytes = self._open(), 0
        threading.Thread(target=self._drop, args=(path, file), name="claudia-journal", daemon=True).start()

    def _drop(self, path: Path, file: int) -> None:
        try:
            self._flush()
        except Exception as error:  # noqa: BLE001 - it stays for whoever comes when this process is gone
            log.warning("the hub did not save in time: what was noted stays on disk", file=path.name, error=repr(error))
            return
        path.unlink(missing_ok=True)
        os.close(file)

    def close(self) -> None:
        """All is saved: take the file away."""
        with self._lock:
            self._path.unlink(missing_ok=True)
            os.close(self._file)


def left_behind(folder: Path) -> Iterator[tuple[Path, list[Line]]]:
    """The files of processes that are gone, each with the last line of each of its tasks; the caller deletes them."""
    for path in sorted(folder.glob("*.jsonl")):
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:  # its process took it away just now
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield path, _lines(os.read(file, MOST_BYTES))
        except BlockingIOError:  # its process lives
            continue
        finally:
            os.close(file)


def _lines(data: bytes) -> list[Line]:
    last: dict[str, Line] = {}
    for text in data.splitlines():
        line = _line(text)
        if line is not None:
            last[line.id] = line
    return list(last.values())


def _line(text: bytes) -> Line | None:
    """A line; None for one that was cut off when the process was killed."""
    try:
        values: dict[str, Any] = orjson.loads(text)
        return Line(**values)
    except (orjson.JSONDecodeError, TypeError):
        return None
