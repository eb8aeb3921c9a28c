"""Reading the log newest first, and events as rows."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claudia_core.errors import InvalidValue
from claudia_core.model.event import Event
from claudia_core.ports import Retention
from claudia_core.services.events import NewEvent
from dashboards.cells import events as event_cells
from dashboards.event_log import Arrivals, Wanted, newer, older, place

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
XSS = "<img src=x onerror=window.pwned=1>"


def event(kind, subject="id", sequence=7, **data):
    """An event that nobody emitted."""
    return Event(sequence, "e", kind, subject, NOW, data)


def sequences(stretch):
    """The sequences of its events."""
    return [event.sequence for event in stretch.events]


@pytest.fixture
def log(claudia):
    """A store whose log holds 1,200 events; each hundredth is rare."""
    kinds = ["test:rare" if at % 100 == 0 else "test:common" for at in range(1, 1_201)]
    claudia.events.append(NewEvent(kind, subject=f"s{at % 3}") for at, kind in enumerate(kinds[:600], 1))
    claudia.events.append(NewEvent(kind, subject=f"s{at % 3}") for at, kind in enumerate(kinds[600:], 601))
    return claudia.store


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("", "task:failed", None),
        ("task:*", "task:failed", "error:reported"),
        ("task:failed", "task:failed", "task:completed"),
        ("error:* issue:*", "issue:opened", "task:failed"),
        ("!progress:*, !task:progress", "task:failed", "progress:updated"),
        ("task:* !task:progress", "task:failed", "task:progress"),
    ],
)
def test_patterns_choose_and_bar(pattern, yes, no):
    """As the bus matches them; a `!` leaves out."""
    assert Wanted(pattern)(event(yes))
    assert no is None or not Wanted(pattern)(event(no))


def test_only_plain_types_are_left_to_the_index():
    """What holds a wildcard has to be read."""
    assert Wanted("task:failed, task:completed").types == ("task:failed", "task:completed")
    assert Wanted("task:*").types == Wanted("!task:failed").types == ()


def test_pages_go_down_and_up_again(log):
    """Older pages join without a hole; newer leads back to the same tops, and to the end."""
    head = log.head()
    first = older(log, Wanted(), head, 50)
    assert sequences(first) == list(range(head, head - 50, -1))
    second = older(log, Wanted(), first.below, 50)
    assert sequences(second)[0] == head - 50
    assert newer(log, Wanted(), first.below, 50) == head
    assert newer(log, Wanted(), first.below, 51) is None


@pytest.mark.parametrize("pattern", ["test:rare", "test:r*"])
def test_rare_events_are_found_from_far_below(log, pattern):
    """By the index or by reading, the pages are the same."""
    rare = [event.sequence for event in log.events(0, 5_000, types=["test:rare"]).events][::-1]
    first = older(log, Wanted(pattern), log.head(), 5)
    assert sequences(first) == rare[:5]
    rest = older(log, Wanted(pattern), first.below, 50)
    assert sequences(rest) == rare[5:]
    assert rest.below == 0
    assert not rest.is_cut


def test_a_subject_alone(log):
    """Every third event."""
    found = older(log, Wanted(subject="s1"), log.head(), 50)
    assert {event.subject for event in found.events} == {"s1"}
    assert len(found.events) == 50


@given(
    top=st.integers(1, 1_300),
    limit=st.integers(1, 60),
    pattern=st.sampled_from(["", "test:*", "test:rare", "!test:rare"]),
)
def test_older_gives_what_a_plain_search_gives(top, limit, pattern):
    """Whatever the place, the size and the pattern."""
    kinds = {at: "test:rare" if at % 7 == 0 else "test:common" for at in range(1, 1_001)}
    wanted = Wanted(pattern)
    plain = [at for at in sorted(kinds, reverse=True) if at <= top and wanted(event(kinds[at], sequence=at))]
    assert sequences(older(Fake(kinds), wanted, top, limit)) == plain[:limit]


class Fake:
    """A log of types by sequence, as `Reader.events` reads it."""

    def __init__(self, kinds):
        self.kinds = kinds

    def events(self, after, limit, types=(), subject=None):
        """See `ports.Reader.events`."""
        from claudia_core.model.event import EventSlice

        found = [
            event(kind, sequence=at) for at, kind in self.kinds.items() if at > after and (not types or kind in types)
        ]
        end = found[limit - 1].sequence if len(found) >= limit else max(after, len(self.kinds))
        return EventSlice(found[:limit], end)


def test_what_is_no_longer_kept_is_told(log):
    """The gap reaches up to the oldest event kept, for a place before it and for the last page."""
    log.prune(Retention(events=100))
    oldest = log.log_status().oldest
    pruned = older(log, Wanted(), 10)
    assert pruned.events == ()
    assert pruned.gap.last == oldest - 1
    last = older(log, Wanted(), oldest + 9)
    assert len(last.events) == 10
    assert last.gap.last == oldest - 1
    assert last.below == 0


def test_arrivals_are_counted_once(claudia):
    """All of them by arithmetic, filtered ones by reading what is new."""
    claudia.events.append([NewEvent("test:a"), NewEvent("test:b")])
    arrivals, store = Arrivals(), claudia.store
    assert arrivals.look(store, Wanted(), 1, store.head()) == store.head() - 1
    assert arrivals.look(store, Wanted("test:b"), 0, store.head()) == 1
    claudia.events.append([NewEvent("test:b")])
    assert arrivals.look(store, Wanted("test:b"), 0, store.head()) == 2


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("15 min", NOW - timedelta(minutes=15)),
        ("2h ago", NOW - timedelta(hours=2)),
        ("9:30", NOW.replace(hour=9, minute=30)),
        ("2026-11-22 14:30", NOW.replace(day=22, hour=14, minute=30)),
        ("2026-11-22T14:30+02:00", NOW.replace(day=22, hour=12, minute=30)),
    ],
)
def test_a_place_is_a_time(text, moment):
    """As people write it; UTC unless told."""
    asked = []
    assert place(text, NOW, lambda when: asked.append(when) or 5) == 5
    assert asked == [moment]


def test_a_place_is_a_sequence():
    """With or without commas."""
    assert place(" 1,234 ", NOW, None) == 1_234


@pytest.mark.parametrize("text", ["yesterday", "25:00", "-3", "9" * 30, "999999 d"])
def test_a_place_that_is_none_is_told(text):
    """In words, with the forms that work."""
    with pytest.raises(InvalidValue, match=r"neither a sequence nor a time|no event is kept"):
        place(text, NOW, lambda _: 0)


def test_subjects_have_names(busy):
    """Those of tasks lead to them; what has no name is shown as it is."""
    events = busy.store.events(0, 100).events
    names = event_cells.named(busy.store, [*events, event("invoice:paid", "inv-1")], {})
    cells = {event.type: event_cells.row(event, names) for event in events}
    assert cells["task:failed"]["about"]["text"] == "broke"
    assert cells["task:failed"]["about"]["href"].startswith("./tasks?id=")
    assert names["inv-1"] == ("", "inv-1")
    assert event_cells.row(event("a:b", ""), names)["about"] is None


def test_known_names_are_not_asked_for_again(busy):
    """Only new subjects are looked up."""
    events = busy.store.events(0, 100).events
    names = event_cells.named(busy.store, events, {})
    assert event_cells.named(None, events, names) == names


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (event("progress:updated", current=3, total=10, unit="rows", message="half"), "3 of 10 rows · 30% · half"),
        (event("task:failed", name="x", error={"type": "E", "message": XSS}), f"E: {XSS}"),
        (event("error:reported", type="E", message="m"), "E: m"),
        (event("task:started", name="x"), "started"),
        (event("task:started", name="x", attempt=2), "started · attempt 2"),
        (event("invoice:paid", amount=3, lines=[1]), "amount: 3"),
        (event("invoice:paid"), "paid"),
    ],
)
def test_what_happened_is_told_in_words(event, text):
    """As it is: cells are text."""
    assert event_cells.says(event) == text


def test_the_content_is_a_whole_cloudevent():
    """Not shortened: it is there to be copied."""
    text = event_cells.content(event("a:b", long="x" * 50_000))[0]["value"]
    assert '"specversion": "1.0"' in text
    assert len(text) > 50_000
