"""Finding documents: conditions, orders, pages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from claudia_core.errors import BadCursor, InvalidValue
from claudia_core.ports import Condition, Document, Prefix, Query, Range, Sample, Store
from claudia_core.testing.conformance.suite import Suite, adding, deleting, ids, put, saved, task

MOST_PAGES = 100


def _some_tasks() -> list[Document]:
    return [
        task("a", status="active", type="ml", name="Clean", updated_at="3", parent_id=None),
        task("b", status="active", type="etl", name="clean rows", updated_at="1", parent_id="a"),
        task("c", status="failed", type="ml", name="Train", updated_at="2", parent_id="a"),
        task("d", status="completed", type="ml", name="STRASSE", updated_at="2", parent_id=""),
        task("e", status="failed", type="etl", name="Straße", updated_at="4", parent_id="d"),
    ]


class StoreFinding(Suite):
    """Promises of `get`, `get_many`, `find` and `count`."""

    @pytest.mark.parametrize(
        ("where", "expected"),
        [
            ({}, "abcde"),
            ({"status": "active"}, "ab"),
            ({"status": "none such"}, ""),
            ({"status": ["active", "failed", "active"]}, "abce"),
            ({"status": []}, ""),
            ({"status": [], "type": "ml"}, ""),
            ({"status": ["failed", "completed"], "type": ["ml", "etl"]}, "cde"),
            ({"parent_id": None}, "ad"),
            ({"parent_id": ""}, "ad"),
            ({"parent_id": ["a", ""]}, "abcd"),
            ({"updated_at": Range("2", "4")}, "acd"),
            ({"updated_at": Range("3")}, "ae"),
            ({"updated_at": Range(end="2")}, "b"),
            ({"updated_at": Range()}, "abcde"),
            ({"updated_at": Range("4", "2")}, ""),
            ({"name_key": Prefix("clean")}, "ab"),
            ({"name_key": Prefix("strasse")}, "de"),
            ({"name_key": Prefix("")}, "abcde"),
            ({"name_key": Prefix("clean"), "status": "active", "type": "etl"}, "b"),
            ({"id": "c"}, "c"),
            ({"id": ["c", "e", "x"]}, "ce"),
            ({"id": Range("b", "d")}, "bc"),
            ({"id": Prefix("b")}, "b"),
        ],
    )
    def test_conditions(self, store: Store, where: dict[str, Condition], expected: str) -> None:
        """Equality, any of, ranges, prefixes and None; all conditions hold; `_key` columns ignore case."""
        put(store, _some_tasks())
        assert ids(store, Query("tasks", where, order="id")) == list(expected)
        assert ids(store, Query("tasks", where)) == list(reversed(expected))
        assert store.count(Query("tasks", where)) == len(expected)

    @pytest.mark.parametrize(
        ("order", "expected"),
        [
            ("id", "abcde"),
            ("-id", "edcba"),
            ("updated_at", "bcdae"),
            ("-updated_at", "eadcb"),
            ("name_key", "abdec"),
            ("-name_key", "cedba"),
            ("status", "abdce"),
        ],
    )
    def test_orders(self, store: Store, order: str, expected: str) -> None:
        """By id or a column, both ways; equal values stand in the order of their ids, turned round with it."""
        put(store, _some_tasks())
        assert ids(store, Query("tasks", order=order)) == list(expected)
        assert "".join(_all_pages(store, Query("tasks", order=order, limit=2))) == expected
        several: Condition = ["active", "failed", "completed"]
        assert "".join(_all_pages(store, Query("tasks", {"status": several}, order, limit=2))) == expected

    def test_sets(self, store: Store) -> None:
        """A text finds the documents whose list holds it, in any order, with other conditions, and after changes."""
        tags: tuple[list[str] | None, ...] = (["night", "crm"], ["night"], [], None, ["a", "night"])
        put(store, [task(str(n), status="ab"[n % 2], name=str(9 - n), tags=held) for n, held in enumerate(tags)])

        def found(tag: str, order: str = "id", **where: Condition) -> str:
            pages = _all_pages(store, Query("tasks", {"tags": tag, **where}, order, limit=2))
            assert store.count(Query("tasks", {"tags": tag, **where})) == len(pages)
            return "".join(pages)

        assert found("night") == "014"
        assert found("night", "-id") == found("night", "name_key") == "410"
        assert found("night", status="a") == "04"
        assert found("crm") == "0"
        assert found("Night") == found("") == found("n") == ""
        put(store, [task("0", tags=["crm"]), task("2", tags=["night", "night"])])
        assert (found("night"), found("crm")) == ("124", "0")
        saved(store, deleting("1"))
        assert found("night") == "24"
        put(store, [task("1")])
        assert found("night") == "24"
        for wrong in (None, ["night"], Prefix("n"), Range("n")):
            with pytest.raises(InvalidValue, match="tags"):
                store.find(Query("tasks", {"tags": wrong}))

    def test_numbers_as_keys(self, store: Store) -> None:
        """A `_key` column orders numbers by size; what has none comes first."""
        durations = (3, 0.25, None, 12_000.5, 0, 0.2500004, 1e9)
        put(store, [task(str(place), duration=value) for place, value in enumerate(durations)])
        assert "".join(_all_pages(store, Query("tasks", order="duration_key", limit=2))) == "2415036"
        assert "".join(_all_pages(store, Query("tasks", order="-duration_key", limit=2))) == "6305142"

    def test_wide_text(self, store: Store) -> None:
        """Order and prefixes go by code point, beyond the basic plane and with zero characters, too."""
        names = ["a", "a\x00", "ab", "é", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff", "\U0010ffffx"]
        put(store, [task(str(place), status=name) for place, name in enumerate(names)])
        assert ids(store, Query("tasks", order="status")) == [str(place) for place in range(len(names))]
        for place, name in enumerate(names):
            within = [str(other) for other, text in enumerate(names) if text.startswith(name)]
            assert ids(store, Query("tasks", {"status": Prefix(name)}, "id")) == within
            assert ids(store, Query("tasks", {"status": name})) == [str(place)]

    def test_last_page_has_no_next(self, store: Store) -> None:
        """`next` is None exactly when nothing is left, also when the page is full."""
        put(store, _some_tasks())
        assert store.find(Query("tasks", limit=5)).next is None
        assert store.find(Query("tasks", limit=4)).next is not None
        assert store.find(Query("agents")).documents == []
        assert store.find(Query("agents")).next is None

    def test_pages_while_documents_come_and_change(self, store: Store) -> None:
        """Documents that do not move are given exactly once, whatever is made, changed or deleted meanwhile."""
        put(store, [task(f"{number:03}", status="old") for number in range(0, 100, 2)])
        found: list[str] = []
        query: Query | None = Query("tasks", order="id", limit=7)
        for turn in range(MOST_PAGES):
            assert query is not None
            page = store.find(query)
            found += [document["id"] for document in page.documents]
            put(store, [task(f"{turn * 4 + 1:03}", status="new"), task(f"{turn * 6:03}", status="new")])
            if page.next is None:
                break
            last = page.documents[-1]["id"]
            saved(store, deleting(last))  # the cursor needs no document to stand on
            query = replace(query, after=page.next)
        assert found == sorted(set(found))
        assert set(found) >= {f"{number:03}" for number in range(0, 100, 2)}

    def test_pages_by_a_column_that_changes(self, store: Store) -> None:
        """By a changing column, documents that did not change meanwhile are given exactly once."""
        put(store, [task(f"{number:03}", updated_at=f"{number:03}") for number in range(50)])
        first = store.find(Query("tasks", order="-updated_at", limit=10))
        put(store, [task("020", updated_at="900"), task("049", updated_at="901")])
        rest = _all_pages(store, Query("tasks", order="-updated_at", after=first.next, limit=10))
        assert rest == [f"{number:03}" for number in range(39, -1, -1) if number != 20]

    def test_next_of_another_order(self, store: Store) -> None:
        """A page cursor used with another order is refused."""
        put(store, _some_tasks())
        page = store.find(Query("tasks", order="id", limit=2))
        for order in ("-id", "updated_at"):
            with pytest.raises(BadCursor):
                store.find(Query("tasks", order=order, after=page.next))

    @pytest.mark.parametrize("after", ["", "x", "AAAA", "é", "W10", "WyJpZCIsMSwyXQ", "bnVsbA", "a" * 5_000])
    @pytest.mark.parametrize("where", [{}, {"status": []}])
    def test_unreadable_next(self, store: Store, after: str, where: dict[str, Condition]) -> None:
        """A text that is no page cursor is refused with a clear error, and never quoted at length."""
        with pytest.raises(BadCursor) as caught:
            store.find(Query("tasks", where, order="id", after=after))
        assert len(str(caught.value)) < 300

    def test_unknown_names(self, store: Store) -> None:
        """Unknown collections and columns are refused by name, with those that exist."""
        wrong = (Query("nothing"), Query("tasks", {"payload": "x"}), Query("tasks", order="-payload"))
        for query in wrong:
            with pytest.raises(InvalidValue, match=r"nothing|payload"):
                store.find(query)
            with pytest.raises(InvalidValue, match=r"nothing|payload"):
                store.count(query)
        with pytest.raises(InvalidValue, match="nothing"):
            store.get("nothing", "a")
        with pytest.raises(InvalidValue, match="nothing"):
            store.get_many("nothing", ["a"])

    @pytest.mark.parametrize("limit", [0, -1, 10_001])
    def test_limits_of_a_page(self, store: Store, limit: int) -> None:
        """A page holds 1 to 10,000 documents."""
        with pytest.raises(InvalidValue, match=str(limit)):
            store.find(Query("tasks", limit=limit))

    def test_count_stops(self, store: Store) -> None:
        """Counting stops at `most`."""
        put(store, [task(str(number), status="active") for number in range(20)])
        query = Query("tasks", {"status": "active"}, limit=1)
        assert store.count(query) == 20
        assert store.count(query, most=5) == 5

    def test_tally(self, store: Store) -> None:
        """Counted by the beginnings of columns, among what fits; nothing for nothing."""
        put(store, [{**row, "tags": ["x"] if row["id"] in "ab" else []} for row in _some_tasks()])
        by = {"status": 9, "updated_at": 1}
        asked = Query("tasks", {"status": ["active", "failed"], "updated_at": Range("2")})
        assert store.tally(asked, by) == {("active", "3"): 1, ("failed", "2"): 1, ("failed", "4"): 1}
        assert store.tally(Query("tasks"), {"status": 1}) == {("a",): 2, ("f",): 2, ("c",): 1}
        assert store.tally(Query("tasks", {"tags": "x", "type": "ml"}), {"name_key": 3}) == {("cle",): 1}
        assert store.tally(Query("tasks", {"parent_id": "a"}), {"parent_id": 5, "type": 5}) == {
            ("a", "etl"): 1,
            ("a", "ml"): 1,
        }
        assert store.tally(Query("tasks", {"name_key": Prefix("none")}), by) == {}
        with pytest.raises(InvalidValue):
            store.tally(Query("tasks"), {"body": 3})

    def test_get_many(self, store: Store) -> None:
        """Those that exist, by id; any number of ids."""
        put(store, [task(str(number)) for number in range(1200)])
        found = store.get_many("tasks", [str(number) for number in range(0, 2400, 2)])
        assert found == {str(number): task(str(number)) for number in range(0, 1200, 2)}
        assert store.get_many("tasks", []) == {}

    def test_documents_come_back_as_they_were(self, store: Store) -> None:
        """Any JSON comes back equal; columns that a document lacks do not appear in it."""
        document = {"id": "x", "é": ["\x00", {"n": [1, 2.5, -(2**63), None, True]}], "text": "\U0001f600" * 10}
        put(store, [document], "meta")
        put(store, [{"id": "x"}])
        assert store.get("meta", "x") == document
        assert store.get("tasks", "x") == {"id": "x"}

    def test_samples(self, store: Store) -> None:
        """Rollups of the asked series, start included and end not, by series and time."""
        for series in "cab":
            saved(store, adding(series, 60, 0, 120))
        assert store.samples(["b", "a"], 60) == [Sample(series, at, 1) for series in "ab" for at in (60, 120)]
        assert store.samples(["c"], 0, 120) == [Sample("c", 0, 1), Sample("c", 60, 1)]
        assert store.samples([]) == store.samples(["x"]) == []

    def test_totals(self, store: Store) -> None:
        """Running totals by the beginning of their name, in its order; buckets of time are no totals."""
        for series in ("kind/b", "kind/a", "kind/ä", "kin", "kind0"):
            saved(store, adding(series, 0, 60))
        saved(store, adding("kind/a", 0, by=2))
        assert store.totals("kind/") == [Sample("kind/a", 0, 3), Sample("kind/b", 0, 1), Sample("kind/ä", 0, 1)]
        assert store.totals("kind/", 1) == [Sample("kind/a", 0, 3)]
        assert [sample.series for sample in store.totals("")] == ["kin", "kind/a", "kind/b", "kind/ä", "kind0"]
        assert store.totals("kinder") == []


def _all_pages(store: Store, query: Query) -> list[str]:
    found: list[str] = []
    for _ in range(MOST_PAGES):
        page = store.find(query)
        assert len(page.documents) <= query.limit
        found += [document["id"] for document in page.documents]
        if page.next is None:
            return found
        query = replace(query, after=page.next)
    raise AssertionError("the pages never end")
