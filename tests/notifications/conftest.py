"""Notifications on a store whose time is moved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from claudia_core.integrations.mail import Mailer, Message
from claudia_core.integrations.notifications import Notifier
from claudia_core.integrations.oauth.keyring import Keyring
from claudia_core.integrations.webhooks.schedule import Schedule
from claudia_core.model.notice import Dispatch, DispatchStatus
from claudia_core.model.notify_channel import NotifyChannel
from claudia_core.resilience.integration import Guards, Integration
from claudia_core.resilience.integrations import Integrations
from claudia_core.resilience.retry import Retry
from claudia_core.services.access.users import Users
from claudia_core.services.events import Events, NewEvent
from claudia_core.services.notifications import Notifications
from claudia_core.stores.memory import MemoryStore
from claudia_core.testing.clock import FakeClock
from claudia_core.testing.waiting import eventually


class Letterbox:
    """A carrier of mail that keeps it; `failures` are raised first."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.failures: list[Exception] = []

    def send(self, message: Message) -> str:
        """See `Carrier.send`."""
        if self.failures:
            raise self.failures.pop(0)
        self.taken.append(message)
        return "id"


class Stage:
    """A store, its services, and a notifier on it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(clock=self.clock)
        keyring = Keyring.new()
        self.of = Notifications(self.store, lambda: keyring)
        self.users = Users(self.store)
        self.box = Letterbox()
        guards = Guards(retry=Retry(attempts=1))
        self.mailer = Mailer(self.box, "hub@example.org", Integration("mail", guards))
        self.notifier: Notifier | None = None

    def start(self, **options: Any) -> Notifier:
        """Send from now on; returns when this process does."""
        options = {"allow": ("127.0.0.0/8",), "lease": 5.0, "schedule": Schedule((10.0, 60.0), jitter=0.0)} | options
        made = Notifier(self.store, self.of, Integrations(), lambda: self.mailer, now=self.clock.now, **options)
        self.notifier = made
        eventually(lambda: made.is_sending)
        return made

    def stop(self) -> None:
        """Send no more."""
        if self.notifier is not None:
            self.notifier.stop()
            self.notifier = None

    def happen(self, number: int = 1, type: str = "invoice:paid", **data: Any) -> None:
        """Custom events."""
        Events(self.store).append([NewEvent(type, f"s{n}", {"n": n, **data}) for n in range(number)])

    def emit(self, type: str, subject: str, data: dict[str, Any]) -> None:
        """An event as a service would emit it."""
        self.store.write(lambda tx: tx.emit(type, subject, data)).result()

    def later(self, seconds: float) -> None:
        """Move the time on."""
        self.clock.move(seconds)
        assert self.notifier is not None
        self.notifier.wake()

    def channel(self, kind: str = "mail", address: str = "ops@example.org", **values: Any) -> NotifyChannel:
        """A channel, and a rule that tells it about invoices."""
        made = self.of.channels.create("ops", kind, address, **values)
        self.of.rules.create("invoices", ["invoice:*"], channels=[made.id])
        return made

    def dispatches(self, **asked: Any) -> list[Dispatch]:
        """All dispatches, the newest first."""
        return self.of.dispatches.list(limit=1_000, **asked).dispatches

    def settled(self, status: str = "sent", number: int = 1) -> list[Dispatch]:
        """So many dispatches of a status, when there are."""
        eventually(lambda: len(self.dispatches(status=DispatchStatus(status))) == number)
        return self.dispatches(status=DispatchStatus(status))


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.stop()
    made.store.close()
