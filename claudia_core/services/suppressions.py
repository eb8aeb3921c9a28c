"""Addresses that no mail is sent to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parseaddr

from claudia_core.errors import InvalidValue, NotFound
from claudia_core.model.notify_channel import is_mail_address
from claudia_core.model.suppression import Suppression, SuppressionReason, require_reason
from claudia_core.model.values import require_text
from claudia_core.ports import Query, Store, Transaction

MOST_NOTE = 500


@dataclass(frozen=True, slots=True)
class SuppressionPage:
    """Some suppressed addresses in order; `next` asks for the rest."""

    suppressions: list[Suppression]
    next: str | None = None


class Suppressions:
    """Adds, finds and removes; the mailer asks before each message."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(
        self, address: str, reason: SuppressionReason | str = SuppressionReason.MANUAL, note: str = ""
    ) -> Suppression:
        """Send nothing to an address from now on; what is known of it already is replaced.

        Raises:
            InvalidValue, TooLarge: it is no address, the reason is none, or the note too long.
        """
        id, why, said = plain(address), require_reason(reason), require_text(note, "note", MOST_NOTE, empty=True)

        def work(tx: Transaction) -> Suppression:
            made = Suppression(id=id, reason=why, note=said, created_at=tx.now)
            tx.put("suppressions", made.to_document())
            tx.emit("mail:suppressed", "", {"reason": why.value})  # events are for every viewer: no addresses
            return made

        return self._store.write(work).result()

    def remove(self, address: str) -> Suppression:
        """Send to an address again.

        Raises:
            InvalidValue: it is no address.
            NotFound: it is not suppressed.
        """
        id = plain(address)

        def work(tx: Transaction) -> Suppression:
            found = tx.get("suppressions", id)
            if found is None:
                raise NotFound(f"{id!r:.100} is not suppressed", field="address")
            tx.delete("suppressions", id)
            tx.emit("mail:unsuppressed", "", {})
            return Suppression.from_document(found)

        return self._store.write(work).result()

    def list(self, *, limit: int = 100, after: str | None = None) -> SuppressionPage:
        """A page of them, by address.

        Raises:
            InvalidValue, BadCursor: a limit out of range, a cursor that is none.
        """
        page = self._store.find(Query("suppressions", order="id", limit=limit, after=after))
        return SuppressionPage([Suppression.from_document(found) for found in page.documents], page.next)

    def among(self, addresses: Iterable[str]) -> dict[str, Suppression]:
        """Those of some addresses that are suppressed, as they were given."""
        given = {address: parseaddr(address)[1].casefold() for address in addresses}
        found = self._store.get_many("suppressions", set(given.values()))
        return {address: Suppression.from_document(found[id]) for address, id in given.items() if id in found}


def plain(address: object) -> str:
    """An address without name and in lower case, as it is kept.

    Raises:
        InvalidValue: it is none.
    """
    text = parseaddr(address)[1].casefold() if isinstance(address, str) and len(address) <= 400 else ""
    if not is_mail_address(text):
        raise InvalidValue(f"address is {address!r:.100}", field="address", hint="use ann@example.org")
    return text
