"""Webhooks out: one process on a store at a time queues deliveries from the log and sends them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from claudia_core.errors import ClaudiaError, StoreClosed
from claudia_core.integrations.addresses import Allowed
from claudia_core.integrations.outgoing import SECONDS, GuardedAsync, Poster
from claudia_core.integrations.webhooks.attempts import Attempts
from claudia_core.integrations.webhooks.lane import LOOK, Lane
from claudia_core.integrations.webhooks.schedule import Schedule
from claudia_core.logs import get_logger
from claudia_core.model.event import Event
from claudia_core.model.times import utc_now
from claudia_core.model.webhook import NEVER_TOLD, Endpoint
from claudia_core.ports import Store
from claudia_core.resilience.integrations import Integrations
from claudia_core.services.sealing import Safe
from claudia_core.services.webhooks.deliveries import queue
from claudia_core.services.webhooks.service import Webhooks
from claudia_core.subscriptions import UNTOUCHED, Subscription

log = get_logger(__name__)

NAME = "webhooks"


class WebhookSender:
    """Tells events to the endpoints that want them, at least once; ends with `stop`.

    A durable subscription turns events into deliveries, and its lease decides which process does all of it: another
    takes over when this one ends or dies, and goes on with what is due. What was under way then is sent once more,
    under the same `webhook-id`.

    Args:
        store: where events, endpoints and deliveries are.
        integrations: where the receivers' hosts are measured.
        allowed: private addresses that may be called.
        schedule: when to try again.
        lease: seconds until another process takes over from one that died.
        seconds: how long one post may take.
        now: the clock, by which deliveries are due.
        safe: opens secrets of endpoints.
    """

    def __init__(
        self,
        store: Store,
        integrations: Integrations,
        *,
        allowed: Allowed | None = None,
        schedule: Schedule | None = None,
        lease: float = 10.0,
        seconds: float = SECONDS,
        now: Callable[[], datetime] = utc_now,
        safe: Safe | None = None,
    ) -> None:
        self._store = store
        self._safe = safe
        self._webhooks = Webhooks(store)
        self._integrations = integrations
        self._allowed = allowed
        self._schedule = schedule or Schedule()
        self._seconds = seconds
        self._now = now
        self._endpoints: list[Endpoint] | None = None
        self._lanes: dict[str, tuple[Lane, asyncio.Task[None]]] = {}
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        self._stopping = False
        self._subscription = Subscription(store, NAME, self._take, lease=lease, batch=True)
        self._thread = threading.Thread(target=self._run, name="claudia-webhooks", daemon=True)
        self._thread.start()

    @property
    def is_sending(self) -> bool:
        """Whether this process is the one that sends."""
        return self._subscription.holds

    def wake(self) -> None:
        """Look at endpoints and deliveries now."""
        self._tell(self._look_at_all)

    def stop(self) -> None:
        """End: posts that are under way are given up, and sent again by whoever goes on."""
        self._subscription.stop()
        self._stopping = True
        self._tell(self._changed.set)
        if self._thread is not threading.current_thread():
            self._thread.join(10.0)

    # --- the subscription's thread ----------------------------------------------------------------------------------

    def _take(self, events: list[Event]) -> object:
        """Queue what is wanted; returns when it is durable, or at once where nothing is."""
        told = [event for event in events if event.type not in NEVER_TOLD]
        if self._endpoints is None or any(event.type.startswith("webhook:") for event in told):
            self._endpoints = self._webhooks.list()
            self._tell(self._look_at_all)
        endpoints = [endpoint for endpoint in self._endpoints if endpoint.active]
        if not any(endpoint.wants(event) for event in told for endpoint in endpoints):
            return UNTOUCHED
        waited_for = self._store.write(lambda tx: queue(tx, endpoints, told)).result()
        self._tell(self._wake, waited_for)
        return None

    def _tell(self, work: Callable[..., Any], *args: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(work, *args)

    # --- the loop's thread ------------------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._send())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        except StoreClosed:
            return
        except Exception:  # nobody waits for this thread: without a word, webhooks would just end
            log.exception("webhooks are not sent any more")
        finally:
            self._loop.close()

    async def _send(self) -> None:
        poster: Poster | None = None
        was_sending = False
        try:
            while not self._stopping:
                if self.is_sending and (not was_sending or self._changed.is_set()):
                    self._changed.clear()
                    endpoints = await asyncio.to_thread(self._known)
                    if endpoints is None:
                        await asyncio.sleep(LOOK)
                        continue
                    if endpoints and poster is None:
                        poster = Poster(GuardedAsync(self._allowed), seconds=self._seconds)
                    if poster is not None:
                        self._arrange(
                            endpoints, Attempts(poster, self._integrations, self._schedule, self._now, self._safe)
                        )
                was_sending = self.is_sending
                await self._rest()
        finally:
            for _, task in self._lanes.values():
                task.cancel()
            await asyncio.gather(*(task for _, task in self._lanes.values()), return_exceptions=True)
            if poster is not None:
                await poster.close()

    def _known(self) -> list[Endpoint] | None:
        """The endpoints; None while the store does not tell them."""
        try:
            return self._webhooks.list()
        except StoreClosed:
            raise
        except ClaudiaError as error:
            log.warning("webhooks wait for the store", error=str(error))
            self._tell(self._changed.set)
            return None

    def _arrange(self, endpoints: list[Endpoint], attempts: Attempts) -> None:
        """A lane for each endpoint."""
        known = {endpoint.id for endpoint in endpoints}
        for id in [id for id in self._lanes if id not in known]:
            self._lanes.pop(id)[1].cancel()
        for endpoint in endpoints:
            if endpoint.id in self._lanes and not self._lanes[endpoint.id][1].done():
                self._lanes[endpoint.id][0].update(endpoint)
            else:
                lane = Lane(endpoint, self._store, attempts, lambda: self.is_sending, self._now)
                self._lanes[endpoint.id] = (lane, asyncio.create_task(lane.run()))
                self._lanes[endpoint.id][1].add_done_callback(self._end_of_lane)

    def _end_of_lane(self, task: asyncio.Task[None]) -> None:
        """A lane that ends by itself begins anew at the next look."""
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("an endpoint's lane ended, and begins anew", exc_info=error)
            self._loop.call_later(LOOK, self._changed.set)

    def _look_at_all(self) -> None:
        self._changed.set()
        self._wake(set(self._lanes))

    def _wake(self, ids: set[str]) -> None:
        for id in ids & set(self._lanes):
            self._lanes[id][0].wake()
        if ids - set(self._lanes):
            self._changed.set()

    async def _rest(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK):
                await self._changed.wait()
