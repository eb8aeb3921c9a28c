"""A look at the write-ahead log instead of a query."""

import os
import time

from claudia_core.stores.sqlite_file import SETTLED, Stillness


def test_only_an_old_and_unchanged_log_is_still(tmp_path):
    """A first look, a young log, a changed one and a missing one may all hide a commit; only the rest is still."""
    log = tmp_path / "c.db-wal"
    stillness = Stillness(tmp_path / "c.db")
    assert not stillness.is_still()
    log.write_bytes(b"frame")
    assert not stillness.is_still()
    assert not stillness.is_still()  # unchanged, but so young that the clock of files may hide a second change
    old = time.time_ns() - 2 * SETTLED
    os.utime(log, ns=(old, old))
    assert not stillness.is_still()
    assert stillness.is_still()
    os.utime(log, ns=(old, old + 1))
    assert not stillness.is_still()


def test_a_log_from_the_future_is_never_still(tmp_path):
    """A clock that was set back does not make the store deaf."""
    log = tmp_path / "c.db-wal"
    log.write_bytes(b"frame")
    ahead = time.time_ns() + 3_600_000_000_000
    os.utime(log, ns=(ahead, ahead))
    stillness = Stillness(tmp_path / "c.db")
    assert [stillness.is_still() for _ in range(3)] == [False] * 3
