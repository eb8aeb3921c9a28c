"""The events page as an object."""

import pytest

from claudia_core.ports import Retention
from claudia_core.services.events import NewEvent
from dashboards.event_log import PAGE
from dashboards.pages.events import EventsPage
from tests.dashboards.conftest import XSS, settle


@pytest.fixture
def page(busy):
    """The page on a hub with a task in every status, refreshed."""
    settle(busy)
    page = EventsPage(busy)
    page.refresh()
    return page


def kinds(page):
    """The types in its table."""
    return [row["event"]["text"] for row in page.table.rows]


def more(hub, count=1, kind="test:more"):
    """Append some events and let the board see them."""
    hub.events.append(NewEvent(kind, "s") for _ in range(count))
    settle(hub)


def turns(page):
    """The buttons of the pager."""
    return [item["key"] for item in page.turns.items]


def test_newest_first_and_live(page, busy):
    """What arrives stands on top, without a question to the store."""
    assert kinds(page)[-1] == "task:created"
    more(busy)
    page.refresh()
    assert kinds(page)[0] == "test:more"
    assert "Live" in page.heading.object


def test_nothing_is_asked_when_nothing_happened(page, busy, monkeypatch):
    """The board's sequence gates every question."""
    monkeypatch.setattr(busy.store, "events", lambda *_, **__: pytest.fail("asked again"))
    page.refresh()


def test_following_asks_the_board_only(page, busy, monkeypatch):
    """New events come from the picture all sessions share."""
    more(busy)
    monkeypatch.setattr(busy.store, "events", lambda *_, **__: pytest.fail("asked the store"))
    page.refresh()
    assert kinds(page)[0] == "test:more"


def test_a_page_that_slept_reads_what_the_board_no_longer_holds(page, busy):
    """Nothing is missing between what was shown and what is new."""
    more(busy, 600)
    page.refresh()
    found = [int(row["id"]) for row in page.table.rows]
    assert found == list(range(found[0], found[0] - PAGE, -1))


def test_filter_by_type(page):
    """Patterns, and their opposite."""
    page.type = "task:f*"
    assert kinds(page) == ["task:failed"]
    page.type = "!task:*"
    assert kinds(page)
    assert not [kind for kind in kinds(page) if kind.startswith("task:")]
    page.type = "no:such"
    assert page.table.zero[0] == "No event matches"


def test_filter_by_the_name_or_id_of_a_task(page, busy):
    """A name's beginning is enough."""
    task = busy.tasks.list(name="broke").tasks[0]
    for subject in (task.id, "bro"):
        page.subject = subject
        assert {row["about"]["text"] for row in page.table.rows} == {"broke"}
        assert page.table.rows[0]["about"]["href"].endswith(task.id)


def test_pause_counts_what_arrives_meanwhile(page, busy):
    """The page stands still; resume shows what was counted."""
    page._on_turn("pause")
    before = page.table.rows
    more(busy, 3)
    page.refresh()
    assert page.table.rows == before
    assert page.turns.items[0] == {"key": "resume", "label": "▶ Resume", "count": "3 new"}
    assert "3 newer events" in page.heading.object
    page._on_turn("resume")
    assert kinds(page)[:3] == ["test:more"] * 3


def test_older_and_newer(page, busy):
    """Through all of history and back to the live end."""
    more(busy, 100)
    page.refresh()
    top = page.table.rows[0]["id"]
    assert turns(page) == ["pause", "older"]
    page._on_turn("older")
    older = page.table.rows
    assert turns(page) == ["resume", "newer", "older"]
    page._on_turn("older")
    assert turns(page) == ["resume", "newer"]
    page._on_turn("newer")
    assert page.table.rows == older
    page._on_turn("newer")
    page._on_turn("newer")
    assert page.at == ""
    assert page.table.rows[0]["id"] == top


def test_choosing_an_event_shows_all_of_it(page, busy):
    """As CloudEvents JSON with the user's text as it is; choosing it again closes it."""
    key = next(row["id"] for row in page.table.rows if row["event"]["text"] == "task:failed")
    page._on_open(key)
    text = page.detail.content.rows[0]["value"]
    assert '"specversion": "1.0"' in text
    assert XSS in text
    assert page.detail.facts.rows[1]["value"][1]["text"] == "broke"
    assert next(row for row in page.table.rows if row["id"] == key)["tone"] == "chosen"
    page.detail._on_button("only")
    assert page.subject == busy.tasks.list(name="broke").tasks[0].id
    page._on_open(key)
    assert not page.detail.layout.visible


@pytest.mark.parametrize("seq", ["999999", "0", "nonsense", "<b>", "9" * 40])
def test_an_event_that_is_not_there_is_told(page, seq):
    """An address may hold anything."""
    page.seq = seq
    assert "Event not found" in page.detail.title.object
    assert "<b>" not in page.detail.title.object
    assert page.problem == ""


def test_go_to_a_sequence_or_a_time(page):
    """The page begins there, and shows it."""
    page._on_field("goto", "5")
    assert (page.at, page.seq) == ("5", "5")
    assert page.table.rows[0]["id"] == "5"
    page._on_field("goto", "0 s ago")
    assert int(page.at) > 5
    page._on_field("goto", "nonsense")
    assert page.notice[1] == "bad"


def test_what_is_no_longer_kept_is_told(page, busy):
    """With where the log begins now, and the way there."""
    more(busy, 100)
    busy.store.prune(Retention(events=60))
    page.at = "3"
    assert "no longer kept" in page.gap.object
    assert page.gap.visible
    assert page.table.rows == []
    assert "newer" in turns(page)
    page._on_turn("newer")
    assert len(page.table.rows) == PAGE


def test_a_place_that_is_none_is_told_in_words(page):
    """And heals with the next one."""
    page.at = "nonsense"
    assert "not a sequence" in page.problem
    page.at = ""
    assert page.problem == ""


def test_an_empty_log_says_what_to_do(claudia):
    """Three lines of Python."""
    settle(claudia)
    claudia.store.prune(Retention(events=1))
    page = EventsPage(claudia)
    page.refresh()
    if not page.table.rows:
        assert "claudia.track(" in page.table.zero[2]
