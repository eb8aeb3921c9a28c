"""Learns from the operating system when a file of a folder was written, so that nobody has to look all the time."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

IN_MODIFY = 0x002
IN_CREATE = 0x100
IN_Q_OVERFLOW = 0x4000

HEADER = struct.Struct("iIII")
"""`struct inotify_event` of inotify(7): watch, mask, cookie, length of the name that follows."""

PAUSE = 0.02
"""Seconds between two notices at least: a busy file is looked at anyway."""


class FileWatch:
    """Calls `on_write` from a thread of its own soon after any process wrote the file, many writes at once.

    A write is seen when it is made, which may be a moment before the transaction that it belongs to can be read. Works
    on Linux, on file systems of this machine; a SQLite file in WAL mode cannot be on others.

    Raises:
        OSError: the system has no such service, or no more of it.
    """

    def __init__(self, path: Path, on_write: Callable[[], None]) -> None:
        self._name = os.fsencode(path.name)
        self._on_write = on_write
        self._stopped = threading.Event()
        self._end = os.eventfd(0, os.EFD_CLOEXEC)
        try:
            self._file = _watch(path.parent)
        except OSError:
            os.close(self._end)
            raise
        self._thread = threading.Thread(target=self._run, name="claudia-file-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; stopping twice is fine."""
        if not self._stopped.is_set():
            self._stopped.set()
            os.eventfd_write(self._end, 1)
            self._thread.join(5.0)

    def _run(self) -> None:
        try:
            waiting = select.poll()
            waiting.register(self._file, select.POLLIN)
            waiting.register(self._end, select.POLLIN)
            while waiting.poll() and not self._stopped.is_set():
                if any(mask & IN_Q_OVERFLOW or name == self._name for mask, name in _read(self._file)):
                    self._on_write()
                    self._stopped.wait(PAUSE)
        finally:
            os.close(self._file)
            os.close(self._end)


def _watch(folder: Path) -> int:
    """A descriptor from which notices of changes in the folder can be read."""
    if not sys.platform.startswith("linux"):
        raise OSError("files are watched on Linux only")
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor: int = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "inotify_init1")
    if libc.inotify_add_watch(descriptor, os.fsencode(folder), IN_MODIFY | IN_CREATE) < 0:
        error = ctypes.get_errno()
        os.close(descriptor)
        raise OSError(error, "inotify_add_watch", str(folder))
    return descriptor


def _read(descriptor: int) -> Iterator[tuple[int, bytes]]:
    """What happened since the last call, as mask and name of file."""
    try:
        notices = os.read(descriptor, 65_536)
    except BlockingIOError:
        return
    at = 0
    while at < len(notices):
        _, mask, _, length = HEADER.unpack_from(notices, at)
        at += HEADER.size + length
        yield mask, notices[at - length : at].rstrip(b"\0")
