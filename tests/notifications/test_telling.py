"""Who is told what and when: rules, lists, preferences, digests, quiet hours, limits; time is moved, never slept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from claudia_core.errors import AccessDenied, IntegrationError, InvalidValue, NotFound
from claudia_core.integrations.notifications import notifier
from claudia_core.model.event import Event
from claudia_core.model.identity import Identity, Kind, Scope, acting_as
from claudia_core.model.quiet import quiet_hours
from claudia_core.model.times import utc_now
from claudia_core.services.notifications.outgoing import due
from claudia_core.services.notifications.queueing import HELD_PER_HOUR, LIST_PER_HOUR
from claudia_core.services.notifications.wording import words_of
from claudia_core.testing.waiting import eventually
from dashboards import PAGES
from tests.notifications.conftest import Stage
from tests.webhooks.receiver import receiving


def titles(stage: Stage) -> list[str]:
    return [message.subject for message in stage.box.taken]


def test_a_rule_tells_a_channel_once(stage: Stage) -> None:
    """What matches pattern and condition is told, once, and what was sent is known with its time."""
    channel = stage.of.channels.create("ops", "mail", "ops@example.org, dev@example.org")
    stage.of.rules.create("large", ["invoice:*"], filter={"data.n": [1, 2]}, channels=[channel.id], level="info")
    stage.start()
    stage.happen(4)
    sent = stage.settled(number=2)
    assert sorted(titles(stage)) == ["invoice:paid s1", "invoice:paid s2"]
    assert stage.box.taken[0].to == ("ops@example.org", "dev@example.org")
    assert {(one.tries, one.error, one.finished_at) for one in sent} == {(1, "", stage.clock.now())}
    assert [event.type for event in stage.store.events(0, 100, ("notification:delivered",)).events] != []


def test_events_that_no_rule_is_about_cost_no_writes(stage: Stage) -> None:
    """The log grows by what happened, and the place in it is not saved each time; it is where somebody is told."""
    stage.channel()
    notifier = stage.start(lease=60.0)
    before = stage.store.get("subscriptions", "notifications")
    for _ in range(2):  # a stretch is saved, where it is, before the next one is read
        stage.happen(20, type="row:read")
        eventually(lambda: notifier.cursor.sequence == stage.store.head())
    assert stage.store.get("subscriptions", "notifications") == before
    stage.happen()
    stage.settled()
    assert stage.store.get("subscriptions", "notifications") != before


def test_addresses_are_encrypted(stage: Stage) -> None:
    """Nothing in the store, in public forms and in events holds the secret of a channel's address."""
    made = stage.of.channels.create("chat", "slack", "https://hooks.slack.com/services/T0/B0/very-secret")
    kept = stage.store.get("channels", made.id)
    told = str([event.data for event in stage.store.events(0, 100).events])
    assert "very-secret" not in f"{kept}{made.to_public()}{made!r}{told}"
    assert made.shown == "hooks.slack.com"
    assert stage.of.channels.address(made).endswith("very-secret")
    other = stage.of.channels.create("other", "slack", "https://hooks.slack.com/services/T0/B0/other")
    stage.store.write(lambda tx: tx.put("channels", {**(kept or {}), "id": other.id})).result()
    with pytest.raises(InvalidValue, match="another channel's"):
        stage.of.channels.address(stage.of.channels.get(other.id))


def test_failures_are_tried_again_over_restarts(stage: Stage) -> None:
    """A channel that fails is tried again when its time comes, also by another notifier; in the end it is given up,
    the channel says since when it fails, and a redrive sends it all the same."""
    channel = stage.channel()
    stage.box.failures = [ConnectionError("away") for _ in range(3)]
    stage.start()
    stage.happen()
    eventually(lambda: [one.tries for one in stage.dispatches()] == [1])
    assert stage.of.channels.get(channel.id).last_error.endswith("away")
    stage.stop()
    stage.start()
    stage.later(10.1)
    eventually(lambda: [one.tries for one in stage.dispatches()] == [2])
    stage.later(60.1)
    (failed,) = stage.settled("failed")
    assert (failed.tries, "away" in failed.error) == (3, True)
    assert stage.of.channels.get(channel.id).failing_since is not None
    stage.of.dispatches.redrive(failed.id)
    stage.settled("sent")
    assert stage.of.channels.get(channel.id).failing_since is None


def test_a_long_answer_is_a_failure_like_any_other(stage: Stage) -> None:
    """A service that is ill says so with a page of any length: the message is told when it is well again."""
    page = b"<p>sorry</p>" * 10_000
    with receiving(lambda message, number: (503, {}, page) if number == 0 else (200, {}, b"ok")) as receiver:
        stage.channel("slack", f"{receiver.url}/secret")
        stage.start()
        stage.happen()
        eventually(lambda: [one.tries for one in stage.dispatches()] == [1])
        (waits,) = stage.dispatches()
        assert (waits.status.value, waits.error) == ("pending", f"HTTP 503: {page[:200].decode()}")
        stage.later(61)
        stage.settled()


def test_the_look_at_what_is_due_outlives_a_fault(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails in a way that nobody foresaw is logged, and the next look tells what is due."""
    faults = [RuntimeError("a defect")]

    def once(*args: Any) -> Any:
        if faults:
            raise faults.pop()
        return due(*args)

    monkeypatch.setattr(notifier, "due", once)
    stage.channel()
    stage.start()
    stage.happen()
    stage.settled()
    assert not faults


def test_what_is_refused_for_good_is_not_tried_again(stage: Stage) -> None:
    """A refusal that no retry helps ends a dispatch at once, with the reason."""
    stage.channel()
    stage.box.failures = [IntegrationError("no such box", "mail", None, retryable=False)]
    stage.start()
    stage.happen()
    (failed,) = stage.settled("failed")
    assert "no such box" in failed.error


def test_a_digest_is_one_message(stage: Stage) -> None:
    """Messages are gathered until the digest's time has come, and told as one; what is critical is told at once."""
    channel = stage.channel(digest=10)
    stage.of.rules.create("lost", ["alarm:*"], level="critical", channels=[channel.id])
    stage.start()
    stage.clock.move(60)
    stage.happen(5)
    eventually(lambda: len(stage.dispatches(status="pending")) == 5)
    stage.happen(type="alarm:rang")
    stage.settled(number=1)
    assert titles(stage) == ["alarm:rang s0"]
    stage.later(9 * 60 + 1)
    stage.settled(number=6)
    assert titles(stage)[1] == "5 notifications: 5 invoice:paid"
    assert "invoice:paid s4" in stage.box.taken[1].text


def test_quiet_hours(stage: Stage) -> None:
    """In quiet hours nothing is sent but what is critical; behind them it comes as one."""
    stage.channel(quiet="22:00-07:00 Europe/Berlin")  # the clock begins at midnight UTC
    stage.start()
    stage.happen(3)
    eventually(lambda: len(stage.dispatches()) == 3)
    assert {one.next_at for one in stage.dispatches()} == {datetime(2026, 1, 1, 6, tzinfo=UTC)}
    stage.later(6 * 3600 + 1)
    stage.settled(number=3)
    assert len(stage.box.taken) == 1
    stage.happen()
    stage.settled(number=4)


@pytest.mark.parametrize(
    ("text", "now", "until"),
    [
        ("22:00-07:00", "2026-03-01T23:00", "2026-03-02T07:00"),
        ("22:00-07:00", "2026-03-01T06:59", "2026-03-01T07:00"),
        ("22:00-07:00", "2026-03-01T07:00", None),
        ("12:00-13:00", "2026-03-01T12:30", "2026-03-01T13:00"),
        ("22:00-07:00 Europe/Berlin", "2026-03-28T22:00", "2026-03-29T05:00"),  # summer time begins that night
        ("22:00-07:00 America/New_York", "2026-07-01T02:00", "2026-07-01T11:00"),
    ],
)
def test_quiet_hours_over_midnight_and_summer_time(text: str, now: str, until: str | None) -> None:
    """Quiet hours are those of their timezone, also over midnight and when clocks are changed."""
    hours = quiet_hours(text)
    assert hours is not None
    found = hours.until(datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found == (None if until is None else datetime.fromisoformat(until).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    "text", ["24:00-07:00", "7-8", "07:00-07:00", "22:00-07:00 Atlantis/Poseidon", "22:00-07:00 ../etc"]
)
def test_quiet_hours_that_are_none(text: str) -> None:
    """What tells no quiet hours is refused."""
    with pytest.raises(InvalidValue):
        quiet_hours(text)


def test_the_hourly_limit_is_visible(stage: Stage) -> None:
    """Over its limit a channel is told once that there is more, and gets the rest as one in the next hour."""
    stage.channel(per_hour=3)
    stage.start()
    stage.happen(10)
    stage.settled(number=4)
    assert sum("Over 3 notifications" in title for title in titles(stage)) == 1
    assert stage.store.events(0, 100, ("notification:limited",)).events[0].data["per_hour"] == 3
    stage.later(3_601)
    stage.settled(number=11)
    assert titles(stage)[-1] == "7 notifications: 7 invoice:paid"


def test_a_flood_fills_no_store(stage: Stage) -> None:
    """Of what waits for a digest some is kept, and the number of the rest is told."""
    stage.channel(digest=60)
    stage.start()
    stage.happen(HELD_PER_HOUR + 40)
    eventually(lambda: any("40 further" in one.title for one in stage.dispatches()))
    assert len(stage.dispatches()) == HELD_PER_HOUR + 1
    stage.later(3_601)
    stage.settled(number=HELD_PER_HOUR + 1)
    assert titles(stage) == ["500 notifications: 500 invoice:paid", "40 further notifications are left out"]


def test_a_list_has_a_limit_too(stage: Stage) -> None:
    """A flood fills nobody's list: one notice says that there is more, one in the next hour how many it was."""
    stage.of.rules.create("all", ["invoice:*"], users=["token"])
    stage.start()
    stage.happen(LIST_PER_HOUR + 50)
    eventually(lambda: stage.of.notices.list().unread == LIST_PER_HOUR + 1)
    assert "are left out" in stage.of.notices.list(limit=1).notices[0].title
    stage.clock.move(3_600)
    stage.happen()
    eventually(lambda: stage.of.notices.list().unread == LIST_PER_HOUR + 3)
    assert any("50 notifications of the hour before" in one.title for one in stage.of.notices.list().notices)


def test_peoples_lists_and_preferences(stage: Stage) -> None:
    """Everybody has a list of their own, is told what they want, and by mail where they say so."""
    ann, bob = stage.users.add("Ann"), stage.users.add("bob")
    stage.of.people.change("ann", email="ann@example.org", mail=True)
    stage.of.people.change("bob", muted=["task:*"], level="warning")
    stage.of.rules.create("all", ["task:failed", "invoice:*"], users=["*"], level="warning")
    stage.start()
    stage.emit("task:failed", "t1", {"name": "<b>load</b>", "error": {"type": "E", "message": "no"}, "duration": 61.0})
    stage.settled()
    (notice,) = stage.of.notices.list("ann").notices
    assert (notice.owner, notice.title, notice.text) == (ann.id, "<b>load</b>: failed", "E: no\nAfter 1 min 01 s.")
    assert notice.link == "/tasks?id=t1"
    assert stage.of.notices.list("bob").notices == []
    assert stage.box.taken[0].to == ("ann@example.org",)
    assert "&lt;b&gt;load" in stage.box.taken[0].html
    assert "<b>load" not in stage.box.taken[0].html
    stage.happen()
    eventually(lambda: stage.of.notices.list("bob").unread == 1)
    assert [event.subject for event in stage.store.events(0, 100, ("notification:sent",)).events].count(
        f"user:{bob.id}"
    ) == 1


def test_acknowledging_is_for_ones_own(stage: Stage) -> None:
    """A user sees and acknowledges their own list; somebody else's is an admin's to see."""
    ann = stage.users.add("ann")
    stage.users.add("bob")
    stage.of.rules.create("all", ["invoice:*"], users=["*"])
    stage.start()
    stage.happen(3)
    eventually(lambda: stage.of.notices.list("bob").unread == 3)
    bobs = stage.of.notices.list("bob").notices
    with acting_as(Identity(Kind.USER, ann.id, "ann", frozenset({Scope.VIEWER}))):
        mine = stage.of.notices.list().notices
        assert len(mine) == 3
        with pytest.raises(AccessDenied):
            stage.of.notices.list("bob")
        with pytest.raises(NotFound):
            stage.of.notices.acknowledge([bobs[0].id])
        assert stage.of.notices.acknowledge([mine[0].id]) == 1
        assert stage.of.notices.acknowledge([mine[0].id]) == 0
        assert stage.of.notices.list(unread=True).unread == 2
        assert stage.of.notices.acknowledge() == 2
    assert stage.of.notices.list("bob").unread == 3


def test_who_is_confined_is_told_of_their_projects_only(stage: Stage) -> None:
    """Of somebody confined to projects, the list holds the tasks of these and nothing else."""
    stage.users.add("cleo", projects=["etl"])
    stage.of.rules.create("all", ["*"], users=["cleo"])
    stage.start()
    for project in ("etl", "ml"):
        stage.emit("task:failed", project, {"name": project, "labels": {"project": project}, "error": None})
    stage.happen()
    stage.emit("task:failed", "last", {"name": "last", "labels": {"project": "etl"}, "error": None})
    eventually(lambda: stage.of.notices.list("cleo").unread == 2)
    assert {one.title for one in stage.of.notices.list("cleo").notices} == {"etl: failed", "last: failed"}


def test_what_is_offered(stage: Stage) -> None:
    """The offered rules tell of failed and late tasks, errors that are back, lost agents and health; added twice,
    they are there once."""
    assert len(stage.of.rules.add_offered()) == 7
    assert list(stage.of.rules.add_offered()) == []
    stage.start()
    stage.emit("issue:regressed", "i1", {"title": "ValueError: no", "culprit": "m.f"})
    stage.emit("agent:lost", "a1", {"name": "worker", "host": "h", "heartbeat_at": "then"})
    stage.emit("health:changed", "queue", {"status": "fail", "before": "pass", "output": "away"})
    stage.emit("health:changed", "queue", {"status": "warn", "before": "fail", "output": ""})
    eventually(lambda: stage.of.notices.list().unread == 3)
    found = {(one.title, one.level.value) for one in stage.of.notices.list().notices}
    assert found == {
        ("ValueError: no: regressed", "warning"),
        ("Agent worker: lost", "critical"),
        ("Health of queue: fail, was pass", "critical"),
    }


def test_links_lead_to_pages() -> None:
    """Where a notification says to look, there is a page."""
    pages = {spec.path for spec in PAGES}
    nouns = ("task:failed", "issue:regressed", "agent:lost", "health:changed", "webhook:disabled")
    for type in nouns:
        link = words_of(Event(1, "e", type, "x", utc_now(), {"status": "fail"})).link
        assert link.partition("?")[0] in pages, type
