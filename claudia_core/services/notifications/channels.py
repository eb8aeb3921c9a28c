"""Channels: made, changed, tested; their addresses encrypted in the store and not shown again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from claudia_core.errors import Conflict, InvalidValue, NotFound
from claudia_core.model.ids import new_id
from claudia_core.model.notice import Dispatch
from claudia_core.model.notify_channel import (
    MOST_DIGEST,
    MOST_HOURLY,
    PER_HOUR,
    ChannelKind,
    NotifyChannel,
    require_channel_address,
    require_kind,
)
from claudia_core.model.quiet import require_quiet
from claudia_core.model.rule import Level
from claudia_core.model.values import MAX_NAME, require_text
from claudia_core.ports import Query, Sealer, Store, Transaction

MOST = 200


def require_whole(value: object, field: str, least: int, most: int) -> int:
    """`value` as a whole number within bounds.

    Raises:
        InvalidValue: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidValue(f"{field} is {value!r:.80}", field=field, hint=f"use a number from {least} to {most:,}")
    return value


def require_flag(value: object, field: str) -> bool:
    """`value` as true or false.

    Raises:
        InvalidValue: it is neither.
    """
    if not isinstance(value, bool):
        raise InvalidValue(f"{field} is {value!r:.80}", field=field, hint="use true or false")
    return value


CHANGEABLE: Mapping[str, Callable[[Any], Any]] = {
    "name": lambda value: require_text(value, "name", MAX_NAME),
    "digest": lambda value: require_whole(value, "digest", 0, MOST_DIGEST),
    "quiet": require_quiet,
    "per_hour": lambda value: require_whole(value, "per_hour", 1, MOST_HOURLY),
    "active": lambda value: require_flag(value, "active"),
}


class Channels:
    """Makes and finds channels."""

    def __init__(self, store: Store, sealer: Callable[[], Sealer]) -> None:
        self._store = store
        self._sealer = sealer

    def create(
        self,
        name: str,
        kind: ChannelKind | str,
        address: str,
        *,
        digest: int = 0,
        quiet: str = "",
        per_hour: int = PER_HOUR,
        active: bool = True,
    ) -> NotifyChannel:
        """Make a channel. Its address is encrypted, and not shown again; see `ChannelKind` for what it is.

        Raises:
            InvalidValue, TooLarge: a value breaks a rule; `field` names it.
            NotFound: the webhook endpoint is not there.
            Conflict: there are 200 channels already.
            SettingsError, MissingExtra: there is nothing to encrypt with.
        """
        chosen = require_kind(kind)
        given = {"name": name, "digest": digest, "quiet": quiet, "per_hour": per_hour, "active": active}
        values = {field: CHANGEABLE[field](value) for field, value in given.items()}
        text, shown = require_channel_address(chosen, address)
        id = new_id()
        sealed = self._seal(id, text)

        def work(tx: Transaction) -> NotifyChannel:
            if len(tx.find(Query("channels", limit=MOST)).documents) >= MOST:
                raise Conflict(f"there are {MOST} channels already", hint="delete one")
            told = _require_endpoint(tx, text) if chosen is ChannelKind.WEBHOOK else shown
            made = NotifyChannel(
                id=id, kind=chosen, sealed=sealed, shown=told, created_at=tx.now, updated_at=tx.now, **values
            )
            return _save(tx, made, "notification:channel-created")

        return self._store.write(work).result()

    def update(self, id: str, *, address: str | None = None, **changes: Any) -> NotifyChannel:
        """Change some of `name`, `address`, `digest`, `quiet`, `per_hour`, `active`.

        Raises as `create`, and:
            NotFound: there is no such channel.
        """
        for field in changes:
            if field not in CHANGEABLE:
                hint = ", ".join(("address", *CHANGEABLE))
                raise InvalidValue(f"a channel has no {field!r:.80}", field=field, hint=hint)
        values = {field: CHANGEABLE[field](value) for field, value in changes.items()}
        if address is not None:
            text, shown = require_channel_address(self.get(id).kind, address)
            values |= {"sealed": self._seal(id, text), "shown": shown}

        def work(tx: Transaction) -> NotifyChannel:
            channel = channel_of(tx, id)
            if address is not None and channel.kind is ChannelKind.WEBHOOK:
                values["shown"] = _require_endpoint(tx, address.strip())
            return _save(tx, replace(channel, updated_at=tx.now, **values), "notification:channel-updated")

        return self._store.write(work).result()

    def delete(self, id: str) -> NotifyChannel:
        """Take a channel away; what waits for it is not sent.

        Raises:
            NotFound: there is no such channel.
        """

        def work(tx: Transaction) -> NotifyChannel:
            channel = channel_of(tx, id)
            tx.delete("channels", id)
            tx.emit("notification:channel-deleted", id, {"name": channel.name})
            return channel

        return self._store.write(work).result()

    def get(self, id: str) -> NotifyChannel:
        """One channel.

        Raises:
            NotFound: there is no such channel.
        """
        return channel_of(self._store, id)

    def list(self) -> list[NotifyChannel]:
        """All channels by name."""
        page = self._store.find(Query("channels", order="name_key", limit=MOST))
        return [NotifyChannel.from_document(document) for document in page.documents]

    def test(self, id: str) -> Dispatch:
        """Send a message by one channel, whatever its quiet hours say.

        Raises:
            NotFound: there is no such channel.
            Conflict: it is turned off.
        """
        mark = new_id()

        def work(tx: Transaction) -> Dispatch:
            channel = channel_of(tx, id)
            if not channel.active:
                raise Conflict(f"the channel {channel.name!r} is turned off", hint="turn it on first")
            made = Dispatch(
                id=f"dsp_{mark}",
                target=f"channel:{id}",
                rule_id="",
                level=Level.INFO,
                title="A test of this channel",
                text=f"Claudia can tell people by the channel {channel.name}.",
                event_type="notification:test",
                next_at=tx.now,
                created_at=tx.now,
            )
            tx.put("dispatches", made.to_document())
            tx.emit("notification:queued", id, {"dispatch_id": made.id, "reason": "test"})
            return made

        return self._store.write(work).result()

    def address(self, channel: NotifyChannel) -> str:
        """Where it leads: for whoever sends, and nobody else.

        Raises:
            SettingsError: it cannot be decrypted, or was put there from another channel.
        """
        id, _, text = self._sealer().decrypt(channel.sealed).decode().partition(" ")
        if id != channel.id:
            raise InvalidValue("the channel's address is another channel's", field="address", hint="set it anew")
        return text

    def _seal(self, id: str, text: str) -> str:
        """Encrypted together with the id: who can write the store cannot give one channel another's address."""
        return self._sealer().encrypt(f"{id} {text}".encode())


def channel_of(store: Store | Transaction, id: str) -> NotifyChannel:
    """One channel.

    Raises:
        NotFound: there is no such channel.
    """
    found = store.get("channels", id)
    if found is None:
        raise NotFound(f"no channel {id!r:.80}", field="id")
    return NotifyChannel.from_document(found)


def _require_endpoint(tx: Transaction, id: str) -> str:
    found = tx.get("endpoints", id)
    if found is None:
        raise NotFound(f"no webhook endpoint {id!r:.80}", field="address", hint="make one with POST /api/v1/webhooks")
    return str(found["name"])


def _save(tx: Transaction, channel: NotifyChannel, type: str) -> NotifyChannel:
    tx.put("channels", channel.to_document())
    tx.emit(type, channel.id, {"name": channel.name, "kind": channel.kind.value, "active": channel.active})
    return channel
