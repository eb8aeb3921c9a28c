"""What a writer remembers of the documents it saved or read, so that their next change need not read them again."""

from __future__ import annotations

from collections.abc import Iterable

from claudia_core.stores.changes import Changes, Stored

MOST = 2_000
"""Documents that are remembered."""

LARGE = 4_000
"""Characters of a document above which it is not."""


class Kept(dict[tuple[str, str], Stored | str | None]):
    """By collection and id: a document with its columns, its JSON text alone, or None where there is none.

    Bounded in number and size. It holds for as long as nobody else commits: whoever owns it clears it then.
    """

    def body(self, key: tuple[str, str]) -> str | None:
        """The JSON text of a document, or None.

        Raises:
            KeyError: it is not remembered.
        """
        found = self[key]
        return found.body if isinstance(found, Stored) else found

    def missing(self, collection: str, ids: Iterable[str]) -> list[str]:
        """Those of the ids that are not remembered."""
        return [id for id in ids if (collection, id) not in self]

    def note(self, key: tuple[str, str], found: Stored | str | None) -> None:
        """Remember one, unless it is large."""
        body = found.body if isinstance(found, Stored) else found
        if body is not None and len(body) > LARGE:
            self.pop(key, None)
            return
        if len(self) >= MOST:
            self.clear()
        self[key] = found

    def note_all(self, changes: Changes) -> None:
        """Remember what was just committed."""
        for key, stored in changes.documents.items():
            self.note(key, stored)
