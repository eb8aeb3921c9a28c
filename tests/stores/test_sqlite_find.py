"""SQLite's answers against the reference in memory, on documents and questions nobody thought of."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claudia_core.ports import Condition, Document, Prefix, Query, Range, Transaction
from claudia_core.stores import schema
from claudia_core.stores.sqlite import reader as sqlite_reader
from claudia_core.stores.sqlite.store import SqliteStore

FEW = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = st.sampled_from(
    ["", "a", "A", "ab", "b", "ß", "SS", "é", "\U0001f600", "\ud7ff", "\U0010ffff", "a\x00", "%", "_", "'"]
)
COLUMNS = ("status", "type", "name", "parent_id", "agent_id", "updated_at", "started_at")
IDS = st.sampled_from("0123456789")
DOCUMENTS = st.lists(
    st.builds(
        lambda id, fields, tags, duration: {"id": id, **fields, "tags": tags, "duration": duration},
        IDS,
        st.dictionaries(st.sampled_from(COLUMNS), st.none() | TEXTS),
        st.none() | st.lists(TEXTS, max_size=3),
        st.none() | st.integers(0, 200) | st.floats(0, 200),
    ),
    max_size=10,
    unique_by=lambda document: document["id"],
)
CONDITIONS: st.SearchStrategy[Condition] = st.one_of(
    st.none(), TEXTS, st.lists(TEXTS, max_size=3), st.builds(Range, TEXTS, TEXTS), st.builds(Prefix, TEXTS)
)
FILTERED = st.sampled_from(["id", "status", "type", "name_key", "parent_id", "agent_id", "updated_at", "started_at"])
QUERIES = st.builds(
    lambda where, tags, order, turned, limit: Query(
        "tasks", where | tags, f"{'-' if turned else ''}{order}", None, limit
    ),
    st.dictionaries(FILTERED, CONDITIONS, max_size=3),
    st.just({}) | st.builds(lambda tag: {"tags": tag}, TEXTS),
    FILTERED | st.just("duration_key"),
    st.booleans(),
    st.integers(1, 5),
)


@pytest.fixture(scope="module")
def store() -> Iterator[SqliteStore]:
    """One store for all examples."""
    with tempfile.TemporaryDirectory() as folder:
        opened = SqliteStore(Path(folder) / "claudia.db", durability="normal")
        yield opened
        opened.close()


def _replace(tx: Transaction, documents: list[Document]) -> None:
    for id in "0123456789":
        tx.delete("tasks", id)
    for document in documents:
        tx.put("tasks", document)


@FEW
@given(documents=DOCUMENTS, query=QUERIES)
def test_find_and_count(store: SqliteStore, documents: list[Document], query: Query) -> None:
    """Every page and every count is that of the reference."""
    store.write(lambda tx: _replace(tx, documents)).result(30)
    for _ in range(12):
        expected = schema.select(query, documents)
        assert store.find(query) == expected
        if expected.next is None:
            break
        query = Query(query.collection, query.where, query.order, expected.next, query.limit)
    assert store.count(query) == sum(schema.matches(query, document) for document in documents)


@FEW
@given(documents=DOCUMENTS, query=QUERIES)
def test_find_where_walks_are_given_up(store: SqliteStore, documents: list[Document], query: Query) -> None:
    """Whatever is looked up and sorted because a walk took too long: the page is the same."""
    store.write(lambda tx: _replace(tx, documents)).result(30)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite_reader, "STEPS", 1)
        assert store.find(query) == schema.select(query, documents)
    assert store.find(query) == schema.select(query, documents)


@FEW
@given(before=DOCUMENTS, changed=DOCUMENTS, gone=st.sets(IDS), query=QUERIES)
def test_find_in_a_transaction(
    store: SqliteStore, before: list[Document], changed: list[Document], gone: set[str], query: Query
) -> None:
    """Inside a transaction, what was saved and what is being changed are one."""
    store.write(lambda tx: _replace(tx, before)).result(30)
    now = {document["id"]: document for document in (*before, *changed)}
    present = [document for id, document in now.items() if id not in gone]

    def work(tx: Transaction) -> None:
        for document in changed:
            tx.put("tasks", document)
        for id in gone:
            tx.delete("tasks", id)
        assert tx.find(query) == schema.select(query, present)

    store.write(work).result(30)


@given(prefix=st.text(min_size=1, max_size=4), text=st.text(max_size=4))
def test_prefix_end(prefix: str, text: str) -> None:
    """All texts that begin with a prefix, and no others, stand between it and its end."""
    end = schema.prefix_end(prefix)
    between = prefix <= text and (not end or text < end)
    assert between == text.startswith(prefix)
    assert prefix + text < end or not end


@given(where=st.dictionaries(FILTERED, CONDITIONS, max_size=2), after=st.text() | st.binary().map(bytes.hex))
def test_any_text_as_cursor(store: SqliteStore, where: dict[str, Condition], after: str) -> None:
    """Whatever text is given as a page cursor: it is refused as one, or read as one, and nothing else happens."""
    query = Query("tasks", where, "id", after)
    with pytest.raises(schema.BadCursor):
        store.find(query)
    with pytest.raises(schema.BadCursor):
        schema.select(query, [])
