"""Tells people: one process on a store at a time turns events into messages, and sends what is due."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from claudia_core.errors import ClaudiaError, StoreClosed
from claudia_core.integrations.notifications.carriers import Carriers, name_of
from claudia_core.integrations.notifications.outgoing import Outgoing, one, several
from claudia_core.integrations.webhooks.schedule import Schedule
from claudia_core.logs import get_logger
from claudia_core.model.event import Cursor, Event
from claudia_core.model.notice import Dispatch
from claudia_core.model.notify_channel import ChannelKind
from claudia_core.model.times import utc_now
from claudia_core.model.webhook import Endpoint
from claudia_core.ports import Store, Transaction
from claudia_core.resilience.integrations import Integrations
from claudia_core.resilience.retry import Retry
from claudia_core.services.notifications import Notifications
from claudia_core.services.notifications.outgoing import Result, due, settle
from claudia_core.services.notifications.people import preferences_of
from claudia_core.services.notifications.queueing import Directory, queue
from claudia_core.services.webhooks.deliveries import delivery_of
from claudia_core.subscriptions import UNTOUCHED, Subscription

if TYPE_CHECKING:
    from claudia_core.integrations.mail import Mailer

log = get_logger(__name__)

NAME = "notifications"
LOOK = 0.5
"""Seconds between two looks at what is due: times are those of a clock that may be moved."""

AT_ONCE = 8
"""Channels that are told at a time: one that hangs must not hold up the others."""

PAUSES = (10.0, 60.0, 300.0, 1_800.0, 7_200.0, 21_600.0)
"""Seconds behind each failed try; after the last there is one more."""

LEFT_ALONE = 60.0
"""Most seconds for which a channel that failed is left alone as a whole."""


class Notifier:
    """Tells people what rules say, at least once; ends with `stop`.

    A durable subscription notes who is to be told what, in the store; its lease decides which process does that and
    sends. Another takes over when this one ends or dies. What was under way then is sent once more.

    Args:
        store: where events, rules, channels and dispatches are.
        notifications: the services over it.
        integrations: where each channel is guarded and measured as `notify KIND NAME`.
        mailer: gives who carries mail.
        allow: private networks and hosts that may be called.
        base: the hub's own address, for links; empty where it does not know it.
        lease: seconds until another process takes over from one that died.
        schedule: when to try again.
        now: the clock, by which messages are due.
    """

    def __init__(
        self,
        store: Store,
        notifications: Notifications,
        integrations: Integrations,
        mailer: Callable[[], Mailer],
        *,
        allow: Sequence[str] = (),
        base: str = "",
        lease: float = 10.0,
        schedule: Schedule | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._of = notifications
        self._integrations = integrations
        self._carriers = Carriers(mailer, allow, store)
        self._base = base
        self._schedule = schedule or Schedule(PAUSES)
        self._now = now
        self._directory: Directory | None = None
        self._busy: set[str] = set()
        self._left_alone: dict[str, datetime] = {}
        self._news = threading.Event()
        self._stopped = threading.Event()
        self._workers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="claudia-notify")
        self._subscription = Subscription(store, NAME, self._take, lease=lease, batch=True)
        self._thread = threading.Thread(target=self._run, name="claudia-notifications", daemon=True)
        self._thread.start()

    @property
    def is_sending(self) -> bool:
        """Whether this process is the one that sends."""
        return self._subscription.holds

    @property
    def cursor(self) -> Cursor:
        """How far this process has handled the log."""
        return self._subscription.cursor

    def wake(self) -> None:
        """Look at what is due now, also by channels that were left alone."""
        self._left_alone.clear()
        self._news.set()

    def stop(self) -> None:
        """End; what is under way may be sent once more by whoever goes on."""
        self._stopped.set()
        self._news.set()
        self._subscription.stop()
        if self._thread is not threading.current_thread():
            self._thread.join(10.0)
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._carriers.close()

    # --- the subscription's thread ----------------------------------------------------------------------------------

    def _take(self, events: list[Event]) -> object:
        """Note who is to be told; returns when it is durable, or at once where nobody is."""
        if self._directory is None or any(_changes_directory(event.type) for event in events):
            self._directory = self._load()
        rules = self._directory.rules
        if any(event.type == "notification:queued" for event in events):
            self.wake()
        told = [event for event in events if any(rule.wants(event) for rule in rules)]
        if not told:
            return UNTOUCHED
        people = self._of.people.all() if any(rule.users for rule in rules) else []  # accounts are not in the log
        directory = Directory(rules, self._directory.channels, people)
        self._store.write(lambda tx: queue(tx, directory, told)).result()
        self._news.set()
        return None

    def _load(self) -> Directory:
        channels = {channel.id: channel for channel in self._of.channels.list()}
        return Directory([rule for rule in self._of.rules.list() if rule.active], channels, ())

    # --- the thread that looks at what is due -----------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._news.wait(LOOK)
            self._news.clear()
            try:
                if self.is_sending:
                    self._start_due()
            except StoreClosed:
                return
            except ClaudiaError as error:
                log.warning("notifications wait for the store", error=str(error))
            except Exception:  # nobody waits for this thread: without a word, nobody would be told any more
                log.exception("what is due could not be looked at, and is looked at again")
                self._stopped.wait(LOOK)

    def _start_due(self) -> None:
        now = self._now()
        by_target: dict[str, list[Dispatch]] = defaultdict(list)
        for dispatch in due(self._store, now):
            by_target[dispatch.target].append(dispatch)
        for target, dispatches in by_target.items():
            until = self._left_alone.get(target)
            if target in self._busy or (until is not None and until > now):
                continue
            self._busy.add(target)
            self._workers.submit(self._work, target, dispatches)

    # --- a worker's thread ------------------------------------------------------------------------------------------

    def _work(self, target: str, dispatches: Sequence[Dispatch]) -> None:
        try:
            for message in self._messages(dispatches):
                if self._stopped.is_set() or not self.is_sending or not self._tell(target, message):
                    break
            else:
                self._news.set()  # there may be more than was read at once
        except StoreClosed:
            return
        except Exception:  # nobody waits for this thread: without a word, the channel would just be silent
            log.exception("a channel could not be told", target=target)
            self._left_alone[target] = self._now() + timedelta(seconds=LEFT_ALONE)
        finally:
            self._busy.discard(target)

    def _messages(self, dispatches: Sequence[Dispatch]) -> list[Outgoing]:
        """Each by itself, and behind them as one what is told together."""
        together = [dispatch for dispatch in dispatches if dispatch.together]
        made = [one(dispatch, self._base) for dispatch in dispatches if not dispatch.together]
        if together:
            made.append(one(together[0], self._base) if len(together) == 1 else several(together, self._base))
        return made

    def _tell(self, target: str, message: Outgoing) -> bool:
        """Send one message and save what became of it; False where the channel is to be left alone."""
        result = Result()
        try:
            if not self._send(target, message):
                return True  # saved with what was sent
        except (OSError, ClaudiaError) as error:
            result = self._failure(error, message)
            if result.next_at is not None:
                pause = timedelta(seconds=LEFT_ALONE)
                self._left_alone[target] = min(result.next_at, self._now() + pause)
        ids = [dispatch.id for dispatch in message.dispatches]
        self._store.write(lambda tx: settle(tx, ids, result)).result()
        return result.next_at is None

    def _failure(self, error: OSError | ClaudiaError, message: Outgoing) -> Result:
        is_final = isinstance(error, ClaudiaError) and not error.retryable and error.retry_after is None
        asked = error.retry_after if isinstance(error, ClaudiaError) else None
        tries = message.dispatches[0].tries + 1
        again = None if is_final else self._schedule.next(tries, self._now(), asked)
        return Result(str(error) or type(error).__name__, again)

    def _send(self, target: str, message: Outgoing) -> bool:
        """Send; False where the outcome was saved in the same transaction."""
        kind, _, id = target.partition(":")
        if kind == "user":
            preferences = preferences_of(self._store, id)
            self._call("mail", ChannelKind.MAIL, preferences.email, message, name_of(self._store, id))
            return True
        channel = self._of.channels.get(id)
        address = self._of.channels.address(channel)
        if channel.kind is ChannelKind.WEBHOOK:
            self._store.write(lambda tx: _deliver(tx, self._store, address, message)).result()
            return False
        self._call(f"notify {channel.kind.value} {channel.name}"[:100], channel.kind, address, message, channel.name)
        return True

    def _call(self, guard: str, kind: ChannelKind, address: str, message: Outgoing, name: str) -> None:
        if kind is ChannelKind.MAIL:  # guarded as the integration `mail`
            self._carriers.send(kind, address, message, name)
            return
        made = self._integrations.get(guard, timeout=60.0, retry=Retry(attempts=1), errors=(OSError,))
        made.call(lambda: self._carriers.send(kind, address, message, name), "send")


def _changes_directory(type: str) -> bool:
    return type.startswith(("notification:channel", "notification:rule"))


def _deliver(tx: Transaction, store: Store, endpoint_id: str, message: Outgoing) -> None:
    """Put a message on its way to a webhook endpoint, and settle its dispatches, in one transaction."""
    ids = [dispatch.id for dispatch in message.dispatches]
    found = tx.get("endpoints", endpoint_id)
    if found is None or not found["active"]:
        settle(tx, ids, Result("the webhook endpoint is gone or turned off"))
        return
    subject = message.dispatches[0].subject
    event = Event(store.head(), message.id, "notification:sent", subject, tx.now, message.to_document())
    delivery = delivery_of(Endpoint.from_document(found), event, tx.now)
    tx.put("deliveries", delivery.to_document())
    tx.emit("webhook:queued", endpoint_id, {"delivery_id": delivery.id, "reason": "notification"})
    settle(tx, ids, Result())
