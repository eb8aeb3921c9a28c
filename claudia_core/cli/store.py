"""`claudia prune | backup | restore`: the store itself."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from claudia_core.address import store_file
from claudia_core.app import Claudia
from claudia_core.cli.hub import Database, open_hub
from claudia_core.cli.rows import size
from claudia_core.cli.terminal import say
from claudia_core.errors import InvalidValue
from claudia_core.ports import Retention
from claudia_core.settings import load_settings


def prune(
    *,
    days: Annotated[float | None, Parameter(validator=Number(gte=0, lte=36_500))] = None,
    bytes: Annotated[int | None, Parameter(validator=Number(gte=0))] = None,
    events: Annotated[int | None, Parameter(validator=Number(gte=0))] = None,
    database: Database = None,
) -> None:
    """Delete old events. Tasks, issues and the newest event stay.

    Without options, what CLAUDIA_KEEP_DAYS and CLAUDIA_KEEP_BYTES allow.

    Args:
        days: Keep events of this many days.
        bytes: Keep this many bytes of events.
        events: Keep this many events.
    """
    with open_hub(database) as claudia:
        deleted = claudia.store.prune(_retention(claudia, days, bytes, events))
        status = claudia.store.log_status()
    say(f"{deleted:,} events deleted, {status.events:,} kept.")
    say(f"The store has {size(status.bytes)}; freed space is used again.")


def _retention(claudia: Claudia, days: float | None, bytes: int | None, events: int | None) -> Retention:
    if days is None and bytes is None and events is None:
        days, bytes = claudia.settings.keep_days, claudia.settings.keep_bytes
    return Retention(age=None if days is None else timedelta(days=days), events=events, bytes=bytes)


def backup(file: Path, /, *, database: Database = None) -> None:
    """Copy the store to a new file while it is in use.

    Args:
        file: The new file.
    """
    from claudia_core.stores.sqlite.store import SqliteStore

    with open_hub(database) as claudia:
        if not isinstance(claudia.store, SqliteStore):
            hint = (
                "a MongoDB has tools of its own, or: claudia migrate FROM FILE --copy; a hub elsewhere is copied there"
            )
            raise InvalidValue(f"{claudia.store.url} has no file to copy", field="database", hint=hint)
        claudia.store.backup(file)
    say(f"Copied to {file} ({size(file.stat().st_size)}). Back with: claudia restore {file}")


def restore(file: Path, /, *, database: Database = None) -> None:
    """Put a backup in the place of the store, which must not be in use. The store it replaces is kept beside it.

    Args:
        file: The backup.
    """
    from claudia_core.stores.sqlite.archive import restore as put_back

    target = store_file(load_settings(database_url=database))
    if target is None:
        raise InvalidValue(
            "a store in memory cannot be restored", field="database", hint="name a file: --database FILE"
        )
    if file.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
    kept = put_back(file, target)
    say(f"{target} is now as {file} was.")
    if kept is not None:
        say(f"What was there before is kept in {kept}")
