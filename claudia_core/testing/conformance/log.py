"""The log: order, filters, positions, times, waiting."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from claudia_core.errors import InvalidValue
from claudia_core.ports import Store, Transaction
from claudia_core.testing.conformance.suite import Suite, emit, put, saved, task


def _mixed(tx: Transaction) -> None:
    for number in range(1, 13):
        tx.emit("ab"[number % 2], "xyz"[number % 3], {"n": number})


class StoreLog(Suite):
    """Promises of `events`, `head`, `sequence_at` and `wait`."""

    def test_empty(self, store: Store) -> None:
        """An empty log has head 0, no events, and no gap."""
        part = store.events(0)
        assert (store.head(), part.events, part.position, part.gap) == (0, [], 0, None)
        assert store.sequence_at(datetime.now(UTC)) == 0
        assert store.log_status().events == 0

    def test_event_carries_everything(self, store: Store) -> None:
        """An event has its sequence, the log's epoch, type, subject, time and data."""
        emit(store, 1, "task:created", "id1", text="é\x00")
        (event,) = store.events(0).events
        assert (event.sequence, event.epoch, event.type, event.subject) == (1, store.epoch, "task:created", "id1")
        assert event.data == {"n": 0, "text": "é\x00"}
        assert abs(datetime.now(UTC) - event.time) < timedelta(minutes=1)

    def test_reading_on(self, store: Store) -> None:
        """Reading on from each position gives every event once, in order."""
        emit(store, 25)
        seen, position = [], 0
        for _ in range(10):
            part = store.events(position, limit=7)
            seen += [event.sequence for event in part.events]
            assert part.position == (seen[-1] if part.events else 25)
            position = part.position
        assert seen == list(range(1, 26))

    @pytest.mark.parametrize(
        ("types", "subject", "expected"),
        [
            ((), None, range(1, 13)),
            (("a",), None, range(2, 13, 2)),
            (("a", "b", "a"), None, range(1, 13)),
            (("c",), None, ()),
            ((), "x", (3, 6, 9, 12)),
            (("b",), "x", (3, 9)),
            (("b", "a"), "y", (1, 4, 7, 10)),
            (tuple("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"), None, range(1, 13)),
        ],
    )
    def test_filters(self, store: Store, types: tuple[str, ...], subject: str | None, expected: range) -> None:
        """Types are any of, the subject is equality, and both hold; events stay in order."""
        saved(store, _mixed)
        assert [event.sequence for event in store.events(0, 100, types, subject).events] == list(expected)
        assert [event.sequence for event in store.events(6, 2, types, subject).events] == [
            sequence for sequence in expected if sequence > 6
        ][:2]

    def test_position_with_a_filter(self, store: Store) -> None:
        """The position is the last event of a full page, and the head otherwise: nothing is looked at twice."""
        saved(store, _mixed)
        assert store.events(0, 3, ("a",)).position == 6
        assert store.events(0, 100, ("b",)).position == 12
        assert store.events(0, 100, ("a",)).position == 12
        assert store.events(0, 100, ("c",)).position == 12
        assert store.events(12, 100, ("a",)).position == 12

    def test_position_ahead_of_the_head(self, store: Store) -> None:
        """A reader that claims to be ahead gets nothing and keeps its position."""
        emit(store, 3)
        part = store.events(10)
        assert (part.events, part.position, part.gap) == ([], 10, None)

    @pytest.mark.parametrize("limit", [0, -1, 10_001])
    def test_limits(self, store: Store, limit: int) -> None:
        """A stretch holds 1 to 10,000 events."""
        with pytest.raises(InvalidValue, match=str(limit)):
            store.events(0, limit)

    def test_sequence_at(self, store: Store) -> None:
        """The last event not after a moment, in any timezone; 0 before the first."""
        times = [saved(store, _emit_two_and_tell) for _ in range(5)]
        assert store.sequence_at(times[0] - timedelta(seconds=1)) == 0
        for place, moment in enumerate(times):
            last = max(2 * (other + 1) for other, time in enumerate(times) if time <= moment)
            assert store.sequence_at(moment) == last, place
            assert store.sequence_at(moment.astimezone(timezone(timedelta(hours=9)))) == last
        assert store.sequence_at(times[-1] + timedelta(days=1)) == 10

    def test_sequence_at_needs_a_timezone(self, store: Store) -> None:
        """A moment without a timezone is refused: its meaning would be a guess."""
        with pytest.raises(InvalidValue, match="timezone"):
            store.sequence_at(datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test

    def test_wait_wakes(self, store: Store) -> None:
        """A waiting reader wakes soon after a commit (far below a second)."""
        for head in range(5):
            timer = threading.Timer(0.02, emit, (store, 1))
            timer.start()
            began = time.monotonic()
            assert store.wait(head, timeout=20) == head + 1
            assert time.monotonic() - began < 5
            timer.join()

    def test_wait_returns_at_once_when_behind(self, store: Store) -> None:
        """A reader that is behind does not wait."""
        emit(store, 3)
        began = time.monotonic()
        assert store.wait(1, timeout=20) == 3
        assert time.monotonic() - began < 5

    def test_wait_ends(self, store: Store) -> None:
        """Without news `wait` returns the head after its timeout; a commit without events is no news."""
        emit(store, 2)
        put(store, [task("a")])
        began = time.monotonic()
        assert store.wait(2, timeout=0.1) == 2
        assert 0.09 <= time.monotonic() - began < 5

    def test_log_status(self, store: Store) -> None:
        """The status tells the kept range, the size and the epoch."""
        emit(store, 4, text="x" * 1_000)
        status = store.log_status()
        assert (status.epoch, status.oldest, status.head, status.events) == (store.epoch, 1, 4, 4)
        assert status.bytes >= 4_000
        assert status.pruned_at is None


def _emit_two_and_tell(tx: Transaction) -> datetime:
    tx.emit("a", "x", {})
    tx.emit("a", "x", {})
    return tx.now
