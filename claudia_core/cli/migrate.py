"""`claudia migrate FROM TO`: a hub, with its log, from one store to another."""

from __future__ import annotations

import shlex
from contextlib import AbstractContextManager
from typing import Annotated, Any

from cyclopts import Parameter

from claudia_core.address import is_mongodb, store_file
from claudia_core.cli.terminal import configure_logs, err, say
from claudia_core.errors import InvalidValue
from claudia_core.settings import Settings, load_settings
from claudia_core.stores.moving import move

HINT = "use a file's path, sqlite:///FILE or mongodb://HOST/NAME"


def migrate(source: str, target: str, /, *, copy: Annotated[bool, Parameter(negative=())] = False) -> None:
    """Copy a hub with its log to an empty store, and check the copy. Stop everything that uses the hub first.

    The log keeps its name in the copy, so that whoever follows it goes on there; the source is kept, its log under
    another name. What is interrupted can be run again. With --copy the hub may go on working: what is copied is how it
    stood at one moment.

    Args:
        source: The store that is copied: a file's path, sqlite:///FILE or mongodb://HOST/NAME.
        target: The new store: a file that does not exist, or an empty database.
        copy: Leave the source as it is, and give the copy's log the other name.
    """
    configure_logs()
    start, end = load_settings(database_url=source), load_settings(database_url=target)
    to = _place_of(end)
    if _place_of(start) == to:
        raise InvalidValue(f"{to} cannot be copied to itself", field="target", hint="name another store")
    with _source(start, to, live=copy) as opened:
        parts = move(opened, _target(end), keep_source=copy, progress=_progress)
    for part in parts:
        if part.number:
            say(f"{part.name:<15} {part.number:>12,}   sha256 {part.digest[:16]}")
    say(f"Copied and checked. {_next_step(end, to)}")
    if not copy:
        say(f"{opened.url} is kept; its log has another name now, and nothing there should be used any more.")


def _next_step(settings: Settings, to: str) -> str:
    """How the copy is used; an address that was typed with a password is not repeated with it."""
    file = store_file(settings)
    if file is not None:
        return f"Start the hub with: claudia serve --database {shlex.quote(str(file))}"
    return f"Start the hub with CLAUDIA_DATABASE_URL set to the address that was given for {to}"


def _place_of(settings: Settings) -> str:
    """The address of a store without secrets.

    Raises:
        InvalidValue: it is neither a file nor a MongoDB.
    """
    if is_mongodb(settings):
        from claudia_core.stores.mongodb.open import without_secrets

        return without_secrets(settings.database_url)
    file = store_file(settings)
    if file is None:
        raise InvalidValue(f"{settings.database_url} cannot be copied from or to", field="database_url", hint=HINT)
    return f"sqlite:///{file}"


def _source(settings: Settings, to: str, *, live: bool) -> AbstractContextManager[Any]:
    if is_mongodb(settings):
        from claudia_core.stores.mongodb.move import mongodb_source

        return mongodb_source(settings.database_url, to, timeout=settings.connect_timeout, live=live)
    from claudia_core.stores.sqlite.move import sqlite_source

    file = store_file(settings)
    assert file is not None, "its place was asked for"
    return sqlite_source(file, to, live=live)


def _target(settings: Settings) -> AbstractContextManager[Any]:
    if is_mongodb(settings):
        from claudia_core.stores.mongodb.move import mongodb_target

        return mongodb_target(settings.database_url, timeout=settings.connect_timeout)
    from claudia_core.stores.sqlite.move import sqlite_target

    file = store_file(settings)
    assert file is not None, "its place was asked for"
    return sqlite_target(file)


def _progress(name: str, count: int) -> None:
    if err().is_terminal:
        err().print(f"\r{name}: {count:,}   ", end="")
