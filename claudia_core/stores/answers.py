"""Questions that a store on a database hands on, each to a reader of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager

from claudia_core.ports import Document, Page, Query, Reader, Sample


class Answers:
    """Those of `ports.Reader` that need no more than one look; `_reader` lends what answers them."""

    def _reader(self) -> AbstractContextManager[Reader]:
        raise NotImplementedError

    def get(self, collection: str, id: str) -> Document | None:
        """See `ports.Reader.get`."""
        with self._reader() as reader:
            return reader.get(collection, id)

    def get_many(self, collection: str, ids: Iterable[str]) -> dict[str, Document]:
        """See `ports.Reader.get_many`."""
        with self._reader() as reader:
            return reader.get_many(collection, ids)

    def find(self, query: Query) -> Page:
        """See `ports.Reader.find`."""
        with self._reader() as reader:
            return reader.find(query)

    def count(self, query: Query, most: int = 10_000) -> int:
        """See `ports.Reader.count`."""
        with self._reader() as reader:
            return reader.count(query, most)

    def tally(self, query: Query, by: Mapping[str, int]) -> dict[tuple[str, ...], int]:
        """See `ports.Reader.tally`."""
        with self._reader() as reader:
            return reader.tally(query, by)

    def samples(self, series: Iterable[str], since: int = 0, until: int | None = None) -> list[Sample]:
        """See `ports.Reader.samples`."""
        with self._reader() as reader:
            return reader.samples(series, since, until)

    def totals(self, prefix: str, limit: int = 1_000) -> list[Sample]:
        """See `ports.Reader.totals`."""
        with self._reader() as reader:
            return reader.totals(prefix, limit)

    def head(self) -> int:
        """See `ports.Reader.head`."""
        with self._reader() as reader:
            return reader.head()
