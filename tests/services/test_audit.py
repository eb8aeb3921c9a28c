"""The audit log: found by actor, action, subject and time; pruned by age; one commit with its change."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from claudia_core import Claudia
from claudia_core.errors import InvalidValue
from claudia_core.model.identity import Identity, Kind, acting_as
from claudia_core.services.access import audit

WHO = Identity(Kind.KEY, "k1", "ci", via="key", address="10.0.0.7")


@pytest.fixture
def hub():
    with Claudia("memory://", display="off") as hub:
        yield hub


def test_an_entry_says_who_what_when_from_where(hub):
    """All of it comes from the identity that acts; details without a value are left out."""
    with acting_as(WHO):
        hub.audit.record("door.open", "door 1", side="left", colour=None)
    (entry,) = hub.audit.list().entries
    assert (entry.actor, entry.actor_name, entry.via, entry.address) == ("key:k1", "ci", "key", "10.0.0.7")
    assert (entry.action, entry.subject, entry.details) == ("door.open", "door 1", {"side": "left"})
    assert abs((entry.time - datetime.now(UTC)).total_seconds()) < 60


def test_entries_are_found_by_what_they_say(hub):
    """By actor, action and subject, alone or together; newest first and page by page."""
    for number in range(5):
        hub.audit.record("a" if number % 2 else "b", f"s{number}", WHO)
    assert [entry.subject for entry in hub.audit.list(action="b").entries] == ["s4", "s2", "s0"]
    assert [entry.subject for entry in hub.audit.list(actor="key:k1", subject="s3").entries] == ["s3"]
    page = hub.audit.list(limit=2)
    assert [entry.subject for entry in hub.audit.list(limit=2, after=page.next).entries] == ["s2", "s1"]
    assert [entry.subject for entry in hub.audit.every()] == ["s0", "s1", "s2", "s3", "s4"]


def test_entries_are_found_by_time_and_pruned_by_age(hub):
    """Of two moments around an entry, the one after finds nothing since and the one before nothing until."""
    before = datetime.now(UTC) - timedelta(seconds=1)
    hub.audit.record("a", "", WHO)
    after = datetime.now(UTC) + timedelta(seconds=1)
    assert len(hub.audit.list(since=before, until=after).entries) == 1
    assert hub.audit.list(since=after).entries == hub.audit.list(until=before).entries == []
    assert hub.audit.prune(before) == 0
    assert hub.audit.prune(after) == 1
    with pytest.raises(InvalidValue):
        hub.audit.list(since=datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_hub_prunes_by_its_setting():
    """`audit_days` says for how long entries are kept."""
    with Claudia("memory://", display="off", audit_days=1e-9) as hub:
        hub.audit.record("a", "", WHO)
        time.sleep(0.01)
        hub.prune()
        assert hub.audit.list().entries == []


def test_a_change_that_fails_leaves_no_entry(hub):
    """Entry and change are one transaction."""

    def work(tx):
        audit.note(tx, WHO, "a")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        hub.store.write(work).result()
    assert hub.audit.list().entries == []
