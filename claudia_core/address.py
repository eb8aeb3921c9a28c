"""What a database address names: a file, memory, a MongoDB, or a hub elsewhere; and the store that answers there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from claudia_core.caches import Cache, MemoryCache
from claudia_core.errors import InvalidValue, MissingExtra, SettingsError
from claudia_core.ports import Store
from claudia_core.resilience.breaker import CircuitState, Rules
from claudia_core.settings import Settings

if TYPE_CHECKING:
    from claudia_core.caches.redis_wake import RedisWake


def is_elsewhere(settings: Settings) -> bool:
    """Whether `database_url` names a hub elsewhere instead of a store."""
    return settings.database_url.partition("://")[0].lower() in ("http", "https")


def is_mongodb(settings: Settings) -> bool:
    """Whether `database_url` names a MongoDB."""
    return settings.database_url.partition("://")[0].lower() in ("mongodb", "mongodb+srv")


def open_store(settings: Settings) -> Store:
    """The store that `database_url` names.

    Raises:
        SettingsError: the address has an unknown scheme.
        StoreError: it cannot be opened.
        MissingExtra: its driver is not installed.
    """
    if is_mongodb(settings):
        return _open_mongodb(settings)
    path = store_file(settings)
    if path is None:
        from claudia_core.stores.memory import MemoryStore

        return MemoryStore()
    from claudia_core.stores.sqlite.store import SqliteStore

    return SqliteStore(path, durability=settings.durability, busy_timeout=settings.busy_timeout)


def _open_mongodb(settings: Settings) -> Store:
    try:
        from claudia_core.stores.mongodb.store import MongoStore
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("pymongo", "bson"):
            raise
        raise MissingExtra(
            "a store on MongoDB needs the pymongo driver", hint="pip install 'claudia-core[mongodb]'"
        ) from error
    store = MongoStore(settings.database_url, timeout=settings.connect_timeout, patience=settings.busy_timeout)
    if settings.redis_url is not None:
        store.wake_by(_open_wake(settings, store.epoch))
    return store


def _open_wake(settings: Settings, epoch: str) -> RedisWake:
    with _redis_driver("a wake-up over Redis"):
        from claudia_core.caches.redis_wake import RedisWake
    return RedisWake(redis_address(settings), f"claudia:wake:{epoch}")


def store_file(settings: Settings) -> Path | None:
    """The absolute path of the file that `database_url` names, made or not; None for a store without a file.

    Raises:
        SettingsError: the address has an unknown scheme.
        InvalidValue: it names no file.
    """
    scheme, separator, rest = settings.database_url.partition("://")
    if (separator and scheme == "memory") or is_elsewhere(settings) or is_mongodb(settings):
        return None
    if separator and scheme != "sqlite":
        raise SettingsError(
            f"CLAUDIA_DATABASE_URL has the unknown scheme {scheme!r}",
            field="database_url",
            hint="use sqlite:///FILE, sqlite:////ABSOLUTE/FILE, a file's path, mongodb://HOST/NAME, memory://, "
            "or http://HOST:PORT for a hub elsewhere",
        )
    path = Path(rest.removeprefix("/") if separator else settings.database_url)
    if not path.name:
        raise InvalidValue("the database address names no file", field="database_url", hint="sqlite:///FILE")
    return Path.cwd() / path


def open_cache(settings: Settings) -> Cache:
    """The cache on `redis_url`, or in memory without one.

    Raises:
        SettingsError: the address cannot be read.
        MissingExtra: the driver is not installed.
    """
    if settings.redis_url is None:
        return MemoryCache()
    with _redis_driver("a cache on Redis"):
        from claudia_core.caches.redis import RedisCache
    return RedisCache(redis_address(settings))


def open_circuits(settings: Settings) -> Callable[[str, Rules], CircuitState] | None:
    """Makes circuits that all processes on `redis_url` share; None without one: each process has its own.

    Raises:
        SettingsError: the address cannot be read.
        MissingExtra: the driver is not installed.
    """
    if settings.redis_url is None:
        return None
    with _redis_driver("circuits on Redis"):
        from claudia_core.resilience.redis_state import SharedCircuits
    return SharedCircuits(redis_address(settings)).of


def redis_address(settings: Settings) -> str:
    """The address of the Redis with its password; empty without one."""
    return "" if settings.redis_url is None else settings.redis_url.get_secret_value()


@contextmanager
def _redis_driver(what: str) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "redis":
            raise
        raise MissingExtra(f"{what} needs its driver", hint="pip install 'claudia-core[redis]'") from error
