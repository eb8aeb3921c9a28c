"""A source that is asked again and again: a function, an address that answers JSON, or a query."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from typing import Any

import httpx2
import orjson

from claudia_core.errors import InvalidValue
from claudia_core.integrations.outgoing import USER_AGENT
from claudia_core.integrations.sync.mirror import Key, Mirror, Seen, seen
from claudia_core.leased import Leased
from claudia_core.logs import get_logger
from claudia_core.model.health import Health
from claudia_core.model.times import from_text, utc_now
from claudia_core.ports import Store

log = get_logger(__name__)

type Rows = Iterable[Mapping[str, Any]]
type Source = str | Callable[[], Rows]

MOST_BYTES = 20_000_000
TIMEOUT = 30.0
LEAST, MOST = 0.05, 86_400.0


class Poll:
    """Asks for all rows every so often and tells what differs from the last time: see `mirror.Mirror` for the events.

    One process at a time asks. What was seen is kept in the store: nothing is told twice, nor missed, over restarts; of
    a thing that changed several times between two looks the last state is told.

    Args:
        store: of the hub.
        name: the first word of its events.
        source: a function that gives rows; an `http(s)://` address that answers JSON; or a query for `connect`.
        key: the field that tells the rows apart, or a function of a row.
        every: seconds between the end of a look and the next.
        connect: gives a new connection of the DB-API, for a query.
        items: where the rows are in the answer of an address: `data.rows`; the answer itself by default.
        headers: sent along to an address.
        initial: whether what is there at the first look is told as inserted.
        deletions: whether what is missing from a look is gone; not so for a source that gives only what is new.
        lease: seconds after which another process takes over.

    Raises:
        InvalidValue: a value breaks a rule.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        source: Source,
        *,
        key: Key = "id",
        every: float = 60.0,
        connect: Callable[[], Any] | None = None,
        items: str = "",
        headers: Mapping[str, str] | None = None,
        initial: bool = True,
        deletions: bool = True,
        lease: float = 15.0,
    ) -> None:
        if not LEAST <= every <= MOST:
            raise InvalidValue(f"every is {every!r}", field="every", hint=f"use {LEAST:g} to {MOST:,.0f} seconds")
        self.mirror = Mirror(store, name)
        self._rows = _reader(source, connect, items, dict(headers or {}))
        self._key = key
        self._every = every
        self._initial = initial
        self._deletions = deletions
        self._lease = lease
        self.work = Leased(store, f"sync {name}", self._round, lease=lease)
        self.work.start()

    def look(self) -> None:
        """Ask now, where this process is the one that asks."""
        self.work.wake()

    def health(self) -> tuple[Health, str]:
        """Whether it is asked in time, by whichever process."""
        failing = self.work.health()
        if failing is not None:
            return failing
        return lateness(self.mirror, 3 * self._every + self._lease)

    def stop(self) -> None:
        """End; another process may go on."""
        self.work.stop()

    def _round(self, work: Leased) -> float:
        state = self.mirror.state()
        is_first = state["since"] is None
        silent = is_first and not self._initial
        told = self.mirror.compare(self._seen(), work, silent=silent, deletions=self._deletions)
        self.mirror.save(work, state)
        if told:
            log.info("a source changed", source=self.mirror.name, **told)
        return self._every

    def _seen(self) -> Iterator[Seen]:
        return (seen(row, self._key) for row in self._rows())


def lateness(mirror: Mirror, most: float) -> tuple[Health, str]:
    """Whether a source was seen within so many seconds, by whichever process."""
    at = mirror.state().get("at")
    if at is None:
        return Health.PASS, "not seen yet"
    late = utc_now() - from_text(at)
    if late > timedelta(seconds=most):
        return Health.WARN, f"not seen for {late.total_seconds():,.0f} s"
    return Health.PASS, ""


def _reader(
    source: Source, connect: Callable[[], Any] | None, items: str, headers: dict[str, str]
) -> Callable[[], Rows]:
    if callable(source):
        return source
    if source.startswith(("http://", "https://")):
        return _address(source, items, headers)
    if connect is None:
        hint = "give a function, an http(s):// address, or a query with connect="
        raise InvalidValue(f"the source {source!r:.80} cannot be asked", field="source", hint=hint)
    return lambda: _queried(source, connect)


def _address(url: str, items: str, headers: dict[str, str]) -> Callable[[], Rows]:
    client = httpx2.Client(timeout=TIMEOUT, trust_env=False, headers={"user-agent": USER_AGENT, **headers})

    def ask() -> Rows:
        until = time.monotonic() + TIMEOUT
        body = b""
        try:
            with client.stream("GET", url) as response:
                response.raise_for_status()
                for part in response.iter_bytes():
                    body += part
                    if len(body) > MOST_BYTES or time.monotonic() > until:
                        raise InvalidValue(
                            f"the answer takes over {MOST_BYTES:,} bytes or {TIMEOUT:g} s", field="source"
                        )
        except httpx2.HTTPStatusError as error:
            raise InvalidValue(f"the source answers HTTP {error.response.status_code}", field="source") from error
        return _items(body, items)

    return ask


def _items(body: bytes, items: str) -> Rows:
    try:
        found = orjson.loads(body)
        for name in filter(None, items.split(".")):
            found = found[name]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise InvalidValue(f"the answer has no JSON {items or 'list'}: {error!r:.200}", field="source") from error
    if not isinstance(found, list):
        raise InvalidValue(
            f"{items or 'the answer'} is no list of rows", field="items", hint="such as items='data.rows'"
        )
    return found


def _queried(query: str, connect: Callable[[], Any]) -> Iterator[Mapping[str, Any]]:
    with closing(connect()) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(query)
        names = [column[0] for column in cursor.description]
        while rows := cursor.fetchmany(500):
            for row in rows:
                yield dict(zip(names, row, strict=True))
