"""`/ws`: one client, the channels it subscribed to, and how far it has been written to."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from claudia_core.api.realtime.channels import Channel
from claudia_core.api.realtime.entries import Batch
from claudia_core.api.realtime.frames import SocketView, gap_document
from claudia_core.api.realtime.limits import Limits
from claudia_core.api.realtime.relay import Relay
from claudia_core.api.realtime.wire import Wire
from claudia_core.errors import AccessDenied, Conflict, TooLarge
from claudia_core.model.event import Gap
from claudia_core.model.times import to_text, utc_now


@dataclass
class Lane:
    """A channel that is still behind the others: it is read by itself until it reaches them."""

    view: SocketView
    position: int


class Session:
    """The channels of one socket and a position that they share.

    A channel begins as a lane, at its cursor or at the shared position; when it has caught up it joins the others at
    exactly that sequence. So nothing is missed and nothing comes twice.
    """

    def __init__(
        self,
        wire: Wire,
        relay: Relay,
        limits: Limits,
        authorize: Callable[[str], bool],
        own_name: Callable[[str], Awaitable[str]],
        *,
        reads_all: bool,
    ) -> None:
        self.id = f"client_{secrets.token_urlsafe(12)}"
        self.wire = wire
        self._relay = relay
        self._limits = limits
        self._authorize = authorize
        self._own_name = own_name
        self._reads_all = reads_all
        self._joined: dict[str, Channel] = {}
        self._lanes: dict[str, Lane] = {}
        self._view = self._showing(())
        self._position = self._sent = relay.head
        self._waiter: asyncio.Future[None] | None = None

    def _showing(self, channels: Iterable[Channel]) -> SocketView:
        return SocketView(channels, framed=self.wire.framed, reads_all=self._reads_all)

    # --- what the client asks ------------------------------------------------------------------------------------

    async def subscribe(self, channel: Channel, cursor: str | None) -> None:
        """Begin a channel, at a cursor or now, and tell the client where.

        Raises:
            AccessDenied, Conflict, TooLarge, BadCursor: it is not begun.
        """
        self._require_new(channel.name)
        if channel.name.startswith("user:"):
            channel.subject = await self._own_name(channel.name)
            self._require_new(channel.name)  # others may have come while it was looked up
        start, gap = await self._start(cursor)
        recovered = cursor is not None and gap is None
        answer = {"type": "subscribed", "channel": channel.name, "recovered": recovered}
        lost = {} if gap is None else {"gap": gap_document(gap)}
        await self.wire.say({**answer, "cursor": self._relay.cursor(start), **lost})
        self._lanes[channel.name] = Lane(self._showing((channel,)), start)
        self._wake()

    def _require_new(self, name: str) -> None:
        if name in self._joined or name in self._lanes:
            raise Conflict(f"already subscribed to {name}", field="channel", hint="unsubscribe first")
        if len(self._joined) + len(self._lanes) >= self._limits.subscriptions:
            most = self._limits.subscriptions
            raise TooLarge(f"over the limit of {most} channels", field="channel", hint="use events:PATTERN")
        if not self._authorize(name):
            raise AccessDenied(f"not allowed to read {name}", field="channel")

    async def _start(self, cursor: str | None) -> tuple[int, Gap | None]:
        if cursor is not None:
            return await self._relay.resume(cursor)
        return await self._relay.now(), None

    async def unsubscribe(self, name: str) -> None:
        """End a channel; nothing happens when it is not subscribed to."""
        self._lanes.pop(name, None)
        if self._joined.pop(name, None) is not None:
            self._view = self._showing(self._joined.values())
        await self.wire.say({"type": "unsubscribed", "channel": name})

    async def welcome(self) -> None:
        """Say who the client is and where the log stands."""
        now = to_text(utc_now())
        cursor = self._relay.cursor()
        epoch = cursor.rpartition(":")[0]
        await self.wire.say(
            {"type": "connected", "client_id": self.id, "timestamp": now, "epoch": epoch, "cursor": cursor}
        )

    async def pong(self) -> None:
        """Answer a ping, with the cursor up to which everything has been sent."""
        sent = min((self._sent, *(lane.position for lane in self._lanes.values())))
        await self.wire.say({"type": "pong", "timestamp": to_text(utc_now()), "cursor": self._relay.cursor(sent)})

    # --- what the client gets ------------------------------------------------------------------------------------

    async def write(self) -> None:
        """Write to the client what its channels show, for as long as it is there.

        Raises:
            StoreError: the log could not be read.
            OSError: the client is gone.
        """
        while True:
            is_busy = await self._catch_up()
            is_busy = await self._advance() or is_busy
            if not is_busy:
                self._waiter = self._relay.waiter(self._take)
                await self._waiter
            elif self._position < self._relay.head:
                await asyncio.sleep(0)  # a long way to go: let the others have their turn

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _take(self) -> bool:
        """Write the news without a task switch; False where that is not possible, so that `write` does it."""
        if self._lanes:
            return False
        batch = self._relay.recent(self._view, self._position)
        if batch is None or batch.position != self._relay.head or not self.wire.write_now(batch.data):
            return False
        self._position = self._sent = batch.position
        return True

    async def _catch_up(self) -> bool:
        """Write one batch of every lane; True when there was one."""
        if not self._lanes:
            return False
        is_busy = False
        for name, lane in list(self._lanes.items()):
            if lane.position < self._position:
                await self._write_lane(name, lane)
                is_busy = True
            if lane.position == self._position and self._lanes.get(name) is lane:
                self._join(name, lane)
        return is_busy

    async def _write_lane(self, name: str, lane: Lane) -> None:
        subject = lane.view.channels[0].subject
        batch = await self._relay.read(lane.view, lane.position, self._position, subject)
        if self._lanes.get(name) is lane:
            await self._send(lane.view, batch)
            lane.position = batch.position

    def _join(self, name: str, lane: Lane) -> None:
        del self._lanes[name]
        self._joined[name] = lane.view.channels[0]
        self._view = self._showing(self._joined.values())

    async def _advance(self) -> bool:
        """Write one batch of the channels that have joined; False at the head."""
        if self._position >= self._relay.head:
            return False
        if not self._joined:
            self._position = self._sent = self._relay.head
            return True
        view = self._view
        batch = await self._relay.read(view, self._position)
        if view is not self._view:
            return True
        self._position = batch.position
        await self._send(view, batch)
        self._sent = self._position
        return True

    async def _send(self, view: SocketView, batch: Batch) -> None:
        if batch.gap is not None:
            await self._tell_gap(view, batch.gap)
        if batch.parts:
            await self.wire.send_batch(batch)

    async def _tell_gap(self, view: SocketView, gap: Gap) -> None:
        cursor = self._relay.cursor(gap.last)
        for channel in view.channels:
            await self.wire.say({"type": "gap", "channel": channel.name, **gap_document(gap), "cursor": cursor})
