"""What writers remember of documents is bounded in number and size."""

from claudia_core.model.times import utc_now
from claudia_core.stores import kept
from claudia_core.stores.changes import Changes, Stored
from claudia_core.stores.kept import Kept


def test_large_documents_are_not_remembered():
    """Neither when they are read nor when they are saved; what stood there before is forgotten, too."""
    found = Kept()
    found.note(("tasks", "a"), "{}")
    found.note(("tasks", "a"), "x" * (kept.LARGE + 1))
    found.note_all(Changes(utc_now(), {("tasks", "b"): Stored((), "x" * (kept.LARGE + 1)), ("tasks", "c"): None}))
    assert dict(found) == {("tasks", "c"): None}
    assert found.body(("tasks", "c")) is None


def test_only_so_many_are_remembered():
    """Those that come are, whatever their number."""
    found = Kept()
    for n in range(kept.MOST + 5):
        found.note(("tasks", str(n)), Stored((), f"{n}"))
        assert found.body(("tasks", str(n))) == f"{n}"
    assert len(found) <= kept.MOST
