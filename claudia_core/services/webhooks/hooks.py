"""Sources of webhooks from elsewhere, and the messages that came from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from claudia_core.errors import Conflict, InvalidValue, NotFound
from claudia_core.model.source import (
    EVENTS,
    Scheme,
    Source,
    require_name,
    require_scheme,
    require_secrets,
    require_template,
)
from claudia_core.model.times import require_utc, to_text, utc_now
from claudia_core.model.values import require_json
from claudia_core.model.webhook import new_secret
from claudia_core.ports import Query, Range, Store, Transaction
from claudia_core.services.events import RESERVED, NewEvent
from claudia_core.services.pruning import prune
from claudia_core.services.sealing import Safe

AT_ONCE = 500
MOST_SOURCES = 1_000
MOST_DATA = 512_000
"""Bytes of an event's data: a message, and a little more."""


class Hooks:
    """Makes sources, and notes their messages as events: each once. `safe` seals their secrets."""

    def __init__(self, store: Store, safe: Safe | None = None) -> None:
        self._store = store
        self._safe = safe or Safe()

    def create(
        self,
        name: str,
        scheme: Scheme | str,
        secrets: Sequence[str] = (),
        *,
        event: str | None = None,
        subject: str | None = None,
        header: str = "x-signature",
    ) -> tuple[Source, str]:
        """Accept messages at `/api/v1/hooks/NAME`; returns the source, and its secret where one was made.

        A secret is made for Standard Webhooks when none is given; the other services give their own.

        Raises:
            InvalidValue: a value breaks a rule; `field` names it.
            Conflict: there is a source of that name.
        """
        id, kind = require_name(name), require_scheme(scheme)
        made = new_secret() if kind is Scheme.STANDARD and not secrets else ""
        given = require_secrets([made] if made else secrets, kind)
        kept = tuple(self._safe.seal(id, secret) for secret in given)
        types, subjects = EVENTS[kind]
        chosen = require_template(types if event is None else event, "event", RESERVED)
        if chosen.partition(":")[0].replace("{name}", id) in RESERVED:
            raise InvalidValue(f"events {id}:* are Claudia's own", field="name", hint="use another name, or an event")
        about = require_template(subjects if subject is None else subject, "subject")
        if not header.isascii() or not header.replace("-", "").isalnum() or len(header) > 100:
            raise InvalidValue(f"header is {header!r:.80}", field="header", hint="use the name of a header")

        def work(tx: Transaction) -> Source:
            if tx.get("sources", id) is not None:
                raise Conflict(f"there is a source {id!r} already", hint="delete it first, or use another name")
            if len(tx.find(Query("sources", limit=MOST_SOURCES)).documents) >= MOST_SOURCES:
                raise Conflict(f"there are {MOST_SOURCES:,} sources already", hint="delete one")
            source = Source(
                id=id, scheme=kind, secrets=kept, event=chosen, subject=about, header=header, created_at=tx.now
            )
            tx.put("sources", source.to_document())
            tx.emit("webhook:source-created", id, {"scheme": kind.value})
            return source

        return self._store.write(work).result(), made

    def delete(self, name: str) -> None:
        """Accept no more messages from a source.

        Raises:
            NotFound: there is no such source.
        """

        def work(tx: Transaction) -> None:
            if tx.get("sources", name) is None:
                raise _unknown(name)
            tx.delete("sources", name)
            tx.emit("webhook:source-deleted", name, {})

        self._store.write(work).result()

    def get(self, name: str) -> Source:
        """One source.

        Raises:
            NotFound: there is no such source.
        """
        found = self._store.get("sources", name)
        if found is None:
            raise _unknown(name)
        return Source.from_document(found)

    def opened(self, name: str) -> Source:
        """One source with its secrets as they are, for whoever verifies messages.

        Raises:
            NotFound: there is no such source.
            SettingsError: its secrets cannot be opened.
        """
        return self._safe.source(self.get(name))

    def list(self) -> list[Source]:
        """All sources by name."""
        page = self._store.find(Query("sources", order="id", limit=MOST_SOURCES))
        return [Source.from_document(document) for document in page.documents]

    def note(self, source: Source, key: str, seconds: float, events: Iterable[NewEvent]) -> int | None:
        """Append a message's events, in one transaction with what makes it known again; None where it came before.

        Args:
            source: where it came from.
            key: what the message is known by.
            seconds: for how long.
            events: what it becomes.

        Raises:
            InvalidValue, TooLarge: an event breaks a rule.
        """
        checked = list(map(_checked, events))
        id = f"{source.id}:{key}"[:300]

        def work(tx: Transaction) -> int | None:
            if not comes_first(tx, id, seconds):
                return None
            for event in checked:
                tx.emit(event.type, event.subject, event.data)
            return len(checked)

        return self._store.write(work).result()

    def prune(self, before: datetime | None = None) -> int:
        """Forget messages whose time is over; returns how many."""
        over = Range("0", to_text(require_utc(before or utc_now(), "before")))
        query = Query("received", {"at": over}, "at", limit=AT_ONCE)
        return prune(self._store, query)


def comes_first(tx: Transaction, id: str, seconds: float) -> bool:
    """Whether a message comes for the first time; if so, it is known again for that long (see `Hooks.prune`)."""
    found: dict[str, Any] | None = tx.get("received", id)
    if found is not None and found["at"] > to_text(tx.now):
        return False
    tx.put("received", {"id": id, "at": to_text(tx.now + timedelta(seconds=seconds))})
    return True


def _checked(event: NewEvent) -> NewEvent:
    """An event that holds a whole message."""
    data = require_json(event.data, "data", MOST_DATA)
    if not isinstance(data, dict):
        raise InvalidValue("data is not a JSON object", field="data")
    return replace(replace(event, data={}).checked(), data=data)


def _unknown(name: str) -> NotFound:
    return NotFound(f"no source {name!r:.80}", field="id")
