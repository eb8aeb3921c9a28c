"""What is sent to a browser: the difference, and only when it can take it."""

import json

import pytest

from dashboards.flow import EVERY, HOLD, PATIENCE, Flow
from dashboards.parts.frame.rows import Column, Rows

COLUMNS = (Column("name", "Name"), Column("count", "Count", "number"))


@pytest.fixture
def sent(monkeypatch):
    """What was sent, with its change read."""
    messages = []
    monkeypatch.setattr(Rows, "_send_msg", lambda self, message: messages.append(read(message)))
    return messages


def read(message):
    """A message as `live.js` takes it."""
    return {**message, **json.loads(message.get("change", "{}"))}


@pytest.fixture
def now():
    """The time, in the one place."""
    return [1000.0]


@pytest.fixture
def shown(sent, now):
    """A table with two rows that a browser shows and listens for."""
    table = Rows(COLUMNS)
    table._flow = Flow(lambda: now[0])
    table.put([{"id": "a", "name": "A", "count": 1}, {"id": "b", "name": "B", "count": 1}])
    table._models["root"] = (None, None)
    table._handle_msg({"ready": table.edition})
    assert sent == [{"waiting": False, "ask": 1}]
    table._handle_msg({"painted": 1})
    sent.clear()
    return table


def test_before_a_browser_comes_the_rows_are_its_start():
    """No message is needed for what the page is made with."""
    table = Rows(COLUMNS)
    table.put([{"id": "a", "name": "A"}])
    assert table.initial == [{"id": "a", "name": "A"}]
    assert not table.waiting


def test_only_dirty_cells_are_sent(shown, sent):
    """Of one row the count, of the other nothing."""
    shown.put([{"id": "a", "name": "A", "count": 2}, {"id": "b", "name": "B", "count": 1}])
    assert sent[0]["rows"] == {"a": {"count": 2}}
    assert "order" not in sent[0]


def test_new_and_gone_rows_change_the_order(shown, sent):
    """A new row comes whole, the order by ids."""
    new = {"id": "c", "name": "C", "count": 0}
    shown.put([new, {"id": "a", "name": "A", "count": 1}])
    assert sent[0]["order"] == ["c", "a"]
    assert sent[0]["rows"] == {"c": new}


def test_nothing_is_sent_for_nothing(shown, sent):
    """Equal rows cost no message."""
    shown.put([{"id": "a", "name": "A", "count": 1}, {"id": "b", "name": "B", "count": 1}])
    assert sent == []


def change(table, count):
    """Another value in the one row."""
    table.put([{"id": "a", "name": "A", "count": count}])


def test_a_slow_browser_gets_one_later_difference(shown, sent, now):
    """Some changes may be on their way; while a question stays unanswered, others are taken together."""
    now[0] += 2 * EVERY
    change(shown, 2)
    assert sent[-1]["ask"] == 2
    now[0] += HOLD
    change(shown, 3)
    now[0] += 0.1
    change(shown, 4)
    change(shown, 5)
    assert [message["rows"]["a"]["count"] for message in sent] == [2, 3]
    shown._handle_msg({"painted": 2})
    assert sent[-1]["rows"] == {"a": {"count": 5}}
    shown._handle_msg({"painted": 2})
    assert len(sent) == 3


def test_a_browser_that_answers_what_it_is_asked_gets_every_change(shown, sent, now):
    """However long it goes on; it is not asked each time."""
    for count in range(2, 100):
        now[0] += EVERY / 10
        change(shown, count)
        if "ask" in sent[-1]:
            shown._handle_msg({"painted": sent[-1]["ask"]})
    assert [message["rows"]["a"]["count"] for message in sent] == list(range(2, 100))
    assert 4 <= sum("ask" in message for message in sent) <= 10


def test_a_browser_that_never_answered_gets_everything(shown, sent, now):
    """A lost answer does not stop the table for good."""
    now[0] += 2 * EVERY
    change(shown, 2)
    now[0] += PATIENCE + 1
    change(shown, 99)
    assert sent[-1]["rows"]["a"] == {"id": "a", "name": "A", "count": 99}
    assert sent[-1]["order"] == ["a"]
    shown._handle_msg({"painted": sent[-1]["ask"]})
    change(shown, 100)
    assert sent[-1]["rows"] == {"a": {"count": 100}}


def test_all_tables_of_a_page_that_was_lost_get_everything(shown, sent, now):
    """They share one question."""
    other = Rows(COLUMNS)
    other._flow = shown._flow
    other.put([{"id": "a", "name": "A", "count": 1}])
    other._models["root"] = (None, None)
    other._handle_msg({"ready": other.edition})
    now[0] += 2 * EVERY
    change(shown, 2)
    now[0] += PATIENCE + 1
    sent.clear()
    change(shown, 3)
    change(other, 3)
    assert [message["rows"]["a"] for message in sent] == 2 * [{"id": "a", "name": "A", "count": 3}]


def test_only_what_columns_show_is_sent(shown, sent):
    """Rows are shared by tables with other columns."""
    shown.put([{"id": "a", "name": "A", "count": 2, "more": 1}, {"id": "b", "name": "B", "count": 1, "more": 2}])
    assert sent[-1]["rows"] == {"a": {"count": 2}}


def test_a_second_browser_gets_everything(shown, sent):
    """The same table shown twice, as in a notebook."""
    shown._handle_msg({"ready": shown.edition})
    assert sent[0]["order"] == ["a", "b"]


def test_a_click_is_told():
    """With the key of the row that was opened."""
    opened = []
    table = Rows(COLUMNS, on_open=opened.append)
    table._handle_msg({"open": "a"})
    assert opened == ["a"]


def test_an_answer_takes_no_turn_of_the_document(shown, now):
    """Unless something waits for it."""
    now[0] += 2 * EVERY
    change(shown, 2)
    assert shown._heed({"painted": 2})
    now[0] += 2 * EVERY
    change(shown, 3)
    now[0] += HOLD + 0.1
    change(shown, 4)
    assert not shown._heed({"painted": 3})
    assert not shown._heed({"open": "a"})
