"""What questions and commits cost on MongoDB: questions are looked up by an index, commits ask for little."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest
from pymongo import monitoring

from claudia_core.ports import Condition, Prefix, Query, Range, Transaction
from claudia_core.services.tasks.listing import ALL, Listing
from claudia_core.stores import schema
from claudia_core.stores.mongodb import commits as mongodb_commits
from claudia_core.stores.mongodb import open as mongodb_open
from claudia_core.stores.mongodb.indexes import indexes_of
from claudia_core.stores.mongodb.query import conditions, order_by
from claudia_core.stores.mongodb.store import MongoStore

COLUMNS = ("updated_at", "started_at", "finished_at", "duration", "name", "type")
SOON = Range("0", "2026")

QUESTIONS = (
    *(Listing(order=column, status=status).query() for column in COLUMNS for status in (None, "failed")),
    *(Listing(**{name: "x"}).query() for name in ("name", "tag", "parent_id", "agent_id", "type")),  # type: ignore[arg-type]
    Listing(status=["failed", "active"]).query(),
    Listing(status="failed", type=["a", "b"]).query(),
    Listing(roots=True).query(),
    Query("tasks", {"agent_id": "a", "status": "active"}),
    Query("tasks", {"type": ["a", "b"], "queue": SOON}, "queue"),
    Query("tasks", {"type": "a", "queue": Prefix("9")}, "queue"),
    Query("tasks", {"status": "pending", "type": "a"}, "id"),
    Query("tasks", {"parent_id": ["a", "b"], "status": ["active", "pending"]}, "id"),
    Query("tasks", {"watch_at": SOON}, "watch_at"),
    Query("agents", {"status": "online", "expires_at": Range("", "now")}, "expires_at"),
    Query("issues", {}, "-last_seen"),
    Query("issues", {"status": "open"}, "-count_key"),
    Query("issues", {"status": "ignored", "ignored_until": SOON}, "ignored_until"),
    Query("occurrences", {"issue_id": "i"}),
    Query("occurrences", {"task_id": "t"}),
    Query("affected", {"issue": "i/task"}),
    Query("affected", {"subject": "task/x"}),
    Query("comments", {"issue_id": "i"}, "id"),
    Query("users", {"name_key": "ann"}),
    Query("users", {"account": "issuer ann"}),
    Query("keys", {"prefix": "p"}),
    Query("sessions", {"owner": "o"}, "id"),
    Query("sessions", {"expires_at": Range(end="now")}, "expires_at"),
    Query("attempts", {"until": Range(end="now")}, "until"),
    Query("deliveries", {"endpoint_id": "e", "status": "pending"}, "next_at"),
    Query("deliveries", {"endpoint_id": "e", "status": "failed"}, "id"),
    Query("deliveries", {"finished_at": SOON}, "finished_at"),
    Query("dispatches", {"status": "pending", "next_at": SOON}, "next_at"),
    Query("dispatches", {"target": "channel:c"}, "-id"),
    Query("dispatches", {"finished_at": SOON}, "finished_at"),
    Query("notices", {"owner": "o", "status": "unread"}, "-id"),
    Query("notices", {"created_at": SOON}, "created_at"),
    Query("received", {"at": SOON}, "at"),
    Query("idempotency", {"at": Range(end="now")}, "at"),
    Query("audit", {"actor": "a"}, "-id"),
)
"""What the services ask of a store, one of each kind."""


def _filled(condition: Condition) -> bool:
    """Whether a condition is met by no empty text: then the server knows that a partial index has all there is."""
    if isinstance(condition, Prefix):
        return bool(condition.text)
    if isinstance(condition, Range):
        return bool(condition.start)
    return bool(condition) if condition is None or isinstance(condition, str) else "" not in condition


def _serves(query: Query, keys: list[str], partial: Mapping[str, Any]) -> bool:
    """Equalities, then the order, then a range, as the server's planner wants them; a partial index must be allowed."""
    same = {name for name, condition in query.where.items() if not isinstance(condition, Prefix | Range)}
    if not all(name in query.where and _filled(query.where[name]) for name in partial):
        return False
    column = (
        query.order.removeprefix("-").replace("id", "_id") if query.order.endswith("id") else query.order.lstrip("-")
    )
    begin = keys[: keys.index(column)] if column in keys else keys
    return column in keys and set(begin) <= same and (not query.where or keys[0] in {*query.where, column})


@pytest.mark.parametrize("query", QUESTIONS, ids=lambda query: f"{query.collection} {query.where} {query.order}")
def test_every_question_has_an_index(query: Query) -> None:
    """One begins with what is asked for by equality and goes on in the asked order; partial ones hold all there is."""
    kind = schema.require_columns(query)
    indexes = [index.document for index in indexes_of(kind)]
    fitting = [
        index["name"]
        for index in indexes
        if _serves(query, list(index["key"]), index.get("partialFilterExpression", {}))
    ]
    assert fitting, query


def test_conditions_are_flat() -> None:
    """Conditions on different fields stand side by side, where planners look first; two on one field are kept both."""
    first = Query("tasks", {"type": "a", "queue": SOON}, "queue", limit=1)
    assert conditions(first, None) == {"type": "a", "queue": {"$gte": "0", "$lt": "2026"}}
    behind = conditions(first, ("5", "x"))
    assert behind["queue"] == {"$gte": "0", "$lt": "2026"}
    (other,) = behind["$and"]
    assert other["queue"] == {"$gte": "5"}
    assert conditions(Query("tasks"), None) == {}


# --- on a server ---------------------------------------------------------------------------------------------------


class Commands(monitoring.CommandListener):
    """Counts the commands that are sent."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """See `monitoring.CommandListener`."""
        self.sent[event.command_name] += 1

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """See `monitoring.CommandListener`."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """See `monitoring.CommandListener`."""


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    """What stores that are opened after this send."""
    counted = Commands()
    made = mongodb_open.MongoClient
    listening: Callable[..., Any] = lambda *args, **options: made(*args, event_listeners=[counted], **options)  # noqa: E731
    monkeypatch.setattr(mongodb_open, "MongoClient", listening)
    monkeypatch.setattr(mongodb_commits, "TRUSTED", 60.0)  # however slow the machine is
    return counted


@pytest.fixture
def store(commands: Commands, mongodb_place: str) -> Iterator[MongoStore]:
    """A store whose commands are counted."""
    with closing(MongoStore(mongodb_place)) as store:
        yield store


def _put(tx: Transaction, count: int, turn: int) -> None:
    for n in range(count):
        tx.put("tasks", {"id": f"{n:04d}", "status": "active", "name": f"turn {turn}"})
        tx.emit("task:updated", f"{n:04d}", {"turn": turn})


@pytest.mark.server
@pytest.mark.xdist_group("mongodb")
def test_commands_of_a_commit(store: MongoStore, commands: Commands) -> None:
    """A hundred documents go in one command: inserts where they are new, which is asked once; then known without
    asking. While nobody else writes, the head is not asked for either."""
    sent = []
    for turn in range(3):
        commands.sent.clear()
        store.write(lambda tx, turn=turn: _put(tx, 100, turn)).result()
        sent.append(commands.sent - Counter({"find": commands.sent["find"]}))
        found = commands.sent["find"]
        assert found == (0 if turn == 2 else found)
    assert sent[0] == {"update": 2, "insert": 2, "commitTransaction": 1}  # chain and writer; documents and log
    assert sent[1] == sent[2] == {"update": 2, "insert": 1, "commitTransaction": 1}  # chain and documents; log


@pytest.mark.server
@pytest.mark.xdist_group("mongodb")
def test_a_mixture_of_new_and_old(store: MongoStore, mongodb_place: str) -> None:
    """What another process wrote is replaced, what is new inserted, what is deleted gone: as one commit says."""
    with closing(MongoStore(mongodb_place)) as other:
        other.write(lambda tx: _put(tx, 10, 0)).result()

    def work(tx: Transaction) -> None:
        _put(tx, 20, 1)
        tx.delete("tasks", "0003")
        tx.delete("tasks", "none")

    store.write(work).result()
    found = {one["id"]: one["name"] for one in store.find(Query("tasks", {"status": "active"}, "id")).documents}
    assert found == {f"{n:04d}": "turn 1" for n in range(20) if n != 3}


@pytest.mark.server
@pytest.mark.xdist_group("mongodb")
def test_a_refusal_is_true_at_the_head(store: MongoStore, mongodb_place: str) -> None:
    """Work that gives up because of what it read is told so only where that still is: else it runs again."""
    store.write(lambda tx: tx.put("meta", {"id": "door", "open": False})).result()
    store.write(lambda tx: tx.put("meta", {"id": "other"})).result()
    with closing(MongoStore(mongodb_place)) as other:
        seen = []

        def work(tx: Transaction) -> None:
            door = tx.get("meta", "door")
            seen.append(door["open"] if door else None)
            if len(seen) == 1:
                other.write(lambda tx: tx.put("meta", {"id": "door", "open": True})).result()
            if not seen[-1]:
                raise RuntimeError("the door is shut")

        store.write(lambda tx: tx.put("meta", {"id": "again"})).result()
        store.write(work).result()
    assert seen[0] is False
    assert seen[-1] is True


@pytest.mark.server
@pytest.mark.xdist_group("mongodb")
@pytest.mark.parametrize(
    ("query", "index"),
    [
        (Query("tasks", {"type": "a", "queue": SOON}, "queue"), "type_1_queue_1__id_1_filled"),
        (Query("tasks", {"watch_at": SOON}, "watch_at"), "watch_at_1__id_1_filled"),
        (Query("tasks", {"tags": "x"}), "tags_1__id_1_filled"),
        (Query("tasks", {"agent_id": "a", "status": ALL}), "agent_id_1_status_1__id_1_filled"),
        (Query("occurrences", {"task_id": "t"}), "task_id_1__id_1_filled"),
        (Query("tasks", {"status": "failed"}), "status_1__id_1"),
    ],
)
def test_the_server_takes_the_index(store: MongoStore, query: Query, index: str) -> None:
    """The plan names the index, also a partial one."""
    rows = store.client[store.database_name][query.collection]
    plan = str(rows.find(conditions(query, None), sort=order_by(query)).explain()["queryPlanner"]["winningPlan"])
    assert index in plan
    assert "COLLSCAN" not in plan
