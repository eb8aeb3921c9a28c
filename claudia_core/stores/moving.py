"""Copying a whole hub from one store to another: documents, rollups and the log with its sequences, and the proof.

What a backend has to do for it is `Source` and `Target`, beside its store. Texts are copied as they are, never decoded,
so that both sides can be compared by their digests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import batched
from typing import Any, NamedTuple, Protocol

from claudia_core.errors import Conflict, StoreDamaged
from claudia_core.model.ids import new_id
from claudia_core.ports import Sample
from claudia_core.stores.schema import COLLECTIONS

TOGETHER = 1_000
"""Documents, counts or events that are written at once."""

SAMPLES, EVENTS = "samples", "events"
PARTS = (*COLLECTIONS, SAMPLES, EVENTS)

OWN = frozenset({"log", "chain", "queue", "migration"})
"""Documents of `meta` that belong to a backend and not to the hub."""


class Text(NamedTuple):
    """A document as it is kept."""

    id: str
    body: str


class Entry(NamedTuple):
    """An event of the log as it is kept."""

    sequence: int
    time: str
    type: str
    subject: str
    data: str


class LogName(NamedTuple):
    """What a log is called, and since when."""

    epoch: str
    since: str


class Content(Protocol):
    """All that a store holds, each part in the order of its key."""

    def documents(self, collection: str) -> Iterator[Text]:
        """The documents of a collection, by id; without those that are `OWN`."""
        ...

    def samples(self) -> Iterator[Sample]:
        """The rollups, by series and time."""
        ...

    def events(self) -> Iterator[Entry]:
        """The log, oldest first."""
        ...


class Source(Content, Protocol):
    """A store that is read as it stood at one moment. Unless it is `live`, nobody else may write meanwhile."""

    url: str
    live: bool

    @property
    def log_name(self) -> LogName:
        """The name that its log has in the copy at `to`: its own, also where a move there was interrupted."""
        ...

    def is_still(self) -> bool:
        """Whether nobody has written since it was opened."""
        ...

    def give_up_name(self, to: str) -> None:
        """Give its own log a new name, in one step with a last look whether it `is_still`.

        Raises:
            Conflict: somebody has written.
        """
        ...


class Target(Content, Protocol):
    """An empty store that is filled. Until it is finished nobody can open it; what is left of it is replaced."""

    url: str

    def put_documents(self, collection: str, rows: Sequence[Text]) -> None:
        """Add documents."""
        ...

    def put_samples(self, rows: Sequence[Sample]) -> None:
        """Add rollups."""
        ...

    def put_events(self, rows: Sequence[Entry]) -> None:
        """Add the next events of the log, with their sequences."""
        ...

    def finish(self, name: LogName) -> None:
        """Make it a store."""
        ...


class Part(NamedTuple):
    """How many values of one kind there are, and the digest of all of them."""

    name: str
    number: int
    digest: str


type Progress = Callable[[str, int], object]
"""Called with a part's name and how many of it have been copied."""


class _Digest:
    """Counts values and digests them; each is set apart from the next."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0
        self._sha = hashlib.sha256()

    def add(self, row: tuple[Any, ...]) -> None:
        self.count += 1
        for value in row:
            text = repr(value).encode() if isinstance(value, int | float) else value.encode()
            self._sha.update(b"%d:" % len(text))
            self._sha.update(text)

    @property
    def part(self) -> Part:
        return Part(self.name, self.count, self._sha.hexdigest())


def move(
    source: Source, target: AbstractContextManager[Target], *, keep_source: bool, progress: Progress | None = None
) -> list[Part]:
    """Copy all, compare both sides, and hand the log's name on.

    The log has one name (its epoch), under which cursors elsewhere know it. It goes with the log: subscriptions,
    sockets and clients go on in the copy where they were, and the source's log gets another name, under which old
    cursors are refused. With `keep_source` the copy gets the other name instead, and the source is left as it is.

    Returns: what was copied, part by part.

    Raises:
        Conflict: somebody wrote to the source meanwhile; the target is as it was.
        StoreDamaged: the copy is not what the source is; the target is as it was.
    """
    tell = progress or _say_nothing
    with target as filled:
        copied = [_copy(source, filled, name, tell) for name in PARTS]
        for part in copied:
            _compare(part, digest_of(filled, part.name), filled.url)
        name = source.log_name
        if keep_source:
            if not source.live:
                _require_still(source)
            name = LogName(new_id().replace("-", ""), name.since)
        else:
            source.give_up_name(filled.url)
        filled.finish(name)
    return copied


def _copy(source: Source, target: Target, name: str, tell: Progress) -> Part:
    digest = _Digest(name)
    for rows in batched(rows_of(source, name), TOGETHER):
        for row in rows:
            digest.add(row)
        _put(target, name, rows)
        tell(name, digest.count)
    return digest.part


def _put(target: Target, name: str, rows: Sequence[Any]) -> None:
    if name == SAMPLES:
        target.put_samples(rows)
    elif name == EVENTS:
        target.put_events(rows)
    else:
        target.put_documents(name, rows)


def rows_of(content: Content, name: str) -> Iterable[tuple[Any, ...]]:
    """All of one part."""
    if name == SAMPLES:
        return content.samples()
    return content.events() if name == EVENTS else content.documents(name)


def digest_of(content: Content, name: str) -> Part:
    """Count and digest of one part."""
    digest = _Digest(name)
    for row in rows_of(content, name):
        digest.add(row)
    return digest.part


def _compare(wanted: Part, found: Part, url: str) -> None:
    if wanted != found:
        raise StoreDamaged(
            f"{url} has {found.number:,} {found.name} after the copy, not {wanted.number:,}, or their digests differ",
            hint="nothing was changed; try again, and report it when it happens twice",
        )


def written_meanwhile(url: str) -> Conflict:
    """The error for a source that somebody wrote to."""
    return Conflict(f"{url} was written to meanwhile", hint="stop the hub and all programs that use it, then try again")


def _require_still(source: Source) -> None:
    if not source.is_still():
        raise written_meanwhile(source.url)


def _say_nothing(_name: str, _count: int) -> None:
    """For those who do not ask."""
