"""What writers remember of documents is bounded in number and size."""

from contextlib import closing

import pytest

from claudia_core.model.times import utc_now
from claudia_core.ports import Query
from claudia_core.stores import kept
from claudia_core.stores.changes import Changes, Stored
from claudia_core.stores.kept import Kept
from claudia_core.stores.sqlite.store import SqliteStore


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


@pytest.mark.parametrize("looks", [True, False], ids=["found first", "not looked at"])
def test_a_document_of_another_writer_is_replaced_whole(tmp_path, looks):
    """Whether the commit that changes it has found it before or not: its columns and its tags are the new ones."""
    path = tmp_path / "claudia.db"
    with closing(SqliteStore(path)) as here, closing(SqliteStore(path)) as there:
        old = {"id": "1", "type": "old", "status": "pending", "tags": ["a", "b"]}
        there.write(lambda tx: tx.put("tasks", old)).result()

        def work(tx):
            if looks:
                assert tx.find(Query("tasks", {"type": "old"})).documents[0]["tags"] == ["a", "b"]
            tx.put("tasks", {"id": "1", "type": "new", "status": "pending", "tags": ["b", "c"]})

        here.write(work).result()
        for where, number in (({"type": "old"}, 0), ({"type": "new"}, 1), ({"tags": "a"}, 0), ({"tags": "b"}, 1)):
            assert there.count(Query("tasks", where)) == number, where
        assert [document["id"] for document in there.find(Query("tasks", {"tags": "c"})).documents] == ["1"]
