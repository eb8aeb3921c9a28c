"""Notices as toasts: one's own, as they come, a few at a time."""

from __future__ import annotations

from claudia_core import Claudia
from claudia_core.model.identity import Identity, Kind, Scope, acting_as
from claudia_core.testing.waiting import eventually
from dashboards.parts.frame.toasts import MOST, Toasts


def notify(claudia: Claudia, owner: str, number: int = 1, **more: object) -> None:
    """Events as the services emit them."""
    for n in range(number):
        data = {"owner": owner, "title": f"task {n}: failed", "text": "E: no\nAfter 1 s.", "level": "warning", **more}
        claudia.store.write(lambda tx, data=data: tx.emit("notification:sent", f"user:{owner}", data)).result()
    claudia.feed.wait_until(claudia.store.head())


def toasts(claudia: Claudia, id: str) -> tuple[Toasts, list[tuple[str, str]]]:
    """The toasts of a user's page, and what is shown."""
    shown: list[tuple[str, str]] = []
    with acting_as(Identity(Kind.USER, id, "somebody", frozenset({Scope.VIEWER}))):
        return Toasts(claudia, lambda text, tone: shown.append((text, tone))), shown


def test_ones_own_are_shown_once(claudia: Claudia) -> None:
    """What came before the page was opened, what is somebody else's and what came in quiet hours is not shown."""
    claudia.boards.notices  # noqa: B018 - makes the board
    notify(claudia, "ann")
    mine, shown = toasts(claudia, "ann")
    assert not mine.is_due()
    notify(claudia, "bob")
    notify(claudia, "ann", quiet=True)
    notify(claudia, "ann", level="info")
    assert mine.is_due()
    mine.tick()
    assert shown == [("task 0: failed\nE: no", "good")]
    assert not mine.is_due()


def test_a_flood_is_a_number(claudia: Claudia) -> None:
    """Of many that come together some are shown, and how many more there are."""
    mine, shown = toasts(claudia, "ann")
    notify(claudia, "ann", 20)
    eventually(mine.is_due)
    mine.tick()
    assert len(shown) == MOST + 1
    assert shown[-1] == ("and 17 more notifications", "bad")
