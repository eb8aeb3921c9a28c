"""Sources that are asked again and again: each difference is told once, whatever fails or dies in between."""

import http.server
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from claudia_core.app import Claudia
from claudia_core.errors import InvalidValue
from claudia_core.integrations.sync import Poll
from claudia_core.model.health import Health
from claudia_core.settings import default_settings
from claudia_core.testing.waiting import eventually

FAST = {"every": 0.05, "lease": 1.0}


@pytest.fixture
def poll(claudia: Claudia) -> Iterator[Callable[..., Poll]]:
    """Polls on the hub's store, ended after the test."""
    made: list[Poll] = []

    def make(source: Any, name: str = "orders", **options: Any) -> Poll:
        made.append(Poll(claudia.store, name, source, **{**FAST, **options}))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def told(claudia: Claudia) -> list[tuple[str, str]]:
    """What was told, in order."""
    return [(event.type.partition(":")[2], event.subject) for event in claudia.store.events(0, 10_000).events]


def looks(one: Poll, more: int = 2) -> None:
    """Wait for so many further whole looks."""
    before = one.work.rounds
    eventually(lambda: one.work.rounds >= before + more)


def test_differences_are_told_once(claudia: Claudia, poll: Callable[..., Poll]) -> None:
    """What is new, what changed, what is gone; nothing while nothing changes."""
    rows: dict[str, dict[str, Any]] = {n: {"id": n, "total": 1} for n in ("a", "b", "c")}
    made = poll(lambda: list(rows.values()))
    looks(made)
    assert told(claudia) == [("inserted", "a"), ("inserted", "b"), ("inserted", "c")]
    rows["b"] = {"total": 2, "id": "b"}
    del rows["c"]
    rows["d"] = {"id": "d", "total": 9}
    looks(made)
    assert told(claudia)[3:] == [("updated", "b"), ("inserted", "d"), ("deleted", "c")]
    rows["b"] = {"id": "b", "total": 2}  # the same in another order
    looks(made)
    assert len(told(claudia)) == 6
    event = claudia.store.events(3, 1).events[0]
    assert event.data == {"key": "b", "document": {"id": "b", "total": 2}}


def test_over_restarts(claudia: Claudia, poll: Callable[..., Poll]) -> None:
    """What changed while nobody asked is told, and nothing again."""
    rows = [{"id": 1, "v": 1}, {"id": 2, "v": 1}]
    first = poll(lambda: rows)
    looks(first)
    first.stop()
    rows = [{"id": 2, "v": 2}]
    looks(poll(lambda: rows))
    assert told(claudia) == [("inserted", "1"), ("inserted", "2"), ("updated", "2"), ("deleted", "1")]


def test_what_is_there_at_first(claudia: Claudia, poll: Callable[..., Poll]) -> None:
    """May be taken for known; what is missing may be taken for no deletion."""
    rows = [{"n": 1}, {"n": 2}]
    made = poll(lambda: rows, key=lambda row: f"row {row['n']}", initial=False, deletions=False)
    looks(made)
    rows = [{"n": 3}]
    looks(made)
    assert told(claudia) == [("inserted", "row 3")]


def test_rows_of_every_kind(claudia: Claudia, poll: Callable[..., Poll]) -> None:
    """Times, decimals and bytes become text; what is too large for an event is told without its content."""
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    rows = [
        {"id": 1, "at": moment, "sum": Decimal("1.10"), "raw": b"\x00", "set": {1}, 5: None},
        {"id": 2, "text": "x" * 100_000},
    ]
    made = poll(lambda: rows)
    looks(made)
    first, second = claudia.store.events(0, 10).events
    wanted = {"id": 1, "at": "2026-01-02T00:00:00+00:00", "sum": "1.10", "raw": "AA==", "set": [1], "5": None}
    assert first.data["document"] == wanted
    assert second.data["document"] is None
    assert second.data["bytes"] > 100_000


def test_a_source_that_fails(claudia: Claudia, poll: Callable[..., Poll]) -> None:
    """In the middle of a look: nothing counts as gone, the health says why, and the next look goes on."""
    broken = [False]

    def rows() -> Iterator[dict[str, Any]]:
        yield {"id": 1}
        if broken[0]:
            raise OSError("the line is cut")
        yield {"id": 2}

    made = poll(rows)
    looks(made)
    broken[0] = True
    eventually(lambda: made.health()[0] is Health.WARN)
    assert "the line is cut" in made.health()[1]
    broken[0] = False
    eventually(lambda: made.health()[0] is Health.PASS)
    looks(made)
    assert told(claudia) == [("inserted", "1"), ("inserted", "2")]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"x": 1}], "no key"),
        ([{"id": "k" * 300}], "300 characters"),
        (["text"], "not a mapping"),
        ([{"id": 1, "n": 2**70}], "JSON"),
    ],
)
def test_rows_that_cannot_be_compared(poll: Callable[..., Poll], rows: list[Any], words: str) -> None:
    """The health says what is wrong with them."""
    made = poll(lambda: rows)
    eventually(lambda: words in made.health()[1])


def test_values_that_are_refused(claudia: Claudia) -> None:
    """At once, with the field's name."""
    for options, field in (
        ({"name": "task"}, "name"),
        ({"name": "No Word"}, "name"),
        ({"every": 0}, "every"),
        ({"source": "SELECT 1"}, "source"),
    ):
        values = {"name": "orders", "source": list, **options}
        with pytest.raises(InvalidValue) as caught:
            claudia.poll(**values)
        assert caught.value.field == field


def test_a_query(claudia: Claudia, tmp_path: Path) -> None:
    """Rows of a database, by a connection of the DB-API made for each look."""
    file = tmp_path / "shop.db"
    with sqlite3.connect(file) as shop:
        shop.execute("CREATE TABLE orders (number INTEGER, total REAL)")
        shop.executemany("INSERT INTO orders VALUES (?, ?)", [(n, n * 1.5) for n in range(1_200)])
    made = claudia.poll(
        "orders", "SELECT * FROM orders", connect=lambda: sqlite3.connect(file), key="number", every=0.1
    )
    looks(made, 1)
    assert claudia.store.head() == 1_200
    shop.execute("UPDATE orders SET total = 0 WHERE number = 7")
    shop.commit()
    shop.close()
    looks(made)
    assert told(claudia)[1_200:] == [("updated", "7")]
    assert "sync orders" in {check.name for check in claudia.health.report().checks}


@pytest.fixture
def site() -> Iterator[tuple[str, dict[str, Any]]]:
    """A server that answers what it is told to."""
    answer: dict[str, Any] = {"status": 200, "body": {"data": {"rows": [{"id": 1}]}}}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(answer["body"]).encode()
            self.send_response(answer["status"] if self.headers.get("x-key") == "k" else 401)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/orders", answer
        server.shutdown()
        thread.join(10)


def test_an_address(claudia: Claudia, poll: Callable[..., Poll], site: tuple[str, dict[str, Any]]) -> None:
    """JSON of a server, with headers; a refusal or another form is in the health, and nothing counts as gone."""
    url, answer = site
    made = poll(url, items="data.rows", headers={"x-key": "k"})
    looks(made)
    answer["status"] = 503
    eventually(lambda: "HTTP 503" in made.health()[1])
    answer.update(status=200, body={"data": []})
    eventually(lambda: "no JSON data.rows" in made.health()[1])
    answer["body"] = {"data": {"rows": {}}}
    eventually(lambda: "no list" in made.health()[1])
    answer["body"] = {"data": {"rows": [{"id": 2}]}}
    eventually(lambda: made.health()[0] is Health.PASS, timeout=40)
    assert told(claudia) == [("inserted", "1"), ("inserted", "2"), ("deleted", "1")]


ASKER = """
import sys, time
from pathlib import Path
from claudia_core import Claudia
from claudia_core.settings import default_settings
claudia = Claudia(settings=default_settings(database_url=sys.argv[1], display="off"))
def rows():
    print("asked", flush=True)
    return [{"id": n} for n in range(int(Path(sys.argv[2]).read_text()))]
claudia.poll("orders", rows, every=0.05, lease=1.0)
time.sleep(600)
"""


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """Another one takes over after a kill: nothing is told twice, nothing is missed."""
    url, number = str(tmp_path / "claudia.db"), tmp_path / "number"
    number.write_text("3")
    with Claudia(settings=default_settings(database_url=url, display="off")) as claudia:
        command = [sys.executable, "-c", ASKER, url, str(number)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
            try:
                assert other.stdout is not None
                assert other.stdout.readline() == "asked\n"
                eventually(lambda: claudia.store.head() >= 3)
                mine = claudia.poll("orders", lambda: [{"id": n} for n in range(int(number.read_text()))], **FAST)
                assert not mine.work.is_holder
            finally:
                other.kill()
        number.write_text("5")
        eventually(lambda: claudia.store.head() == 5, timeout=20)
        assert told(claudia) == [("inserted", str(n)) for n in range(5)]
        assert mine.health() == (Health.PASS, "")
