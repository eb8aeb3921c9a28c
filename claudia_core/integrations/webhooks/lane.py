"""One endpoint's way out: its deliveries, several at a time or strictly in order, at its own pace."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Any

from claudia_core.errors import ClaudiaError, IntegrationError, StoreClosed
from claudia_core.integrations.webhooks.attempts import Attempts
from claudia_core.logs import get_logger
from claudia_core.model.delivery import Delivery
from claudia_core.model.webhook import Endpoint
from claudia_core.ports import Store
from claudia_core.resilience.breaker import Circuit
from claudia_core.services.webhooks.deliveries import settle, waiting

log = get_logger(__name__)

AT_ONCE = 20
"""Posts to one endpoint at a time."""

BATCH = 200
"""Deliveries read at once; their outcomes are durable before the next are read."""

BREATH = 0.05
"""Seconds until a host that is left alone is looked at again."""

LOOK = 0.5
"""Seconds between two looks at whether a time has come or this process may send."""


class Lane:
    """Sends what waits for one endpoint; each endpoint has its own, so that none waits for another.

    Args:
        endpoint: where to; `update` gives it anew when it was changed.
        store: where deliveries are.
        attempts: makes the attempts.
        may_send: whether this process is the one that sends.
        now: the clock.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        store: Store,
        attempts: Attempts,
        may_send: Callable[[], bool],
        now: Callable[[], datetime],
    ) -> None:
        self._endpoint = endpoint
        self._store = store
        self._attempts = attempts
        self._may_send = may_send
        self._now = now
        self._news = asyncio.Event()
        self._due_at: datetime | None = now()
        self._not_before = now()

    def update(self, endpoint: Endpoint) -> None:
        """The endpoint as it is now."""
        self._endpoint = endpoint
        self.wake()

    def wake(self) -> None:
        """There may be something to send."""
        self._due_at = self._now()
        self._news.set()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            try:
                if not self._is_time():
                    await self._rest()
                    continue
                await self._send_batch()
            except StoreClosed:
                return
            except ClaudiaError as error:
                log.warning("webhooks wait for the store", endpoint=self._endpoint.id, error=str(error))
                await asyncio.sleep(LOOK)

    def _is_time(self) -> bool:
        if not self._may_send() or not self._endpoint.active:
            return False
        now = self._now()
        if self._due_at is None or self._due_at > now or self._not_before > now:
            return False
        return self._attempts.host(self._endpoint).breaker.retry_after <= 0

    async def _rest(self) -> None:
        """Until there is news, or for a short while: times are those of a clock that may be moved."""
        self._news.clear()
        try:
            async with asyncio.timeout(LOOK):
                await self._news.wait()
        except TimeoutError:
            return

    async def _send_batch(self) -> None:
        self._news.clear()
        found = await asyncio.to_thread(waiting, self._store, self._endpoint, BATCH)
        now = self._now()
        due: deque[Delivery] = deque()
        for delivery in found:
            if delivery.next_at is not None and delivery.next_at > now:
                break
            due.append(delivery)
        if not due:
            if not self._news.is_set():
                self._due_at = found[0].next_at if found else None
            return
        await self._send(due)

    async def _send(self, due: deque[Delivery]) -> None:
        is_careful = self._endpoint.ordered or self._attempts.host(self._endpoint).breaker.circuit is not Circuit.CLOSED
        saved: list[Future[Any]] = []
        workers = [self._work(due, saved) for _ in range(1 if is_careful else min(AT_ONCE, len(due)))]
        try:
            await asyncio.gather(*workers)
        finally:
            if saved:
                await asyncio.gather(*map(asyncio.wrap_future, saved))

    async def _work(self, due: deque[Delivery], saved: list[Future[Any]]) -> None:
        while due and self._may_send() and self._not_before <= self._now():
            delivery = due.popleft()
            try:
                outcome, asked = await self._attempts.make(self._endpoint, delivery)
            except IntegrationError:  # the host is left alone: no attempt was made, and what is due stays due
                due.clear()
                await asyncio.sleep(BREATH)
                return
            saved.append(self._store.write(lambda tx, id=delivery.id, outcome=outcome: settle(tx, id, outcome)))  # type: ignore[misc]
            if asked:
                self._not_before = self._now() + timedelta(seconds=min(asked, 86_400.0))
            if outcome.gone or (self._endpoint.ordered and not outcome.is_success):
                due.clear()
