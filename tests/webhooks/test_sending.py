"""Webhooks out against real receivers: that fail, hang, redirect, ask for patience, go away; over restarts and days."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from claudia_core.errors import StoreUnavailable
from claudia_core.integrations.addresses import Allowed
from claudia_core.integrations.outgoing import Poster
from claudia_core.integrations.webhooks.lane import Lane
from claudia_core.integrations.webhooks.schedule import PAUSES, Schedule
from claudia_core.integrations.webhooks.sender import WebhookSender
from claudia_core.model.delivery import Delivery, DeliveryStatus
from claudia_core.model.webhook import Endpoint
from claudia_core.ports import Store
from claudia_core.resilience.integrations import Integrations
from claudia_core.services.events import Events, NewEvent
from claudia_core.services.webhooks.service import Webhooks
from claudia_core.stores.memory import MemoryStore
from claudia_core.testing.clock import FakeClock
from claudia_core.testing.waiting import eventually
from tests.webhooks.receiver import Message, Receiver, receiving

HERE = Allowed(["127.0.0.0/8"])


@dataclass
class Stage:
    """A store whose time is moved, and a sender on it."""

    store: Store
    clock: FakeClock
    sender: WebhookSender | None = None

    @property
    def webhooks(self) -> Webhooks:
        return Webhooks(self.store)

    def start(self, **options: Any) -> WebhookSender:
        options = {"allowed": HERE, "lease": 5.0, "schedule": Schedule(jitter=0.0), "now": self.clock.now} | options
        self.sender = WebhookSender(self.store, Integrations(), **options)
        eventually(lambda: self.sender is not None and self.sender.is_sending)
        return self.sender

    def stop(self) -> None:
        if self.sender is not None:
            self.sender.stop()
            self.sender = None

    def happen(self, number: int = 1, type: str = "invoice:paid", **data: Any) -> None:
        Events(self.store).append([NewEvent(type, str(n), {"n": n, **data}) for n in range(number)])

    def later(self, seconds: float) -> None:
        self.clock.move(seconds)
        assert self.sender is not None
        self.sender.wake()

    def deliveries(self, endpoint: Endpoint) -> list[Delivery]:
        return self.webhooks.deliveries(endpoint.id, limit=1_000).deliveries

    def settled(self, endpoint: Endpoint, check: Callable[[Delivery], bool], number: int = 1) -> list[Delivery]:
        eventually(lambda: sum(map(check, self.deliveries(endpoint))) == number)
        return self.deliveries(endpoint)


@pytest.fixture
def stage() -> Iterator[Stage]:
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    made = Stage(store, clock)
    yield made
    made.stop()
    store.close()


def is_delivered(delivery: Delivery) -> bool:
    return delivery.status is DeliveryStatus.DELIVERED


def tried(times: int) -> Callable[[Delivery], bool]:
    return lambda delivery: delivery.tries == times


def failing(status: int, times: int = 1_000, **headers: str) -> Callable[[Message, int], Any]:
    """Answers so often with a status, then with 204."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda message, number: (status, told, b"no") if number < times else (204, {}, b"")


@contextmanager
def told_to(stage: Stage, answer: Any = None, **values: Any) -> Iterator[tuple[Receiver, Endpoint]]:
    """A receiver and the endpoint that leads to it, with the sender at work."""
    with receiving(answer) as receiver:
        endpoint, _ = stage.webhooks.create(receiver.url + "/hook", ["invoice:*"], **values)
        if stage.sender is None:
            stage.start()
        yield receiver, endpoint


def test_an_event_arrives_signed(stage: Stage) -> None:
    """The receiver gets the event as JSON, with a signature that the reference library accepts."""
    with receiving() as receiver:
        endpoint, secret = stage.webhooks.create(receiver.url, ["invoice:*"], headers={"X-Team": "blue"})
        stage.start()
        stage.happen()
        stage.happen(type="other:thing")
        (delivery,) = stage.settled(endpoint, is_delivered)
        (message,) = receiver.messages
    assert json.loads(message.body)["type"] == "invoice:paid"
    assert message.headers["x-team"] == "blue"
    assert message.id == delivery.id
    assert (delivery.attempts[0].status, delivery.attempts[0].error) == (204, "")
    # The library compares with the machine's clock; ours stands still in the past.
    signed = Webhook(secret).sign(message.id, stage.clock.now(), message.body.decode())
    assert signed in message.headers["webhook-signature"].split(" ")
    types = [event.type for event in stage.store.events(0).events]
    assert types.count("webhook:delivered") == 1
    assert secret not in str(stage.store.events(0).events)


def test_filters_choose(stage: Stage) -> None:
    """Only events whose values are wanted are told; deliveries themselves are not, whatever the pattern."""
    with receiving() as receiver:
        endpoint, _ = stage.webhooks.create(receiver.url, ["*"], filter={"data.n": [1, 3], "type": "invoice:paid"})
        everything, _ = stage.webhooks.create(receiver.url + "/all", ["*"])
        stage.start()
        stage.happen(5)
        stage.settled(everything, is_delivered, 5)
        stage.settled(endpoint, is_delivered, 2)
        told = sorted(json.loads(m.body)["data"]["n"] for m in receiver.messages if m.path == "/")
    assert told == [1, 3]
    assert len(stage.deliveries(everything)) == 5


def test_retries_go_over_days_and_end(stage: Stage) -> None:
    """Each failure is tried again after a longer pause, nothing before its time; in the end it is given up, with an
    event, and what was sent is the same bytes each time."""
    with told_to(stage, failing(400)) as (receiver, endpoint):
        stage.happen()
        for number, pause in enumerate(PAUSES, start=1):
            (delivery,) = stage.settled(endpoint, tried(number))
            assert delivery.next_at == stage.clock.now() + timedelta(seconds=pause)
            stage.later(pause - 1)
            stage.later(1.0)
        (delivery,) = stage.settled(endpoint, lambda found: found.status is DeliveryStatus.FAILED)
        assert len({(message.id, message.body) for message in receiver.messages}) == 1
        assert len(receiver.messages) == len(PAUSES) + 1
    assert {attempt.status for attempt in delivery.attempts} == {400}
    assert delivery.attempts[0].response == "no"
    assert "webhook:failed" in [event.type for event in stage.store.events(0).events]
    assert sum(PAUSES) > 3 * 86_400


def test_jitter_spreads_retries() -> None:
    """Two deliveries that fail together do not come back together; never earlier than the plain pause."""
    clock = FakeClock()
    plain = clock.now() + timedelta(seconds=PAUSES[0])
    found = {Schedule().next(1, clock.now()) for _ in range(50)}
    assert len(found) > 40
    assert all(moment is not None and plain <= moment <= plain + timedelta(seconds=PAUSES[0] * 0.2) for moment in found)


def test_a_restart_forgets_nothing(stage: Stage) -> None:
    """A server that stops in the middle of the schedule: the next one goes on at the right time, with the same id."""
    with told_to(stage, failing(503, 1)) as (receiver, endpoint):
        stage.happen()
        stage.settled(endpoint, tried(1))
        stage.stop()
        stage.happen()
        stage.start()
        stage.settled(endpoint, is_delivered, 1)  # what happened meanwhile
        assert len(receiver.messages) == 2
        stage.later(PAUSES[0])
        stage.settled(endpoint, is_delivered, 2)
        assert receiver.ids[0] == receiver.ids[2]
        assert len(receiver.messages) == 3


def test_a_receiver_may_ask_for_patience(stage: Stage) -> None:
    """Retry-After is honoured, also for the other deliveries to the same endpoint."""
    with told_to(stage, failing(429, 1, retry_after="3600")) as (receiver, endpoint):
        stage.happen()
        (delivery,) = stage.settled(endpoint, tried(1))
        assert delivery.next_at == stage.clock.now() + timedelta(seconds=3_600)
        stage.happen()
        stage.later(3_590)
        eventually(lambda: len(stage.deliveries(endpoint)) == 2)
        assert len(receiver.messages) == 1
        stage.later(10)
        stage.settled(endpoint, is_delivered, 2)


def test_gone_is_gone(stage: Stage) -> None:
    """410 turns the endpoint off at once, with an event that says why; nothing more is sent."""
    with told_to(stage, failing(410)) as (receiver, endpoint):
        stage.happen()
        eventually(lambda: not stage.webhooks.get(endpoint.id).active)
        assert "410" in stage.webhooks.get(endpoint.id).disabled_reason
        stage.happen(3)
        stage.later(86_400)
        assert [d.status for d in stage.deliveries(endpoint)] == [DeliveryStatus.FAILED]
        assert len(receiver.messages) == 1
    (alert,) = [event for event in stage.store.events(0).events if event.type == "webhook:disabled"]
    assert alert.data["name"] == endpoint.name


def test_days_of_failure_turn_an_endpoint_off(stage: Stage) -> None:
    """Five days without a success: off, with an event. Turned on again, what waits arrives, and it is well."""
    stage.start(schedule=Schedule(pauses=[43_200.0] * 20, jitter=0.0))
    with told_to(stage, failing(400)) as (receiver, endpoint):
        stage.happen()
        for number in range(1, 11):
            stage.settled(endpoint, tried(number))
            assert stage.webhooks.get(endpoint.id).active
            stage.later(43_200)
        stage.settled(endpoint, tried(11))
        assert "5 days" in stage.webhooks.get(endpoint.id).disabled_reason
        stage.later(43_200)
        assert len(receiver.messages) == 11
        receiver.answer = failing(200, 0)
        stage.webhooks.update(endpoint.id, active=True)
        stage.settled(endpoint, is_delivered)
        found = stage.webhooks.get(endpoint.id)
    assert (found.disabled_reason, found.failing_since) == ("", None)


@pytest.mark.parametrize(("status", "word"), [(302, "redirects"), (500, "HTTP 500"), (0, "")])
def test_what_is_no_yes_is_a_failure(stage: Stage, status: int, word: str) -> None:
    """A redirect is not followed, a 500 is one, a connection that closes early is one; each is kept with its words."""
    with told_to(stage, failing(status, location="http://127.0.0.1:1/")) as (receiver, endpoint):
        stage.happen()
        (delivery,) = stage.settled(endpoint, tried(1))
        assert len(receiver.messages) == 1
    assert word in delivery.attempts[0].error
    assert delivery.attempts[0].error
    assert delivery.attempts[0].status == (status or None)


def test_private_addresses_are_not_called(stage: Stage) -> None:
    """Without permission an endpoint on this machine gets nothing, and its delivery says why."""
    stage.start(allowed=Allowed())
    with told_to(stage) as (receiver, endpoint):
        stage.happen()
        (delivery,) = stage.settled(endpoint, tried(1))
        assert receiver.messages == []
    assert "private network" in delivery.attempts[0].error


def test_in_order_means_in_order(stage: Stage) -> None:
    """An ordered endpoint gets nothing else while one event fails; then all of them, in the log's order."""
    with told_to(stage, failing(400, 1), ordered=True) as (receiver, endpoint):
        stage.happen(10)
        stage.settled(endpoint, tried(1))
        assert len(receiver.messages) == 1
        stage.later(PAUSES[0])
        stage.settled(endpoint, is_delivered, 10)
        numbers = [json.loads(message.body)["data"]["n"] for message in receiver.messages]
    assert numbers == [0, *range(10)]


def test_a_dead_endpoint_delays_nobody(stage: Stage) -> None:
    """With one receiver that hangs and one that is down, a third gets everything at once."""
    with receiving() as slow, receiving() as good:
        slow.answer = slow.hang
        for url in (slow.url, "http://127.0.0.1:1", good.url):
            endpoint, _ = stage.webhooks.create(url, ["invoice:*"])
        stage.start()
        stage.happen(100)
        stage.settled(endpoint, is_delivered, 100)
        assert len(good.messages) == 100


def test_a_host_that_is_down_is_left_alone(stage: Stage) -> None:
    """After some failures in a row the circuit opens: the other deliveries wait without losing an attempt."""
    with told_to(stage, failing(503)) as (receiver, endpoint):
        stage.happen(100)
        eventually(lambda: len(stage.deliveries(endpoint)) == 100)
        eventually(lambda: sum(d.tries for d in stage.deliveries(endpoint)) >= 5)
        stage.later(0)
        assert len(receiver.messages) <= 25
        assert max(d.tries for d in stage.deliveries(endpoint)) == 1


def test_a_secret_can_be_changed_without_a_gap(stage: Stage) -> None:
    """For a day both secrets sign; then only the new one."""
    with receiving() as receiver:
        endpoint, old = stage.webhooks.create(receiver.url, ["invoice:*"])
        _, new = stage.webhooks.rotate(endpoint.id, hours=24)
        stage.start()
        stage.happen()
        stage.settled(endpoint, is_delivered)
        stage.later(86_401)
        stage.happen()
        stage.settled(endpoint, is_delivered, 2)
        signed = [message.headers["webhook-signature"].split(" ") for message in receiver.messages]
        first, second = receiver.messages
    now = stage.clock.now()
    before = now - timedelta(seconds=86_401)
    assert signed[0] == [Webhook(s).sign(first.id, before, first.body.decode()) for s in (new, old)]
    assert signed[1] == [Webhook(new).sign(second.id, now, second.body.decode())]


def test_send_again(stage: Stage) -> None:
    """One delivery, or all that failed since a moment, goes out again under its own id; a test goes to one endpoint."""
    with told_to(stage, failing(410)) as (receiver, endpoint):
        stage.happen()
        eventually(lambda: not stage.webhooks.get(endpoint.id).active)
        receiver.answer = failing(200, 0)
        stage.webhooks.update(endpoint.id, active=True)
        assert stage.webhooks.redrive_failed(endpoint.id, since=stage.clock.now() + timedelta(hours=1)) == 0
        assert stage.webhooks.redrive_failed(endpoint.id, since=stage.clock.now() - timedelta(hours=1)) == 1
        (delivery,) = stage.settled(endpoint, is_delivered)
        stage.webhooks.redrive(delivery.id)
        eventually(lambda: len(receiver.messages) == 3)
        assert set(receiver.ids) == {delivery.id}
        test = stage.webhooks.test(endpoint.id)
        eventually(lambda: test.id in receiver.ids)
        stage.settled(endpoint, is_delivered, 2)


def test_large_events_are_told_without_data(stage: Stage) -> None:
    """An event over the limit is told by name and says that its data was left out."""
    with told_to(stage) as (receiver, endpoint):
        data = {"x": "y" * 300_000}
        stage.store.write(lambda tx: tx.emit("invoice:large", "1", data)).result()
        stage.settled(endpoint, is_delivered)
        body = json.loads(receiver.messages[0].body)
    assert (body["type"], body["data"], body["dataomitted"]) == ("invoice:large", None, True)


def test_a_fault_in_sending_is_a_failed_attempt(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails in a way that nobody foresaw is tried again as any failure, and does not end the endpoint's lane."""
    post, faults = Poster.post, [RuntimeError("a defect")]

    async def once(self: Poster, *args: Any) -> Any:
        if faults:
            raise faults.pop()
        return await post(self, *args)

    monkeypatch.setattr(Poster, "post", once)
    with told_to(stage) as (receiver, endpoint):
        stage.happen()
        (waits,) = stage.settled(endpoint, tried(1))
        assert (waits.status, waits.attempts[0].error) == (DeliveryStatus.PENDING, "a defect")
        stage.later(6)
        stage.settled(endpoint, is_delivered)
        assert len(receiver.messages) == 1


def test_a_lane_that_ends_begins_anew(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends one endpoint's lane, its deliveries go on after a moment."""
    run, faults = Lane.run, [RuntimeError("a defect")]

    async def once(self: Lane) -> None:
        if faults:
            raise faults.pop()
        await run(self)

    monkeypatch.setattr(Lane, "run", once)
    with told_to(stage) as (_, endpoint):
        stage.happen()
        stage.settled(endpoint, is_delivered)


def test_a_store_that_is_away_is_asked_now_and_then(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the store does not tell the endpoints, what is under way goes on, and nobody asks without a pause."""
    with told_to(stage) as (_, endpoint):
        stage.happen()
        stage.settled(endpoint, is_delivered)
        assert stage.sender is not None
        lanes, asked = dict(stage.sender._lanes), []

        def away(self: Webhooks) -> list[Endpoint]:
            asked.append(time.monotonic())
            raise StoreUnavailable("away")

        with monkeypatch.context() as patched:
            patched.setattr(Webhooks, "list", away)
            stage.sender.wake()
            time.sleep(1.2)
        assert 1 <= len(asked) <= 4
        assert dict(stage.sender._lanes) == lanes
        stage.happen(2)
        stage.settled(endpoint, is_delivered, 3)


def test_deleted_and_pruned(stage: Stage) -> None:
    """What is deleted leaves nothing behind; what ended long ago is pruned, what waits is not."""
    with told_to(stage, failing(400, 1)) as (_, endpoint):
        stage.happen(2)
        stage.settled(endpoint, is_delivered)
        assert stage.webhooks.prune(stage.clock.now() + timedelta(seconds=1)) == 1
        assert [d.status for d in stage.deliveries(endpoint)] == [DeliveryStatus.PENDING]
        stage.webhooks.delete(endpoint.id)
        assert stage.deliveries(endpoint) == []
        assert stage.webhooks.list() == []
