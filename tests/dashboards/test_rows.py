"""What is sent to a browser: the difference, and only when it can take it."""

import pytest

from dashboards.parts.rows import PATIENCE, WINDOW, Column, Rows

COLUMNS = (Column("name", "Name"), Column("count", "Count", "number"))


@pytest.fixture
def sent(monkeypatch):
    """What was sent."""
    messages = []
    monkeypatch.setattr(Rows, "_send_msg", lambda self, message: messages.append(message))
    return messages


@pytest.fixture
def shown(sent):
    """A table with two rows that a browser shows and listens for."""
    table = Rows(COLUMNS)
    table.put([{"id": "a", "name": "A", "count": 1}, {"id": "b", "name": "B", "count": 1}])
    table._models["root"] = (None, None)
    table._handle_msg({"ready": table.edition})
    assert sent == [{"n": 1, "waiting": False}]
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


def test_a_slow_browser_gets_one_later_difference(shown, sent):
    """Some changes may be on their way; while they are not painted, others are taken together."""
    for count in range(2, 2 * WINDOW):
        change(shown, count)
    assert len(sent) == WINDOW
    asked = [message["n"] for message in sent if message.get("ask")]
    assert len(asked) == 2
    shown._handle_msg({"painted": asked[0]})
    assert len(sent) == WINDOW + 1
    assert sent[-1]["rows"] == {"a": {"count": 2 * WINDOW - 1}}
    shown._handle_msg({"painted": asked[1]})
    assert len(sent) == WINDOW + 1


def test_a_browser_that_answers_what_it_is_asked_gets_every_change(shown, sent):
    """However long it goes on."""
    for count in range(2, 10 * WINDOW):
        change(shown, count)
        if sent[-1].get("ask"):
            shown._handle_msg({"painted": sent[-1]["n"]})
    assert [message["rows"]["a"]["count"] for message in sent] == list(range(2, 10 * WINDOW))


def test_a_browser_that_never_answered_gets_everything(shown, sent):
    """A lost answer does not stop the table for good."""
    for count in range(2, 2 * WINDOW):
        change(shown, count)
    shown._asked -= PATIENCE + 1
    change(shown, 99)
    assert sent[-1]["rows"]["a"] == {"id": "a", "name": "A", "count": 99}
    assert sent[-1]["order"] == ["a"]
    shown._handle_msg({"painted": sent[-1]["n"]})
    change(shown, 100)
    assert sent[-1]["rows"] == {"a": {"count": 100}}


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
