"""How other processes open the stores under test."""

from pathlib import Path

from claudia_core.stores.sqlite.store import SqliteStore


def open_sqlite(path: str) -> SqliteStore:
    """The SQLite store on that file."""
    return SqliteStore(Path(path))
