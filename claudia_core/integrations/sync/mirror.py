"""What was last seen of each thing elsewhere, by key and hash: the difference to that is what is told.

The notes of what was seen, the events and the place in the source are saved in one transaction: each difference is told
once, whatever is killed in between, and however often the source tells it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import batched
from typing import Any, NamedTuple

import orjson

from claudia_core.errors import InvalidValue
from claudia_core.leased import Leased
from claudia_core.model.times import to_text
from claudia_core.ports import Document, Prefix, Query, Store, Transaction
from claudia_core.services.events import MAX_DATA, RESERVED, NewEvent

TOGETHER = 200
"""Things that are compared at once, and told in one commit."""

MOST_KEY = 180
_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,59}")

type Key = str | Callable[[Mapping[str, Any]], Any]


class Seen(NamedTuple):
    """A thing as the source has it now; without a body it is gone."""

    key: str
    body: bytes | None


class Mirror:
    """The notes of one source.

    Args:
        store: of the hub.
        name: of the source, which is also the first word of its events: `orders` tells `orders:inserted`,
            `orders:updated` and `orders:deleted`.

    Raises:
        InvalidValue: the name is no word for events, or one of Claudia's own.
    """

    def __init__(self, store: Store, name: str) -> None:
        if not _NAME.fullmatch(name) or name in RESERVED:
            hint = "use lower-case letters, digits, . _ - such as orders"
            raise InvalidValue(f"a source cannot be named {name!r:.80}", field="name", hint=hint)
        self.name = name
        self.id = f"sync/{name}"
        self._store = store

    def state(self) -> Document:
        """What the source keeps with its notes; `since` is set once it has been seen whole."""
        return self._store.get("meta", self.id) or {"id": self.id, "since": None, "token": None}

    def compare(self, rows: Iterable[Seen], work: Leased, *, silent: bool, deletions: bool) -> Counter[str]:
        """Tell how all that the source has differs from the notes; returns how many of each kind.

        Args:
            rows: all of it; what it raises ends the comparison, and nothing counts as gone.
            work: the lease under which that is done.
            silent: only note.
            deletions: whether what is not among them is gone.
        """
        told: Counter[str] = Counter()
        keys: set[bytes] = set()
        for part in batched(rows, TOGETHER):
            work.hold()
            keys.update(_short(one.key) for one in part)
            told.update(self.tell(self._changed(part), work, silent=silent))
        if deletions:
            gone = (Seen(key, None) for key in self._known() if _short(key) not in keys)
            for part in batched(gone, TOGETHER):
                work.hold()
                told.update(self.tell(part, work, silent=silent))
        return told

    def tell(
        self, rows: Iterable[Seen], work: Leased, *, silent: bool = False, state: Document | None = None
    ) -> Counter[str]:
        """Tell how some things differ from the notes, in order; `state` is saved in the same commit."""
        found = list(rows)
        if not found and state is None:
            return Counter()

        def save(tx: Transaction) -> Counter[str]:
            work.guard(tx)
            told = Counter(kind for one in found if (kind := self._tell(tx, one, silent)) is not None)
            if state is not None:
                tx.put("meta", {**state, "at": to_text(tx.now)})
            return told

        return self._store.write(save).result()

    def save(self, work: Leased, state: Document, told: Counter[str] | None = None, **more: Any) -> None:
        """Keep the source's state; with `told`, say that it has been seen whole."""

        def save(tx: Transaction) -> None:
            work.guard(tx)
            now = to_text(tx.now)
            tx.put("meta", {**state, "since": state["since"] or now, "at": now})
            if told is not None:
                tx.emit(f"{self.name}:resynced", self.name, {**dict(told), **more})

        self._store.write(save).result()

    def _tell(self, tx: Transaction, one: Seen, silent: bool) -> str | None:
        id = self._note_id(one.key)
        before = tx.get("mirrors", id)
        if one.body is None:
            if before is None:
                return None
            tx.delete("mirrors", id)
            return self._emit(tx, "deleted", one, silent)
        digest = digest_of(one.body)
        if before is not None and before["hash"] == digest:
            return None
        tx.put("mirrors", {"id": id, "hash": digest})
        return self._emit(tx, "inserted" if before is None else "updated", one, silent)

    def _emit(self, tx: Transaction, kind: str, one: Seen, silent: bool) -> str:
        if not silent:
            data: dict[str, Any] = {"key": one.key}
            if one.body is not None:
                is_small = len(one.body) < MAX_DATA - 1_000
                data |= {"document": orjson.loads(one.body)} if is_small else {"document": None, "bytes": len(one.body)}
            event = NewEvent(f"{self.name}:{kind}", one.key, data).checked()
            tx.emit(event.type, event.subject, event.data)
        return kind

    def _changed(self, part: Iterable[Seen]) -> Iterator[Seen]:
        """Those that differ from the notes; only this process changes them now."""
        rows = list(part)
        notes = self._store.get_many("mirrors", [self._note_id(one.key) for one in rows])
        for one in rows:
            before = notes.get(self._note_id(one.key))
            if before is None or one.body is None or before["hash"] != digest_of(one.body):
                yield one

    def _known(self) -> Iterator[str]:
        after: str | None = None
        while True:
            prefix = self._note_id("")
            page = self._store.find(Query("mirrors", {"id": Prefix(prefix)}, "id", after, 1_000))
            yield from (document["id"].removeprefix(prefix) for document in page.documents)
            after = page.next
            if after is None:
                return

    def _note_id(self, key: str) -> str:
        return f"{self.name}/{key}"


def seen(row: Mapping[str, Any], key: Key) -> Seen:
    """A row as it is compared: its key as text, and all of it as JSON text with sorted names.

    Raises:
        InvalidValue: it is no mapping, has no key, or is not to be had as JSON.
    """
    if not isinstance(row, Mapping):
        raise InvalidValue(f"the source gave {type(row).__name__}, not a mapping", field="source")
    found = key(row) if callable(key) else row.get(key)
    if found is None:
        raise InvalidValue(f"a row has no key {key!r:.80}: it has {', '.join(map(str, row))}"[:400], field="key")
    text = str(found)
    if not 0 < len(text) <= MOST_KEY:
        raise InvalidValue(f"a key has {len(text)} characters", field="key", hint=f"use 1 to {MOST_KEY}")
    try:
        body = orjson.dumps(row, default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except TypeError as error:
        raise InvalidValue(f"the row {text!r:.80} is not to be had as JSON: {error}", field="source") from error
    return Seen(text, body)


def _plain(value: Any) -> Any:
    """Decimals, object ids and the like as their text, bytes in base64, other mappings and sequences as they are."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, set | frozenset) else str(value)


def digest_of(body: bytes) -> str:
    """By which a change is noticed."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def _short(key: str) -> bytes:
    """A key among millions, in memory."""
    return hashlib.blake2b(key.encode(), digest_size=12).digest()
