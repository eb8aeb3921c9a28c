"""What nobody acknowledges is told further; time is moved, never slept."""

from __future__ import annotations

import pytest

from claudia_core.errors import AccessDenied, InvalidValue, NotFound
from claudia_core.model.identity import Identity, Kind, Scope, acting_as
from claudia_core.model.notice import Notice
from claudia_core.model.rule import Rule
from claudia_core.testing.waiting import eventually
from tests.notifications.conftest import Stage


def ruled(stage: Stage, **values: object) -> Rule:
    """A rule that tells everybody's list, and the chief 15 minutes later."""
    chief = stage.of.channels.create("chief", "mail", "chief@example.org")
    return stage.of.rules.create(
        "invoices", ["invoice:*"], users=["*"], escalate_after=15, escalate_to=[chief.id], **values
    )


def told(stage: Stage) -> list[str]:
    return [message.subject for message in stage.box.taken]


def noticed(stage: Stage, number: int = 1) -> list[Notice]:
    """The notices, once they are there."""
    eventually(lambda: len(stage.of.notices.list("*").notices) == number)
    return stage.of.notices.list("*").notices


def test_what_nobody_acknowledges_is_told_further(stage: Stage) -> None:
    """Not before its time, once, and with words that say why."""
    ruled(stage)
    stage.start()
    stage.happen()
    noticed(stage)
    (waiting,) = stage.settled("pending")
    assert (waiting.next_at - waiting.created_at).total_seconds() == 15 * 60  # type: ignore[operator]
    stage.later(14 * 60)
    assert stage.dispatches()[0].tries == 0
    stage.later(61)
    stage.settled()
    assert told(stage) == ["Not acknowledged: invoice:paid s0"]
    assert "Nobody acknowledged it in 15 min." in stage.box.taken[0].text
    stage.later(3_600)
    assert len(stage.dispatches()) == 1


def test_one_acknowledgement_calls_it_off(stage: Stage) -> None:
    """Whoever of them it is; it stays in the list, as cancelled."""
    stage.users.add("ann")
    ruled(stage)
    stage.start()
    stage.happen()
    noticed(stage, 2)
    assert stage.of.notices.acknowledge(user="ann") == 1
    (over,) = stage.settled("cancelled")
    assert over.finished_at is not None
    stage.later(3_600)
    stage.happen(1, type="invoice:other")
    stage.settled("pending")
    assert told(stage) == []


def test_an_acknowledgement_that_is_late_changes_nothing(stage: Stage) -> None:
    """What was sent is sent."""
    ruled(stage)
    stage.start()
    stage.happen()
    noticed(stage)
    stage.later(16 * 60)
    stage.settled()
    stage.of.notices.acknowledge()
    assert [one.status for one in stage.dispatches()] == ["sent"]


def test_it_waits_over_restarts_and_counts_for_each_event(stage: Stage) -> None:
    """It is in the store; what is acknowledged of two is called off alone."""
    ruled(stage)
    stage.start()
    stage.happen(2)
    first, _ = noticed(stage, 2)
    stage.settled("pending", 2)
    stage.stop()
    stage.of.notices.acknowledge([first.id])
    stage.start()
    stage.later(16 * 60)
    stage.settled()
    other = next(one for one in noticed(stage, 2) if one.id != first.id)
    assert told(stage) == [f"Not acknowledged: {other.title}"]


def test_a_rule_that_cannot_escalate_is_refused(stage: Stage) -> None:
    """Minutes without a channel, a channel without minutes, nobody who could acknowledge, an unknown channel."""
    chief = stage.of.channels.create("chief", "mail", "chief@example.org").id
    wrong = [
        ({"users": ["*"], "escalate_after": 5}, "escalate_to"),
        ({"users": ["*"], "escalate_to": [chief]}, "escalate_after"),
        ({"escalate_after": 5, "escalate_to": [chief]}, "users"),
        ({"users": ["*"], "escalate_after": 999_999, "escalate_to": [chief]}, "escalate_after"),
    ]
    for values, field in wrong:
        with pytest.raises(InvalidValue) as caught:
            stage.of.rules.create("x", ["*"], **values)  # type: ignore[arg-type]
        assert caught.value.field == field
    with pytest.raises(NotFound):
        stage.of.rules.create("x", ["*"], users=["*"], escalate_after=5, escalate_to=["nothing"])
    rule = ruled(stage)
    with pytest.raises(InvalidValue):
        stage.of.rules.update(rule.id, users=[])
    assert stage.of.rules.update(rule.id, escalate_after=0, escalate_to=[]).escalate_to == ()


def test_rules_and_notices_of_before(stage: Stage) -> None:
    """Documents that know nothing of escalation are read as they were meant."""
    rule = stage.of.rules.create("old", ["invoice:*"], users=["*"])
    old = {name: value for name, value in rule.to_document().items() if not name.startswith("escalate")}
    assert Rule.from_document(old) == rule
    stage.start()
    stage.happen()
    (notice,) = noticed(stage)
    assert Notice.from_document(notice.to_public()) == notice


def test_everybodys_notices(stage: Stage) -> None:
    """An admin sees all of them at once; nobody else does."""
    stage.users.add("ann")
    stage.of.rules.create("invoices", ["invoice:*"], users=["*"])
    stage.start()
    stage.happen(2)
    noticed(stage, 4)
    stage.of.notices.acknowledge(user="ann")
    page = stage.of.notices.list("*", limit=3)
    assert (len(page.notices), page.unread, page.next is not None) == (3, 2, True)
    assert len({one.owner for one in stage.of.notices.list("*").notices}) == 2
    assert len(stage.of.notices.list("*", unread=True).notices) == 2
    for who in (
        Identity(Kind.USER, "u1", "olga", frozenset({Scope.OPERATOR})),
        Identity(Kind.USER, "u2", "ada", frozenset({Scope.ADMIN}), projects=frozenset({"etl"})),
    ):
        with acting_as(who), pytest.raises(AccessDenied):
            stage.of.notices.list("*")
