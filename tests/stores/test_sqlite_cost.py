"""What a page costs: for every question that a list of tasks asks, SQLite reads along an index and sorts nothing."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import count, product
from pathlib import Path

import apsw
import pytest

from claudia_core.ports import Condition, Prefix, Query, Range
from claudia_core.services.tasks.listing import ALL, Listing
from claudia_core.stores.sqlite import file as sqlite_file
from claudia_core.stores.sqlite.query import count_sql, events_sql, find_sql, wanders
from claudia_core.stores.sqlite.reader import STEPS
from claudia_core.stores.sqlite.store import SqliteStore
from claudia_core.testing.conformance.suite import put, task

STATUSES: list[Condition] = ["failed", ["active"], ["completed", "failed", "cancelled"]]
TYPES: list[Condition] = ["ml", ["ml", "etl", "report"]]
ORDERS = ("id", "-id")
COLUMNS = ("updated_at", "started_at", "finished_at", "duration", "name", "status", "type")


@pytest.fixture
def explain(path: Path) -> Iterator[Callable[[tuple[str, list[object]]], str]]:
    """SQLite's plan for a statement, as one text."""
    sqlite_file.prepare(path)
    with closing(sqlite_file.connect(path)) as sql:
        yield lambda statement: "\n".join(
            str(row[3]) for row in sql.execute(f"EXPLAIN QUERY PLAN {statement[0]}", statement[1])
        )


def _questions() -> Iterator[dict[str, Condition]]:
    yield {}
    yield from ({"status": status} for status in STATUSES)
    yield from ({"status": ALL, "type": type} for type in TYPES)
    yield from ({"status": status, "type": type} for status, type in product(STATUSES, TYPES))
    yield from ({"parent_id": parent} for parent in (None, "p"))
    yield {"agent_id": "a", "status": ALL}
    yield from ({"agent_id": "a", "status": status} for status in STATUSES)
    yield from ({"parent_id": parent, "status": status} for parent, status in product((None, "p"), STATUSES))


def _is_along_an_index(plan: str) -> bool:
    lines = [line for line in plan.splitlines() if " tasks" in line]
    return bool(lines) and all("USING INDEX" in line for line in lines) and "TEMP B-TREE" not in plan


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("later", [False, True])
def test_every_list_of_tasks(explain: Callable[..., str], order: str, later: bool) -> None:
    """Each filter in each order, first page and later ones: along an index, nothing sorted."""
    for where in _questions():
        after = None if not later else _next(order)
        plan = explain(find_sql(Query("tasks", where, order, after)))
        assert _is_along_an_index(plan), f"{where} {order}\n{plan}"


@pytest.mark.parametrize("order", ["id", "-id"])
def test_filters_are_searched(explain: Callable[..., str], order: str) -> None:
    """By time of making, every filter is looked up: nothing is walked that does not match its first conditions."""
    for where in _questions():
        plan = explain(find_sql(Query("tasks", where, order)))
        assert not where or "SCAN tasks" not in plan, f"{where}\n{plan}"


def test_status_by_last_change(explain: Callable[..., str]) -> None:
    """What ended last is looked up by status and time."""
    for status in STATUSES:
        plan = explain(find_sql(Query("tasks", {"status": status}, "-updated_at")))
        assert "SCAN tasks" not in plan
        assert "tasks_status_updated_at" in plan


@pytest.mark.parametrize("turn", ["", "-"])
@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("status", [None, "failed", ["failed", "completed"]])
def test_every_head_that_sorts(explain: Callable[..., str], column: str, turn: str, status: list[str] | None) -> None:
    """The orders that a list offers, of all tasks or of a status, on any page: searched, nothing is sorted."""
    for after in (None, _next(Listing(order=turn + column).query().order)):
        plan = explain(find_sql(Listing(order=turn + column, status=status, after=after).query()))
        assert _is_along_an_index(plan), plan
        assert column == "status" or "SCAN tasks" not in plan, plan


@pytest.mark.parametrize("filters", [{"type": "ml"}, {"type": ["ml", "etl"]}, {"agent_id": "a"}, {"parent_id": "p"}])
@pytest.mark.parametrize("later", [False, True])
def test_filters_by_time(explain: Callable[..., str], filters: dict[str, str], later: bool) -> None:
    """By type, agent or parent, newest first: looked up in that order, nothing is filtered."""
    plan = explain(find_sql(Listing(**filters, after=_next("-id") if later else None).query()))
    assert _is_along_an_index(plan), plan
    assert "SCAN tasks" not in plan, plan
    assert f"{next(iter(filters))}=?" in plan, plan


@pytest.mark.parametrize(
    ("filters", "searched"),
    [
        ({"tag": "nightly"}, "held_tags USING PRIMARY KEY (value=?)"),
        ({"type": "ml", "order": "-duration"}, "tasks_status_type (status=? AND type=?)"),
        ({"since": datetime(2026, 1, 1, tzinfo=UTC), "order": "-duration"}, "(status=? AND updated_at>?)"),
        ({"since": datetime(2026, 1, 1, tzinfo=UTC), "status": "failed"}, "(status=? AND updated_at>?)"),
        ({"parent_id": "p", "order": "name"}, "tasks_parent_id (parent_id=?)"),
    ],
)
def test_what_no_index_orders(explain: Callable[..., str], filters: dict[str, str], searched: str) -> None:
    """Little is looked up by what is asked for and sorted; much is walked in the asked order and filtered."""
    query = Listing(**filters).query()
    assert searched in explain(find_sql(query, lambda _: 100))
    much = explain(find_sql(query))
    assert _is_along_an_index(much), much


@pytest.mark.parametrize(
    ("where", "order", "far"),
    [
        ({"status": ALL, "type": "ml"}, "name_key", False),
        ({"status": ALL, "agent_id": "a", "parent_id": "p"}, "-duration_key", False),
        ({"status": ALL, "name_key": Prefix("clean"), "tags": "nightly"}, "updated_at", False),
        ({"status": ALL, "updated_at": Range("2026")}, "-updated_at", False),
        ({"status": ALL, "updated_at": Range("2026")}, "-duration_key", True),
        ({"updated_at": Range("2026")}, "id", True),
        ({"type": "ml"}, "id", True),
    ],
)
def test_what_a_walk_passes_by(where: dict[str, Condition], order: str, far: bool) -> None:
    """Filters that the order's index carries are told by it alone; a walk that has to look at tasks is known as one."""
    assert wanders(Query("tasks", where, order)) is far


def test_a_long_walk_is_given_up(path: Path) -> None:
    """Of many tasks, the earliest of those to which something happened lately: what is late is looked up instead."""
    documents = [task(f"{n:05}", status="completed", started_at=f"{n:05}", updated_at=f"{n:05}") for n in range(30_000)]
    query = Query("tasks", {"status": ALL, "updated_at": Range("25000")}, "started_at", limit=10)
    with closing(SqliteStore(path, durability="normal")) as store:
        put(store, documents)
        with store._reader() as reader:
            steps = count()
            walk = find_sql(query)
            reader.sql.set_progress_handler(lambda: next(steps) * 1_000 > STEPS, 1_000)
            with pytest.raises(apsw.InterruptError):
                reader.sql.execute(*walk).fetchall()
            reader.sql.set_progress_handler(None)
        assert [row["id"] for row in store.find(query).documents] == [f"{n:05}" for n in range(25_000, 25_010)]
        assert store.find(Query("tasks")).documents  # and no limit is left behind


@pytest.mark.parametrize("order", ["name", "-name"])
@pytest.mark.parametrize("more", [{}, {"status": "failed"}, {"type": ["ml", "etl"], "roots": True}])
def test_name_prefix(explain: Callable[..., str], order: str, more: dict[str, Condition]) -> None:
    """A search by the beginning of the name reads only names that begin so, in their order."""
    for after in (None, _next(Listing(order=order).query().order)):
        plan = explain(find_sql(Listing(name="clean", order=order, after=after, **more).query()))
        assert _is_along_an_index(plan)
        assert "tasks_status_name_key (status=? AND name_key>? AND name_key<?)" in plan.replace(
            "(name_key,id)", "name_key"
        )


def test_counts_read_no_table(explain: Callable[..., str]) -> None:
    """Counting by one condition reads an index only."""
    for where in ({"status": "failed"}, {"status": "failed", "type": "a"}, {"parent_id": None}):
        assert "USING COVERING INDEX" in explain(count_sql(Query("tasks", where), 10_000))


def test_other_collections(explain: Callable[..., str]) -> None:
    """The questions of the services about agents, issues and occurrences are looked up, too."""
    for query in (
        Query("agents", {"status": "online", "expires_at": Range("", "now")}, "expires_at"),
        Query("issues", {"status": "open"}, "-last_seen"),
        Query("issues", {}, "-last_seen"),
        Query("occurrences", {"issue_id": "i"}),
        Query("occurrences", {"task_id": "t"}),
        Query("occurrences"),
    ):
        plan = explain(find_sql(query))
        assert "USING INDEX" in plan
        assert "TEMP B-TREE" not in plan
        assert not query.where or "SEARCH" in plan


@pytest.mark.parametrize("types", [(), ("a",), ("a", "b", "c"), tuple("abcdefghijklmnopqrstuvwxyz")])
@pytest.mark.parametrize("subject", [None, "s"])
def test_log(explain: Callable[..., str], types: tuple[str, ...], subject: str | None) -> None:
    """A stretch of the log begins at its place and is never sorted, whatever it is filtered by."""
    plan = explain(events_sql(1_000, 500, types, subject))
    assert "SCAN events" not in plan
    assert "TEMP B-TREE" not in plan


def test_many_values(explain: Callable[..., str]) -> None:
    """More values than walks are worth it are filtered along the order's own index: still nothing is sorted."""
    where: dict[str, Condition] = {"type": [str(number) for number in range(500)], "status": STATUSES[2]}
    for order in ("-id", "-updated_at"):
        plan = explain(find_sql(Query("tasks", where, order)))
        assert _is_along_an_index(plan), plan


def test_answers_do_not_depend_on_statistics(explain: Callable[..., str], path: Path) -> None:
    """A database that was analysed while empty is read along the same indexes."""
    with closing(apsw.Connection(str(path))) as sql:
        sql.execute("ANALYZE")
    for where in _questions():
        assert _is_along_an_index(explain(find_sql(Query("tasks", where, "-id"))))


def _next(order: str) -> str:
    from claudia_core.stores.schema import encode_next

    return encode_next(order, ("" if order.endswith("id") else "5", "5"))
