"""Backup and restore of a SQLite store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path

import apsw

from claudia_core.errors import StoreBusy, StoreDamaged, StoreError, StoreForeign
from claudia_core.logs import get_logger
from claudia_core.stores.sqlite.file import APPLICATION_ID, new_epoch, require_ours, require_size
from claudia_core.stores.sqlite.reader import sqlite_errors

log = get_logger(__name__)


def backup(source: apsw.Connection, target: Path) -> None:
    """Copy a store in use to a new file: the state of one moment, while writers go on.

    Raises:
        StoreError: the target exists already or cannot be written; then no part of it is left behind.
    """
    if target.exists():
        raise StoreError(f"{target} exists already", hint="name a new file")
    with partial_file(target) as partial, closing(apsw.Connection(str(partial))) as copy:
        _copy(source, copy)


def restore(source: Path, target: Path) -> Path | None:
    """Put a backup in the place of a store, under a new epoch; the store it replaces is kept beside it as `.old`.

    Returns where that is kept; None where there was no store.

    Raises:
        StoreForeign, StoreTooNew, StoreDamaged: the backup is not one, or the target is another program's.
        StoreBusy: the target is in use.
        StoreError: the backup is not there.
    """
    if not source.is_file():
        raise StoreError(f"there is no backup {source}", hint="make one with: claudia backup FILE")
    with sqlite_errors(str(source)), closing(_open_read_only(source)) as checked:
        _require_store(checked, source)
        with partial_file(target) as partial:
            with closing(apsw.Connection(str(partial))) as copy:
                _copy(checked, copy)
                new_epoch(copy)
            return _move_aside(target)


@contextmanager
def partial_file(target: Path) -> Iterator[Path]:
    """A file of this user's only that takes the target's name when all went well, and is gone otherwise."""
    partial = target.with_name(target.name + ".partial")
    with sqlite_errors(str(target)):
        try:
            _remove(partial)  # what a killed process left; its write-ahead log must not be taken for the new one's
            os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            yield partial
            partial.rename(target)
        except OSError as error:
            raise StoreError(f"{target} cannot be written: {error}", hint="name a file in another folder") from error
        finally:
            _remove(partial)


def _remove(partial: Path) -> None:
    for ending in ("", "-journal", "-wal", "-shm"):
        partial.with_name(partial.name + ending).unlink(missing_ok=True)


def _copy(source: apsw.Connection, copy: apsw.Connection) -> None:
    # In one step: a copy in several starts again whenever somebody else commits, and might never end.
    with copy.backup("main", source, "main") as steps:
        steps.step(-1)
    copy.execute("PRAGMA journal_mode = DELETE")


def _open_read_only(path: Path) -> apsw.Connection:
    return apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)


def _require_store(connection: apsw.Connection, path: Path) -> None:
    if connection.pragma("application_id") != APPLICATION_ID:
        raise StoreForeign(f"{path} is not a backup of a Claudia store", hint="make one with: claudia backup FILE")
    require_ours(connection, path)
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone() or ("no verdict",)
    if verdict != "ok":
        raise StoreDamaged(f"the backup {path} is damaged: {verdict}", hint="use another one")


def _move_aside(target: Path) -> Path | None:
    if not target.exists():
        return None
    require_size(target)
    with sqlite_errors(str(target)), closing(apsw.Connection(str(target))) as present:
        require_ours(present, target)
        try:
            present.execute("PRAGMA journal_mode = DELETE")  # succeeds only while nobody else has the file open
        except apsw.BusyError as error:
            raise StoreBusy(f"{target} is in use", hint="stop the hub and the programs that use it first") from error
        except apsw.CorruptError:
            log.warning("the store is damaged: it is moved aside as it is", store=str(target))
    aside = _free_name(target)
    for companion in ("-wal", "-shm"):  # those of a damaged store must not be taken for the restored one's
        with suppress(FileNotFoundError):
            target.with_name(target.name + companion).rename(aside.with_name(aside.name + companion))
    target.rename(aside)
    return aside


def _free_name(target: Path) -> Path:
    """`.old`, or `.old2`, `.old3` where that is taken: what was moved aside before is kept."""
    names = (target.with_name(f"{target.name}.old{number if number > 1 else ''}") for number in count(1))
    return next(name for name in names if not name.exists())
